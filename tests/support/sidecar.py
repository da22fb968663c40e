"""The real HTTP sidecar on a free port, and clients that say exactly what they mean.

The sidecar's log is a file that is printed with a failed test. A sidecar that ends when nobody asked it to, that does
not end cleanly when asked, or that a sanitizer complains about fails the test (Sidecar.close).
"""

import contextlib
import dataclasses
import http.client
import io
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import time

from tests.support.broker import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("DEDUP_HTTP") or ROOT / "build" / "http_sidecar" / "mosquitto-dedup-http")
TIMEOUT_S = 60.0  # generous: it is waited out only by a test that fails
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 20.0

# Sanitizers keep freed memory for a while, so that the memory of their programs says nothing.
IS_SANITIZED = PROGRAM.exists() and any(name in PROGRAM.read_bytes() for name in (b"__asan_init", b"__tsan_init"))
# Ten times slower: what a program must do within a time limit of its own cannot be asked of it.
IS_UNDER_TSAN = PROGRAM.exists() and b"__tsan_init" in PROGRAM.read_bytes()

_SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|: runtime error: ")


@dataclasses.dataclass(frozen=True)
class Response:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def problem(self):
        """The form that every error has (RFC 9457)."""
        assert self.headers["Content-Type"] == "application/problem+json"
        problem = self.json
        assert problem["status"] == self.status and problem["title"]
        return problem

    @property
    def problem_type(self):
        return problem_name(self.problem)

    @property
    def detail(self):
        return self.problem["detail"]


