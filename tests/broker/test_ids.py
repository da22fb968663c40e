"""Where an event's id is looked for, and when two spellings are one id."""

import pytest

from tests.support.events import event
from tests.support.mqtt_client import V5, V311
from tests.support.observer import Observer
from tests.support.store import Store


def id_property(event_id, name="event_id"):
    return [("user_property", (name, event_id))]


ONE_ID = {
    "escaped letter": ("A", b'{"event_id":"A"}', b'{"event_id":"\\u0041"}'),
    "escaped in upper and lower case": ("\u00e9", b'{"event_id":"\\u00E9"}', b'{"event_id":"\\u00e9"}'),
    "escaped and in UTF-8": ("\u00e9", '{"event_id":"\u00e9"}'.encode(), b'{"event_id":"\\u00e9"}'),
    "escaped slash": ("a/b", b'{"event_id":"a/b"}', b'{"event_id":"a\\/b"}'),
    "short and long escape": ("a\n\t\"\\",
                              b'{"event_id":"a\\n\\t\\"\\\\"}', b'{"event_id":"a\\u000a\\u0009\\u0022\\u005C"}'),
    "surrogate pair": ("\U0001f600", '{"event_id":"\U0001f600"}'.encode(), b'{"event_id":"\\ud83d\\uDE00"}'),
    "integer and its text": ("12", b'{"event_id":12}', b'{"event_id":"12"}'),
    "negative integer": ("-7", b'{"event_id":-7}', b'{"event_id":"-7"}'),
    "zero": ("0", b'{"event_id":0}', b'{"event_id":"0"}'),
    "integer beyond 64 bits": ("123456789012345678901234567890", b'{"event_id":123456789012345678901234567890}',
                               b'{"event_id":"123456789012345678901234567890"}'),
    "integer beyond a double": ("9007199254740993", b'{"event_id":9007199254740993}',
                                b'{"event_id":"9007199254740993"}'),
    "white space": ("a", b'{"event_id":"a"}', b' \t\r\n{ "event_id"\n:\t"a" } \r\n'),
    "among other members": ("a", b'{"event_id":"a"}', b'{"b":{"event_id":"x"},"c":[1,{}],"event_id":"a","d":null}'),
    "escaped name": ("a", b'{"event_id":"a"}', b'{"event\\u005fid":"a"}'),
    "first of repeated members": ("a", b'{"event_id":"a"}', b'{"event_id":"a","event_id":"b"}'),
    "256 bytes": ("x" * 256, event("x" * 256), b'{"event_id":"' + b"\\u0078" * 256 + b'"}'),
    "256 bytes in 128 letters": ("\u00e9" * 128, b'{"event_id":"' + b"\\u00e9" * 128 + b'"}',
                                 b'{"event_id":"' + "\u00e9".encode() * 128 + b'"}'),
    "256 digits": ("1" * 256, b'{"event_id":' + b"1" * 256 + b"}", b'{"event_id":"' + b"1" * 256 + b'"}'),
    "zero byte": ("a\0b", b'{"event_id":"a\\u0000b"}', b'{"event_id":"\\u0061\\u0000\\u0062"}'),
}


@pytest.mark.parametrize("event_id, first, second", ONE_ID.values(), ids=ONE_ID.keys())
def test_two_spellings_are_one_id(broker, observer, topic, event_id, first, second):
    for number, (one, other) in enumerate([(first, second), (second, first)]):
        broker.connect().publish(f"{topic}/{number}", one)
        broker.connect().publish(f"{topic}/{number}", other)
    assert observer.payloads() == [first, second]
    Store(broker).wait_ids([event_id] * 2, topic)


def test_id_is_not_cut_at_a_zero_byte(broker, observer, topic):
    payloads = [event(event_id) for event_id in ("a", "a\0", "a\0b", "a\0c", "\0")]
    for payload in payloads * 2:
        broker.connect().publish(topic, payload)
    assert observer.payloads() == payloads


def test_integers_are_told_apart_beyond_the_precision_of_a_double(broker, observer, topic):
    payloads = [b'{"event_id":9007199254740992}', b'{"event_id":9007199254740993}']
    for payload in payloads * 2:
        broker.connect().publish(topic, payload)
    assert observer.payloads() == payloads


def test_id_in_a_user_property_with_a_binary_payload(broker, observer, topic, qos):
    payload = bytes(range(256))
    for copy in (b"1", b"2"):
        broker.connect(version=V5).publish(topic, copy + payload, qos, properties=id_property("a"))
    broker.connect(version=V5).publish(topic, payload, qos, properties=id_property("b"))
    assert observer.payloads() == [b"1" + payload, payload]
    store = Store(broker)
    store.wait_ids(["a", "b"], topic)
    assert [row.payload for row in store.rows(topic)] == [b"1" + payload, payload]


def test_id_in_a_user_property_and_in_json_is_one_id(broker, observer, topic):
    broker.connect(version=V5).publish(topic, b"by property", properties=id_property("12"))
    broker.connect(version=V311).publish(topic, event("12"))
    broker.connect(version=V311).publish(topic, event(12))
    assert observer.payloads() == [b"by property"]


