"""Promise P4 on disks that are full, that fail, or that others hold: what cannot be stored is not acknowledged, all
else goes on, the health turns bad, and good again by itself."""

import contextlib
import os
import pathlib
import sqlite3
import tempfile
import time

import pytest

from tests.support import native
from tests.support.broker import LIMITS, wait_until
from tests.support.disk import SmallDisk
from tests.support.events import event, event_id_of
from tests.support.fault_shim import DISK_FAULTS, START_FAULTS, FaultShim
from tests.support.load import Load
from tests.support.mqtt_client import ConnectionCut
from tests.support.observer import Observer
from tests.support.store import Store

QUIET = ("error", "warning", "notice", "information")
TERSE = {"log_types": QUIET, "config": "connection_messages false\n" + LIMITS}
LOCKED_S = 30
RECOVERY_S = 30  # generous; it takes some seconds


def refused(broker, event_id="refused"):
    """Whether the broker cuts the connection in place of an acknowledgement."""
    try:
        broker.connect().publish("other", event(event_id))
        return False
    except ConnectionCut:
        return True


def assert_all_else_flows(broker, known_id=None):
    """What is no event is delivered, and a duplicate is acknowledged."""
    observer = Observer(broker, "plain")
    broker.connect().publish("plain", b"no event", qos=2)
    assert observer.payloads() == [b"no event"]
    if known_id:
        broker.connect().publish("t", event(known_id))


def assert_nothing_is_lost(broker, observer, load):
    """What was acknowledged was delivered once, is stored once, and is known for ever."""
    delivered = [event_id_of(payload) for payload in observer.payloads()]
    assert delivered[:len(load.acknowledged)] == load.acknowledged
    assert len(set(delivered)) == len(delivered)
    store = Store(broker)
    wait_until(lambda: store.count() >= len(delivered), "all is stored", RECOVERY_S)
    assert store.ids("t") == delivered
    broker.settle()
    broker.kill_and_restart()
    observer, publisher = Observer(broker, "t"), broker.connect()
    for event_id in load.acknowledged:
        publisher.publish("t", event(event_id))
    assert observer.payloads() == []


def wait_unhealthy(sidecar, why):
    def says_so():
        response = sidecar.get("/healthz")
        return response.status == 503 and why in response.detail
    wait_until(says_so, f"the sidecar's health says {why!r}", RECOVERY_S)


def wait_growth(load, count=100):
    before = len(load.acknowledged)
    wait_until(lambda: len(load.acknowledged) >= before + count, f"{count} more are acknowledged", RECOVERY_S)


@contextlib.contextmanager
def locked(database):
    locker = sqlite3.connect(database, isolation_level=None, timeout=5)
    locker.execute("BEGIN IMMEDIATE")
    yield
    locker.execute("ROLLBACK")
    locker.close()


@pytest.fixture
def small_disk():
    with contextlib.ExitStack() as disks:
        def mount(directory, size):
            disk = SmallDisk(directory, size)
            disks.callback(disk.close)
            return disk
        yield mount


@pytest.fixture
def failing_disk(tmp_path):
    return FaultShim(native.build("fault_shim", tmp_path), tmp_path / "shim")


def test_disk_that_fills_up_under_load(park, small_disk):
    broker = park.make_broker(options={"journal_size": "1M"}, **TERSE)
    disk = small_disk(broker.data_dir, "6M")
    sidecar = park.make_sidecar(broker.start()).start()
    observer = Observer(broker, "t")
    with Load(broker) as load:
        wait_until(lambda: load.cuts > 0, "the disk is full", RECOVERY_S)
        wait_unhealthy(sidecar, "cannot store events")
        assert_all_else_flows(broker, load.acknowledged[0])
        assert sidecar.post({"topic": "x", "event_id": "x", "timestamp": "2024-01-02T03:04:05Z",
                             "payload": "x" * 4000}).status == 503
        disk.resize("256M")
        sidecar.wait_healthy()
        wait_growth(load)
        assert sidecar.stats()["refused"] >= load.cuts
    assert_nothing_is_lost(broker, observer, load)
    for line in ("cannot store events", "an event could not be stored", "events are stored again"):
        assert broker.log().count(line) == 1, "said once a minute"


def test_disk_that_fills_up_with_on_store_failure_pass(park, small_disk):
    """Every event is handed on and nobody is cut; what was not stored is counted."""
    broker = park.make_broker(options={"journal_size": "1M", "on_store_failure": "pass"}, **TERSE)
    disk = small_disk(broker.data_dir, "6M")
    sidecar = park.make_sidecar(broker.start()).start()
    observer = Observer(broker, "t")
    with Load(broker) as load:
        wait_unhealthy(sidecar, "cannot store events")
        wait_until(lambda: "handed on without deduplication" in broker.log(), "the journal is full", RECOVERY_S)
        wait_growth(load)
        disk.resize("256M")
        sidecar.wait_healthy()
        wait_growth(load)
    assert load.cuts == 0
    assert [event_id_of(payload) for payload in observer.payloads()] == load.acknowledged
    stats = sidecar.stats()
    assert stats["received"] + stats["unstored"] == len(load.acknowledged)
    Store(broker).wait_count(stats["received"])


