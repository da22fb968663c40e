"""QoS 2 handshakes that are cut at each step and resumed: the event is delivered exactly once.

The broker forgets a half-done exchange of a clean session, and it asks the plugin about a retransmission before it
recognises it as one. So a plugin that simply drops duplicates delivers 0 times here.
"""

import pytest

from tests.support.events import event
from tests.support.mqtt_client import PUBCOMP, PUBREC, PUBREL, V5, V31, V311, VERSION_NAMES
from tests.support.observer import Observer
from tests.support.store import Store

VERSIONS = [V31, V311, V5]
PACKET_ID = 77


class Publisher:
    """A publisher that is cut off and comes back under its name."""

    def __init__(self, broker, name, version, clean):
        self._broker, self._name, self._version, self._clean = broker, name, version, clean
        self.come_back()

    def come_back(self):
        self.client = self._broker.connect(self._name, version=self._version, clean=self._clean)

    def send(self, topic, payload, dup=False, **options):
        self.client.send_publish(topic, payload, qos=2, packet_id=PACKET_ID, dup=dup, **options)

    def wait_pubrec(self):
        assert self.client.wait_for(PUBREC, PACKET_ID).reason_code in (0x00, 0x10)

    def release(self):
        self.client.release(PACKET_ID)


@pytest.fixture(params=[True, False], ids=["clean-session", "kept-session"])
def clean(request):
    return request.param


@pytest.fixture
def publisher(broker, topic, version, clean):
    return Publisher(broker, f"publisher-{topic}", version, clean)


@pytest.fixture(params=[0, 1, 2], ids=lambda qos: f"subscriber-qos{qos}")
def observer(request, broker, topic):
    return Observer(broker, topic, request.param)


def assert_delivered_once(broker, observer, topic, payload):
    assert observer.payloads() == [payload]
    for qos in (0, 1, 2):  # and from now on it is a duplicate
        broker.connect().publish(topic, payload, qos)
    assert observer.payloads() == []
    Store(broker).wait_ids(["a"], topic)


def test_uncut_handshake_delivers_once(broker, observer, topic, publisher):
    publisher.send(topic, event("a"))
    publisher.wait_pubrec()
    publisher.release()
    assert_delivered_once(broker, observer, topic, event("a"))


def test_event_is_delivered_before_its_release(broker, topic, publisher):
    """PUBREC is the acknowledgement that counts: what follows may never come."""
    observer = Observer(broker, topic)
    publisher.send(topic, event("a"))
    publisher.wait_pubrec()
    assert [message.payload for message in observer.wait(1)] == [event("a")]
    publisher.release()
    assert_delivered_once(broker, observer, topic, event("a"))


def test_cut_at_once_behind_publish(broker, observer, topic, publisher):
    publisher.send(topic, event("a"))
    publisher.client.cut()
    publisher.come_back()
    publisher.send(topic, event("a"), dup=True)
    publisher.wait_pubrec()
    publisher.release()
    assert_delivered_once(broker, observer, topic, event("a"))


def test_cut_before_pubrec_reached_the_publisher(broker, observer, topic, publisher):
    publisher.send(topic, event("a"))
    publisher.wait_pubrec()  # the broker has sent it; for the publisher it is lost
    publisher.client.cut()
    publisher.come_back()
    publisher.send(topic, event("a"), dup=True)
    publisher.wait_pubrec()
    publisher.release()
    assert_delivered_once(broker, observer, topic, event("a"))


def test_cut_between_pubrec_and_pubrel_then_publish_again(broker, observer, topic, publisher):
    publisher.send(topic, event("a"))
    publisher.wait_pubrec()
    publisher.client.reset()
    publisher.come_back()
    publisher.send(topic, event("a"), dup=True)
    publisher.wait_pubrec()
    publisher.release()
    assert_delivered_once(broker, observer, topic, event("a"))


def test_cut_between_pubrec_and_pubrel_then_pubrel(broker, observer, topic, publisher):
    publisher.send(topic, event("a"))
    publisher.wait_pubrec()
    publisher.client.cut()
    publisher.come_back()
    publisher.release()
    assert_delivered_once(broker, observer, topic, event("a"))


def test_cut_before_pubcomp_then_pubrel_again(broker, observer, topic, publisher):
    publisher.send(topic, event("a"))
    publisher.wait_pubrec()
    publisher.client.send_ack(PUBREL, PACKET_ID)
    publisher.client.cut()
    publisher.come_back()
    publisher.client.send_ack(PUBREL, PACKET_ID)
    publisher.client.wait_for(PUBCOMP, PACKET_ID)
    assert_delivered_once(broker, observer, topic, event("a"))


def test_cut_before_pubcomp_then_publish_again(broker, observer, topic, publisher):
    publisher.send(topic, event("a"))
    publisher.wait_pubrec()
    publisher.client.send_ack(PUBREL, PACKET_ID)
    publisher.client.wait_for(PUBCOMP, PACKET_ID)  # sent by the broker; for the publisher it is lost
    publisher.client.cut()
    publisher.come_back()
    publisher.send(topic, event("a"), dup=True)
    publisher.wait_pubrec()
    publisher.release()
    assert_delivered_once(broker, observer, topic, event("a"))


def test_cut_again_and_again_at_every_step(broker, observer, topic, publisher):
    for step in ("publish", "pubrec", "publish", "pubrec"):
        publisher.send(topic, event("a"), dup=True)
        if step == "pubrec":
            publisher.wait_pubrec()
        publisher.client.cut()
        publisher.come_back()
    publisher.send(topic, event("a"), dup=True)
    publisher.wait_pubrec()
    publisher.release()
    assert_delivered_once(broker, observer, topic, event("a"))


