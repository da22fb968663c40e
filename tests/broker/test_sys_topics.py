"""The plugin's counters on $SYS/broker/dedup/, beside the broker's own."""

import pytest

from tests.support.broker import wait_until
from tests.support.events import event

SYS = "$SYS/broker/dedup/"


def retained(broker):
    """What a late subscriber gets: values by name."""
    subscriber = broker.connect().subscribe(SYS + "#", qos=0)
    subscriber.ping()  # answered behind all that is retained
    messages = [message for message in subscriber.clear() if message.retain]
    subscriber.disconnect()
    return {message.topic.removeprefix(SYS): int(message.payload) for message in messages}


def wait_values(broker, **expected):
    wait_until(lambda: retained(broker).items() >= expected.items(), f"the topics say {expected}")


def test_counters_are_retained_topics(park):
    broker = park.make_broker(options={"sys_interval": "200ms"}).start()
    wait_until(lambda: retained(broker), "the plugin has published")
    assert {name: value for name, value in retained(broker).items()
            if name != "journal_bytes" and not name.startswith("rules/")} == {
        "received": 0, "duplicates": 0, "passed": 0, "refused": 0, "unstored": 0, "lost": 0, "invalid_ids": 0,
        "journal_size_bytes": 8 << 20, "store_failing": 0, "journal_failing": 0}
    client = broker.connect()
    client.publish("t", event("a"))
    client.publish("t", event("a"))
    client.publish("t", b"no event")
    client.publish("t", b'{"event_id":""}')
    wait_values(broker, received=2, duplicates=1, passed=2, invalid_ids=1)


def test_subscriber_is_told_what_has_changed_and_nothing_else(park):
    broker = park.make_broker(options={"sys_interval": "200ms"}).start()
    wait_values(broker, received=0)
    subscriber = broker.connect().subscribe(SYS + "+")
    subscriber.wait_messages(11)
    subscriber.clear()
    client = broker.connect()
    client.publish("t", b"no event")
    message, = subscriber.wait_messages(1)
    assert (message.topic, message.payload, message.retain) == (SYS + "passed", b"1", False)
    wait_values(broker, passed=1)
    subscriber.ping()
    assert len(subscriber.inbox) == 1


def test_the_topics_are_no_publishes_for_the_plugin(park):
    """Neither counted nor deduplicated: the same value is published whenever it comes again."""
    broker = park.make_broker(options={"sys_interval": "100ms"}).start()
    wait_values(broker, passed=0)
    publisher = broker.connect()
    for number in range(1, 4):
        publisher.publish("t", b"no event")
        wait_values(broker, passed=number)
    assert retained(broker)["received"] == 0


def test_counters_are_there_at_once_after_a_restart(park):
    broker = park.make_broker(options={"sys_interval": "1h"}).start()
    client = broker.connect()
    client.publish("t", event("a"))
    client.publish("t", event("a"))
    broker.kill_and_restart()
    wait_values(broker, received=2, duplicates=1)


def test_interval_of_0_publishes_nothing(park):
    broker = park.make_broker(options={"sys_interval": "0"}).start()
    broker.connect().publish("t", event("a"))
    broker.settle()
    assert retained(broker) == {}


@pytest.mark.parametrize("rule, seen", [("topic readwrite t", False), ("topic read $SYS/#", True)])
def test_acl_decides_who_sees_them(park, tmp_path, rule, seen):
    acl = tmp_path / "acl"
    acl.write_text(rule + "\n")
    broker = park.make_broker(options={"sys_interval": "100ms"}, config=f"acl_file {acl}").start()
    broker.settle()
    assert bool(retained(broker)) == seen
