"""POST /publish takes CloudEvents 1.0: structured, as a batch, and in binary mode."""

import datetime
import json
import time

import pytest

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json; charset=utf-8"


def cloud_event(number="1", **attributes):
    return {"specversion": "1.0", "id": number, "source": "/sensors/1", "type": "org.example.measured", **attributes}


def post(sidecar, body, headers, query="", status=200):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = sidecar.request("POST", f"/publish{query}", body, headers)
    assert response.status == status, f"{response.status} {response.body[:1000]}"
    return response


def binary(number="1", **headers):
    return {"ce-specversion": "1.0", "ce-id": number, "ce-source": "/sensors/1", "ce-type": "org.example.measured",
            **headers}


def test_structured(broker, sidecar, topic):
    subscriber = broker.connect(version=5)
    subscriber.subscribe(topic)
    sent = cloud_event(time="2026-01-31T12:00:00Z", topic=topic, data={"v": 1}, subject="s", myext=7, dataschema=None)
    assert post(sidecar, sent, {"Content-Type": STRUCTURED}).json["processed"] == ["1"]
    assert post(sidecar, sent, {"Content-Type": STRUCTURED}).json["duplicates"] == 1
    found, = sidecar.events(topic)
    assert {name: found[name] for name in ("event_id", "timestamp", "source", "payload")} == {
        "event_id": "1", "timestamp": "2026-01-31T12:00:00Z", "source": "/sensors/1", "payload": {"v": 1}}
    message, = subscriber.wait_messages(1)
    assert json.loads(message.payload) == {
        "topic": topic, "event_id": "1", "timestamp": "2026-01-31T12:00:00Z", "source": "/sensors/1",
        "payload": {"v": 1}, "specversion": "1.0", "id": "1", "type": "org.example.measured", "subject": "s", "myext": 7}
    assert message.user_properties == [("event_id", "/sensors/1|1")]


def test_the_topic_of_the_url_and_the_time_of_the_request(sidecar, topic):
    post(sidecar, cloud_event(data=None), {"Content-Type": STRUCTURED}, f"?topic={topic}&results=full&qos=2")
    post(sidecar, cloud_event("2", topic=f"{topic}/b"), {"Content-Type": STRUCTURED}, f"?topic={topic}")
    found, = sidecar.events(topic)
    age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(
        found["timestamp"].replace("Z", "+00:00"))
    assert abs(age) < datetime.timedelta(minutes=1)
    assert found["payload"] is None
    assert sidecar.ids(f"{topic}/b") == ["2"]


def test_any_number_of_attributes_of_which_the_first_counts(sidecar, topic):
    names = [f"a{number}" for number in range(200_000)]
    extensions = ",".join(f'"{name}":1' for name in [*names, *names[:3]])
    body = json.dumps(cloud_event(topic=topic))[:-1] + ',"id":"2",' + extensions + "}"
    begin = time.monotonic()
    assert post(sidecar, body.encode(), {"Content-Type": STRUCTURED}).json["processed"] == ["1"]
    assert time.monotonic() - begin < 20


def requests_of(number, source, topic):
    """One event in each mode, as arguments of post()."""
    event = cloud_event(number, source=source, topic=topic, data=1)
    headers = binary(number, **{"ce-source": source, "ce-topic": topic, "Content-Type": "application/json"})
    return [(event, {"Content-Type": STRUCTURED}), ([event], {"Content-Type": BATCH}), (1, headers)]


def test_source_and_id_together_are_the_identity(broker, sidecar, topic):
    first, second = requests_of("42", "/plant/1", topic), requests_of("42", "/plant/2", topic)
    for requests in (first, second):
        answers = [post(sidecar, *request).json for request in requests]
        assert [answer["processed"] for answer in answers] == [["42"], [], []]
        assert [answer["duplicates"] for answer in answers] == [0, 1, 1]
    shown = [(row["event_id"], row["source"], row["payload"], row["message"]["id"]) for row in sidecar.events(topic)]
    assert shown == [("42", "/plant/1", 1, "42"), ("42", "/plant/2", 1, "42")]
    found = sidecar.get(f"/events?topic={topic}&event_id=/plant/2%7C42").json
    assert [row["source"] for row in found] == ["/plant/2"]
    # An event that is no CloudEvent has another identity.
    assert sidecar.publish({"topic": topic, "event_id": "42", "timestamp": "2026-01-31", "source": "/plant/1"})[
        "processed"] == ["42"]


def test_two_pairs_that_look_alike_are_two(sidecar, topic):
    pairs = [("a|b", "c"), ("a", "b|c"), ("a\\", "b|c"), ("a", "b\\|c")]
    events = [cloud_event(number, source=source, topic=topic) for source, number in pairs]
    assert post(sidecar, events, {"Content-Type": BATCH}).json["duplicates"] == 0
    assert post(sidecar, events, {"Content-Type": BATCH}).json["duplicates"] == 4


