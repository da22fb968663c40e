"""Those who take part, each on a thread of its own: they do not know when broker and sidecar end, and try again."""

import collections
import contextlib
import http.client
import json
import random
import threading
import time

from tests.support.events import event_id_of
from tests.support.mqtt_client import V5, V311, Client, ConnectionCut, Timeout
from tests.support.sidecar import event, read_response
from tests.support.watcher import Watcher

DUPLICATES = 0.3  # so many of those that are sent are copies of earlier ones
TOPICS = [f"soak/{number}" for number in range(5)]
REMEMBERED = 20_000
PAUSE_S = 0.1  # after something has failed

FAILURES = (OSError, EOFError, http.client.HTTPException, ConnectionCut, Timeout)


class Book:
    """What was published, by all of them."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.acknowledged = set()  # (topic, id)
        self._recent = collections.deque(maxlen=REMEMBERED)

    def count(self, name, number=1):
        with self.lock:
            self.counts[name] += number

    def draw(self, rng, fresh):
        """An event to be published: one of the earlier ones, or `fresh`."""
        with self.lock:
            if self._recent and rng.random() < DUPLICATES:
                return rng.choice(self._recent)
            self._recent.append(fresh)
            return fresh

    def acknowledge(self, keys):
        with self.lock:
            self.acknowledged.update(keys)
            self.counts["copies acknowledged"] += len(keys)


class Party(threading.Thread):
    """Does turn() again and again until it is told to stop, and then whatever it owes; an error is raised by join()."""

    pause_s = 0.05

    def __init__(self, name, book, broker, sidecar, seed):
        super().__init__(name=name, daemon=True)
        self.book, self.broker, self.sidecar = book, broker, sidecar
        self.rng = random.Random(f"{seed}/{name}")
        self.over = threading.Event()
        self.error = None
        self._number = 0

    def run(self):
        try:
            while not self.over.wait(self.rng.expovariate(1 / self.pause_s)):
                self.turn()
            self.finish()
        except BaseException as error:  # pylint: disable=broad-except
            self.error = error

    def turn(self):
        raise NotImplementedError

    def finish(self):
        """What is still to be done when the others have stopped."""

    def stop(self, timeout_s=120):
        self.over.set()
        self.join(timeout_s)
        assert not self.is_alive(), f"{self.name} does not end"

    def check(self):
        if self.error is not None:
            raise AssertionError(f"{self.name}: {self.error!r}") from self.error

    def draw(self):
        self._number += 1
        return self.book.draw(self.rng, (self.rng.choice(TOPICS), f"{self.name}-{self._number}"))

    def until_done(self, what):
        """Whatever fails is tried again: the broker or the sidecar may be away."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return what()
            except FAILURES as error:
                self.book.count("failed tries")
                assert time.monotonic() < deadline, f"nothing works for a minute: {error!r}"
                time.sleep(PAUSE_S)


class MqttPublisher(Party):
    def __init__(self, qos, *arguments):
        super().__init__(f"mqtt-{qos}", *arguments)
        self._qos = qos
        self._client = None

    def turn(self):
        key = self.draw()
        self.until_done(lambda: self._publish(*key))
        self.book.acknowledge([key])

    def _publish(self, topic, event_id):
        try:
            if self._client is None:
                self._client = Client(self.broker.port, version=V5 if self._qos else V311)
            self.book.count("copies sent")
            payload = json.dumps({"event_id": event_id, "by": self.name}).encode()
            reason = self._client.publish(topic, payload, self._qos)
            assert reason in (0x00, 0x10), f"reason {reason:#04x}"
        except FAILURES:
            if self._client is not None:
                self._client.cut()
            self._client = None
            raise

    def finish(self):
        if self._client is not None:
            self._client.disconnect()


class HttpPublisher(Party):
    pause_s = 0.1

    def turn(self):
        keys = [self.draw() for _ in range(self.rng.randrange(1, 8))]
        body = [event(topic, event_id, payload={"by": self.name}) for topic, event_id in keys]
        query = f"?qos={self.rng.randrange(3)}&results={self.rng.choice(['brief', 'full'])}"
        self.until_done(lambda: self._post(body, query))
        self.book.acknowledge(keys)

    def _post(self, body, query):
        self.book.count("copies sent", len(body))
        response = self.sidecar.post(body, query=query)
        if response.status == 503:
            raise OSError(response.detail)
        assert response.status == 200, response.body
        assert response.json["accepted"] == len(body)