def test_disk_that_is_full_at_the_start(park, small_disk):
    broker = park.make_broker(options={"journal_size": "1M"}, **TERSE)
    disk = small_disk(broker.data_dir, "8M")
    disk.fill()
    sidecar = park.make_sidecar(broker.start()).start(connected=False)
    assert "disk is full" in broker.log()
    assert refused(broker)
    wait_unhealthy(sidecar, "disk is full")
    assert_all_else_flows(broker)
    assert sidecar.post({"topic": "t", "event_id": "a", "timestamp": "2024-01-02T03:04:05Z"}).status == 503
    disk.free()
    sidecar.wait_healthy()
    assert not refused(broker)
    assert sidecar.publish({"topic": "t", "event_id": "a", "timestamp": "2024-01-02T03:04:05Z"})["processed"] == ["a"]


@pytest.mark.parametrize("fault", DISK_FAULTS)
def test_disk_that_fails(park, failing_disk, fault):
    broker = park.make_broker(options={"journal_size": "256K"}, **TERSE, **failing_disk.broker_arguments)
    sidecar = park.make_sidecar(broker.start()).start()
    observer = Observer(broker, "t")
    with Load(broker) as load:
        wait_growth(load)
        failing_disk.fail(fault)
        wait_unhealthy(sidecar, "sync its journal" if fault == "journal sync" else "cannot store events")
        wait_until(lambda: load.cuts > 0, "events are refused", RECOVERY_S)
        assert_all_else_flows(broker)
        failing_disk.fail()
        sidecar.wait_healthy()
        wait_growth(load)
    assert_nothing_is_lost(broker, observer, load)
    assert "Input/output error" in broker.log() or "disk I/O error" in broker.log()


@pytest.mark.parametrize("faults", [START_FAULTS, ["list of the journal's blocks"]], ids=["all", "list of blocks"])
def test_disk_that_fails_at_the_start(park, failing_disk, faults):
    broker = park.make_broker(**TERSE, **failing_disk.broker_arguments)
    sidecar = park.make_sidecar(broker.start()).start()
    broker.connect().publish("t", event("a"))
    Store(broker).wait_ids(["a"])
    broker.settle()
    broker.terminate()
    failing_disk.fail(*faults)
    broker.start()
    assert refused(broker)
    wait_unhealthy(sidecar, "events cannot be stored now")
    assert_all_else_flows(broker)
    failing_disk.fail()
    sidecar.wait_healthy()
    observer = Observer(broker)
    broker.connect().publish("t", event("a"))
    assert observer.payloads() == []


def test_database_that_another_process_holds_for_half_a_minute(park):
    """The journal takes what comes, nobody waits, nobody is refused."""
    broker = park.make_broker(**TERSE)
    sidecar = park.make_sidecar(broker.start()).start()
    observer = Observer(broker, "t")
    with Load(broker, filling_bytes=100, pause_s=0.01) as load:
        with locked(broker.data_dir / "events.db"):
            end = time.monotonic() + LOCKED_S
            wait_unhealthy(sidecar, "cannot store events")
            wait_growth(load)
            time.sleep(max(0.0, end - time.monotonic()))
            wait_growth(load)
        sidecar.wait_healthy()
    assert load.cuts == 0
    assert_nothing_is_lost(broker, observer, load)


def test_database_that_another_process_holds_at_the_start(park):
    broker = park.make_broker(**TERSE)
    sidecar = park.make_sidecar(broker.start()).start()
    broker.connect().publish("t", event("a"))
    Store(broker).wait_ids(["a"])
    broker.settle()
    broker.terminate()
    with locked(broker.data_dir / "events.db"):
        broker.start()
        assert "locked" in broker.log()
        assert refused(broker)
        wait_unhealthy(sidecar, "locked")
        assert_all_else_flows(broker)
    sidecar.wait_healthy()
    observer = Observer(broker)
    broker.connect().publish("t", event("a"))
    assert observer.payloads() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a broker that becomes another user")
def test_data_directory_that_is_made_read_only(park):
    """A broker that runs does not notice; one that starts comes up, refuses events and waits."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        data_dir = pathlib.Path(directory) / "data"
        data_dir.mkdir()
        os.chmod(data_dir, 0o777)
        broker = park.make_broker(user="mosquitto", options={"data_dir": data_dir}, **TERSE)
        broker.data_dir = data_dir
        sidecar = park.make_sidecar(broker.start()).start()
        broker.connect().publish("t", event("a"))
        os.chmod(data_dir, 0o555)
        broker.connect().publish("t", event("b"))
        Store(broker).wait_ids(["a", "b"])
        broker.settle()
        broker.kill_and_restart()
        assert "must be able to write to data_dir" in broker.log()
        assert refused(broker)
        wait_unhealthy(sidecar, "data_dir")
        assert_all_else_flows(broker)
        os.chmod(data_dir, 0o777)
        sidecar.wait_healthy()
        observer = Observer(broker)
        for event_id in ("a", "b", "c"):
            broker.connect().publish("t", event(event_id))
        assert [event_id_of(payload) for payload in observer.payloads()] == ["c"]
        broker.close()
