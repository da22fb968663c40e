"""The failures of disk_failure.py, which see, once each; it puts many together by hand."""

import warnings

import pytest

from tests.crash import disk_failure, failing_disk


@pytest.fixture(scope="module", autouse=True)
def _a_disk_can_fail():
    if reason := failing_disk.why_not_here():
        reason = f"NOT TESTED, no disk can fail here: {reason}"
        warnings.warn(reason)  # shown where the reason of a skip is not
        pytest.skip(reason)


@pytest.mark.parametrize("gives_room_back", (False, True))
@pytest.mark.parametrize("death, fsync_interval", [("never", "100ms"), ("while it fails", "0"), ("when it is healed", "0")])
def test_what_is_acknowledged_outlives_a_failing_disk_and_a_power_cut(tmp_path, death, fsync_interval, gives_room_back):
    witness = disk_failure.store_sees_it if gives_room_back else disk_failure.journal_sees_it
    disk_failure.run(tmp_path, [witness], death, fsync_interval, gives_room_back)
