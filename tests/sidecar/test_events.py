"""GET /events: what is listed, in which form, and that it is whole or visibly cut."""

import base64
import contextlib
import csv
import datetime
import http.client
import io
import json
import os
import re
import socket
import threading
import time
import urllib.parse

import pytest

from tests.support.sidecar import MemoryWatch, event
from tests.support.watcher import Watcher


def test_all_topics_or_one_in_order_of_acceptance(park):
    _, sidecar = park.start()
    assert sidecar.get("/events").body == b"[]"
    sidecar.publish([event("b", "1"), event("a", "2"), event("b", "3")])
    sidecar.publish([event("a", "4"), event("b", "1")])
    assert [(found["seq"], found["topic"], found["event_id"]) for found in sidecar.events()] == [
        (1, "b", "1"), (2, "a", "2"), (3, "b", "3"), (4, "a", "4")]
    assert sidecar.ids("a") == ["2", "4"]
    assert sidecar.ids("b") == ["1", "3"]
    assert sidecar.get("/events?topic=").json == sidecar.events()


def test_unknown_topic_is_an_empty_list(sidecar):
    for topic in ("nobody/publishes/here", "%"):
        response = sidecar.get(f"/events?topic={topic}")
        assert (response.status, response.body) == (200, b"[]")


@pytest.mark.parametrize("name", ["a/b", "with space", "caf\u00e9/\U0001F600", "a=b&c?d%25e;f", "trailing/", "/",
                                  "'\"\\"])
def test_topic_is_percent_decoded(sidecar, topic, name):
    name = f"{topic}/{name}"
    sidecar.publish(event(name, "a"))
    assert [found["topic"] for found in sidecar.events(urllib.parse.quote(name, safe=""))] == [name]
    assert sidecar.ids(urllib.parse.quote_plus(name)) == ["a"]


def test_an_event_has_seven_members_and_received_at_is_utc(sidecar, topic):
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)
    sidecar.publish(event(topic, "a", source="gateway", payload={"v": 1}))
    found, = sidecar.events(topic)
    assert list(found) == ["topic", "event_id", "timestamp", "source", "payload", "seq", "received_at"]
    assert found["received_at"].endswith("Z")
    received = datetime.datetime.fromisoformat(found["received_at"].replace("Z", "+00:00"))
    assert before <= received <= datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)


def test_events_that_came_by_mqtt(broker, sidecar, topic):
    client = broker.connect(version=5)
    client.publish(topic, b'{"event_id":"a"}')
    client.publish(topic, b'{"event_id":42,"topic":"claimed","payload":[1.0],"timestamp":17,"source":{}}')
    client.publish(topic, b'\x00\xff binary', properties=(("user_property", ("event_id", "b")),))
    client.publish(topic, b'{"event_id":"inside"}', properties=(("user_property", ("event_id", "outside")),))
    client.publish(topic, b'[{"event_id":"c"}]', properties=(("user_property", ("event_id", "c")),))
    client.publish(topic, b'', properties=(("user_property", ("event_id", "d")),))
    client.publish(topic, b'{"event_id":"e", "payload": 1, "payload": 2}')
    found = sidecar.events(topic)
    for row in found:
        del row["seq"], row["received_at"]
    nothing = {"topic": topic, "timestamp": None, "source": None}

    def encoded(payload):
        return base64.b64encode(payload).decode()

    assert found == [
        {**nothing, "event_id": "a", "payload": {"event_id": "a"}},
        {"topic": topic, "event_id": 42, "timestamp": 17, "source": {}, "payload": [1.0],
         "message": {"event_id": 42, "topic": "claimed", "payload": [1.0], "timestamp": 17, "source": {}}},
        {**nothing, "event_id": "b", "payload_base64": encoded(b'\x00\xff binary')},
        {**nothing, "event_id": "outside", "payload": {"event_id": "inside"}},
        {**nothing, "event_id": "c", "payload": [{"event_id": "c"}]},
        {**nothing, "event_id": "d", "payload_base64": ""},
        {**nothing, "event_id": "e", "payload": 1, "message": {"event_id": "e", "payload": 2}},
    ]


DEEP = b'{"event_id":"x","a":' + b"[" * 500 + b"]" * 500 + b"}"

