"""Rules of the rules file, each kind of key with the messages of those who publish such."""

import json
import time

import pytest

from tests.support.broker import wait_until
from tests.support.mqtt_client import V5, V311
from tests.support.observer import Observer
from tests.support.store import Store

RULES = [
    {"name": "mesh", "topics": ["msh/#"], "ignore_levels": [-1], "key": ["/from|pb:1.1", "/id|pb:1.6"], "window": "10m"},
    {"name": "ble", "topics": ["home/+/BTtoMQTT/+"], "ignore_levels": [2], "key": ["payload"],
     "ignore": ["/rssi", "/distance"], "window": "10m"},
    {"name": "devices", "topics": ["v1/devices/me/telemetry"], "key": ["client", "payload"], "window": "10m",
     "store": "id"},
    {"name": "users", "topics": ["users/+"], "key": ["username", "/n"], "window": "10m"},
    {"name": "ce", "topics": ["doors/#"], "ignore_levels": "all", "key": ["property:source|/source", "property:id|/id"],
     "window": "24h"},
    {"name": "topic", "topics": ["job/+/done"], "key": [], "window": "10m"},
    {"name": "optional", "topics": ["opt"], "key": ["/id", "?/part"], "window": "10m"},
    {"name": "observed", "topics": ["watch"], "key": ["/id"], "window": "10m", "mode": "observe"},
    {"name": "short", "topics": ["short"], "key": ["/id"], "window": "500ms"},
]


def field(number, content):
    """A protobuf field: an integer as a varint, bytes with their length."""
    def varint(value):
        bytes_ = bytearray()
        while value > 127:
            bytes_.append(value & 127 | 128)
            value >>= 7
        return bytes([*bytes_, value])
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def packet(sender, packet_id, rssi=1):
    """As Meshtastic's ServiceEnvelope has it."""
    return field(1, field(1, sender) + field(6, packet_id) + field(12, rssi)) + field(3, b"!gateway")


def write_rules(path, rules=RULES, **others):
    path.write_text(json.dumps({"rules": rules, **others}))
    return path


@pytest.fixture
def rules_file(tmp_path):
    tmp_path.chmod(0o755)
    return write_rules(tmp_path / "rules.json")


@pytest.fixture
def broker(park, rules_file):
    return park.start_broker(options={"rules_file": rules_file})


# (topic, payload, user properties) of an event, of its copies, and of events that are others
CASES = {
    "json": [("msh/EU/gw1", b'{"from":1,"id":7,"rssi":-3}', ()),
             [("msh/EU/gw2", b'{"rssi":-9, "id":7, "from":1}', ()), ("msh/EU/gw1", b'{"from":1,"id":7,"hops":2}', ())],
             [("msh/EU/gw1", b'{"from":1,"id":8}', ()), ("msh/EU/gw1", b'{"from":2,"id":7}', ()),
              ("msh/US/gw1", b'{"from":1,"id":7}', ())]],
    "protobuf": [("msh/EU/gw1", packet(1, 70000), ()), [("msh/EU/gw2", packet(1, 70000, rssi=9), ())],
                 [("msh/EU/gw1", packet(1, 70001), ()), ("msh/EU/gw1", packet(2, 70000), ())]],
    "json and protobuf": [("msh/EU/gw1", packet(1, 7), ()), [("msh/EU/gw2", b'{"from":1,"id":7}', ())], []],
    "payload": [("home/attic/BTtoMQTT/AA", b'{"id":"AA","tempc":20.5,"rssi":-60}', ()),
                [("home/cellar/BTtoMQTT/AA", b'{ "rssi": -71, "tempc":20.5, "distance":3, "id":"AA" }', ())],
                [("home/attic/BTtoMQTT/AA", b'{"id":"AA","tempc":20.6,"rssi":-60}', ()),
                 ("home/attic/BTtoMQTT/BB", b'{"id":"AA","tempc":20.5,"rssi":-60}', ())]],
    "properties": [("doors/1", b"binary\xff", (("source", "/plant/1"), ("id", "42"))),
                   [("doors/2", b"another", (("id", "42"), ("source", "/plant/1"))),
                    ("doors/1", b'{"source":"/plant/1","id":"42"}', ())],
                   [("doors/1", b"binary\xff", (("source", "/plant/2"), ("id", "42")))]],
    "largest property": [("doors/1", b"first", (("source", "/plant/1"), ("id", "v" * 65_535))),
                         [("doors/2", b"copy", (("source", "/plant/1"), ("id", "v" * 65_535)))],
                         [("doors/1", b"another", (("source", "/plant/1"), ("id", "v" * 65_534 + "w")))]],
    "topic": [("job/1/done", b"", ()), [("job/1/done", b"yes", ())], [("job/2/done", b"", ())]],
    "optional": [("opt", b'{"id":"a"}', ()), [("opt", b'{"id":"a","part":null}', ())],
                 [("opt", b'{"id":"a","part":1}', ())]],
}


@pytest.mark.parametrize("case", CASES)
def test_copies_of_an_event_are_dropped_and_others_are_not(broker, qos, case):
    observer = Observer(broker)
    publisher = broker.connect(version=V5)

    def publish(message):
        topic, payload, properties = message
        publisher.publish(topic, payload, qos, properties=[("user_property", pair) for pair in properties])
    event, copies, others = CASES[case]
    publish(event)
    for copy in copies:
        publish(copy)
    for other in others:
        publish(other)
        publish(other)
    assert observer.payloads() == [event[1], *(other[1] for other in others)]


