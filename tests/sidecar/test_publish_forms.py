"""POST /publish: QoS and retain, results event by event, compressed bodies, streams of lines."""

import contextlib
import gzip
import json
import socket
import sqlite3
import threading
import time

import pytest

from tests.support.broker import wait_until
from tests.support.sidecar import MemoryWatch, event, read_response


def post(sidecar, query, body, headers=None, status=200):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = sidecar.request("POST", f"/publish{query}", body, headers or {})
    assert response.status == status, f"{response.status} {response.body[:1000]}"
    return response


def full(sidecar, body, query=""):
    return post(sidecar, f"?results=full{query}", body).json


def lines_of(response):
    assert response.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.body.splitlines()]


def post_lines(sidecar, lines, query="", status=200):
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return post(sidecar, query, body, {"Content-Type": "application/x-ndjson"}, status)


# --- QoS and retain ---

@pytest.mark.parametrize("qos", [0, 1, 2])
def test_qos(broker, sidecar, topic, qos):
    subscriber = broker.connect(version=5)
    subscriber.subscribe(topic, qos=2)
    for _ in range(2):
        post(sidecar, f"?qos={qos}", [event(topic, str(number)) for number in range(1000)])
    messages = subscriber.wait_messages(1000)
    assert [json.loads(message.payload)["event_id"] for message in messages] == [str(n) for n in range(1000)]
    assert {message.qos for message in messages} == {qos}
    assert len(sidecar.events(topic)) == 1000


