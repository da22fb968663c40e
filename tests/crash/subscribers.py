"""Those who look: subscribers that tell the ledger what they got, and a client that counts the broker's turns."""

from tests.support import mqtt_client
from tests.crash.harness import Connection
from tests.support.mqtt_client import PINGREQ, PINGRESP

FILTER = "crash/#"
PING_INTERVAL_S = 0.02
_PING = mqtt_client.encode(PINGREQ, 0, b"")


def record(ledger, name, version, message, kept):
    event = ledger.delivered(name, message, kept)
    if version == mqtt_client.V5 and event.as_property and ("event_id", event.event_id) not in message.user_properties:
        raise AssertionError(f"{name} got {event.key} without its user property: {message.properties}")


class Watcher:
    """Connected as long as the broker lives, and silent: it acknowledges nothing, which the broker does not mind.

    So it sees all that the broker wrote. When a process dies with bytes on a connection that it has not read, the
    kernel resets the connection and drops what it has not sent yet; one that nobody sends on is flushed to its end.
    """

    def __init__(self, name, ledger, *, qos, version):
        self.name = name
        self.client = None
        self.due = float("inf")
        self._ledger = ledger
        self._qos = qos
        self._version = version

    def connect(self, port):
        self.client = Connection(port, self.name, version=self._version, acknowledge=False)
        self.client.subscribe(FILTER, self._qos)
        self._handle(self.client.buffered())

    def receive(self, now):
        self._handle(self.client.receive())

    def _handle(self, packets):
        for packet in packets:
            for message in self.client.take(packet):
                record(self._ledger, self.name, self._version, message, kept=False)

    def broker_died(self):
        if self.client is not None:
            self._handle(self.client.receive_last())
            self.client = None


class Subscriber:
    """Acknowledges what it gets. Connected as long as the broker lives, or with a kept session, to come and go."""

    def __init__(self, name, ledger, random, *, qos, version, clean):
        self.name = name
        self.client = None
        self.due = 0.0
        self._ledger = ledger
        self._random = random
        self._qos = qos
        self._version = version
        self._clean = clean
        self._unreleased = set()
        self._caught_up = 0       # up to here of life.seen
        self._asked_up_to = None  # where life.seen ended when the ping under way was sent

    def connect(self, port, first):
        """`first` in this life of the broker."""
        client = Connection(port, self.name, version=self._version, clean=self._clean)
        if client.session_present:
            client.unreleased = self._unreleased
        elif not first and not self._clean:
            raise AssertionError(f"{self.name}: the broker has forgotten its kept session")
        self.client = client
        self._asked_up_to = None
        if first:
            self._caught_up = 0
            client.subscribe(FILTER, self._qos)
        self._record(client.clear())  # what came before the answer
        self._handle(client.buffered())

    def receive(self, now):
        self._handle(self.client.receive())

    def _handle(self, packets):
        for packet in packets:
            if packet.kind == PINGRESP:
                self._ledger.caught_up(self.name, self._caught_up, self._asked_up_to, kept=not self._clean)
                self._caught_up, self._asked_up_to = self._asked_up_to, None
            else:
                self._record(self.client.take(packet))

    def _record(self, messages):
        for message in messages:
            record(self._ledger, self.name, self._version, message, kept=not self._clean)

    def act(self, now, port):
        if self.client is None:
            self.connect(port, first=False)
        elif not self._clean and self._random.random() < 0.1:
            self.cut(now)
            return
        elif self._asked_up_to is None:
            self._asked_up_to = len(self._ledger.life.seen)
            self.client.send(_PING)
        self.due = now + PING_INTERVAL_S

    def cut(self, now):
        """What had arrived is known; what was under way is the broker's to send again."""
        self._unreleased = self.client.unreleased
        self.client.reset() if self._random.random() < 0.5 else self.client.cut()
        self.client = None
        self._ledger.counts["connections cut"] += 1
        self.due = now + self._random.uniform(0, 0.05)

    def broker_died(self):
        if self.client is not None:
            self._handle(self.client.receive_last())
            self._unreleased = self.client.unreleased
            self.client = None
        self.due = 0.0


class TurnCounter:
    """Asks for turns of the broker's loop, one by one, until all that was acknowledged or delivered is settled."""
    name = "turns"

    def __init__(self, ledger, settled_turns):
        self.client = None
        self.due = 0.0
        self._ledger = ledger
        self._settled_turns = settled_turns
        self._activity = 0
        self._goal = 0

    def connect(self, port):
        self.client = Connection(port, self.name)
        self._goal = 0

    def receive(self, now):
        for packet in self.client.receive():
            self._count(packet)

    def _count(self, packet):
        if packet.kind == PINGRESP:
            self._ledger.life.turns_done += 1

    def act(self, now, port):
        if self.client is None:
            return
        life = self._ledger.life
        activity = self._ledger.counts["deliveries"] + self._ledger.counts["copies acknowledged"]
        if activity != self._activity:
            self._activity = activity
            self._goal = life.turns_sent + self._settled_turns + 1
        if life.turns_done == life.turns_sent and life.turns_done < self._goal:
            life.turns_sent += 1
            self.client.send(_PING)

    def is_settled(self):
        return self._ledger.life.turns_done >= self._goal

    def broker_died(self):
        if self.client is not None:
            for packet in self.client.receive_last():
                self._count(packet)
            self.client = None
