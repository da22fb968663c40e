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
        "payload": {"v": 1}, "specversion": "1.0", "type": "org.example.measured", "subject": "s", "myext": 7}


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