class Sidecar:
    """One process. `broker` gives the data directory and the port of the broker; each can be set to something else.

    `tls`: the ssl.SSLContext with which its clients speak HTTPS; none: HTTP."""

    def __init__(self, directory, broker=None, *, data_dir=None, mqtt_port=None, arguments=(), environment=None,
                 tls=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log_path = self.directory / "sidecar.log"
        self.log_path.touch()
        self._broker = broker
        self._data_dir = data_dir or broker.data_dir
        self._mqtt_port = mqtt_port
        self._arguments = list(arguments)
        self._environment = environment or {}
        self.tls = tls
        self._process = None
        self.port = None

    # --- life ---

    def spawn(self):
        """Starts the process and returns at once."""
        command = [PROGRAM, "--data-dir", self._data_dir, "--mqtt-port", str(self._mqtt_port or self._broker.port),
                   "--http-port", "0", *self._arguments]
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                             env={**os.environ, **self._environment}, cwd=self.directory)
        return self

    def start(self, *, connected=True):
        """Starts and waits until it listens, and unless told otherwise until it has its broker."""
        if not PROGRAM.exists():
            raise AssertionError(f"no sidecar at {PROGRAM}: build it, or set DEDUP_HTTP")
        offset = self.log_path.stat().st_size
        self.spawn()
        line = wait_until(
            lambda: re.search(r"listening on https?://\S+:(\d+)", self.log(offset)) or not self.is_running(),
            "the sidecar listens", START_TIMEOUT_S)
        assert self.is_running(), f"the sidecar did not start:\n{self.log(offset)}"
        self.port = int(line[1])
        if connected:
            self.wait_healthy()
        return self

    def wait_healthy(self):
        wait_until(lambda: self.get("/healthz").status == 200, "the sidecar is healthy", START_TIMEOUT_S)

    @property
    def pid(self):
        return self._process.pid

    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def signal(self, number):
        self._process.send_signal(number)

    def wait_ended(self, expected_code=0):
        process, self._process = self._process, None
        try:
            code = process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the sidecar did not end:\n{self.log()}") from None
        assert code == expected_code, f"the sidecar's exit code is {code}, not {expected_code}:\n{self.log()}"

    def terminate(self):
        self.signal(signal.SIGTERM)
        self.wait_ended()

    def kill(self):
        """kill -9."""
        self.signal(signal.SIGKILL)
        self.wait_ended(-signal.SIGKILL)

    def close(self):
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                self.terminate()
            else:
                self._process = None
                raise AssertionError(f"the sidecar had ended by itself, exit code {code}:\n{self.log()}")
        assert not _SANITIZER.search(self.log()), f"a sanitizer complains:\n{self.log()}"

    def log(self, offset=0):
        with open(self.log_path, "rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")

    def memory_bytes(self):
        """The memory that is the process's own (RssAnon): mapped files do not count."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) * 1024

    # --- what a client does ---

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/"

    def connect(self, timeout_s=TIMEOUT_S):
        if self.tls:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout_s, context=self.tls)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)

    def request(self, method, path, body=None, headers=None, **options):
        """One request on a connection of its own."""
        with contextlib.closing(self.connect()) as connection:
            with contextlib.suppress(BrokenPipeError):  # it was answered before it was whole
                connection.request(method, path, body, headers or {}, **options)
            return read_response(connection)

    def get(self, path):
        return self.request("GET", path)

    def post(self, body, headers=None, *, query="", **options):
        """POST /publish; what is neither bytes, text nor chunks is sent as JSON."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        return self.request("POST", f"/publish{query}", body, headers, **options)

    def publish(self, body):
        """The answer to a POST that must succeed."""
        response = self.post(body)
        assert response.status == 200, f"{response.status} {response.body[:1000]}"
        return response.json

    def events(self, topic=None):
        response = self.get("/events" + (f"?topic={topic}" if topic else ""))
        assert response.status == 200, f"{response.status} {response.body[:1000]}"
        return response.json

    def ids(self, topic):
        return [event["event_id"] for event in self.events(topic)]

    def stats(self):
        response = self.get("/stats")
        assert response.status == 200, f"{response.status} {response.body[:1000]}"
        return response.json

    def raw(self, *pieces, timeout_s=TIMEOUT_S, hang_up=False):
        """Sends bytes as they are, then returns all that comes until the sidecar closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(ConnectionError):  # it may have been cut already; what it said is still to be read
                for piece in pieces:
                    connection.sendall(piece)
                    if len(pieces) > 1:
                        time.sleep(0.02)
            if hang_up:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
            received = bytearray()
            with contextlib.suppress(ConnectionResetError):
                while data := connection.recv(1 << 16):
                    received += data
            return bytes(received)


class MemoryWatch:
    """Remembers the most memory that the sidecar had beyond what it had at first."""

    def __init__(self, sidecar):
        self._sidecar = sidecar
        self._before = self._peak = sidecar.memory_bytes()

    def look(self):
        self._peak = max(self._peak, self._sidecar.memory_bytes())

    def grown_bytes(self):
        """What it has now beyond that."""
        return self._sidecar.memory_bytes() - self._before

    def assert_below(self, limit_bytes):
        self.look()
        grown_bytes = self._peak - self._before
        assert grown_bytes < limit_bytes or IS_SANITIZED, f"{grown_bytes} bytes more than before"


def problem_name(problem):
    """The end of its type, which is the part that tells problems apart."""
    prefix = "urn:mosquitto-dedup:problem:"
    assert problem["type"].startswith(prefix)
    return problem["type"].removeprefix(prefix)


def read_response(connection):
    response = connection.getresponse()
    return Response(response.status, response.headers, response.read())


def parse_response(raw_response):
    """The first response in the bytes."""
    class Stream:
        def makefile(self, *_):
            return io.BytesIO(raw_response)

    response = http.client.HTTPResponse(Stream())
    response.begin()
    return Response(response.status, response.headers, response.read())


def status_of(raw_response):
    """Of the last response in the bytes; None when there is none."""
    lines = re.findall(rb"HTTP/1\.1 (\d{3}) ", raw_response)
    return int(lines[-1]) if lines else None


def bodies_of(raw_responses):
    """Of responses with a Content-Length, one behind the other."""
    bodies = []
    while raw_responses:
        head, _, rest = raw_responses.partition(b"\r\n\r\n")
        size = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
        bodies.append(rest[:size])
        raw_responses = rest[size:]
    return bodies


def has_ended(connection):
    """Whether the other side has closed a raw connection."""
    return bool(select.select([connection], [], [], 0)[0]) and connection.recv(1) == b""


def event(topic, event_id, **members):
    return {"topic": topic, "event_id": event_id, "timestamp": "2024-01-02T03:04:05Z", **members}
