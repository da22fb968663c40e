"""What is no event passes through as it would without the plugin: every copy, with every byte, flag and property."""

import pytest

from tests.support.events import event
from tests.support.mqtt_client import V5, V311, Will
from tests.support.observer import Observer
from tests.support.store import Store

NO_EVENTS = {
    # no JSON object
    "empty payload": b"",
    "text": b"hello",
    "binary": bytes(range(256)) * 3,
    "zero byte": b"\0",
    "number": b"12",
    "string": b'"event_id"',
    "array": b'[{"event_id":"a"}]',
    "empty array": b"[]",
    "null": b"null",
    # no id in it
    "empty object": b"{}",
    "no id": b'{"id":"a","value":1}',
    "nested id": b'{"data":{"event_id":"a"}}',
    "id in an array": b'{"data":["event_id","a",{"event_id":"a"}]}',
    "name in a value": b'{"name":"event_id"}',
    "name in other case": b'{"Event_Id":"a"}',
    "name with a space": b'{"event_id ":"a"}',
    # an id that is none
    "empty id": b'{"event_id":""}',
    "id of 257 bytes": event("x" * 257),
    "id of 129 two-byte letters": '{"event_id":"%s"}'.encode() % ("\u00e9" * 129).encode(),
    "id of 257 bytes once unescaped": b'{"event_id":"' + b"\\u0041" * 257 + b'"}',
    "id of a million bytes": event("x" * 1_000_000),
    "integer of 257 digits": b'{"event_id":' + b"1" * 257 + b"}",
    "fraction": b'{"event_id":1.0}',
    "exponent": b'{"event_id":1e3}',
    "true": b'{"event_id":true}',
    "false": b'{"event_id":false}',
    "null id": b'{"event_id":null}',
    "object as id": b'{"event_id":{"a":1}}',
    "array as id": b'{"event_id":["a"]}',
    "first of repeated members is none": b'{"event_id":null,"event_id":"a"}',
    # an id in what is no JSON
    "cut off": b'{"event_id":"a"',
    "cut off in the id": b'{"event_id":"a',
    "cut off behind the name": b'{"event_id"',
    "only a brace": b"{",
    "comma at the end": b'{"event_id":"a",}',
    "comma at the beginning": b'{,"event_id":"a"}',
    "two commas": b'{"event_id":"a",,"b":1}',
    "no comma": b'{"event_id":"a" "b":1}',
    "no colon": b'{"event_id" "a"}',
    "single quotes": b"{'event_id':'a'}",
    "no quotes": b'{event_id:"a"}',
    "comment": b'{"event_id":"a"/* id */}',
    "NaN": b'{"event_id":"a","v":NaN}',
    "infinity": b'{"event_id":"a","v":Infinity}',
    "word": b'{"event_id":"a","v":nul}',
    "leading zero": b'{"event_id":012}',
    "plus sign": b'{"event_id":+12}',
    "minus alone": b'{"event_id":-}',
    "hexadecimal": b'{"event_id":0x12}',
    "point at the end": b'{"event_id":"a","v":1.}',
    "bare exponent": b'{"event_id":"a","v":1e}',
    "unknown escape": b'{"event_id":"\\x41"}',
    "short escape": b'{"event_id":"\\u41"}',
    "lone high surrogate": b'{"event_id":"\\ud83d"}',
    "lone low surrogate": b'{"event_id":"\\ude00"}',
    "surrogates in the wrong order": b'{"event_id":"\\ude00\\ud83d"}',
    "line feed in the id": b'{"event_id":"a\nb"}',
    "zero byte in the id": b'{"event_id":"a\0b"}',
    "no UTF-8 in the id": b'{"event_id":"\xff"}',
    "overlong UTF-8 in the id": b'{"event_id":"\xc0\x80"}',
    "surrogate in UTF-8": b'{"event_id":"\xed\xa0\xbd"}',
    "no UTF-8 further on": b'{"event_id":"a","b":"\xff"}',
    "byte order mark": b'\xef\xbb\xbf{"event_id":"a"}',
    "two objects": b'{"event_id":"a"}{"event_id":"b"}',
    "text behind the object": b'{"event_id":"a"} x',
    "zero byte behind the object": b'{"event_id":"a"}\0',
    "wrong bracket": b'{"event_id":"a","b":[1}',
    "a hundred thousand open brackets": b'{"event_id":"a","b":' + b"[" * 100_000,
    "a hundred thousand open objects": b'{"event_id":"a","b":' + b'{"b":' * 100_000,
}


