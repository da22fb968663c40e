"""A full disk under file systems that write what is changed to another place."""

import contextlib
import shutil
import subprocess
import warnings

import pytest

from tests.crash import disk as disk_module
from tests.support import mqtt_client
from tests.support.broker import Broker
from tests.support.events import event
from tests.support.store import Store

JOURNAL_BYTES = 256 << 10


@pytest.fixture(params=["btrfs", "xfs"])
def disk(request, tmp_path):
    disk = disk_module.Disk(tmp_path / "disk", 320 << 20, kind=request.param)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(disk)
        except OSError as error:
            reason = f"NOT TESTED, no {request.param} here: {error}"
            warnings.warn(reason)
            pytest.skip(reason)
        yield disk


def fill(disk):
    with open(disk.path / "ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(1 << 16))


def copied_by_reflink(data_dir):
    old = data_dir.rename(data_dir.with_name("old"))
    data_dir.mkdir()
    # Without it btrfs makes no such copy of what has it; XFS does not know it.
    subprocess.run(["chattr", "+C", data_dir], capture_output=True)
    subprocess.run(["cp", "-a", "--reflink=always", *old.iterdir(), data_dir], check=True)
    shutil.rmtree(old)


def made_by_who_knew_no_better(data_dir):
    """Its files and it are as the file system makes them by itself."""
    old = data_dir.rename(data_dir.with_name("old"))
    data_dir.mkdir()
    for path in old.iterdir():
        (data_dir / path.name).write_bytes(path.read_bytes())


@pytest.mark.parametrize("before", [None, copied_by_reflink, made_by_who_knew_no_better],
                         ids=["new", "reflink", "plain copy"])
def test_a_full_disk_refuses_events_and_does_not_end_the_broker(disk, before):
    broker = Broker(disk.path / "broker", options={"journal_size": "256K"})
    try:
        broker.start()
        publisher = broker.connect()
        for number in range(20):
            publisher.publish("t", event(str(number)))
        if before:
            broker.terminate()
            before(broker.data_dir)
            broker.start()
            publisher = broker.connect()
        fill(disk)
        acknowledged = [str(number) for number in range(20)]
        with pytest.raises(mqtt_client.ConnectionCut):
            for number in range(JOURNAL_BYTES // 3000 + 1):
                publisher.publish("t", event(f"full-{number}", payload="x" * 3000))
                acknowledged.append(f"full-{number}")
        assert len(acknowledged) > 80  # nearly all of the journal's room was there
        (disk.path / "ballast").unlink()
        Store(broker).wait_ids(acknowledged)
        broker.terminate()
    finally:
        if broker.is_running():
            broker.kill()
