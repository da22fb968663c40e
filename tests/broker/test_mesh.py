"""Brokers in a mesh, each with the plugin: each event is seen once on each of them, whatever comes on the way.

MESH_EVENTS says with how many events, for longer runs by hand.
"""

import os

import pytest

from tests.support import mesh
from tests.support.broker import BRIDGES_CRASH, wait_until
from tests.support.events import event, event_id_of
from tests.support.mesh import NAMES, Mesh
from tests.support.mqtt_client import PUBACK, V5, ConnectionCut
from tests.support.park import Park
from tests.support.store import Store

pytestmark = pytest.mark.skipif(BRIDGES_CRASH, reason="under libtsan the bare broker crashes, too")

EVENTS = int(os.environ.get("MESH_EVENTS", 40))
FLIGHT = 500  # events that a publisher has under way at once
TRIANGLE = mesh.ring(NAMES[:3])
MQTT_311 = ("bridge_protocol_version mqttv50", "bridge_protocol_version mqttv311")
QOS_2 = ("topic # out 1", "topic # out 2")
BOTH = ("topic # out 1", "topic # both 1")
MESHES = {
    "triangle": {"links": TRIANGLE},
    "line": {"links": mesh.line(NAMES[:3])},
    "full-mesh-of-four-at-qos2": {"links": mesh.full(NAMES), "changes": [QOS_2]},
    "ring-of-single-connections": {"links": TRIANGLE, "both_ways": False, "changes": [BOTH, MQTT_311]},
}


def numbered(prefix):
    return [f"{prefix}-{number}" for number in range(EVENTS)]


def observe(brokers, topic_filter, **options):
    return [broker.connect(version=V5, **options).subscribe(topic_filter, 2) for broker in brokers]


def wait_seen(observer, ids):
    missing, looked_at = set(ids), 0

    def are_all_there(inbox):
        nonlocal looked_at
        missing.difference_update(event_id_of(message.payload) for message in inbox[looked_at:])
        looked_at = len(inbox)
        return not missing
    observer.wait_until(are_all_there, mesh.WAIT_S)


def seen(observer):
    observer.ping()  # whose answer comes behind all that waits
    return [event_id_of(message.payload) for message in observer.clear()]


def publish(ids_of, topic, qos):
    """Publishes the ids that are given for each broker, at all of them at the same time, until all are acknowledged."""
    publishers = {broker.connect(version=V5): ids for broker, ids in ids_of.items()}
    for first in range(0, max(map(len, ids_of.values())), FLIGHT):
        under_way = {publisher: [publisher.send_publish(topic, event(event_id), qos) for event_id in ids[first:first + FLIGHT]]
                     for publisher, ids in publishers.items()}
        for publisher, packet_ids in under_way.items():
            for packet_id in packet_ids:
                assert publisher.finish(packet_id, qos) < 0x80
            publisher.ping()


def wait_stored(brokers, topic, ids):
    for broker in brokers:
        wait_until(lambda: sorted(Store(broker).ids(topic)) == sorted(ids), "each is stored once", mesh.WAIT_S)


@pytest.fixture(scope="module", params=MESHES.values(), ids=MESHES)
def shape(request):
    return request.param


@pytest.fixture(scope="module")
def shared_park(shape, tmp_path_factory):
    """One for each shape. Its logs are printed when a test fails."""
    park = Park(tmp_path_factory.mktemp("mesh"))
    yield park
    park.close()


@pytest.fixture(scope="module")
def whole(shape, shared_park):
    """A mesh in which nothing fails."""
    return Mesh(shared_park, **shape).start()


def test_each_event_is_seen_once_on_each_broker(whole, topic, qos):
    observers = observe(whole, topic)
    brokers = [*whole]
    publish({brokers[0]: numbered("at one broker")}, topic, qos)
    publish({broker: numbered("the same at each") for broker in brokers}, topic, qos)
    of_its_own = {broker: numbered(f"at {name} alone") for name, broker in whole.brokers.items()}
    publish(of_its_own, topic, qos)
    at_one_alone = [numbered("at one broker"), *of_its_own.values()]
    everything = sum(at_one_alone, numbered("the same at each"))

    for observer in observers:
        observer.wait_messages(len(everything), mesh.WAIT_S)
    whole.wait_quiet()
    for observer in observers:
        ids = seen(observer)
        assert sorted(ids) == sorted(everything)
        for run in at_one_alone:
            assert [event_id for event_id in ids if event_id in set(run)] == run, "they keep their order"
    wait_stored(whole, topic, everything)


def test_later_subscribers_get_the_newest_retained_event_everywhere(whole, topic):
    observers = observe(whole, f"{topic}/#")
    topics = [f"{topic}/{number:02}" for number in range(30)]
    for broker, its_topics in zip(whole, (topics[:10], topics[10:20], topics[20:])):
        publisher = broker.connect(version=V5)
        for each in its_topics:
            publisher.publish(each, event("older"), retain=True)
            publisher.publish(each, event("newer"), retain=True)
    for observer in observers:
        observer.wait_messages(2 * len(topics), mesh.WAIT_S)
    whole.wait_quiet()
    for observer in observers:
        assert sorted(seen(observer)) == sorted(["older", "newer"] * len(topics))
    for observer in observe(whole, f"{topic}/#"):
        observer.ping()
        assert sorted((message.topic, message.payload, message.retain) for message in observer.clear()) == [
            (each, event("newer"), True) for each in topics]