@pytest.mark.parametrize("payload", NO_EVENTS.values(), ids=NO_EVENTS.keys())
def test_payload_without_an_id_passes_unchanged(broker, observer, topic, payload):
    for qos in (0, 1, 2):
        for version in (V311, V5):
            broker.connect(version=version).publish(topic, payload, qos)
    messages = observer.messages()
    assert [message.payload for message in messages] == [payload] * 6
    assert [message.qos for message in messages] == [0, 0, 1, 1, 2, 2]
    # The plugin stores in order, so behind the next event it is certain that nothing else was.
    broker.connect().publish(topic, event("behind"))
    Store(broker).wait_ids(["behind"], topic)


@pytest.mark.parametrize("payload", [b"", b"text", event(""), b'{"event_id":"a"', event("x" * 257)])
def test_passed_message_is_retained_as_without_the_plugin(broker, topic, version, qos, payload):
    publisher = broker.connect(version=version)
    publisher.publish(topic, b"old", qos, retain=True)
    publisher.publish(topic, payload, qos, retain=True)
    late = [(message.payload, message.retain) for message in Observer(broker, topic).messages()]
    assert late == ([(payload, True)] if payload else [])


PROPERTIES = [
    ("payload_format_indicator", 1), ("content_type", "application/json"), ("response_topic", "replies/1"),
    ("correlation_data", bytes(range(256))),
    # user properties keep their order, also under one name
    ("user_property", ("source", "gateway 1")), ("user_property", ("z", "1")), ("user_property", ("a", "2")),
    ("user_property", ("z", "3")), ("user_property", ("", "")), ("user_property", ("name", "\u00e4\U0001f600")),
]
PLAIN = {name: value for name, value in PROPERTIES if name != "user_property"}
USER = [value for name, value in PROPERTIES if name == "user_property"]


@pytest.mark.parametrize("payload", [b"no event", event("a"), b""], ids=["no event", "event", "empty"])
def test_v5_properties_arrive_unchanged(broker, topic, qos, payload):
    subscriber = broker.connect(version=V5).subscribe(topic)
    broker.connect(version=V5).publish(topic, payload, qos, properties=PROPERTIES)
    message, = subscriber.wait_messages(1)
    assert (message.payload, message.qos) == (payload, qos)
    assert message.plain_properties == PLAIN
    assert message.user_properties == USER


def test_v5_properties_of_an_event_whose_id_is_one_arrive_unchanged(broker, topic, qos):
    """The id property itself arrives too: what is behind this broker may want it."""
    properties = [("user_property", ("event_id", "a")), *PROPERTIES, ("user_property", ("event_id", "b"))]
    subscriber = broker.connect(version=V5).subscribe(topic)
    for _ in range(2):
        broker.connect(version=V5).publish(topic, b"\x00\xff", qos, properties=properties)
    broker.connect(version=V5).publish(topic, b"last", qos)
    first, last = subscriber.wait_messages(2)
    assert (first.payload, last.payload) == (b"\x00\xff", b"last")
    assert first.plain_properties == PLAIN
    assert first.user_properties == [("event_id", "a"), *USER, ("event_id", "b")]


def test_properties_of_many_bytes_arrive_unchanged(broker, topic, qos):
    properties = [("correlation_data", b"\x07" * 65_535), ("content_type", "c" * 65_535)]
    properties += [("user_property", ("k" * 1000, "v" * 65_000)) for _ in range(5)]
    subscriber = broker.connect(version=V5).subscribe(topic)
    broker.connect(version=V5).publish(topic, event("a"), qos, properties=properties)
    assert sorted(subscriber.wait_messages(1)[0].properties) == sorted(properties)


def test_message_expiry_of_what_is_no_event_arrives(broker, topic, qos):
    subscriber = broker.connect(version=V5).subscribe(topic)
    broker.connect(version=V5).publish(topic, b"x", qos, properties=[("message_expiry_interval", 1000)])
    assert subscriber.wait_messages(1)[0].plain_properties["message_expiry_interval"] in (999, 1000)