class LinePublisher(Party):
    """Streams of lines; what has no result when a stream ends early is sent again."""

    pause_s = 0.5

    def turn(self):
        unsent = [self.draw() for _ in range(self.rng.randrange(1, 60))]
        while unsent:
            unsent = self.until_done(lambda keys=unsent: self._post(keys))

    def _post(self, keys):
        lines = "".join(json.dumps(event(topic, event_id, payload={"by": self.name})) + "\n" for topic, event_id in keys)
        self.book.count("copies sent", len(keys))
        response = self.sidecar.post(lines, {"Content-Type": "application/x-ndjson"})
        if response.status == 503:
            raise OSError(response.detail)
        assert response.status == 200, response.body
        verdicts = [json.loads(line)["verdict"] for line in response.body.splitlines()]
        assert set(verdicts) <= {"processed", "duplicate", "failed"}, verdicts
        done = [key for key, verdict in zip(keys, verdicts) if verdict != "failed"]
        self.book.acknowledge(done)
        self.book.count("lines", len(done))
        if len(done) < len(keys):
            time.sleep(PAUSE_S)
        return [key for key, verdict in zip(keys, [*verdicts, *["failed"] * len(keys)]) if verdict == "failed"]


class Subscriber(Party):
    """Sees no event twice in one life of the broker: each connection is within one."""

    pause_s = 0.01

    def __init__(self, *arguments):
        super().__init__("subscriber", *arguments)
        self._client = None
        self._seen = set()

    def turn(self):
        try:
            if self._client is None:
                self._seen = set()
                self._client = Client(self.broker.port, version=V5).subscribe("soak/#", 2)
            self._client.ping()
            for message in self._client.clear():
                key = message.topic, event_id_of(message.payload)
                assert key not in self._seen, f"{key} was handed on twice"
                self._seen.add(key)
                self.book.count("deliveries")
        except FAILURES:
            if self._client is not None:
                self._client.cut()
            self._client = None
            time.sleep(PAUSE_S)


class EventWatcher(Party):
    """Reads GET /events/stream: every seq, each once, over all restarts."""

    pause_s = 0.001

    def __init__(self, *arguments):
        super().__init__("watcher", *arguments)
        self.last_seq = 0
        self._watcher = None

    def turn(self):
        try:
            if self._watcher is None:
                self._watcher = Watcher(self.sidecar, f"?after_seq={self.last_seq}")
                if self._watcher.status != 200:
                    raise OSError(f"status {self._watcher.status}")
                self._watcher.settimeout(0.5)
            seq, data = self._watcher.frame()
            if data is not None:
                assert seq == self.last_seq + 1, f"event {seq} behind {self.last_seq}"
                self.last_seq = seq
        except TimeoutError:
            pass
        except FAILURES:
            if self._watcher is not None:
                self._watcher.close()
            self._watcher = None
            time.sleep(PAUSE_S)

    def read_up_to(self, seq):
        deadline = time.monotonic() + 60
        while self.last_seq < seq:
            assert time.monotonic() < deadline, f"the stream stands at {self.last_seq} of {seq}"
            self.check()
            time.sleep(PAUSE_S)


class Exporter(Party):
    """Lists of stored events, page by page, and now and then all of them at once."""

    pause_s = 1.0

    def __init__(self, *arguments):
        super().__init__("exporter", *arguments)

    def turn(self):
        with contextlib.suppress(*FAILURES):
            if self.rng.random() < 0.1:
                self._read("/events", {"Accept": "application/x-ndjson"})
                self.book.count("exports")
                return
            after = 0
            for _ in range(10):
                seqs = self._read(f"/events?limit=1000&after_seq={after}", {"Accept": "application/x-ndjson"})
                self.book.count("pages")
                if len(seqs) < 1000:
                    return
                after = seqs[-1]

    def _read(self, path, headers):
        with contextlib.closing(self.sidecar.connect()) as connection:
            connection.request("GET", path, headers=headers)
            response = read_response(connection)
        if response.status != 200:
            raise OSError(response.status)
        seqs = [json.loads(line)["seq"] for line in response.body.splitlines()]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else True, "a list has gaps"
        return seqs


class Scraper(Party):
    """What monitoring asks for, and counters that never go back."""

    pause_s = 0.5

    def __init__(self, *arguments):
        super().__init__("scraper", *arguments)
        self._last = collections.Counter()

    def turn(self):
        with contextlib.suppress(*FAILURES):
            for path in ("/metrics", "/healthz", "/readyz", "/top", "/rules", "/"):
                assert self.sidecar.get(path).status in (200, 503), path
            stats = self.sidecar.get("/stats")
            if stats.status == 200:
                now = {name: stats.json[name] for name in ("received", "unique_processed", "duplicate_dropped")}
                assert now["received"] == now["unique_processed"] + now["duplicate_dropped"], now
                assert all(now[name] >= self._last[name] for name in now), f"{self._last} became {now}"
                self._last = collections.Counter(now)
            self.book.count("scrapes")