def test_the_client_is_a_part_of_a_key(broker, qos):
    observer = Observer(broker)
    for client_id, payload in (("c1", b'{"t":1}'), ("c2", b'{"t":1}'), ("c1", b'{"t":1}'), ("c1", b'{"t":2}')):
        client = broker.connect(client_id, version=V311)
        client.publish("v1/devices/me/telemetry", payload, qos)
        client.disconnect()
    assert observer.payloads() == [b'{"t":1}', b'{"t":1}', b'{"t":2}']


def test_without_a_user_name_there_is_no_key(broker):
    observer = Observer(broker)
    publisher = broker.connect()
    for _ in range(2):
        publisher.publish("users/1", b'{"n":1}', 1)
    assert observer.payloads() == [b'{"n":1}'] * 2
    named = [broker.connect(username=name) for name in ("anna", "bert", "anna")]
    for client in named:
        client.publish("users/1", b'{"n":1}', 1)
    assert observer.payloads() == [b'{"n":1}'] * 2


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_keys_outlive_the_broker(broker, qos, end):
    publisher = broker.connect(version=V5)
    for name in ("json", "protobuf", "payload", "topic"):
        topic, payload, _ = CASES[name][0]
        publisher.publish(topic, payload, qos)
    broker.settle()
    getattr(broker, end)()
    broker.start()
    observer = Observer(broker)
    publisher = broker.connect(version=V5)
    for name in ("json", "protobuf", "payload", "topic"):
        topic, payload, _ = CASES[name][1][0]
        publisher.publish(topic, payload, qos)
    assert observer.payloads() == []


def test_a_row_says_its_rule_and_may_do_without_the_payload(broker):
    publisher = broker.connect("c1")
    publisher.publish("v1/devices/me/telemetry", b'{"t":1}', 1)
    publisher.publish("msh/a/b", b'{"from":1,"id":7}', 1)
    publisher.publish("t", b'{"event_id":"e"}', 1)
    store = Store(broker)
    store.wait_count(3)
    rows = store._query("SELECT name, event_id, payload FROM events LEFT JOIN rules USING(rule_id) ORDER BY seq")
    assert rows[0][0] == "devices" and rows[0][1].startswith("c1|#") and rows[0][2] == b""
    assert rows[1:] == [("mesh", "1|7", b'{"from":1,"id":7}'), (None, "e", b'{"event_id":"e"}')]


def test_a_rule_that_observes_lets_all_through(broker, qos):
    observer = Observer(broker)
    publisher = broker.connect()
    for _ in range(2):
        publisher.publish("watch", b'{"id":1}', qos)
    assert observer.payloads() == [b'{"id":1}'] * 2


def test_a_short_window_ends(broker):
    observer = Observer(broker)
    publisher = broker.connect()
    first = time.monotonic()
    publisher.publish("short", b'{"id":1}', 1)
    while time.monotonic() < first + 0.4:
        publisher.publish("short", b'{"id":1}', 1)
        time.sleep(0.02)
    inside = observer.payloads()
    if time.monotonic() < first + 0.5:  # else this machine stood still
        assert inside == [b'{"id":1}']
    time.sleep(0.25)
    publisher.publish("short", b'{"id":1}', 1)
    publisher.publish("short", b'{"id":1}', 1)
    assert len(observer.payloads()) == 1


def hang_up(broker, expected):
    lines = broker.log().count(expected)
    broker.reload()
    wait_until(lambda: broker.log().count(expected) > lines, f"the log says {expected}")


def test_sighup_reads_the_file_anew_and_keeps_the_ids(broker, rules_file):
    publisher = broker.connect()
    publisher.publish("msh/a/gw1", b'{"from":1,"id":7}', 1)
    publisher.publish("new", b'{"n":1}', 1)
    write_rules(rules_file, [{"name": "new", "topics": ["new"], "key": ["/n"]}, {**RULES[0], "window": "20m"}])
    hang_up(broker, "2 rules of")
    observer = Observer(broker)
    for payload in (b'{"n":1}', b'{"n":1}'):
        publisher.publish("new", payload, 1)
    publisher.publish("msh/a/gw2", b'{"from":1,"id":7}', 1)
    assert observer.payloads() == [b'{"n":1}']


def test_sighup_with_a_bad_file_changes_nothing(broker, rules_file):
    rules_file.write_text('{"rules": [\n{"name": "mesh", "topics": ["msh/#"], "key": ["/id"], "window": "soon"}]}')
    hang_up(broker, "the rules stay as they were")
    assert "line 2: rule 'mesh', \"window\": 'soon' is no duration" in broker.log()
    observer = Observer(broker)
    publisher = broker.connect()
    publisher.publish("msh/a/gw1", b'{"from":1,"id":7}', 1)
    publisher.publish("msh/a/gw2", b'{"from":1,"id":7}', 1)
    assert observer.payloads() == [b'{"from":1,"id":7}']


@pytest.mark.parametrize("text, expected", [
    ("{", "line 1"),
    ('{"rules": [{"name": "r", "topics": ["t"], "key": ["payload"]}]}', "'r'"),
    ('{"rules": [{"name": "r", "topics": ["t/#/x"], "key": ["/id"]}]}', "'t/#/x'"),
    (None, "No such file"),
])
def test_a_bad_file_keeps_the_broker_from_starting(park, rules_file, text, expected):
    if text is None:
        rules_file.unlink()
    else:
        rules_file.write_text(text)
    broker = park.make_broker(options={"rules_file": rules_file})
    log = broker.start_refused()
    assert "plugin_opt_rules_file" in log and expected in log


def test_without_the_default_rule_an_event_id_is_nothing(park, rules_file):
    write_rules(rules_file, default=False)
    broker = park.start_broker(options={"rules_file": rules_file})
    observer = Observer(broker)
    publisher = broker.connect()
    for _ in range(2):
        publisher.publish("t", b'{"event_id":"e"}', 1)
    assert observer.payloads() == [b'{"event_id":"e"}'] * 2
