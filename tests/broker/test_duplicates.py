"""An event published twice is seen once, whoever publishes it and however."""

import time

import pytest

from tests.support import mqtt_client
from tests.support.events import event
from tests.support.mqtt_client import V5, V31, V311, VERSION_NAMES
from tests.support.observer import Observer
from tests.support.ports import free_port
from tests.support.store import Store

QOS_PAIRS = [(first, second) for first in (0, 1, 2) for second in (0, 1, 2)]
QOS_PAIR_IDS = [f"qos{first}-then-qos{second}" for first, second in QOS_PAIRS]


@pytest.mark.parametrize("first_qos, second_qos", QOS_PAIRS, ids=QOS_PAIR_IDS)
def test_one_publisher_publishes_twice(broker, observer, topic, version, first_qos, second_qos):
    publisher = broker.connect(version=version)
    publisher.publish(topic, event("a", copy=1), first_qos)
    publisher.publish(topic, event("a", copy=2), second_qos)
    message, = observer.messages()
    assert (message.topic, message.payload, message.qos) == (topic, event("a", copy=1), first_qos)
    publisher.ping()  # still connected


@pytest.mark.parametrize("first_qos, second_qos", QOS_PAIRS, ids=QOS_PAIR_IDS)
@pytest.mark.parametrize("first_version, second_version", [(V311, V5), (V5, V311), (V31, V5)],
                         ids=lambda version: VERSION_NAMES[version])
def test_two_publishers_of_different_versions(broker, observer, topic, first_version, second_version, first_qos,
                                              second_qos):
    broker.connect(version=first_version).publish(topic, event("a", copy=1), first_qos)
    broker.connect(version=second_version).publish(topic, event("a", copy=2), second_qos)
    assert observer.payloads() == [event("a", copy=1)]


def test_two_gateways_publish_the_same_events_interleaved(broker, observer, topic):
    gateways = [broker.connect(version=version) for version in (V311, V5)]
    for number in range(100):
        # Each is ahead in turn, and each event goes out on every combination of QoS.
        for gateway in gateways if number % 2 else reversed(gateways):
            gateway.publish(topic, event(f"id-{number}"), qos=(number + gateways.index(gateway)) % 3)
        # Towards a subscriber that does not read, QoS 0 would overtake what waits for its acknowledgement.
        observer.wait(number + 1)
    assert observer.payloads() == [event(f"id-{number}") for number in range(100)]


def test_fifty_publishers_at_once_in_one_turn_of_the_loop(broker, observer, topic, qos):
    publishers = [broker.connect(version=(V311, V5)[number % 2]) for number in range(50)]
    with broker.frozen():
        packet_ids = [publisher.send_publish(topic, event("a"), qos) for publisher in publishers]
    for publisher, packet_id in zip(publishers, packet_ids):
        publisher.finish(packet_id, qos)
        publisher.ping()
    assert observer.payloads() == [event("a")]


@pytest.mark.parametrize("second_qos", [1, 2])
@pytest.mark.parametrize("first_qos", [0, 1, 2])
def test_v5_publisher_gets_success_for_a_duplicate(broker, topic, first_qos, second_qos):
    publisher = broker.connect(version=V5)
    assert publisher.publish(topic, event("a"), first_qos) in (0x00, 0x10)
    assert publisher.publish(topic, event("a"), second_qos) in (0x00, 0x10)
    broker.connect().subscribe(topic)
    assert publisher.publish(topic, event("a"), second_qos) in (0x00, 0x10)  # also when somebody listens


def test_dup_flag_alone_makes_no_duplicate(broker, observer, topic, version):
    """A publisher resends with DUP what the broker never saw: that copy is the first."""
    publisher = broker.connect(version=version)
    publisher.publish(topic, event("qos1"), qos=1, dup=True)
    publisher.publish(topic, event("qos2"), qos=2, dup=True)
    assert observer.payloads() == [event("qos1"), event("qos2")]


def test_same_id_on_another_topic_is_another_event(broker, observer, topic, qos):
    publisher = broker.connect()
    for name in ("a", "b", "a/b", "A"):
        publisher.publish(f"{topic}/{name}", event("same"), qos)
    assert [message.topic for message in observer.messages()] == [f"{topic}/{name}" for name in ("a", "b", "a/b", "A")]


def test_topic_and_id_are_not_run_together(broker, observer, topic):
    publisher = broker.connect()
    pairs = [("1", "23"), ("12", "3"), ("1/2", "3"), ("1", "/23")]
    for tail, event_id in pairs:
        publisher.publish(f"{topic}/{tail}", event(event_id))
    assert len(observer.messages()) == len(pairs)


def test_ids_are_compared_byte_for_byte(broker, observer, topic):
    publisher = broker.connect()
    # The last two look alike: one letter precomposed, the other combined.
    ids = ["a", "A", " a", "a ", "a\t", "\u00e4", "a\u0308"]
    for event_id in ids * 2:
        publisher.publish(topic, event(event_id))
    assert observer.payloads() == [event(event_id) for event_id in ids]


def test_first_payload_is_the_one_that_is_delivered_and_stored(broker, observer, topic, qos):
    for copy in (1, 2, 3):
        broker.connect().publish(topic, event("a", copy=copy), qos)
    assert observer.payloads() == [event("a", copy=1)]
    store = Store(broker)
    store.wait_ids(["a"], topic)
    assert [row.payload for row in store.rows(topic)] == [event("a", copy=1)]


