"""What was seen before a restart has been seen after it, whether the broker was stopped or killed."""

import threading

import pytest

from tests.support import mqtt_client
from tests.support.broker import wait_until
from tests.support.events import event, event_id_of
from tests.support.mqtt_client import PUBCOMP, PUBREC, PUBREL, V5, V311, VERSION_NAMES, ConnectionCut
from tests.support.observer import Observer
from tests.support.store import Store


@pytest.fixture(params=["restart", "kill_and_restart"], ids=["clean-stop", "kill-9"])
def restart(request):
    """Ends a broker in one of two ways, when nothing is in doubt any more, and starts it again."""
    def end_and_start(broker):
        broker.settle()
        getattr(broker, request.param)()
    return end_and_start


@pytest.mark.parametrize("second_qos", [0, 1, 2])
@pytest.mark.parametrize("first_qos", [0, 1, 2])
def test_duplicate_after_a_restart(park, restart, first_qos, second_qos):
    broker = park.start_broker()
    broker.connect(version=V311).publish("t", event("a"), first_qos)
    restart(broker)
    observer = Observer(broker)
    for version in (V311, V5):
        assert broker.connect(version=version).publish("t", event("a"), second_qos) in (0x00, 0x10)
    broker.connect().publish("t", event("b"), second_qos)
    assert observer.payloads() == [event("b")]
    Store(broker).wait_ids(["a", "b"])


def test_every_kind_of_id_is_a_duplicate_after_a_restart(park, restart):
    broker = park.start_broker()
    ids = ["a", 12, "x" * 256, "\0", "a\0b", "\u00e9\U0001f600", '"\\\n', " "]
    # MQTT has no control characters in its texts.
    property_ids = ["a", "12", "x" * 256, "\u00e9\U0001f600", '"\\', " "]

    def publish_all():
        for event_id in ids:
            broker.connect().publish("t/json", event(event_id))
        for event_id in property_ids:
            broker.connect(version=V5).publish("t/property", b"\xff", qos=2,
                                               properties=[("user_property", ("event_id", event_id))])
        broker.connect().publish("t/" + "x" * 65_000, event("a"))
    publish_all()
    restart(broker)
    observer = Observer(broker)
    publish_all()
    assert observer.payloads() == []


def test_many_restarts_in_a_row(park, restart):
    broker = park.start_broker()
    for turn in range(4):
        observer = Observer(broker)
        for number in range(turn + 1):
            broker.connect().publish("t", event(f"id-{number}"), qos=number % 3)
        assert observer.payloads() == [event(f"id-{turn}")]
        restart(broker)
    store = Store(broker)
    store.wait_ids([f"id-{number}" for number in range(4)])
    assert [row.seq for row in store.rows()] == [1, 2, 3, 4]


def test_thousands_of_ids_are_duplicates_after_a_restart(park, restart):
    broker = park.start_broker(log_types=("error", "warning", "notice", "information"))
    count = 5000

    def flood(publisher):
        publisher.send(b"".join(mqtt_client.encode_publish(V311, f"t/{number % 7}", event(f"id-{number}"), qos=1,
                                                           packet_id=number + 1) for number in range(count)))
        for number in range(count):
            publisher.wait_for(mqtt_client.PUBACK, number + 1)
    flood(broker.connect())
    restart(broker)
    observer = Observer(broker)
    flood(broker.connect())
    assert observer.payloads() == []
    Store(broker).wait_count(count)


def test_retained_event_is_still_there_and_unchanged_after_a_restart(park, qos):
    broker = park.start_broker(config="persistence true")
    broker.connect().publish("t", event("a", copy=1), qos, retain=True)
    broker.settle()
    broker.restart()
    broker.connect().publish("t", event("a", copy=2), qos, retain=True)
    assert [(message.payload, message.retain) for message in Observer(broker, "t").messages()] == [
        (event("a", copy=1), True)]


@pytest.mark.parametrize("qos", [1, 2])
def test_absent_subscriber_gets_its_queue_once_after_a_clean_restart(park, qos):
    broker = park.start_broker(config="persistence true")
    broker.connect("absent", clean=False).subscribe("#").disconnect()
    for _ in range(2):
        broker.connect().publish("t", event("a"), qos)
    broker.settle()
    broker.restart()
    broker.connect().publish("t", event("a"), qos)
    observer = Observer(broker, subscribe=False, client_id="absent", clean=False)
    assert observer.payloads() == [event("a")]


