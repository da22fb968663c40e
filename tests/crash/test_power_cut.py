"""A few cuts of power_cut.py, which see, for each fsync_interval; it makes thousands by hand."""

import os
import random
import time
import warnings

import pytest

from tests.crash import disk
from tests.crash import power_cut
from tests.crash.harness import CrashBroker, RowFeed, wait_until


@pytest.fixture(scope="module", autouse=True)
def _power_can_be_cut():
    if reason := disk.why_not_here():
        reason = f"NOT TESTED, the power cannot be cut here: {reason}"
        warnings.warn(reason)  # shown where the reason of a skip is not
        pytest.skip(reason)


@pytest.mark.parametrize("fsync_interval", power_cut.INTERVALS_S)
def test_a_power_cut_takes_at_most_what_fsync_interval_allows(fsync_interval):
    seed = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(1_000_000))
    totals = power_cut.run(3, seed, (fsync_interval,))
    print(power_cut.table(totals))
    assert totals["lost"] == 0
    assert totals["cuts"] == 3
    # A check that watched nothing would pass, too.
    assert totals["events"] > 30 and totals["published again"] > 30


def test_a_cut_right_behind_the_start_that_followed_a_kill(tmp_path):
    """What a killed process left in the kernel's cache is whole for the next one to read, and not yet on the disk."""
    ids = [f"id-{number}" for number in range(50)]
    with disk.Disk(tmp_path / "data") as power:
        broker = CrashBroker(tmp_path)
        try:
            broker.start()
            publisher = broker.connect()
            for event_id in ids:
                publisher.publish("t", f'{{"event_id": "{event_id}"}}'.encode(), qos=1)
            # Stored, so that the next start finds nothing to do; and longer than fsync_interval.
            wait_until(lambda: [row[2] for row in RowFeed(broker).new_rows()] == ids, "all are stored")
            time.sleep(0.5)
            broker.kill_and_restart()
            power.cut_power()
            broker.kill()
            power.power_on()
            broker.start()
            assert [row[2] for row in RowFeed(broker).new_rows()] == ids
        finally:
            if broker.is_running():
                broker.kill()