# What publishers other than POST /publish send, and what there is of it in JSON: its own text as `payload`, or as
# `message`, or its bytes.
PUBLISHED = {
    "no envelope": (b'{"event_id":"x","temperature":21.5}', "payload"),
    "spaces around": (b' \r\n{"event_id":"x" , "v" : 1}\t', "payload"),
    "repeated members": (b'{"event_id":"x","v":1,"v":2,"\\u0076":3}', "payload"),
    "numbers beyond a double": (b'{"event_id":"x","v":[123456789012345678901234567890,1e999,0.10,-0.0]}', "payload"),
    "escapes": (b'{"event_id":"x","v":"\\u0000\\ud83d\\ude00\\/"}', "payload"),
    "deep": (DEEP, "payload"),
    "too deep": (DEEP.replace(b"[", b"[[[").replace(b"]", b"]]]"), None),
    "a payload and more": (b'{"event_id":"x","payload":1,"temperature":21.5}', "message"),
    "another topic": (b'{"event_id":"x","topic":"claimed","timestamp":"2024-01-01","payload":1}', "message"),
    "another topic and no payload": (b'{"event_id":"x","topic":"claimed","timestamp":"2024-01-01"}', "payload"),
    "a list": (b'[1, "x", {"event_id":"x"}]', "payload"),
    "a string": (b'"\\u0041 b"', "payload"),
    "a number": (b"21.50", "payload"),
    "null": (b"null", "payload"),
    "text": (b"21.5 C", None),
    "bytes": (bytes(range(256)), None),
    "no UTF-8": (b'{"event_id":"x","v":"\xff"}', None),
    "a lone surrogate": (b'{"event_id":"x","v":"\\ud800"}', None),
    "NaN": (b'{"event_id":"x","v":NaN}', None),
    "a byte-order mark": (b'\xef\xbb\xbf{"event_id":"x"}', None),
    "a NUL behind": (b'{"event_id":"x"}\0', None),
    "cut short": (b'{"event_id":"x"', None),
    "nothing": (b"", None),
}


@pytest.mark.parametrize("payload, member", PUBLISHED.values(), ids=PUBLISHED)
def test_whatever_was_published_can_be_read_back_whole(broker, sidecar, topic, payload, member):
    broker.connect(version=5).publish(topic, payload, properties=(("user_property", ("event_id", "x")),))
    text = payload.strip(b" \t\r\n").decode() if member else base64.b64encode(payload).decode()
    whole = f'"{member}":{text}' if member else f'"payload_base64":"{text}"'
    listed = sidecar.get(f"/events?topic={topic}").body.decode()
    assert whole + ',"seq":' in listed
    seq = re.search(r'"seq":(\d+),"received_at"', listed)[1]
    assert f"[{sidecar.get(f'/events/{seq}').body.decode()}]" == listed
    line = sidecar.request("GET", f"/events?topic={topic}", headers={"Accept": "application/x-ndjson"}).body.decode()
    assert f"[{line[:-1]}]" == listed
    with Watcher(sidecar, f"?topic={topic}&after_seq=0") as watcher:
        assert watcher.frame_text() == (int(seq), line[:-1])
    table = sidecar.request("GET", f"/events?topic={topic}", headers={"Accept": "text/csv"}).body.decode()
    names, cells = csv.reader(io.StringIO(table, newline=""), strict=True)
    cell = dict(zip(names, cells))[member or "payload_base64"]
    bare = {b"null": "", b'"\\u0041 b"': "A b"}  # null is nothing, and a string stands without quotes
    assert cell == bare.get(payload, text)
    as_published = sidecar.request("GET", f"/events/{seq}", headers={"Accept": "application/octet-stream"})
    assert as_published.headers["Content-Type"] == "application/octet-stream"
    assert as_published.body == payload


@pytest.mark.parametrize("accept, content_type", [
    ("application/octet-stream", "application/octet-stream"), ("*/*", "application/json"), ("", "application/json"),
    ("text/html", "application/json"), ("application/json, application/octet-stream;q=0.9", "application/json"),
    ("application/*;q=0.5, Application/Octet-Stream", "application/octet-stream"),
    ("application/octet-stream;q=0", "application/json"),
])
def test_one_event_in_the_form_that_is_liked_best(sidecar, topic, accept, content_type):
    sidecar.publish(event(topic, "a"))
    seq = sidecar.events(topic)[0]["seq"]
    response = sidecar.request("GET", f"/events/{seq}", headers={"Accept": accept})
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Vary"] == "Accept"


def test_each_form_of_one_event_has_a_tag_of_its_own(sidecar, topic):
    sidecar.publish(event(topic, "a"))
    path = f"/events/{sidecar.events(topic)[0]['seq']}"
    forms = [{"Accept": "application/json"}, {"Accept": "application/octet-stream"}]
    tags = [sidecar.request("GET", path, headers=form).headers["ETag"] for form in forms]
    for form, tag, other in zip(forms, tags, reversed(tags)):
        unchanged = sidecar.request("GET", path, headers={**form, "If-None-Match": tag})
        assert (unchanged.status, unchanged.body, unchanged.headers["Vary"]) == (304, b"", "Accept")
        assert sidecar.request("GET", path, headers={**form, "If-None-Match": other}).status == 200


def test_there_are_no_bytes_of_an_event_that_is_not_there(sidecar):
    response = sidecar.request("GET", "/events/999999999", headers={"Accept": "application/octet-stream"})
    assert response.status == 404 and "999999999" in response.detail


