"""GET /events: what is listed, in which form, and that it is whole or visibly cut."""

import base64
import contextlib
import datetime
import http.client
import json
import os
import socket
import threading
import time
import urllib.parse

import pytest

from tests.support.sidecar import MemoryWatch, event


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
    assert sidecar.get("/events?other=a").json == sidecar.events()


def test_unknown_topic_is_an_empty_list(sidecar):
    for topic in ("nobody/publishes/here", "%FF%00", "%"):
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
        {**nothing, "event_id": "a", "payload": None},
        {"topic": topic, "event_id": 42, "timestamp": 17, "source": {}, "payload": [1.0]},
        {**nothing, "event_id": "b", "payload_base64": encoded(b'\x00\xff binary')},
        {**nothing, "event_id": "outside", "payload": None},
        {**nothing, "event_id": "c", "payload_base64": encoded(b'[{"event_id":"c"}]')},
        {**nothing, "event_id": "d", "payload_base64": ""},
        {**nothing, "event_id": "e", "payload": 1},
    ]


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
