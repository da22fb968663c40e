"""What the plugin puts in the place of a message that is not to go on: nobody learns anything from it, no memory stays."""

import pytest

from tests.support import native
from tests.support.broker import IS_SANITIZED
from tests.support.events import event
from tests.support.mqtt_client import PUBACK, PUBREC, V5, V311, encode_publish
from tests.support.observer import Observer

MIB = 1 << 20
LOG_TYPES = ("error", "warning", "notice", "information")
PROPERTIES = [("content_type", "secret"), ("response_topic", "secret"), ("correlation_data", b"secret"),
              ("payload_format_indicator", 1), ("user_property", ("secret", "secret")),
              ("user_property", ("secret", "secret" * 100))]


@pytest.mark.parametrize("spy_version", [V311, V5])
def test_a_subscriber_of_the_dollar_topic_learns_nothing(park, spy_version):
    broker = park.start_broker()
    spy = broker.connect(version=spy_version).subscribe("$").subscribe("$/#")
    observer = Observer(broker, version=V5)
    publisher = broker.connect(version=V5)
    for number, properties in enumerate([PROPERTIES, PROPERTIES[4:], PROPERTIES[:1], []]):
        for qos in (2, 2, 1, 0):
            publisher.publish("private/topic", event(number, member="secret"), qos, properties=properties)
    messages = observer.messages()
    assert [message.properties for message in messages] == [tuple(PROPERTIES), tuple(PROPERTIES[4:]),
                                                            tuple(PROPERTIES[:1]), ()]
    assert [message.payload for message in messages] == [event(number, member="secret") for number in range(4)]
    broker.connect().publish("$", b"end")
    spy.wait_until(lambda inbox: any(message.payload == b"end" for message in inbox))
    seen = [message for message in spy.inbox if message.payload != b"end"]
    assert len(seen) >= 16  # for each filter, if the broker does not put them together
    for message in seen:
        assert message.topic == "$" and not message.retain
        assert message.payload.strip(b"\0") == b""
        assert set(message.properties) <= {("payload_format_indicator", 0)}


def flood(client, topic, payload, count, qos, properties=()):
    """Many publishes at a time."""
    for begin in range(0, count, 500):
        ids = [client.next_packet_id() for _ in range(min(500, count - begin))]
        client.send(b"".join(encode_publish(client.version, topic, payload, qos=qos, packet_id=packet_id,
                                            properties=properties) for packet_id in ids))
        for packet_id in ids if qos else ():
            client.wait_for(PUBACK if qos == 1 else PUBREC, packet_id)
            if qos == 2:
                client.release(packet_id)
    client.ping()


@pytest.fixture
def replacer(tmp_path):
    return native.build("payload_replacer", tmp_path)


@pytest.mark.parametrize("is_behind_replacer", [True, False])
def test_many_duplicates_leave_no_memory_behind(park, replacer, is_behind_replacer):
    broker = park.start_broker(config=f"plugin {replacer}" if is_behind_replacer else "", log_types=LOG_TYPES)
    payload = event("a", filling="x" * 1000)
    publisher = broker.connect(version=V5)

    def publish(count):
        for qos in (0, 1, 2):
            flood(publisher, "t", payload, count if qos == 0 else count // 10, qos,
                  PROPERTIES if qos == 1 else ())

    publish(2000)
    before = broker.memory_bytes()
    publish(100_000)
    grown_bytes = broker.memory_bytes() - before
    assert grown_bytes < 10 * MIB or IS_SANITIZED, f"{grown_bytes} bytes more"


def test_payloads_that_another_plugin_has_replaced_are_deduplicated(park, replacer):
    broker = park.start_broker(config=f"plugin {replacer}")
    observer = Observer(broker)
    for qos in (0, 1, 2, 2, 1, 0):
        broker.connect().publish(f"t/{min(qos, 1)}", event("a", filling="x" * 1000), qos)
    assert observer.payloads() == [event("a", filling="x" * 1000)] * 2
