"""Bytes in work have one limit, whatever form they have; what is beyond it gets a 503, and memory is given back."""

import concurrent.futures
import contextlib
import gzip
import json
import time

import pytest

from tests.support.broker import wait_until
from tests.support.crowd import Crowd, connect
from tests.support.sidecar import IS_SANITIZED, MemoryWatch, event, parse_response, status_of
from tests.support.watcher import Watcher

LIMIT_BYTES = 256 << 20  # the default
REST_BYTES = 64 << 20  # what the process has besides
LARGE = 15 << 20
pytestmark = pytest.mark.skipif(IS_SANITIZED, reason="sanitizers keep freed memory")


@pytest.fixture
def memory_of(park):
    """A broker, a sidecar, and what it takes more than at first."""
    broker, sidecar = park.start()
    sidecar.publish(event("warm", "up"))
    sidecar.events()
    memory = MemoryWatch(sidecar)
    yield broker, sidecar, memory
    memory.assert_below(LIMIT_BYTES + REST_BYTES)
    wait_until(lambda: memory.grown_bytes() < REST_BYTES, "memory is given back", 30)


def large_event(broker, topic="t", event_id="large"):
    client = broker.connect()
    client.publish(topic, json.dumps({"event_id": event_id, "payload": "x" * LARGE}).encode())
    client.disconnect()


def ask(sidecar, request, memory, pause_s):
    """The status of an answer that is read in pieces."""
    with connect(sidecar) as connection:
        connection.sendall(request)
        answer = connection.recv(1 << 16)
        time.sleep(pause_s)
        with contextlib.suppress(OSError):
            while connection.recv(1 << 20):
                memory.look()
        return status_of(answer[:4096])


def test_a_line_of_a_chunk_s_size_that_has_no_end(memory_of):
    _, sidecar, memory = memory_of
    with connect(sidecar) as connection:
        connection.sendall(b"POST /publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(600):
                connection.sendall(b"0" * (1 << 20))
                memory.look()
    memory.assert_below(REST_BYTES)


def test_many_watchers_and_one_large_event(memory_of):
    broker, sidecar, memory = memory_of
    with contextlib.ExitStack() as watchers:
        everyone = [watchers.enter_context(Watcher(sidecar, "?topic=t", receive_buffer=65536)) for _ in range(100)]
        large_event(broker)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            memory.look()
            time.sleep(0.05)
        memory.assert_below(3 * LARGE + REST_BYTES)
        assert everyone[0].event()["event_id"] == "large"


def test_many_slow_lists_of_one_large_event(memory_of):
    broker, sidecar, memory = memory_of
    large_event(broker)
    wait_until(lambda: len(sidecar.get("/events/2").body) > LARGE, "it is stored")
    request = b"GET /events?topic=t&limit=1000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(ask, sidecar, request, memory, 2.0) for _ in range(40)]
        while not all(future.done() for future in asked):
            memory.look()
            time.sleep(0.05)
    statuses = sorted({future.result() for future in asked})
    assert statuses in ([200], [200, 503])
    refused = sidecar.get("/events?topic=t&limit=1000")
    assert refused.status == 200


def test_a_long_list_of_large_events_takes_no_more_than_a_few_of_them(memory_of):
    _, sidecar, memory = memory_of
    for number in range(4):
        sidecar.publish([event("t", f"{number}-{i}", payload="x" * 1_000_000) for i in range(15)])
    for _ in range(3):
        with connect(sidecar) as connection:
            connection.sendall(b"GET /events?topic=t HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            received = 0
            while data := connection.recv(1 << 20):
                received += len(data)
                memory.look()
        assert received > 60_000_000
    memory.assert_below(REST_BYTES)


@pytest.mark.parametrize("form", ["plain", "chunked", "gzip", "lines"])
def test_many_large_bodies(memory_of, form):
    """What comes fast is kept as far as there is room, and refused beyond."""
    _, sidecar, memory = memory_of
    body = b"[" + b" " * LARGE + b"]"
    headers = {"plain": b"Content-Length: %d\r\n" % len(body),
               "chunked": b"Transfer-Encoding: chunked\r\n",
               "gzip": b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(gzip.compress(body)),
               "lines": b"Content-Type: application/x-ndjson\r\nContent-Length: %d\r\n" % len(body)}[form]
    if form == "chunked":
        body = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    if form == "gzip":
        body = gzip.compress(body)
    head = b"POST /publish HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + b"\r\n"
    sent = len(body) - (1 if form != "gzip" else 8)

    def send(number):
        with connect(sidecar, f"127.0.0.{2 + number % 3}") as connection:
            with contextlib.suppress(OSError):
                connection.sendall(head + body[:sent])
            memory.look()
            time.sleep(1)
            with contextlib.suppress(OSError):
                connection.sendall(body[sent:])
            answer = b""
            with contextlib.suppress(OSError):
                while data := connection.recv(1 << 16):
                    answer += data
            return parse_response(answer) if answer else None

    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        sending = [pool.submit(send, number) for number in range(60)]
        time.sleep(0.5)
        assert sidecar.get("/healthz").status == 200
        answers = [answer for future in sending if (answer := future.result())]
    # 408: where so many send, a second of silence is too long.
    assert {answer.status for answer in answers} <= {200, 408, 503}
    for answer in answers:
        if answer.status == 503:
            assert answer.problem_type == "busy" and answer.headers["Retry-After"] == "1"
    assert sidecar.publish([event("t", "after")])["accepted"] == 1


def test_many_heads_of_many_short_headers(memory_of):
    _, sidecar, memory = memory_of
    head = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * 14_000
    with Crowd(sidecar, 3000, head, b"a:\r\n"):
        for _ in range(20):
            memory.look()
            time.sleep(0.1)
        assert sidecar.get("/healthz").status == 200