def test_resent_on_the_same_connection(broker, observer, topic, publisher):
    """MQTT 3.1 and impatient clients resend without a reconnect."""
    publisher.send(topic, event("a"))
    publisher.wait_pubrec()
    publisher.send(topic, event("a"), dup=True)
    publisher.wait_pubrec()
    publisher.release()
    assert_delivered_once(broker, observer, topic, event("a"))


def test_resent_with_properties_and_retain(broker, topic, clean):
    """What a retransmission is matched by must be the same for the first copy and the next."""
    properties = [("content_type", "application/json"), ("user_property", ("k", "v")), ("response_topic", "reply")]
    observer = Observer(broker, topic, version=V5)
    publisher = Publisher(broker, f"publisher-{topic}", V5, clean)
    publisher.send(topic, event("a"), retain=True, properties=properties)
    publisher.wait_pubrec()
    publisher.client.cut()
    publisher.come_back()
    publisher.send(topic, event("a"), retain=True, dup=True, properties=properties)
    publisher.wait_pubrec()
    publisher.release()
    message, = observer.messages()
    assert message.payload == event("a") and message.user_properties == [("k", "v")]
    assert Observer(broker, topic).payloads() == [event("a")]


def test_publisher_never_comes_back(broker, observer, topic, publisher):
    publisher.send(topic, event("a"))
    publisher.wait_pubrec()
    publisher.client.cut()
    assert_delivered_once(broker, observer, topic, event("a"))


def test_second_gateway_takes_over_an_unreleased_event(broker, observer, topic, publisher, qos):
    publisher.send(topic, event("a"))
    publisher.wait_pubrec()
    publisher.client.cut()
    broker.connect().publish(topic, event("a"), qos)
    assert observer.payloads() == [event("a")]
    publisher.come_back()
    publisher.send(topic, event("a"), dup=True)
    publisher.wait_pubrec()
    publisher.release()
    assert observer.payloads() == []


def test_cut_duplicate_does_not_come_out_when_it_is_resumed(broker, observer, topic, publisher):
    broker.connect().publish(topic, event("a"), qos=1)
    publisher.send(topic, event("a"))
    publisher.wait_pubrec()
    publisher.client.cut()
    publisher.come_back()
    publisher.send(topic, event("a"), dup=True)
    publisher.wait_pubrec()
    publisher.release()
    assert_delivered_once(broker, observer, topic, event("a"))


def test_packet_id_is_used_for_the_next_event(broker, observer, topic, publisher):
    for event_id in ("a", "b"):
        publisher.send(topic, event(event_id))
        publisher.wait_pubrec()
        publisher.release()
    assert observer.payloads() == [event("a"), event("b")]


def test_packet_id_of_a_cut_exchange_is_used_for_another_event(broker, observer, topic, version):
    publisher = Publisher(broker, f"publisher-{topic}", version, clean=True)
    publisher.send(topic, event("a"))
    publisher.wait_pubrec()
    publisher.client.cut()
    publisher.come_back()
    publisher.send(topic, event("b"))
    publisher.wait_pubrec()
    publisher.release()
    assert observer.payloads() == [event("a"), event("b")]


def test_many_exchanges_open_at_once(broker, observer, topic, version):
    publisher = broker.connect(version=version)
    ids = range(1, 16)  # fewer than the broker lets a client have open
    for packet_id in ids:
        publisher.send_publish(topic, event(f"id-{packet_id}"), qos=2, packet_id=packet_id)
    for packet_id in ids:
        publisher.wait_for(PUBREC, packet_id)
    for packet_id in reversed(ids):
        publisher.release(packet_id)
    assert observer.payloads() == [event(f"id-{packet_id}") for packet_id in ids]


@pytest.mark.parametrize("version", [V31, V311], ids=VERSION_NAMES.get)
def test_more_exchanges_than_the_broker_lets_a_client_have_open(broker, topic, version):
    """The broker holds its PUBRECs back then."""
    observer = Observer(broker, topic)
    publisher = broker.connect(version=version)
    ids = range(1, 61)
    for packet_id in ids:
        publisher.send_publish(topic, event(f"id-{packet_id}"), qos=2, packet_id=packet_id)
    for packet_id in ids:
        publisher.wait_for(PUBREC, packet_id)
        publisher.release(packet_id)
    assert observer.payloads() == [event(f"id-{packet_id}") for packet_id in ids]


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_packet_id_of_a_cut_exchange_is_used_for_what_is_no_event(broker, topic, version):
    """In a kept session the broker still holds the stand-in under that packet id."""
    observer = Observer(broker, topic)
    publisher = Publisher(broker, f"publisher-{topic}", version, clean=False)
    publisher.send(topic, event("a"))
    publisher.wait_pubrec()
    publisher.client.cut()
    publisher.come_back()
    publisher.send(topic, b"no event")
    publisher.wait_pubrec()
    publisher.release()
    assert observer.payloads() == [event("a"), b"no event"]


@pytest.mark.parametrize("version", VERSIONS, ids=VERSION_NAMES.get)
def test_exchange_of_what_is_no_event_is_the_brokers_own(broker, topic, version):
    """Handed on at PUBREL, as without the plugin; a retransmission in a kept session is recognised."""
    observer = Observer(broker, topic)
    publisher = Publisher(broker, f"publisher-{topic}", version, clean=False)
    publisher.send(topic, b"no event")
    publisher.wait_pubrec()
    assert observer.payloads() == []
    publisher.client.cut()
    publisher.come_back()
    publisher.send(topic, b"no event", dup=True)
    publisher.wait_pubrec()
    publisher.release()
    assert observer.payloads() == [b"no event"]
