"""Nobody can take an id from others on a topic that he may not write."""

import pytest

from tests.support.events import event
from tests.support.mqtt_client import V5, V311, VERSION_NAMES, Will
from tests.support.observer import Observer
from tests.support.receipts import Receipts
from tests.support.store import Store

ACL = """
topic readwrite #
topic readwrite $CONTROL/#
user mallory
topic read #
topic write mallory/#
topic write $CONTROL/dedup/v1
user silent
topic readwrite #
"""


@pytest.fixture
def guarded(park, tmp_path):
    path = tmp_path / "acl"
    path.write_text(ACL)
    return park.start_broker(config=f"acl_file {path}")


@pytest.mark.parametrize("version", [V311, V5], ids=VERSION_NAMES.get)
def test_denied_publish_does_not_poison_a_key(guarded, version):
    observer = Observer(guarded)
    mallory = guarded.connect(version=version, username="mallory")
    for qos in (0, 1, 2):
        mallory.publish("alice/door", event(f"id-{qos}", by="mallory"), qos)
        guarded.connect(version=version).publish("alice/door", event(f"id-{qos}", by="alice"), qos)
    expected = [event(f"id-{qos}", by="alice") for qos in (0, 1, 2)]
    assert observer.payloads() == expected
    Store(guarded).wait_ids(["id-0", "id-1", "id-2"])
    assert [row.payload for row in Store(guarded).rows()] == expected


def test_denied_v5_publish_is_told_so(guarded):
    mallory = guarded.connect(version=V5, username="mallory")
    assert mallory.publish("alice/door", event("a"), qos=1) == 0x87
    assert mallory.publish("alice/door", event("a"), qos=2) == 0x87
    guarded.connect().publish("alice/door", event("a"))
    assert mallory.publish("alice/door", event("a"), qos=1) == 0x87  # not a word about whether it was there before


def test_topic_inside_the_payload_counts_for_nothing(guarded):
    observer = Observer(guarded)
    guarded.connect(username="mallory").publish("mallory/x", event("a", topic="alice/door"))
    guarded.connect().publish("alice/door", event("a", topic="alice/door"))
    assert [message.topic for message in observer.messages()] == ["mallory/x", "alice/door"]


def test_denied_will_does_not_poison_a_key(guarded):
    observer = Observer(guarded)
    guarded.connect(username="mallory", will=Will("alice/door", event("a", by="mallory"))).cut()
    guarded.connect().publish("alice/door", event("a", by="alice"))
    assert observer.payloads() == [event("a", by="alice")]


def test_denied_publish_gets_no_receipt(guarded):
    mallory = guarded.connect(username="mallory")
    receipts = Receipts(mallory)
    receipts.enable()
    mallory.publish("alice/door", event("a"))
    mallory.publish("mallory/x", event("b"))
    assert [(receipt["topic"], receipt["event_id"]) for receipt in receipts.wait(1)] == [("mallory/x", "b")]


def test_receipts_can_be_denied(guarded):
    """Who may not write to $CONTROL/dedup/v1 gets neither an answer nor receipts."""
    silent = guarded.connect(username="silent").subscribe("last")
    silent.publish("$CONTROL/dedup/v1", b'{"commands":[{"command":"receipts","enable":true}]}')
    silent.publish("t", event("a"))
    guarded.connect().publish("last", b"last")
    assert [message.topic for message in silent.wait_messages(1)] == ["last"]