def test_reload_of_the_configuration_forgets_nothing(park):
    broker = park.start_broker()
    broker.connect().publish("t", event("a"))
    observer = Observer(broker)
    for _ in range(2):
        offset = len(broker.log())
        broker.reload()
        wait_until(lambda: "Reloading config" in broker.log(offset), "the configuration is read again")
        for qos in (0, 1, 2):
            broker.connect().publish("t", event("a"), qos)
    broker.connect().publish("t", event("b"), qos=2)
    assert observer.payloads() == [event("b")]


@pytest.mark.parametrize("resume", ["publish", "pubrel"])
@pytest.mark.parametrize("version", [V311, V5], ids=VERSION_NAMES.get)
@pytest.mark.parametrize("clean", [True, False], ids=["clean-session", "kept-session"])
def test_qos2_exchange_is_resumed_after_a_restart(park, restart, clean, version, resume):
    """Handed on once before the end of the broker, and not again at the resumption."""
    broker = park.start_broker(config="persistence true")
    observer = Observer(broker)
    publisher = broker.connect("publisher", version=version, clean=clean)
    publisher.send_publish("t", event("a"), qos=2, packet_id=9)
    publisher.wait_for(PUBREC, 9)
    assert observer.payloads() == [event("a")]
    restart(broker)
    observer = Observer(broker)
    publisher = broker.connect("publisher", version=version, clean=clean)
    if resume == "publish":
        publisher.send_publish("t", event("a"), qos=2, packet_id=9, dup=True)
        assert publisher.wait_for(PUBREC, 9).reason_code in (0x00, 0x10)
    publisher.send_ack(PUBREL, 9)
    publisher.wait_for(PUBCOMP, 9)
    assert observer.payloads() == []
    Store(broker).wait_ids(["a"])


@pytest.mark.parametrize("qos", [1, 2])
def test_every_acknowledged_event_is_stored_after_kill_9_under_load(park, qos):
    """Killed in the middle of a flood, three times over. What was acknowledged is there, once, and is a duplicate."""
    broker = park.start_broker(options={"recovery_delay": "100ms"}, log_types=("error", "warning", "notice", "information"))
    acknowledged = []

    def flood(turn):
        publisher = broker.connect()
        numbers = range(turn * 20_000, turn * 20_000 + 20_000)
        packets = [mqtt_client.encode_publish(V311, "t", event(f"id-{number}"), qos=qos, packet_id=number % 65_535 + 1)
                   for number in numbers]
        count = 0

        def send():
            try:
                for packet in packets:
                    publisher.send(packet)
            except ConnectionCut:
                pass
        sender = threading.Thread(target=send)
        sender.start()
        # Read whatever order the kill leaves of it: an acknowledgement that came counts.
        try:
            while True:
                publisher.wait_for(mqtt_client.PUBACK if qos == 1 else PUBREC, numbers[count] % 65_535 + 1)
                count += 1
                if count == 1500:
                    broker.kill()
        except ConnectionCut:
            pass
        sender.join()
        return [f"id-{number}" for number in numbers[:count]]
    for turn in range(3):
        acknowledged += flood(turn)
        broker.start()
    store = Store(broker)
    assert len(acknowledged) >= 4500
    wait_until(lambda: set(acknowledged) <= set(store.ids()), "what was acknowledged is stored")
    ids = store.ids()
    assert len(set(ids)) == len(ids)
    sample = acknowledged[-200:] + acknowledged[:200]
    observer = Observer(broker)
    publisher = broker.connect()

    def delivered_of_sample():
        for event_id in sample:
            publisher.publish("t", event(event_id), qos=0)
        # The recovery hands on others meanwhile: events whose acknowledgement the kill has cut off.
        return [event_id for event_id in map(event_id_of, observer.payloads()) if event_id in sample]
    in_doubt = delivered_of_sample()
    assert len(set(in_doubt)) == len(in_doubt)
    assert delivered_of_sample() == []
