"""Numbered receipts: a client knows by order alone which of its publishes each is for, whatever becomes of the others."""

import json
import random
import time

import pytest

from tests.support.broker import LIMITS
from tests.support.events import event
from tests.support.mqtt_client import (PUBACK, PUBLISH, PUBREC, TIMEOUT_S, V5, ConnectionCut, decode_publish,
                                       encode_publish)
from tests.support.receipts import RECEIPT_TOPIC, Receipts

DENIED = 0x87


@pytest.fixture
def guarded(park, tmp_path):
    """A broker that lets nobody write below closed/."""
    path = tmp_path / "acl"
    path.write_text("topic readwrite open/#\ntopic read closed/#\ntopic readwrite $CONTROL/#\n")
    # Room for all that is in flight at QoS 2, and for what waits for the client.
    return park.start_broker(config=f"acl_file {path}\n{LIMITS}")


def connect(broker, **options):
    client = broker.connect(version=V5, **options)
    return client, Receipts(client).command("receipts", enable=True, numbered=True)


def wait_receipts(client, count):
    receipts = Receipts(client)
    return receipts.wait(count)


def test_the_answer_says_that_they_are_numbered(broker):
    _, response = connect(broker)
    assert response == {"command": "receipts", "enable": True, "numbered": True, "id_member": "event_id",
                        "id_property": "event_id", "topics": ["#"]}


def test_each_publish_gets_the_next_number(broker, topic):
    client, _ = connect(broker)
    published = [(event("a"), 1), (b"no event", 2), (event("a"), 2), (b"no event", 1), (event("b"), 0), (b"", 0)]
    for payload, qos in published:
        client.publish(topic, payload, qos)
    client.publish("$x/y", event("a"))  # which the plugin does not look at
    found = wait_receipts(client, len(published))
    assert [receipt["number"] for receipt in found] == [1, 2, 3, 4, 5, 6]
    assert [(receipt["event_id"], receipt["verdict"]) for receipt in found] == [
        ("a", "processed"), (None, "passed"), ("a", "duplicate"), (None, "passed"), ("b", "processed"), (None, "passed")]
    assert ["checksum" in receipt for receipt in found] == [qos == 0 for _, qos in published]


def test_receipts_that_are_not_numbered_are_as_they_were(broker, topic):
    client = broker.connect(version=V5)
    assert "numbered" not in Receipts(client).enable()
    client.publish(topic, event("a"), qos=0)
    receipt, = wait_receipts(client, 1)
    assert sorted(receipt) == ["event_id", "seq", "topic", "verdict"]


@pytest.mark.parametrize("seed", range(4))
def test_no_receipt_overtakes_the_refusal_of_an_earlier_publish(guarded, seed):
    """What the sidecar builds on: when a receipt comes, all earlier publishes that get none have been refused."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    client, _ = connect(guarded)
    published = []  # (packet id, qos, allowed)
    data = b""
    for number in range(600):
        qos, allowed = rng.choice([0, 1, 2]), rng.random() < 0.6
        packet_id = client.next_packet_id() if qos else None
        payload = event(f"id-{rng.randrange(300)}") if rng.random() < 0.9 else b"none"
        published.append((packet_id, qos, allowed))
        data += encode_publish(V5, "open/t" if allowed else "closed/t", payload, qos=qos, packet_id=packet_id)
    client.send(data)

    waiting = list(published)
    deadline = time.monotonic() + TIMEOUT_S
    answered = 0
    while answered < sum(allowed for _, _, allowed in published):
        packet = client.read_packet(deadline)
        if packet.kind in (PUBACK, PUBREC) and packet.reason_code >= 0x80:
            assert packet.reason_code == DENIED
            waiting = [entry for entry in waiting if entry[0] != packet.packet_id]
        elif packet.kind == PUBLISH:
            message, _ = decode_publish(V5, packet)
            assert message.topic == RECEIPT_TOPIC
            receipt = json.loads(message.payload)
            answered += 1
            assert receipt["number"] == answered
            while waiting[0][1] == 0 and ("checksum" not in receipt or not waiting[0][2]):
                waiting.pop(0)  # of QoS 0, and the broker has said nothing
            _, qos, allowed = waiting.pop(0)
            assert allowed and (qos == 0) == ("checksum" in receipt)


def test_numbers_begin_anew_with_each_connection_and_each_asking(broker, topic):
    client, _ = connect(broker, client_id="again")
    client.publish(topic, event("a"))
    client.publish(topic, event("b"))
    assert [receipt["number"] for receipt in wait_receipts(client, 2)] == [1, 2]
    Receipts(client).command("receipts", enable=True, numbered=True)
    client.publish(topic, event("a"))
    assert [receipt["number"] for receipt in wait_receipts(client, 1)] == [1]
    client.cut()
    client, _ = connect(broker, client_id="again")
    client.publish(topic, event("a"))
    assert [receipt["number"] for receipt in wait_receipts(client, 1)] == [1]


def test_a_publish_that_is_refused_spends_none(park):
    """Its publisher is disconnected, and begins at 1 with what it sends again."""
    broker = park.start_broker(options={"journal_size": "1M"})
    client, _ = connect(broker)
    client.publish("t", event("a"))
    assert [receipt["number"] for receipt in wait_receipts(client, 1)] == [1]
    client.send_publish("t", event("big", payload="x" * (2 << 20)), qos=1)
    with pytest.raises(ConnectionCut):
        client.finish(1, qos=1)
    assert all(message.topic != RECEIPT_TOPIC for message in client.inbox)
    client, _ = connect(broker)
    client.publish("t", event("a"))
    receipt, = wait_receipts(client, 1)
    assert (receipt["number"], receipt["verdict"]) == (1, "duplicate")


@pytest.mark.parametrize("numbered", [1, "yes", None])
def test_numbered_takes_true_or_false(broker, numbered):
    client = broker.connect()
    assert "numbered" in Receipts(client).command("receipts", enable=True, numbered=numbered)["error"]
