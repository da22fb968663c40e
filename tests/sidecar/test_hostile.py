"""HTTP clients that mean harm, and deaths in the middle: everybody else is still served, and a retry is always safe."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import random
import resource
import socket
import threading
import time

import pytest

from tests.support.broker import LIMITS, wait_until
from tests.support.observer import Observer
from tests.support.sidecar import IS_UNDER_TSAN, TIMEOUT_S, MemoryWatch, event

CROWD = 1000
# Far more than it takes on a busy machine, far less than the patience that a hostile client would use up.
SERVED_WITHIN_S = 12
TCP_ESTABLISHED = 1  # see tcp_info in tcp(7)


@pytest.fixture(autouse=True)
def _many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8 * CROWD)), hard))


class Mob(threading.Thread):
    """Holds connections that each say `beginning` at once and then `drip` twice a second; opens another for each cut."""

    def __init__(self, sidecar, size, beginning, drip):
        super().__init__(daemon=True)
        self._address = ("127.0.0.1", sidecar.port)
        self._size, self._beginning, self._drip = size, beginning, drip
        self._over = threading.Event()
        self._connections = []
        self.cut_count = 0

    def _open(self):
        connection = socket.create_connection(self._address, timeout=TIMEOUT_S)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(self._beginning)
        self._connections.append(connection)

    def run(self):
        for _ in range(self._size):
            self._open()
        while not self._over.wait(0.5):
            for connection in list(self._connections):
                if not self._drip_into(connection):
                    self.cut_count += 1
                    self._connections.remove(connection)
                    connection.close()
                    self._open()
        for connection in self._connections:
            connection.close()

    def _drip_into(self, connection):
        """Whether the other side still holds it; what comes from there is never read."""
        try:
            connection.sendall(self._drip)
            return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_ESTABLISHED
        except OSError:
            return False

    def wait_cut(self):
        wait_until(lambda: self.cut_count > 0, "the first of them is cut", TIMEOUT_S)

    def end(self):
        self._over.set()
        self.join(60)


@contextlib.contextmanager
def mob(sidecar, beginning, drip=b"", size=CROWD):
    crowd = Mob(sidecar, size, beginning, drip)
    crowd.start()
    try:
        time.sleep(1)
        yield crowd
    finally:
        crowd.end()


def connection_count(sidecar):
    """With a few that are none: the sidecar's own sockets."""
    links = []
    for path in pathlib.Path(f"/proc/{sidecar.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            links.append(os.readlink(path))
    return sum(link.startswith("socket:") for link in links)


def assert_served(sidecar, topic, rounds=2):
    for number in range(rounds):
        started = time.monotonic()
        assert sidecar.publish(event(topic, f"e{number}"))["accepted"] == 1
        assert sidecar.get("/stats").status == 200
        assert time.monotonic() - started < SERVED_WITHIN_S
    assert sorted(sidecar.ids(topic)) == [f"e{number}" for number in range(rounds)]


def test_thousand_idle_connections(sidecar, topic):
    memory = MemoryWatch(sidecar)
    with contextlib.ExitStack() as connections:
        for _ in range(CROWD):
            connections.enter_context(socket.create_connection(("127.0.0.1", sidecar.port)))
        assert_served(sidecar, topic)
        memory.assert_below(64 << 20)


def test_heads_that_never_end(sidecar, topic):
    memory = MemoryWatch(sidecar)
    with mob(sidecar, b"POST /publish HTTP/1.1\r\nHost: x\r\nX-A: ", b"a") as crowd:
        assert_served(sidecar, topic)
        crowd.wait_cut()
        memory.assert_below(64 << 20)


@pytest.mark.parametrize("framing", ["Content-Length: 16777216\r\n\r\n[", "Transfer-Encoding: chunked\r\n\r\n"])
def test_bodies_that_never_end(sidecar, topic, framing):
    memory = MemoryWatch(sidecar)
    drip = b"1\r\n \r\n" if "chunked" in framing else b" "
    with mob(sidecar, b"POST /publish HTTP/1.1\r\nHost: x\r\n" + framing.encode(), drip) as crowd:
        assert_served(sidecar, topic)
        crowd.wait_cut()
        memory.assert_below(64 << 20)


def test_too_long_bodies_that_go_on_and_on(sidecar, topic):
    """What has been answered already is taken in for a while, so that the answer can be read."""
    with mob(sidecar, b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 16777216\r\n\r\n", b" "):
        assert_served(sidecar, topic)


@pytest.mark.skipif(IS_UNDER_TSAN, reason="too slow for the time limits that it tests")
def test_answers_that_are_never_read(park):
    _, sidecar = park.start()
    for number in range(10):
        sidecar.publish([event("big", f"{number}-{i}", payload="x" * 1000) for i in range(2000)])
    memory = MemoryWatch(sidecar)
    with mob(sidecar, b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n" * 3, size=400):
        assert_served(sidecar, "other")
        # Behind a window that is closed they cannot see it; but their connections are gone.
        wait_until(lambda: connection_count(sidecar) < 40, "they are cut", TIMEOUT_S)
        memory.assert_below(1200 << 20)  # for 256 at a time: a page, its copies, and a reader of the store


def test_client_that_is_slow_but_gets_on_is_served_among_idle_ones(sidecar, topic):
    """Patience is short in a crowd, but not so short that nobody far away gets through."""
    body = json.dumps([event(topic, f"e{number}") for number in range(200)]).encode()
    with contextlib.ExitStack() as connections:
        for _ in range(CROWD):
            connections.enter_context(socket.create_connection(("127.0.0.1", sidecar.port)))
        pieces = [body[start:start + 2000] for start in range(0, len(body), 2000)]
        answer = sidecar.raw(b"POST /publish HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
                             % len(body), *pieces)
    assert b"200 OK" in answer
    assert len(sidecar.ids(topic)) == 200


def test_reads_are_served_while_the_broker_is_frozen_and_many_publish(park):
    broker, sidecar = park.start()
    sidecar.publish(event("t", "first"))
    assert sidecar.ids("t") == ["first"]
    bodies = [[event("t", f"e{number}-{i}") for i in range(10)] for number in range(50)]
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        with broker.frozen():
            started = time.monotonic()
            publishing = [pool.submit(sidecar.post, body) for body in bodies]
            while time.monotonic() < started + 1:
                before = time.monotonic()
                assert sidecar.get("/stats").status == 200
                assert sidecar.get("/").status == 200
                assert time.monotonic() - before < 5
            assert {future.result(60).status for future in publishing} == {503}
            assert time.monotonic() - started < 20
        sidecar.wait_healthy()
        answers = list(pool.map(sidecar.publish, bodies))
    assert all(answer["accepted"] == 10 for answer in answers)
    assert sorted(sidecar.ids("t")) == sorted(["first", *(f"e{number}-{i}" for number in range(50) for i in range(10))])


def test_sidecar_that_is_killed_in_the_middle_of_a_batch_and_the_retry(park):
    """kill -9 at random moments; the same body again, until it is answered: all is there once, and was seen once."""
    seed = random.randrange(1_000_000)
    print("seed", seed)
    generator = random.Random(seed)
    # No limit of the broker's own may drop a delivery.
    broker, sidecar = park.start(config=LIMITS)
    observer = Observer(broker, "#")
    killed = published_before = 0
    for number in range(6):
        batch = [event("t", f"{number}-{i}") for i in range(3000)]
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sending = pool.submit(sidecar.post, batch)
            time.sleep(generator.uniform(0.005, 0.12))
            sidecar.kill()
            with contextlib.suppress(Exception):  # an answer that came before its death counts, too
                assert sending.result(60).status == 200
        killed += 1
        sidecar.start()
        answer = sidecar.publish(batch)
        published_before += answer["duplicates"]
        assert answer["accepted"] == 3000
        assert len(answer["processed"]) + answer["duplicates"] == 3000
    print(f"{published_before} events of {killed * 3000} had been published before the sidecar was killed")
    expected = [f"{number}-{i}" for number in range(6) for i in range(3000)]
    assert sorted(sidecar.ids("t")) == sorted(expected)
    assert sorted(json.loads(payload)["event_id"] for payload in observer.payloads()) == sorted(expected)
    stats = sidecar.stats()
    assert (stats["unique_processed"], stats["received"] - stats["duplicate_dropped"]) == (18_000, 18_000)
