"""The journal in front of the store: what it takes while the store cannot, and what happens at its end."""

import sqlite3
import time

import pytest

from tests.support import mqtt_client
from tests.support.events import event, event_id_of
from tests.support.mqtt_client import V5, V311, VERSION_NAMES, ConnectionCut
from tests.support.observer import Observer
from tests.support.receipts import Receipts
from tests.support.store import Store

QUIET = ("error", "warning", "notice", "information")
SMALLEST = {"journal_size": "64K"}


class StubbornPublisher:
    """Comes back and resends whatever was not acknowledged, as MQTT asks of it."""

    def __init__(self, broker):
        self._broker, self._client = broker, broker.connect()

    def publish(self, topic, payload, qos):
        for _ in range(1000):
            try:
                return self._client.publish(topic, payload, qos)
            except ConnectionCut:
                time.sleep(0.01)  # the disk's turn
                self._client = self._broker.connect()
        raise AssertionError("refused for ever")


def test_small_journal_goes_round_and_round(park):
    """A megabyte of events through 64 kilobytes, faster than the disk takes them, loses nothing and doubles nothing."""
    broker = park.start_broker(options=SMALLEST, log_types=QUIET)
    observer, publisher, ids = Observer(broker), StubbornPublisher(broker), [f"id-{number}" for number in range(1000)]
    for number, event_id in enumerate(ids):
        publisher.publish("t", event(event_id, filling="x" * (number * 7 % 2000)), qos=1 + number % 2)
        if number % 10 == 0:
            observer.client.ping()  # reads what has come, so that the broker's queue stays short
    store = Store(broker)
    store.wait_ids(ids)
    assert [row.seq for row in store.rows()] == list(range(1, len(ids) + 1))
    assert list(map(event_id_of, observer.payloads())) == ids
    broker.settle()
    broker.kill_and_restart()
    observer, publisher = Observer(broker), broker.connect()
    for event_id in ids:
        publisher.publish("t", event(event_id))
    assert observer.payloads() == []


@pytest.mark.parametrize("version", [V311, V5], ids=VERSION_NAMES.get)
def test_event_beyond_the_journal_is_refused_without_an_acknowledgement(park, version, qos):
    """Its publisher is disconnected; the others are served, and the id is not taken."""
    broker = park.start_broker(options=SMALLEST)
    observer = Observer(broker)
    other = broker.connect()
    publisher = broker.connect(version=version)
    with pytest.raises(ConnectionCut):
        publisher.publish("t", event("a", filling="x" * 100_000), qos)
    other.publish("t", b"no event", qos=1)
    other.publish("t", event("a"), qos)
    assert observer.payloads() == [b"no event", event("a")]
    Store(broker).wait_ids(["a"])


def test_event_beyond_the_journal_passes_if_asked_to(park, qos):
    broker = park.start_broker(options={**SMALLEST, "on_store_failure": "pass"})
    observer = Observer(broker)
    payload = event("a", filling="x" * 100_000)
    for _ in range(2):
        broker.connect().publish("t", payload, qos)
    broker.connect().publish("t", event("b"), qos)
    delivered = observer.payloads()
    assert delivered[0] == payload and delivered[-1] == event("b")
    Store(broker).wait_ids(["b"])


@pytest.mark.parametrize("sizes", [["64K", "8M"], ["8M", "64K"]], ids=" to ".join)
@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_journal_size_may_change_from_start_to_start(park, sizes, end):
    broker = park.start_broker(options={"journal_size": sizes[0]})
    for number in range(20):
        broker.connect().publish("t", event(f"id-{number}", filling="x" * 1000), qos=number % 3)
    broker.settle()
    getattr(broker, end)()
    broker.options["journal_size"] = sizes[1]
    for _ in range(2):
        broker.start()
        observer = Observer(broker)
        for number in range(20):
            broker.connect().publish("t", event(f"id-{number}"), qos=number % 3)
        assert observer.payloads() == []
        broker.settle()
        getattr(broker, end)()
    broker.start()
    receipts = Receipts(broker.connect())
    receipts.enable()
    receipts.client.publish("t", event("new"))
    assert receipts.wait(1)[0]["seq"] == 21


def test_locked_database_holds_nobody_up(park):
    """Another process has the database for itself; events go on, and are stored when it is done."""
    broker = park.start_broker()
    broker.connect().publish("t", event("before"))
    store = Store(broker)
    store.wait_ids(["before"])
    observer = Observer(broker)
    locker = sqlite3.connect(broker.data_dir / "events.db", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    ids = [f"id-{number}" for number in range(100)]
    publisher = broker.connect()
    for event_id in ids * 2:
        publisher.publish("t", event(event_id), qos=2)
    locker.execute("ROLLBACK")
    locker.close()
    store.wait_ids(["before", *ids])
    assert observer.payloads() == [event(event_id) for event_id in ids]


def test_kill_9_while_the_database_is_locked_loses_nothing(park):
    """What only the journal had is stored after the next start."""
    broker = park.start_broker(log_types=QUIET)
    broker.connect().publish("t", event("before"))
    Store(broker).wait_ids(["before"])
    locker = sqlite3.connect(broker.data_dir / "events.db", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    publisher = broker.connect()
    ids = [f"id-{number}" for number in range(300)]
    for event_id in ids:
        publisher.publish("t", event(event_id))
    assert Store(broker).ids() == ["before"]
    broker.settle()
    broker.kill()
    locker.execute("ROLLBACK")
    locker.close()
    broker.start()
    Store(broker).wait_ids(["before", *ids])
    observer = Observer(broker)
    publisher = broker.connect()
    publisher.send(b"".join(mqtt_client.encode_publish(V311, "t", event(event_id)) for event_id in ids))
    publisher.ping()
    assert observer.payloads() == []
