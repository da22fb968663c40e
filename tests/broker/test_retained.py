"""Retained events: the retained message is the event's first copy, and stays it."""

import pytest

from tests.support.events import event
from tests.support.mqtt_client import V5, V311
from tests.support.observer import Observer

QOS_PAIRS = [(first, second) for first in (0, 1, 2) for second in (0, 1, 2)]
QOS_PAIR_IDS = [f"qos{first}-then-qos{second}" for first, second in QOS_PAIRS]


def retained(broker, topic):
    """What a late subscriber gets."""
    return [(message.payload, message.retain) for message in Observer(broker, topic).messages()]


@pytest.mark.parametrize("first_qos, second_qos", QOS_PAIRS, ids=QOS_PAIR_IDS)
def test_retained_duplicate_does_not_change_the_retained_message(broker, topic, version, first_qos, second_qos):
    publisher = broker.connect(version=version)
    publisher.publish(topic, event("a", copy=1), first_qos, retain=True)
    publisher.publish(topic, event("a", copy=2), second_qos, retain=True)
    assert retained(broker, topic) == [(event("a", copy=1), True)]


@pytest.mark.parametrize("first_qos, second_qos", QOS_PAIRS, ids=QOS_PAIR_IDS)
def test_unretained_duplicate_leaves_the_retained_message(broker, topic, first_qos, second_qos):
    broker.connect().publish(topic, event("a", copy=1), first_qos, retain=True)
    broker.connect().publish(topic, event("a", copy=2), second_qos)
    assert retained(broker, topic) == [(event("a", copy=1), True)]


@pytest.mark.parametrize("first_qos, second_qos", QOS_PAIRS, ids=QOS_PAIR_IDS)
def test_retained_duplicate_of_an_unretained_event_is_not_retained(broker, topic, first_qos, second_qos):
    broker.connect().publish(topic, event("a"), first_qos)
    broker.connect().publish(topic, event("a"), second_qos, retain=True)
    assert retained(broker, topic) == []


def test_next_event_replaces_the_retained_message(broker, topic, qos):
    publisher = broker.connect()
    for event_id in ("a", "b", "a"):
        publisher.publish(topic, event(event_id), qos, retain=True)
    assert retained(broker, topic) == [(event("b"), True)]


def test_empty_payload_clears_the_retained_message(broker, topic, qos):
    publisher = broker.connect()
    publisher.publish(topic, event("a"), qos, retain=True)
    publisher.publish(topic, b"", qos, retain=True)
    assert retained(broker, topic) == []
    publisher.publish(topic, event("a"), qos, retain=True)  # still a duplicate
    assert retained(broker, topic) == []


def test_empty_event_clears_the_retained_message_once(broker, topic, qos):
    """An empty payload whose id is a user property is an event; its duplicate must not clear what came since."""
    publisher = broker.connect(version=V5)
    clear = {"retain": True, "properties": [("user_property", ("event_id", "clear"))]}
    publisher.publish(topic, event("a"), qos, retain=True)
    publisher.publish(topic, b"", qos, **clear)
    assert retained(broker, topic) == []
    publisher.publish(topic, event("b"), qos, retain=True)
    publisher.publish(topic, b"", qos, **clear)
    assert retained(broker, topic) == [(event("b"), True)]


@pytest.mark.parametrize("retain", [False, True])
def test_live_subscriber_sees_the_retain_flag_only_if_it_asked_to(broker, topic, qos, retain):
    as_published = broker.connect(version=V5).subscribe(topic, retain_as_published=True)
    plain = broker.connect(version=V311).subscribe(topic)
    broker.connect().publish(topic, event("a"), qos, retain=retain)
    assert as_published.wait_messages(1)[0].retain is retain
    assert plain.wait_messages(1)[0].retain is False


def test_retained_event_keeps_its_properties(broker, topic, qos):
    properties = [("content_type", "text/plain"), ("user_property", ("k", "v"))]
    broker.connect(version=V5).publish(topic, event("a"), qos, retain=True, properties=properties)
    message, = Observer(broker, topic, version=V5).messages()
    assert message.plain_properties == {"content_type": "text/plain"} and message.user_properties == [("k", "v")]


def test_retained_replay_is_no_new_publish(broker, topic, qos):
    """Every late subscriber gets the retained event, though its id has been seen."""
    broker.connect().publish(topic, event("a"), qos, retain=True)
    for _ in range(3):
        assert retained(broker, topic) == [(event("a"), True)]