def test_ids_in_user_properties_go_along(whole, topic):
    if MQTT_311 in whole.changes:
        pytest.skip("MQTT 3.1.1 has no user properties")
    observers = observe(whole, topic)
    publishers = [broker.connect(version=V5) for broker in whole]
    for publisher in publishers:
        publisher.publish(topic, b"no JSON", properties=[("user_property", ("event_id", "a"))])
    for observer in observers:
        observer.wait_messages(1)
    whole.wait_quiet()
    for observer in observers:
        observer.ping()
        assert [message.user_properties for message in observer.clear()] == [[("event_id", "a")]]


def test_without_the_plugin_an_event_goes_round_for_ever(park):
    bare = Mesh(park, TRIANGLE, plugin=False).start()
    observer, = observe([bare["one"]], "#")
    publish({bare["two"]: ["a"]}, "t", 1)
    observer.wait_messages(100)
    assert set(seen(observer)) == {"a"}


def test_messages_without_an_id_go_round_unless_a_rule_makes_them_events(park, tmp_path):
    rules = tmp_path / "rules.json"
    rules.write_text(mesh.RULES)
    ruled = Mesh(park, TRIANGLE, options={"rules_file": rules}).start()
    observers = observe(ruled, "plain/#")
    for broker in ruled:
        broker.connect().publish("plain/t", b"21.5")
    for observer in observers:
        observer.wait_messages(1)
    ruled.wait_quiet()
    for observer in observers:
        observer.ping()
        assert [message.payload for message in observer.clear()] == [b"21.5"]

    observer, = observe([ruled["one"]], "other/#")
    ruled["two"].connect().publish("other/t", b"21.5")
    observer.wait_messages(100)


def test_inverse_prefixes_in_a_pair(park):
    pair = Mesh(park, mesh.line(NAMES[:2]), changes=[("topic # out 1", "topic # out 1 at-two/ at-one/")]).start()
    observers = [observe([broker], f"at-{name}/#")[0] for name, broker in pair.brokers.items()]
    for name, broker in pair.brokers.items():
        publish({broker: numbered(f"by {name}") + numbered("by both")}, f"at-{name}/t", 1)
    everything = numbered("by one") + numbered("by two") + numbered("by both")
    for observer in observers:
        observer.wait_messages(len(everything), mesh.WAIT_S)
    pair.wait_quiet()
    for observer in observers:
        assert sorted(seen(observer)) == sorted(everything)


def test_prefixes_that_add_up_end_at_a_rule_that_ignores_levels(park, tmp_path):
    rules = tmp_path / "rules.json"
    rules.write_text('{"rules": [{"name": "prefixed", "topics": ["#"], "ignore_levels": "all", "key": ["/event_id"]}]}')
    prefixed = Mesh(park, TRIANGLE, changes=[("topic # out 1", 'topic # out 1 "" from-two/')],
                    options={"rules_file": rules}).start()
    observers = observe(prefixed, "#")
    publish({broker: numbered("the same at each") for broker in prefixed}, "t", 1)
    for observer in observers:
        observer.wait_messages(EVENTS)
    prefixed.wait_quiet()
    for observer in observers:
        assert sorted(seen(observer)) == sorted(numbered("the same at each"))


class Publisher:
    """Sends its events to one broker, and those of them again that were not acknowledged when the connection ended."""

    def __init__(self, broker, name):
        self._broker = broker
        self._name = name
        self._under_way = {}  # id -> packet id
        self.sent = []
        self.acknowledged = []
        self.reconnect()

    def send(self):
        """Some more events, and does not wait."""
        for _ in range(EVENTS):
            self.sent.append(f"{self._name}-{len(self.sent)}")
            self._send(self.sent[-1])

    def _send(self, event_id):
        self._under_way[event_id] = self._client.send_publish("t", event(event_id), 1)

    def finish(self):
        """Waits until all are acknowledged, or the connection ends."""
        try:
            for event_id, packet_id in list(self._under_way.items()):
                assert self._client.wait_for(PUBACK, packet_id).reason_code < 0x80
                del self._under_way[event_id]
                self.acknowledged.append(event_id)
        except ConnectionCut:
            pass

    def reconnect(self):
        self._client = self._broker.connect(version=V5)
        for event_id in self._under_way:
            self._send(event_id)


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_broker_that_ends_on_the_way(park, end):
    broken = Mesh(park, TRIANGLE, options={"recovery_delay": "1s"}).start()
    living = [broken["one"], broken["three"]]
    observers = observe(living, "t")
    kept = broken["two"].connect("kept", version=V5, clean=False).subscribe("t", 1)
    publishers = [Publisher(broker, name) for name, broker in broken.brokers.items()]
    at_living, at_ended = [publishers[0], publishers[2]], publishers[1]

    for publisher in publishers:
        publisher.send()
    getattr(broken["two"], end)()
    for publisher in publishers:
        publisher.finish()
    # What a killed broker had not passed on yet is in its own store alone: a copy that it gets later is a duplicate to it.
    alone = set(at_ended.sent) if end == "kill" else set()
    for publisher in at_living:
        publisher.send()
        publisher.finish()
    broken.start_one("two")
    at_ended.reconnect()
    for publisher in publishers:
        publisher.send()
        publisher.finish()
    broken.wait_connected()

    everything = [event_id for publisher in publishers for event_id in publisher.acknowledged]
    assert len(everything) == 8 * EVENTS
    for observer in observers:
        wait_seen(observer, {*everything} - alone)
    wait_stored([broken["two"]], "t", everything)
    for broker in living:
        wait_until(lambda: {*Store(broker).ids("t")} >= {*everything} - alone, "all of them are stored")
    broken.wait_quiet()
    for observer in observers:
        ids = seen(observer)
        assert len(ids) == len(set(ids))
    if end == "terminate":
        wait_seen(broken["two"].connect("kept", version=V5, clean=False), everything)