@pytest.mark.parametrize("qos", [0, 1])
def test_message_expiry_of_an_event_arrives(broker, topic, qos):
    subscriber = broker.connect(version=V5).subscribe(topic)
    broker.connect(version=V5).publish(topic, event("a"), qos, properties=[("message_expiry_interval", 1000)])
    assert subscriber.wait_messages(1)[0].plain_properties["message_expiry_interval"] in (999, 1000)


@pytest.mark.parametrize("size", [1, 127, 128, 16_383, 16_384, 2_097_152])
def test_payload_of_any_size_passes_unchanged(broker, observer, topic, qos, size):
    payload = (bytes(range(256)) * (size // 256 + 1))[:size]
    broker.connect().publish(topic, payload, qos)
    assert observer.payloads() == [payload]


def test_order_of_events_and_others_is_kept(broker, observer, topic, qos):
    publisher = broker.connect()
    payloads = [event(f"id-{number}") if number % 3 else b"no event %d" % number for number in range(60)]
    for payload in payloads:
        publisher.publish(topic, payload, qos)
    assert observer.payloads() == payloads


# --- what the broker publishes itself ---

def test_will_goes_out_each_time(broker, topic, version, qos):
    """A will that carries an id is no event: two clients may die with the same one."""
    observer = Observer(broker, topic)
    for _ in range(2):
        client = broker.connect(version=version, will=Will(topic, event("dead"), qos))
        client.cut()
        observer.wait(1)
        assert observer.payloads() == [event("dead")]


def test_will_does_not_make_a_publish_of_its_id_a_duplicate(broker, topic, version):
    observer = Observer(broker, topic)
    broker.connect(version=version, will=Will(topic, event("dead"), retain=True)).cut()
    observer.wait(1)
    broker.connect().publish(topic, event("dead", by="publisher"))
    assert observer.payloads() == [event("dead"), event("dead", by="publisher")]


def test_event_does_not_hold_a_will_back(broker, topic, version):
    observer = Observer(broker, topic)
    broker.connect().publish(topic, event("dead"))
    broker.connect(version=version, will=Will(topic, event("dead"))).cut()
    observer.wait(2)
    assert observer.payloads() == [event("dead")] * 2


def test_will_keeps_its_properties(broker, topic):
    observer = Observer(broker, topic, version=V5)
    properties = (("content_type", "text/plain"), ("user_property", ("event_id", "a")))
    broker.connect(version=V5, will=Will(topic, b"gone", 1, properties=properties)).cut()
    message, = observer.wait(1)
    assert message.payload == b"gone" and message.properties == properties


def test_sys_topics_are_served(park):
    broker = park.start_broker(config="sys_interval 1")
    subscriber = broker.connect().subscribe("$SYS/#")
    broker.connect().publish("t", event("a"))

    def published_counts(inbox):
        return [message.payload for message in inbox if message.topic == "$SYS/broker/publish/messages/received"]
    inbox = subscriber.wait_until(lambda inbox: b"1" in published_counts(inbox))
    assert any(message.topic == "$SYS/broker/version" and message.retain for message in inbox)


@pytest.mark.parametrize("name", ["$test/x", "$", "$dedup/x", "$events"])
def test_dollar_topics_are_never_deduplicated(broker, version, qos, name):
    subscriber = broker.connect().subscribe(name)
    publisher = broker.connect(version=version)
    for _ in range(2):
        publisher.publish(name, event("a"), qos)
    publisher.publish(name, b"last", qos)
    assert [message.payload for message in subscriber.wait_messages(3)] == [event("a"), event("a"), b"last"]


def test_stand_ins_reach_no_subscriber_of_a_dollar_topic(broker, topic, qos):
    """What takes a duplicate's place must not turn up elsewhere."""
    subscriber = broker.connect().subscribe("$x/#").subscribe("$CONTROL/#")
    for _ in range(3):
        broker.connect().publish(topic, event("a"), qos)
    broker.connect().publish("$x/last", b"last", qos=2)
    assert [message.topic for message in subscriber.wait_messages(1)] == ["$x/last"]