@pytest.mark.parametrize("subscriber_version", [V31, V311, V5], ids=VERSION_NAMES.get)
@pytest.mark.parametrize("subscriber_qos", [0, 1, 2])
def test_each_subscriber_gets_the_event_once_at_its_own_qos(broker, topic, qos, subscriber_version, subscriber_qos):
    observers = [Observer(broker, topic, subscriber_qos, version=subscriber_version) for _ in range(2)]
    for _ in range(2):
        broker.connect().publish(topic, event("a"), qos)
    for observer in observers:
        assert [message.qos for message in observer.messages()] == [min(qos, subscriber_qos)]


def test_shared_subscription_gets_the_event_once(broker, topic, qos):
    workers = [Observer(broker, f"$share/workers/{topic}") for _ in range(2)]
    for _ in range(4):
        broker.connect().publish(topic, event("a"), qos)
    assert sum((worker.payloads() for worker in workers), []) == [event("a")]


def test_absent_subscriber_with_a_kept_session_gets_the_event_once(broker, topic, qos):
    absent = broker.connect("absent", clean=False).subscribe(topic)
    absent.disconnect()
    for _ in range(3):
        broker.connect().publish(topic, event("a"), qos)
    observer = Observer(broker, topic, client_id="absent", clean=False)
    # At QoS 0 nothing is kept for the absent; the plugin does not change that.
    assert observer.payloads() == ([event("a")] if qos else [])


@pytest.mark.parametrize("second_qos", [0, 1, 2])
@pytest.mark.parametrize("first_qos", [0, 1, 2])
def test_topic_alias_stands_for_its_topic(broker, observer, topic, first_qos, second_qos):
    publisher = broker.connect(version=V5)
    alias = [("topic_alias", 1)]
    publisher.publish(topic, event("a"), first_qos, properties=alias)
    publisher.publish("", event("a"), second_qos, properties=alias)  # a duplicate by the alias alone
    publisher.publish("", event("b"), first_qos, properties=alias)  # the alias still means what it meant
    broker.connect().publish(topic, event("b"), second_qos)
    assert [(message.topic, message.payload) for message in observer.messages()] == [
        (topic, event("a")), (topic, event("b"))]


def test_publisher_that_subscribes_gets_its_own_event_once(broker, topic, qos):
    observer = Observer(broker, topic)
    for _ in range(2):
        observer.client.publish(topic, event("a"), qos)
    assert observer.payloads() == [event("a")]


@pytest.mark.parametrize("qos", [0, 1])
def test_no_local_holds_for_events(broker, topic, qos):
    client = broker.connect(version=V5).subscribe(topic, no_local=True)
    client.publish(topic, event("own"), qos)
    broker.connect().publish(topic, event("other"), qos)
    assert [message.payload for message in client.wait_messages(1)] == [event("other")]


def test_longest_topics_are_told_apart(broker, observer, topic, qos):
    long_topic = topic + "/" + "x" * (65_535 - len(topic) - 2)
    for tail in "aabb":
        broker.connect().publish(long_topic + tail, event("a"), qos)
    assert [message.topic for message in observer.messages()] == [long_topic + "a", long_topic + "b"]


def test_big_events_are_deduplicated(broker, observer, topic, qos):
    payload = event("big", filling="x" * 2_000_000)
    for _ in range(2):
        broker.connect().publish(topic, payload, qos)
    assert observer.payloads() == [payload]
    Store(broker).wait_ids(["big"], topic)
    assert Store(broker).rows(topic)[0].payload == payload


def test_rows_are_numbered_in_order_of_acceptance(park):
    broker = park.start_broker()
    started = time.time()
    publishers = [broker.connect(version=version) for version in (V311, V5)]
    ids = [f"id-{number}" for number in range(30)]
    for number, event_id in enumerate(ids):
        for publisher in publishers:
            publisher.publish(f"t/{number % 3}", event(event_id), qos=number % 3)
    store = Store(broker)
    store.wait_ids(ids)
    rows = store.rows()
    assert [row.seq for row in rows] == list(range(1, 31))
    assert [row.topic for row in rows] == [f"t/{number % 3}" for number in range(30)]
    for row in rows:  # a wall clock that is read now and then is exact enough
        assert started - 0.2 < row.received_us / 1e6 < time.time() + 0.2


def test_listener_with_a_mount_point(park, qos):
    """The topic behind the mount point is the one that counts."""
    port = free_port()
    broker = park.start_broker(bridge=f"listener {port} 127.0.0.1\nmount_point gateway/")
    outside, inside = Observer(broker), mqtt_client.Client(port, version=V5).subscribe("#")
    for _ in range(2):
        publisher = mqtt_client.Client(port)
        publisher.publish("t", event("a", by="inside"), qos)
        publisher.disconnect()
        broker.connect().publish("gateway/t", event("a", by="outside"), qos)
        broker.connect().publish("t", event("a", by="outside"), qos)
    assert [(message.topic, message.payload) for message in outside.messages()] == [
        ("gateway/t", event("a", by="inside")), ("t", event("a", by="outside"))]
    broker.connect().publish("gateway/last", b"last", qos=2)
    assert [message.payload for message in inside.wait_messages(2)] == [event("a", by="inside"), b"last"]
    inside.disconnect()