def test_whatever_source_and_id_hold_they_are_the_identity(sidecar, topic):
    texts = ["\0", "\x7f", "\x85", "\ufffe", "\ufdd0", "\U0001ffff", "\u00e9", "x" * 256, "#", "-"]
    events = [cloud_event(text, source=source + text, topic=topic, data=1)
              for text in texts for source in ("s", "t" * 300)]
    answer = post(sidecar, events, {"Content-Type": BATCH}).json
    assert answer["processed"] == [event["id"] for event in events]
    assert post(sidecar, events, {"Content-Type": BATCH}).json["duplicates"] == len(events)
    assert [(row["source"], row["message"]["id"]) for row in sidecar.events(topic)] == [
        (event["source"], event["id"]) for event in events]
    assert sidecar.ids(topic) == [event["id"] for event in events]
    too_long = cloud_event("x" * 257, topic=topic)
    assert "event_id" in post(sidecar, too_long, {"Content-Type": STRUCTURED}, status=422).detail


def test_a_conflict_is_one_of_the_same_source(sidecar, topic):
    events = [cloud_event("1", source=source, topic=topic, data=data) for source, data in (
        ("a", 1), ("b", 2), ("a", 1), ("a", 3), ("b", 2))]
    answer = post(sidecar, events, {"Content-Type": BATCH}, "?results=full").json
    assert [result["verdict"] for result in answer["results"]] == [
        "processed", "processed", "duplicate", "conflict", "duplicate"]


def test_with_the_plugins_own_names_for_the_id(park):
    broker, sidecar = park.start(options={"id_member": "uuid", "id_property": "dedup-id"})
    subscriber = broker.connect(version=5).subscribe("t")
    for source in "aab":
        post(sidecar, cloud_event(source=source, topic="t"), {"Content-Type": STRUCTURED})
    messages = subscriber.wait_messages(2)
    assert [message.user_properties for message in messages] == [[("dedup-id", "a|1")], [("dedup-id", "b|1")]]
    assert sidecar.ids("t") == ["1", "1"]


def test_batch(sidecar, topic):
    events = [cloud_event(str(number % 4), data=number) for number in range(5)]
    answer = post(sidecar, events, {"Content-Type": BATCH}, f"?topic={topic}").json
    assert (answer["processed"], answer["duplicates"]) == (["0", "1", "2", "3"], 1)
    assert post(sidecar, [], {"Content-Type": BATCH}).json["accepted"] == 0


def test_binary(sidecar, topic):
    query = f"?topic={topic}"
    post(sidecar, {"v": 1.50}, binary(**{"Content-Type": "application/json", "ce-time": "2026-01-31T12:00:00Z"}), query)
    post(sidecar, "caf\u00e9 \"x\"".encode(), binary("2", **{"Content-Type": "text/plain; charset=utf-8"}), query)
    post(sidecar, b"\x00\xff", binary("%C3%A9%22%20", **{"Content-Type": "application/octet-stream"}), query)
    post(sidecar, b"[1]", binary("4", **{"ce-topic": f"{topic}/b"}), query)
    found = sidecar.events(topic)
    assert [row["payload"] for row in found[:2]] == [{"v": 1.5}, "caf\u00e9 \"x\""]
    assert found[2]["payload"]["data_base64"] == "AP8="
    assert [row["event_id"] for row in found] == ["1", "2", "\u00e9\" "]
    assert found[0]["timestamp"] == "2026-01-31T12:00:00Z"
    assert sidecar.events(f"{topic}/b")[0]["payload"] == [1]


def test_headers_are_percent_decoded_once(sidecar, topic):
    for sent in ("a%2541", "a%41"):
        post(sidecar, {}, binary(sent), f"?topic={topic}")
    assert sidecar.ids(topic) == ["a%41", "aA"]


@pytest.mark.parametrize("change, name", [
    ({"specversion": "0.3"}, "specversion"), ({"specversion": None}, "specversion"), ({"id": ""}, "id"),
    ({"id": 7}, "id"), ({"source": None}, "source"), ({"type": ""}, "type"), ({"topic": None}, "topic"),
    ({"topic": "a/#"}, "topic"), ({"time": "yesterday"}, "timestamp"), ({"payload": 1}, "payload"),
])
def test_an_invalid_one_is_refused_and_named(sidecar, topic, change, name):
    good = cloud_event(topic=topic)
    assert f"events[0].{name}" in post(sidecar, {**good, **change}, {"Content-Type": STRUCTURED}, status=422).detail
    assert f"events[1].{name}" in post(sidecar, [good, {**good, **change}], {"Content-Type": BATCH}, status=422).detail
    assert sidecar.events(topic) == []


@pytest.mark.parametrize("body, content_type", [(b"{", STRUCTURED), (b"[{}", BATCH), (b"{}", BATCH), (b"[{},]", BATCH)])
def test_invalid_json_is_a_400(sidecar, body, content_type):
    assert post(sidecar, body, {"Content-Type": content_type}, "?topic=t", status=400).detail


def test_binary_data_must_be_what_it_is_said_to_be(sidecar):
    for body, content_type in ((b"{", "application/json"), (b"{", "application/x+json"), (b"\xff", "text/plain")):
        assert post(sidecar, body, binary(**{"Content-Type": content_type}), "?topic=t", status=400).detail
