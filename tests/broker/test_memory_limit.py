"""Mosquitto's own memory accounting survives what the plugin allocates through it.

With `memory_limit` the broker counts every byte that it frees, also one that it did not allocate. Memory from elsewhere
would make the counter wrap, and the broker would refuse everybody from then on.
"""

import pytest

from tests.support.events import event
from tests.support.mqtt_client import V5
from tests.support.observer import Observer
from tests.support.receipts import Receipts

LIMIT = "memory_limit 20000000"
PROPERTIES = [("content_type", "application/json"), ("response_topic", "reply"), ("correlation_data", b"x" * 100),
              ("payload_format_indicator", 1), ("user_property", ("key", "value" * 20))]


@pytest.fixture
def limited(park):
    return park.start_broker(config=LIMIT, log_types=("error", "warning", "notice", "information"))


def assert_serves(broker):
    observer = Observer(broker, version=V5)
    payload = event("last", filling="x" * 100_000)
    broker.connect(version=V5).publish("t", payload, qos=2)
    assert observer.payloads() == [payload]


def test_receipts(limited):
    receipts = Receipts(limited.connect())
    receipts.enable()
    for number in range(2000):
        receipts.client.send_publish("t", event(f"id-{number % 1000}"), qos=1)
    receipts.wait(2000)
    assert_serves(limited)


def test_qos2_events_with_properties(limited):
    observer = Observer(limited, version=V5)
    publisher = limited.connect(version=V5)
    for number in range(300):
        publisher.publish("t", event(f"id-{number}"), qos=2, properties=PROPERTIES)
    assert len(observer.messages()) == 300
    assert_serves(limited)


def test_duplicates_of_every_qos(limited):
    publisher = limited.connect(version=V5)
    for number in range(900):
        publisher.publish("t", event("a", filling="x" * 1000), qos=number % 3, properties=PROPERTIES)
    assert_serves(limited)


def test_big_duplicates_do_not_stay(limited):
    """Twenty times the limit's worth of duplicates, all of which must have been freed."""
    publisher = limited.connect(version=V5)
    for number in range(400):
        publisher.publish("t", event("a", filling="x" * 1_000_000), qos=number % 3)
    assert_serves(limited)