def test_all_qualities_at_once(sidecar, topic):
    failures = []

    def publish(thread):
        try:
            for number in range(20):
                batch = [event(topic, f"{thread}-{number}-{i}") for i in range(200)]
                assert len(post(sidecar, f"?qos={thread % 3}", batch).json["processed"]) == 200
        except Exception as error:  # noqa: BLE001 - told by the main thread
            failures.append(repr(error)[:1000])

    threads = [threading.Thread(target=publish, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(sidecar.events(topic)) == 6 * 20 * 200


def test_retain(broker, sidecar, topic):
    post(sidecar, "?retain=true", event(topic, "a"))
    post(sidecar, "", event(f"{topic}/b", "a"))
    post(sidecar, "?retain=false", event(f"{topic}/c", "a"))
    subscriber = broker.connect(version=5)
    subscriber.subscribe(f"{topic}/#", qos=1)
    post(sidecar, "", event(f"{topic}/d", "a"))
    messages = subscriber.wait_messages(2)
    assert [(message.topic, message.retain) for message in messages] == [(topic, True), (f"{topic}/d", False)]


@pytest.mark.parametrize("query, parameter", [
    ("qos=3", "qos"), ("qos=", "qos"), ("qos=1.0", "qos"), ("retain=yes", "retain"), ("retain=", "retain"),
    ("results=all", "results"),
])
def test_a_wrong_parameter_is_named(sidecar, topic, query, parameter):
    assert post(sidecar, f"?{query}", event(topic, "a"), status=400).detail.startswith(f"{parameter} takes ")
    assert sidecar.events(topic) == []


def test_what_the_broker_drops_at_qos_0_is_told_and_harms_nobody(park):
    broker = park.make_broker(config="")
    acl = broker.directory / "acl"
    acl.write_text("topic readwrite open/#\ntopic readwrite $CONTROL/#\n")
    broker.config = f"acl_file {acl}"
    broker.start()
    sidecar = park.make_sidecar(broker).start()
    stop = threading.Event()
    failures = []

    def others():
        number = 0
        while not stop.is_set():
            number += 1
            response = sidecar.post(event("open/b", str(number)))
            if response.status != 200:
                failures.append(response.body)

    thread = threading.Thread(target=others)
    thread.start()
    try:
        for body in (event("closed/a", "a"), [event("open/a", "x"), event("closed/a", "b"), event("open/a", "y")]):
            assert "QoS 0" in post(sidecar, "?qos=0", body, status=403).detail
        stop.set()
        thread.join()
        begin = time.monotonic()
        assert "QoS 0" in post(sidecar, "?qos=0", event("closed/a", "c"), status=403).detail  # with nothing behind it
        assert time.monotonic() - begin < 8
        post(sidecar, "?qos=0", event("open/a", "z"))
    finally:
        stop.set()
        thread.join()
    assert not failures
    assert "lost the broker" not in sidecar.log()


# --- results=full ---

def test_full_results(sidecar, topic):
    answer = full(sidecar, [event(topic, "a", payload=1), event(topic, "b"), event(topic, "a", payload=1)])
    rows = {row["event_id"]: row for row in sidecar.events(topic)}
    assert answer["results"] == [
        {"event_id": "a", "verdict": "processed", "seq": rows["a"]["seq"]},
        {"event_id": "b", "verdict": "processed", "seq": rows["b"]["seq"]},
        {"event_id": "a", "verdict": "duplicate", "seq": rows["a"]["seq"],
         "first_received_at": rows["a"]["received_at"]}]
    assert answer["conflicts"] == 0
    assert answer["processed"] == ["a", "b"] and answer["duplicates"] == 1
    assert "results" not in post(sidecar, "", event(topic, "a")).json
    assert full(sidecar, [])["results"] == []


def test_another_payload_under_the_same_id_is_a_conflict(broker, sidecar, topic):
    before = sidecar.stats()["conflicts"]
    post(sidecar, "", event(topic, "a", payload={"v": [1, "x y"]}))

    def verdict(**members):
        return full(sidecar, event(topic, "a", **members))["results"][0]["verdict"]

    assert verdict(payload={"v": [1, "x y"]}) == "duplicate"
    assert verdict(payload={"v": [1, "x y"]}, source="other", timestamp="2025-01-01") == "duplicate"
    spaced = json.dumps(event(topic, "a", payload={"v": [1, "x y"]}), indent=3).encode()
    assert full(sidecar, spaced)["results"][0]["verdict"] == "duplicate"
    for payload in ({"v": [1, "xy"]}, {"v": [2, "x y"]}, None, "x"):
        assert verdict(payload=payload) == "conflict"
    assert verdict() == "conflict"
    assert sidecar.stats()["conflicts"] == before + 5
    assert len(sidecar.events(topic)) == 1
    assert sidecar.events(topic)[0]["payload"] == {"v": [1, "x y"]}
    broker.connect().publish(topic, b'{"event_id":"mqtt","payload":7}')
    assert full(sidecar, event(topic, "mqtt", payload=7))["results"][0]["verdict"] == "duplicate"


def test_an_event_that_is_its_own_payload_is_compared_whole(broker, sidecar, topic):
    first = event(topic, "a", temperature=21)
    assert full(sidecar, [first, first, {**first, "temperature": 22}])["conflicts"] == 1
    broker.connect().publish(topic, b'{"event_id":"mqtt","temperature":21}')
    assert full(sidecar, event(topic, "mqtt"))["results"][0]["verdict"] == "conflict"


def test_a_large_first_is_compared_with_any_number_of_copies(sidecar, topic):
    post(sidecar, "", [event(topic, "a", payload="x" * (4 << 20)), event(topic, "b", payload="x" * (4 << 20))])
    begin = time.monotonic()
    answer = full(sidecar, [event(topic, id) for _ in range(1500) for id in "ab"])
    assert time.monotonic() - begin < 20
    assert answer["conflicts"] == 3000


def test_a_first_that_is_not_stored_yet_is_waited_for_once_and_no_duplicate_is_told_uncompared(park):
    broker, sidecar = park.start()
    post(sidecar, "", event("t", "a"))
    wait_until(lambda: sidecar.ids("t") == ["a"], "it is stored")
    with contextlib.closing(sqlite3.connect(broker.data_dir / "events.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        begin = time.monotonic()
        assert "behind" in post(sidecar, "?results=full", [event("t", id) for id in "bbbbba"], status=503).detail
        assert 3 <= time.monotonic() - begin < 9
        line, = lines_of(post_lines(sidecar, [event("t", "b", payload=1)], "?results=full"))
        assert line["verdict"] == "failed" and "behind" in line["detail"]
        # Nothing of this is behind.
        begin = time.monotonic()
        results = full(sidecar, [event("t", "a"), event("t", "a", payload=1), event("t", "c")])["results"]
        assert time.monotonic() - begin < 3
        assert [result["verdict"] for result in results] == ["duplicate", "conflict", "processed"]
        assert post(sidecar, "", event("t", "b")).json["duplicates"] == 1
    results = full(sidecar, [event("t", "b"), event("t", "b", payload=1)])["results"]
    assert [result["verdict"] for result in results] == ["duplicate", "conflict"]


# --- compressed bodies ---

def test_gzip(sidecar, topic):
    body = json.dumps([event(topic, str(number)) for number in range(5000)]).encode()
    packed = gzip.compress(body)
    assert len(packed) < len(body) / 5
    assert len(post(sidecar, "", packed, {"Content-Encoding": "gzip"}).json["processed"]) == 5000
    assert post(sidecar, "", packed, {"Content-Encoding": "GZIP"}).json["duplicates"] == 5000


def test_a_bomb_is_a_413_and_takes_no_memory(sidecar, topic):
    bomb = gzip.compress(b" " * (1 << 30), 9)
    assert len(bomb) < 2 << 20
    memory = MemoryWatch(sidecar)
    assert "16 MiB" in post(sidecar, "", bomb, {"Content-Encoding": "gzip"}, status=413).detail
    memory.assert_below(48 << 20)


@pytest.mark.parametrize("damage", [lambda packed: packed[:-10], lambda packed: b"x" + packed,
                                    lambda packed: packed[:30] + bytes([packed[30] ^ 1]) + packed[31:]])
def test_damaged_gzip_is_a_400(sidecar, topic, damage):
    packed = gzip.compress(json.dumps([event(topic, str(number)) for number in range(100)]).encode())
    assert post(sidecar, "", damage(packed), {"Content-Encoding": "gzip"}, status=400).detail
    assert sidecar.events(topic) == []


# --- lines ---

def test_lines(sidecar, topic):
    answer = lines_of(post_lines(sidecar, [event(topic, str(number % 700)) for number in range(1000)]))
    seqs = {row["event_id"]: row["seq"] for row in sidecar.events(topic)}
    assert answer == [{"event_id": str(number % 700), "verdict": "processed" if number < 700 else "duplicate",
                       "seq": seqs[str(number % 700)]} for number in range(1000)]
    again = lines_of(post_lines(sidecar, [event(topic, "0", payload=1)], "?results=full&qos=2"))
    assert again[0]["verdict"] == "conflict" and again[0]["first_received_at"]


def test_an_invalid_line_is_told_and_does_not_keep_the_others_back(sidecar, topic):
    body = b"\n".join([json.dumps(event(topic, "a")).encode(), b"{", b"", b"[]", b" \r",
                       json.dumps(event(topic, "b")).encode() + b"\r", json.dumps({"topic": topic}).encode(),
                       json.dumps([event(topic, "c")]).encode(), json.dumps(event("/" * 201, "d")).encode(),
                       json.dumps(event(topic, "e")).encode()])
    answer = lines_of(post(sidecar, "", body, {"Content-Type": "application/x-ndjson; charset=utf-8"}))
    assert [(line.get("event_id") or line["line"], line["verdict"]) for line in answer] == [
        ("a", "processed"), (2, "invalid"), (4, "invalid"), ("b", "processed"), (7, "invalid"), (8, "invalid"),
        (9, "invalid"), ("e", "processed")]
    assert "invalid JSON" in answer[1]["detail"] and "event_id" in answer[4]["detail"]
    assert "200 levels" in answer[6]["detail"]
    assert sidecar.ids(topic) == ["a", "b", "e"]


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


@contextlib.contextmanager
def open_stream(sidecar, query=""):
    with socket.create_connection(("127.0.0.1", sidecar.port), timeout=30) as connection:
        connection.sendall(f"POST /publish{query} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n".encode())
        yield connection


def test_results_come_while_the_body_goes_on(sidecar, topic):
    with open_stream(sidecar) as connection:
        received = b""
        for number in range(20):
            line = json.dumps(event(topic, str(number))).encode() + b"\n"
            connection.sendall(chunk(line[:10]))
            connection.sendall(chunk(line[10:]))
            while b'"event_id":"%d"' % number not in received:
                received += connection.recv(1 << 16)
            assert sidecar.ids(topic)[-1] == str(number)
        connection.sendall(b"0\r\n\r\n")
        while data := connection.recv(1 << 16):
            received += data
    assert received.endswith(b"0\r\n\r\n")
    assert b"Connection: close" in received


def test_a_stream_of_any_length_takes_constant_memory(sidecar, topic):
    memory = MemoryWatch(sidecar)
    count, padding = 100_000, "x" * 300
    with open_stream(sidecar) as connection:
        def send():
            for begin in range(0, count, 500):
                connection.sendall(chunk(b"".join(
                    json.dumps(event(topic, str(i), payload=padding)).encode() + b"\n"
                    for i in range(begin, begin + 500))))
            connection.sendall(b"0\r\n\r\n")

        sender = threading.Thread(target=send)
        sender.start()
        received = 0
        while data := connection.recv(1 << 16):
            received += data.count(b'"processed"')
            memory.look()
        sender.join()
    assert received in range(count - 200, count + 1)  # some are cut in two between reads
    memory.assert_below(24 << 20)
    assert len(sidecar.get(f"/events?topic={topic}").json) == count


@pytest.mark.parametrize("end", [b"zz\r\n", b"5\r\nabcdefgh\r\n", b"-1\r\n"])
def test_a_malformed_stream_ends_with_a_line_that_says_so(sidecar, topic, end):
    with open_stream(sidecar) as connection:
        connection.sendall(chunk(json.dumps(event(topic, "a")).encode() + b"\n" + b'{"half":') + end)
        received = b""
        while data := connection.recv(1 << 16):
            received += data
    assert b'"event_id":"a","verdict":"processed"' in received
    assert b'"verdict":"invalid"' in received and b"malformed" in received
    assert sidecar.ids(topic) == ["a"]


def test_a_stream_that_is_cut_leaves_what_came_whole(sidecar, topic):
    with open_stream(sidecar) as connection:
        connection.sendall(chunk(json.dumps(event(topic, "a")).encode() + b"\n" + b'{"half":'))
        wait_until(lambda: sidecar.ids(topic) == ["a"], "the whole line is stored")
    assert sidecar.get("/healthz").status == 200


def test_a_line_may_not_be_endless(sidecar, topic):
    with open_stream(sidecar) as connection:
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                connection.sendall(chunk(b" " * (1 << 20)))
        received = b""
        with contextlib.suppress(ConnectionError):
            while data := connection.recv(1 << 16):
                received += data
    assert b"longer than 16 MiB" in received


def test_a_line_may_come_byte_by_byte(sidecar, topic):
    line = json.dumps(event(topic, "a", payload="x" * 400_000)).encode() + b"\n"
    with open_stream(sidecar) as connection:
        begin = time.monotonic()
        connection.sendall(b"".join(chunk(bytes([byte])) for byte in line) + b"0\r\n\r\n")
        received = b""
        while data := connection.recv(1 << 16):
            received += data
        assert time.monotonic() - begin < 20
    assert b'"verdict":"processed"' in received


def test_the_broker_away_in_the_middle_of_a_stream(park):
    broker, sidecar = park.start()
    with open_stream(sidecar) as connection:
        connection.sendall(chunk(json.dumps(event("t", "a")).encode() + b"\n"))
        received = b""
        while b'"a"' not in received:
            received += connection.recv(1 << 16)
        time.sleep(1)  # else "a" is in doubt after the kill
        broker.kill()
        connection.sendall(chunk(json.dumps(event("t", "b")).encode() + b"\n"))
        while data := connection.recv(1 << 16):
            received += data
    assert b'"line":2,"verdict":"failed"' in received
    broker.start()
    sidecar.wait_healthy()
    assert lines_of(post_lines(sidecar, [event("t", "a"), event("t", "b")]))[0]["verdict"] == "duplicate"


def test_an_empty_stream_has_no_results(sidecar):
    assert post_lines(sidecar, [], status=400).detail
    with open_stream(sidecar) as connection:
        connection.sendall(b"0\r\n\r\n")
        received = b""
        while data := connection.recv(1 << 16):
            received += data
    assert received.startswith(b"HTTP/1.1 200 ") and received.endswith(b"\r\n\r\n0\r\n\r\n")


def test_gzip_of_a_stream_is_refused(sidecar):
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    assert post(sidecar, "", gzip.compress(b"{}\n"), headers, status=415).detail
