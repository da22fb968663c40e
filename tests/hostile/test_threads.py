"""Connections that are idle, slow, unwelcome or refused cost no thread: health is answered within a second, whatever
they do, and others are served."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from tests.support.broker import wait_until
from tests.support.crowd import Crowd, connect, latencies_s
from tests.support.sidecar import PROGRAM, event, parse_response, read_response, status_of
from tests.support.tokens import Client, TokenFile

ELSEWHERE = "127.0.0.2"


def assert_health_within(sidecar, limit_s, **options):
    for path in ("/healthz", "/readyz"):
        taken_s = latencies_s(sidecar, path, seconds=3, **options)
        assert max(taken_s) < limit_s, (path, sorted(taken_s)[-5:])


@pytest.mark.parametrize("arguments", [[], ["--connection-limit", "4", "--rate-limit", "5"]], ids=["plain", "limits"])
def test_strangers_whose_bodies_are_refused(park, tmp_path, second, arguments):
    tokens = TokenFile(tmp_path / "tokens", "me")
    broker = park.start_broker()
    sidecar = park.make_sidecar(broker, arguments=["--tokens", tokens.path, *arguments]).start()
    time.sleep(1.1)
    head = b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n"
    # Of an address of their own: one address does not stop another.
    with Crowd(sidecar, 260, head, b"x" * 9000, address=ELSEWHERE):
        if not arguments:
            assert_health_within(sidecar, second)
        begin = time.monotonic()
        assert Client(sidecar, tokens.tokens["me"]).post(event("t", "a")).status == 200
        assert sidecar.get("/healthz").status == 200
        assert time.monotonic() - begin < 2 * second


def test_bodies_that_come_slowly(park, second):
    _, sidecar = park.start()
    head = b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n["
    with Crowd(sidecar, 400, head, b" " * 9000):
        assert_health_within(sidecar, second)
        assert_health_within(sidecar, second, address=ELSEWHERE)
        # Others have their share of seats.
        assert max(latencies_s(sidecar, "/stats", seconds=2, address=ELSEWHERE)) < 2 * second
        body = json.dumps(event("t", "a")).encode()
        with connect(sidecar, ELSEWHERE) as other:
            other.sendall(b"POST /publish HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
                          + body)
            assert status_of(other.recv(1 << 16)) == 200


@pytest.mark.parametrize("framing, beginning", [
    (b"Content-Length: 16000000", b"["), (b"Transfer-Encoding: chunked", b"5\r\n["), (b"Transfer-Encoding: chunked", b"5")],
    ids=["length", "chunk", "size of a chunk"])
def test_body_that_is_late_is_no_malformed_one(park, framing, beginning):
    """And is told so soon where many send."""
    _, sidecar = park.start()
    with Crowd(sidecar, 400, b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n[", b" " * 9000):
        with connect(sidecar, ELSEWHERE) as late:
            late.sendall(b"POST /publish HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n" + beginning)
            answer = parse_response(late.recv(1 << 16))
    assert (answer.status, answer.problem_type) == (408, "request-timeout")
    assert answer.headers["Connection"] == "close"


def test_heads_that_come_slowly(park, second):
    _, sidecar = park.start()
    with Crowd(sidecar, 2000, b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"y"):
        assert_health_within(sidecar, second)
        assert max(latencies_s(sidecar, "/stats", seconds=2)) < 2 * second


def test_answers_that_nobody_reads(park, second):
    _, sidecar = park.start()
    for number in range(5):
        sidecar.publish([event("big", f"{number}-{i}", payload="x" * 1000) for i in range(2000)])
    with Crowd(sidecar, 400, b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n" * 3, b""):
        assert_health_within(sidecar, second)
    # Also of what is answered without a seat.
    with Crowd(sidecar, 300, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 2000, b""):
        assert_health_within(sidecar, second)
        assert max(latencies_s(sidecar, "/stats", seconds=2)) < 2 * second


def test_ten_thousand_idle_connections(park, second, files_max):
    _, sidecar = park.start()
    count = min(10_000, files_max - 2000)
    with contextlib.ExitStack() as connections:
        for number in range(count):
            connections.enter_context(connect(sidecar, f"127.0.0.{2 + number % 4}"))
        assert_health_within(sidecar, second)
        assert max(latencies_s(sidecar, "/stats", seconds=2)) < second


def test_thousands_of_connections_of_one_address_beyond_its_limit(park, second):
    broker = park.start_broker()
    sidecar = park.make_sidecar(broker, arguments=["--connection-limit", "10"]).start()
    with contextlib.ExitStack() as connections:
        for _ in range(6000):
            connections.enter_context(connect(sidecar, ELSEWHERE))
        assert_health_within(sidecar, second)
        with connect(sidecar, ELSEWHERE) as one_more:
            assert status_of(one_more.recv(1 << 16)) == 429


def test_an_address_that_has_its_share_loses_its_oldest_idle_connection(park, files_max):
    """And nobody else's."""
    _, sidecar = park.start()
    with contextlib.ExitStack() as connections:
        other = connections.enter_context(connect(sidecar))
        first = connections.enter_context(connect(sidecar, ELSEWHERE))
        # Half of all places, less than half of the files.
        for _ in range(files_max // 2):
            connections.enter_context(connect(sidecar, ELSEWHERE))
        first.settimeout(10)
        assert first.recv(1) == b""
        other.settimeout(0.2)
        with pytest.raises(socket.timeout):
            other.recv(1)


@pytest.mark.parametrize("beginning, drip", [
    (b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n", b"x" * 5000),
    (b"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1388\r\n" + b"x" * 5000 + b"\r\n")],
    ids=["length", "chunked"])
def test_the_body_of_a_refused_request_is_not_waited_for(park, beginning, drip):
    _, sidecar = park.start()
    begin = time.monotonic()
    with connect(sidecar) as connection:
        connection.sendall(beginning)
        assert status_of(connection.recv(1 << 16)) == 404
        with pytest.raises(OSError):
            while True:
                connection.sendall(drip)
                time.sleep(0.1)
    assert time.monotonic() - begin < 4
    with connect(sidecar) as connection:  # nor is more than 1 MiB of it taken in
        connection.sendall(beginning)
        sent = 0
        with contextlib.suppress(OSError):
            while sent < (64 << 20):
                connection.sendall(b"x" * 65536)
                sent += 65536
        assert sent < (16 << 20)  # with what the two kernels hold


@pytest.mark.parametrize("crowd", ["uploads", "downloads", "idle", "refused"])
def test_sigterm_ends_it_in_time(park, crowd):
    broker = park.start_broker()
    sidecar = park.make_sidecar(broker, arguments=["--shutdown-timeout", "3s"]).start()
    sidecar.publish([event("t", str(i), payload="x" * 1000) for i in range(10_000)])
    beginning, drip = {
        "uploads": (b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n", b"x" * 600),
        "downloads": (b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n", b""),
        "idle": (b"", b""),
        "refused": (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n", b"x" * 600)}[crowd]
    with Crowd(sidecar, 50, beginning, drip):
        time.sleep(1)
        begin = time.monotonic()
        sidecar.terminate()
        assert time.monotonic() - begin < 3.5


@pytest.mark.parametrize("access_log", [True, False])
def test_a_log_that_nobody_reads_holds_nobody_up(park, access_log):
    broker = park.start_broker()
    reading, writing = os.pipe()
    arguments = ["--access-log"] if access_log else []
    sidecar = park.make_sidecar(broker, arguments=arguments).start()
    port = sidecar.port
    sidecar.terminate()
    process = subprocess.Popen([PROGRAM, "--data-dir", broker.data_dir, "--mqtt-port", str(broker.port), "--http-port",
                                str(port), *arguments], stderr=writing)
    os.close(writing)
    try:
        wait_until(lambda: b"listening on" in os.read(reading, 1 << 16), "it listens")
        with contextlib.closing(sidecar.connect()) as connection:
            for _ in range(20_000 if access_log else 100):
                connection.request("GET", "/nope")
                assert read_response(connection).status == 404
        if not access_log:
            for _ in range(3000):
                process.send_signal(signal.SIGHUP)
                time.sleep(0.0005)
        begin = time.monotonic()
        assert sidecar.get("/healthz").status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - begin < 3
    finally:
        process.kill()
        process.wait()
        os.close(reading)


def test_lines_of_the_log_that_were_lost_are_told_of(park):
    broker = park.start_broker()
    reading, writing = os.pipe()
    process = subprocess.Popen([PROGRAM, "--data-dir", broker.data_dir, "--mqtt-port", str(broker.port), "--http-port", "0",
                                "--access-log"], stderr=writing)
    os.close(writing)
    text = b""
    try:
        while b"listening on" not in text:
            text += os.read(reading, 1 << 16)
        port = int(re.search(rb"listening on \S+:(\d+)", text)[1])
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            for _ in range(10_000):
                connection.request("GET", "/nope")
                assert read_response(connection).status == 404
        deadline = time.monotonic() + 20
        while b" lines of the log were lost" not in text and time.monotonic() < deadline:
            text += os.read(reading, 1 << 16)
        lost = int(re.search(rb"(\d+) lines of the log were lost", text)[1])
        assert text.count(b'"path":"/nope"') + lost == 10_000
    finally:
        process.kill()
        process.wait()
        os.close(reading)