def test_user_property_goes_before_json(broker, observer, topic):
    publisher = broker.connect(version=V5)
    publisher.publish(topic, event("json"), properties=id_property("property"))
    publisher.publish(topic, event("json"))
    publisher.publish(topic, event("property"))
    assert observer.payloads() == [event("json"), event("json")]
    Store(broker).wait_ids(["property", "json"], topic)


@pytest.mark.parametrize("event_id", ["", "x" * 257])
def test_user_property_that_is_no_id_makes_no_event(broker, observer, topic, event_id):
    for _ in range(2):
        broker.connect(version=V5).publish(topic, b"x", properties=id_property(event_id))
    assert observer.payloads() == [b"x"] * 2


@pytest.mark.parametrize("event_id", ["", "x" * 257])
def test_user_property_that_is_no_id_hides_none(broker, observer, topic, event_id):
    for _ in range(2):
        broker.connect(version=V5).publish(topic, event("json"), properties=id_property(event_id))
    assert observer.payloads() == [event("json")]


def test_user_property_of_256_bytes_is_an_id(broker, observer, topic):
    for _ in range(2):
        broker.connect(version=V5).publish(topic, b"x", properties=id_property("\u00e9" * 128))
    assert observer.payloads() == [b"x"]


def test_first_of_repeated_user_properties_counts(broker, observer, topic):
    publisher = broker.connect(version=V5)
    publisher.publish(topic, b"1", properties=id_property("other", "name") + id_property("a") + id_property("b"))
    publisher.publish(topic, b"2", properties=id_property("a"))
    publisher.publish(topic, b"3", properties=id_property("b"))
    assert observer.payloads() == [b"1", b"3"]


def test_user_property_of_another_name_is_no_id(broker, observer, topic):
    for name in ("Event_Id", "event_id ", "id", "event_i", ""):
        for _ in range(2):
            broker.connect(version=V5).publish(topic, b"x", properties=id_property("a", name))
    assert len(observer.messages()) == 10


def test_deeply_nested_json_does_no_harm(broker, observer, topic):
    depth = 100_000
    payload = b'{"event_id":"a","b":' + b"[" * depth + b"]" * depth + b"}"
    broker.connect().publish(topic, payload)
    assert observer.payloads() == [payload]


def test_moderately_nested_json_is_an_event(broker, observer, topic):
    payload = b'{"b":' + b'[{"c":' * 40 + b"1" + b"}]" * 40 + b',"event_id":"a"}'
    for _ in range(2):
        broker.connect().publish(topic, payload)
    assert observer.payloads() == [payload]


# --- the options that say where to look ---

def test_id_member_option_names_the_json_member(park):
    broker = park.start_broker(options={"id_member": "uuid"})
    observer = Observer(broker)
    for _ in range(2):
        broker.connect().publish("t", b'{"uuid":"a"}')
        broker.connect().publish("t", b'{"event_id":"a"}')
        broker.connect(version=V5).publish("t", b"by property", properties=id_property("b"))
    assert sorted(observer.payloads()) == [b'by property', b'{"event_id":"a"}', b'{"event_id":"a"}', b'{"uuid":"a"}']


def test_id_property_option_names_the_user_property(park):
    broker = park.start_broker(options={"id_property": "message-id"})
    observer = Observer(broker)
    for _ in range(2):
        broker.connect(version=V5).publish("t", b"1", properties=id_property("a", "message-id"))
        broker.connect(version=V5).publish("t", b"2", properties=id_property("a"))
        broker.connect().publish("t", event("b"))
    assert sorted(observer.payloads()) == [b"1", b"2", b"2", event("b")]


def test_topics_option_says_what_is_deduplicated(park):
    broker = park.start_broker(options={"topics": "sensor/+/data,log/# plain"})
    observer = Observer(broker)
    watched = ["sensor/1/data", "log/a/b", "log", "plain"]
    others = ["sensor/1", "sensor/1/data/x", "sensor/1/2/data", "logs", "plain/x", "x/plain", "Plain"]
    for topic in watched + others:
        for qos in (0, 1, 2):
            broker.connect().publish(topic, event("a"), qos)
    delivered = [message.topic for message in observer.messages()]
    assert {topic: delivered.count(topic) for topic in watched} == dict.fromkeys(watched, 1)
    assert {topic: delivered.count(topic) for topic in others} == dict.fromkeys(others, 3)
    Store(broker).wait_count(len(watched))


@pytest.mark.parametrize("filters", ["a b", "a,b", "a, b", "a ,b", " a   b ", "a,,b", "a\tb"])
def test_topic_filters_are_separated_by_comma_or_white_space(park, filters):
    broker = park.start_broker(options={"topics": filters})
    observer = Observer(broker)
    for topic in ("a", "b", "c"):
        for _ in range(2):
            broker.connect().publish(topic, event("x"))
    assert [message.topic for message in observer.messages()] == ["a", "b", "c", "c"]
