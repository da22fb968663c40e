"""A publisher by HTTP, which sends the same body again until it is answered with 200, and the sidecar it talks to."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from tests.crash.harness import ROOT, wait_until
from tests.support.ports import free_port

BINARY = pathlib.Path(os.environ.get("DEDUP_HTTP") or ROOT / "build" / "http_sidecar" / "mosquitto-dedup-http")

_PATIENCE_S = 20.0  # longer than the sidecar lets a request wait for the broker's receipt
_BATCH_MAX = 5
_CUT_SHARE = 0.05


class Sidecar:
    """One process for all lives of the broker, killed and started anew now and then."""

    def __init__(self, broker):
        self._broker = broker
        self._log_path = broker.directory / "sidecar.log"
        self._process = None
        self.port = free_port()

    def start(self):
        with open(self._log_path, "ab") as log:
            self._process = subprocess.Popen(
                [BINARY, "--data-dir", self._broker.data_dir, "--mqtt-port", str(self._broker.port),
                 "--http-port", str(self.port)], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_until(lambda: self._answers() or self._process.poll() is not None, "the sidecar listens", 30)
        assert self.is_running(), f"the sidecar did not start:\n{self.log()}"
        return self

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def is_running(self):
        return self._process.poll() is None

    def stand(self):
        """Until go_on(): else it would publish to a new broker before anybody has subscribed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def go_on(self):
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def kill_and_restart(self):
        self.kill()
        return self.start()

    def close(self):
        if self._process is None:
            return
        assert self.is_running(), f"the sidecar had ended by itself, code {self._process.returncode}:\n{self.log()}"
        self.go_on()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the sidecar did not end") from None
        assert self._process.returncode == 0, f"the sidecar's exit code is {self._process.returncode}:\n{self.log()}"

    def log(self):
        return self._log_path.read_text(errors="replace")

    def get(self, path):
        with socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_S) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while data := connection.recv(1 << 16):
                answer += data
        return _parse(answer)


def _parse(answer):
    """Status and JSON of a whole answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.1 \d{3} ", head), f"no HTTP answer: {answer[:200]}"
    if b"transfer-encoding: chunked" in head.lower():
        chunks = b""
        while True:
            size, _, body = body.partition(b"\r\n")
            if int(size, 16) == 0:
                break
            chunks, body = chunks + body[:int(size, 16)], body[int(size, 16) + 2:]
        body = chunks
    return int(head.split()[1]), json.loads(body)


class _Connection:
    """One request; readable when the answer, or a part of it, has come."""

    def __init__(self, port, body):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)
        self._socket.sendall(b"POST /publish HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
                             b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        self.answer = b""

    def fileno(self):
        return self._socket.fileno()

    def read(self):
        """Whether the answer has ended."""
        try:
            data = self._socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        self.answer += data
        return not data

    def close(self):
        self._socket.close()


class HttpPublisher:
    def __init__(self, name, source, ledger, random, sidecar):
        self.name = name
        self.client = None
        self.due = 0.0
        self._source = source
        self._ledger = ledger
        self._random = random
        self._sidecar = sidecar
        self._events = []
        self._sent_in = None  # the broker's life
        self._give_up_at = 0.0

    @property
    def idle(self):
        if not self._events:
            event = next(self._source)
            self._events = [event] if event else []
        return not self._events and self.client is None

    def connect(self, port):
        self._sidecar.go_on()

    def act(self, now, port):
        if self.client is not None:
            if now > self._give_up_at:
                self._retry(now, "no answer in time")
            return
        size = self._random.randint(1, _BATCH_MAX)
        while len(self._events) < size and (event := next(self._source)) is not None:
            self._events.append(event)
        self.due = now + self._random.expovariate(1 / 0.02)
        if not self._events:
            return
        body = json.dumps([event.http_body(self.name) for event in self._events]).encode()
        for event in self._events:
            self._ledger.sent(event, f"by {self.name}: HTTP")
        try:
            self.client = _Connection(self._sidecar.port, body)
        except OSError:
            self.due = now + 0.05
            return
        self._sent_in = self._ledger.life
        self._give_up_at = now + _PATIENCE_S
        if self._random.random() < _CUT_SHARE:
            self._retry(now, "cut by the publisher")
        # Nothing but the answer, or the end of patience, ends a request.
        self.due = now + 0.1

    def receive(self, now):
        if not self.client.read():
            return
        answer = self.client.answer
        if not answer:
            return self._retry(now, "no answer at all")
        status, result = _parse(answer)
        if status == 503:
            return self._retry(now, "503")
        ids = [event.event_id for event in self._events]
        assert status == 200, f"{self.name}: {status} {result}"
        assert result["accepted"] == result["total_received"] == len(ids), f"{self.name}: {result}"
        assert len(result["processed"]) + result["duplicates"] == len(ids), f"{self.name}: {result}"
        assert set(result["processed"]) <= set(ids), f"{self.name}: {result}"
        for event in self._events:
            self._ledger.acknowledged(event, f"to {self.name}: HTTP 200", self._sent_in)
        self._events = []
        self._end(now)

    def _retry(self, now, why):
        self._ledger.counts[f"HTTP retries: {why}"] += 1
        self._end(now)

    def _end(self, now):
        self.client.close()
        self.client = None
        self.due = now + self._random.expovariate(1 / 0.02)

    def broker_died(self):
        """The sidecar lives on, and answers later."""
        self._sidecar.stand()