def test_what_a_publish_has_answered_is_in_the_next_listing(sidecar, topic):
    for number in range(200):
        sidecar.publish([event(topic, f"{number}-{i}") for i in range(10)])
        assert len(sidecar.events(topic)) == (number + 1) * 10


def test_what_mqtt_has_acknowledged_is_in_the_next_listing(broker, sidecar, topic):
    client = broker.connect()
    for number in range(200):
        client.publish(topic, b'{"event_id":"%d"}' % number)
        assert len(sidecar.events(topic)) == number + 1


@pytest.fixture(scope="module")
def crowded(shared_park):
    """A topic with 200,000 events."""
    sidecar = shared_park.parts[1]
    for number in range(20):
        sidecar.publish([event("crowded", f"{number}-{i}", payload="x" * 50) for i in range(10_000)])
    return "crowded"


def test_listing_of_200000_events_takes_constant_memory(sidecar, crowded):
    sidecar.events("nobody/publishes/here")
    memory = MemoryWatch(sidecar)
    with contextlib.closing(sidecar.connect()) as connection:
        connection.request("GET", f"/events?topic={crowded}")
        response = connection.getresponse()
        assert response.headers["Transfer-Encoding"] == "chunked"
        body = bytearray()
        while data := response.read(1 << 20):
            body += data
            memory.look()
    found = json.loads(body)
    assert [row["event_id"] for row in found] == [f"{number}-{i}" for number in range(20) for i in range(10_000)]
    assert len(body) > 30 << 20
    memory.assert_below(16 << 20)


def test_big_events_among_small_ones_are_listed_with_constant_memory(sidecar, topic):
    for number in range(5):
        sidecar.publish([event(topic, f"s{number}-{i}") for i in range(500)])
        sidecar.publish([event(topic, f"b{number}-{i}", payload="x" * (1 << 20)) for i in range(10)])
    memory, size = MemoryWatch(sidecar), 0
    with contextlib.closing(sidecar.connect()) as connection:
        connection.request("GET", f"/events?topic={topic}")
        response = connection.getresponse()
        tail = b""
        while data := response.read(1 << 20):
            size += len(data)
            tail = data[-100:]
            memory.look()
    assert tail.endswith(b"]")
    assert size > 50 << 20
    memory.assert_below(24 << 20)


def test_listing_ends_with_what_there_was_at_its_beginning(sidecar, crowded):
    stop = threading.Event()

    def publish():
        number = 0
        while not stop.is_set():
            number += 1
            sidecar.publish([event(f"{crowded}/other", f"{number}-{i}") for i in range(500)])

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        newest = max(row["seq"] for row in sidecar.events(f"{crowded}/other") or [{"seq": 0}])
        started = time.monotonic()
        found = sidecar.events()
        assert time.monotonic() - started < 60
    finally:
        stop.set()
        thread.join()
    seqs = [row["seq"] for row in found]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) >= newest
    assert len(seqs) < sidecar.stats()["unique_processed"]


def test_publishing_goes_on_while_a_listing_is_read_slowly(sidecar, crowded, topic):
    with contextlib.closing(sidecar.connect()) as reader:
        reader.request("GET", f"/events?topic={crowded}")
        response = reader.getresponse()
        response.read(1000)
        for number in range(100):
            assert sidecar.publish(event(topic, f"e{number}"))["duplicates"] == 0
        assert len(json.loads(b"[" + response.read().partition(b"\n")[2])) > 190_000


def test_store_that_fails_in_the_middle_cuts_the_listing(park):
    broker, sidecar = park.start()
    for number in range(10):
        sidecar.publish([event("t", f"{number}-{i}", payload="x" * 1000) for i in range(2000)])
    with contextlib.closing(sidecar.connect()) as connection:
        connection.request("GET", "/events")
        response = connection.getresponse()
        body = response.read(1000)
        os.rename(broker.data_dir / "events.db", broker.data_dir / "away.db")
        try:
            with pytest.raises(http.client.IncompleteRead) as cut:
                while data := response.read(1 << 16):
                    body += data
            body += cut.value.partial
        finally:
            os.rename(broker.data_dir / "away.db", broker.data_dir / "events.db")
    assert response.status == 200
    with pytest.raises(ValueError):
        json.loads(body)
    assert len(sidecar.events()) == 20_000


def test_client_that_goes_away_in_the_middle_does_no_harm(sidecar, crowded):
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", sidecar.port)) as connection:
            connection.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.recv(1000)
    assert sidecar.get("/healthz").status == 200


def test_head_has_the_headers_and_no_body(sidecar, crowded):
    response = sidecar.request("HEAD", "/events")
    assert (response.status, response.headers["Content-Type"], response.body) == (200, "application/json", b"")


def test_an_http_1_0_client_gets_no_chunks(sidecar, crowded):
    answer = sidecar.raw(f"GET /events?topic={crowded} HTTP/1.0\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert len(json.loads(body)) == 200_000
