"""What was published, acknowledged and delivered over all lives of one broker, and whether the promises held.

A life is one process of the broker. What a subscriber may see of an event:
* in one life: once at most;
* in a later life once more only if the earlier life ended within a few turns of the broker's loop after the event was
  handed on (promise P3). Those turns cannot be seen from outside, but each answered ping is one: SETTLED_TURNS pings
  behind a delivery the event is no longer in doubt;
* over all lives: at least once, if it is stored;
* of one topic and QoS: what an earlier life had accepted comes before anything newer, and in order among itself.
"""

import collections
import dataclasses
import json
import time
import zlib

# The watermark passes an event two turns after it was handed on, a recovered one three; and one for the delivery.
SETTLED_TURNS = 5
# From 2.1 on the plugin's turns go by time, each at most a millisecond after the one before while anything is in doubt.
SETTLED_S_BY_TIME = 0.3

_LARGE_PAYLOAD_BYTES = 20_000


class Violation(AssertionError):
    """A promise was broken."""


def _filling(event_id):
    """Most payloads are small; now and then one does not fit a packet buffer."""
    checksum = zlib.crc32(event_id.encode())
    return "x" * (_LARGE_PAYLOAD_BYTES if checksum % 101 == 0 else checksum % 200)


@dataclasses.dataclass
class Life:
    number: int
    started_at: float
    watched: bool = True     # all subscribers were there before the plugin handed on anything that was in doubt
    turns_sent: int = 0      # pings that asked for a turn of the broker's loop
    turns_done: int = 0      # pings that were answered
    ended_at: float = float("inf")
    accepted_before: int | None = None  # the greatest seq of the lives before; None: unknown
    # The events that the pacesetter got, by topic and QoS.
    arrived: dict = dataclasses.field(default_factory=lambda: collections.defaultdict(list))
    seen: list = dataclasses.field(default_factory=list)  # (event, QoS) in the order in which the pacesetter got them
    sent: set = dataclasses.field(default_factory=set)
    acknowledged: list = dataclasses.field(default_factory=list)  # (event, turns_sent, time) for each copy
    doubtful_copies: set = dataclasses.field(default_factory=set)  # events of which a copy may have been handed on, too


@dataclasses.dataclass(frozen=True)
class Delivery:
    subscriber: str
    life: Life
    turns_sent: int
    at: float
    kept: bool  # perhaps out of a kept session's queue, so no sign of when the plugin handed it on

    def settled(self, needed_s):
        """Whether the event was known to be handed on when its life ended."""
        return (self.life.turns_done - self.turns_sent >= SETTLED_TURNS
                and self.life.ended_at - self.at >= needed_s)


class Event:
    """One event and all that happened to it."""
    __slots__ = ("topic", "event_id", "as_property", "first_sent_at", "acknowledged_at", "acknowledged_in", "seq",
                 "deliveries", "excused", "history")

    def __init__(self, topic, event_id, as_property):
        self.topic = topic
        self.event_id = event_id
        self.as_property = as_property  # the id travels as a user property, and the payload is no JSON
        self.first_sent_at = None
        self.acknowledged_at = None
        self.acknowledged_in = None  # the life
        self.seq = None
        self.deliveries = []
        self.excused = set()  # subscribers who came too late in a life to be sure to have seen it
        self.history = []

    @property
    def key(self):
        return self.topic, self.event_id

    def payload(self, origin):
        """The event as this publisher sends it: copies of one event can be told apart."""
        if self.as_property:
            return f"\0{self.event_id} {origin} {_filling(self.event_id)}".encode() + b"\xff"
        return json.dumps({"event_id": self.event_id, "origin": origin, "filling": _filling(self.event_id)}).encode()

    def was_published_as(self, payload, origin):
        if origin is None:  # by HTTP: the sidecar's wording, the publisher's content
            content = json.loads(payload)
            return (content["topic"], content["payload"]) == (self.topic, _filling(self.event_id))
        return payload == self.payload(origin)

    def http_body(self, source):
        return {"topic": self.topic, "event_id": self.event_id, "timestamp": "2024-05-01T12:00:00Z", "source": source,
                "payload": _filling(self.event_id)}

    def properties(self):
        return [("user_property", ("event_id", self.event_id))] if self.as_property else []


def _id_and_origin(payload):
    if payload.startswith(b"\0"):
        event_id, origin, _ = payload[1:].split(b" ", 2)
        return event_id.decode(), origin.decode()
    content = json.loads(payload)
    return content["event_id"], content.get("origin")


class Ledger:
    def __init__(self):
        self.events = {}
        self.order = []  # all events, oldest first
        self.lives = []
        self.counts = collections.Counter()
        self.settled_s = 0.0
        self.doubtful = set()  # events that the last life may have left in doubt
        self.subscribers = []  # those that are to see everything
        self.pacesetter = None
        self._started_at = time.monotonic()

    # --- lives ---

    @property
    def life(self):
        return self.lives[-1]

    def begin_life(self):
        self.lives.append(Life(len(self.lives) + 1, time.monotonic()))

    def end_life(self, at=None):
        self.life.ended_at = at or time.monotonic()

    def begin_unwatched(self):
        """The subscribers connected so late that the plugin may have handed on events in doubt before."""
        self.life.watched = False
        for event in self.order:
            if event.first_sent_at:
                missing = self._missing(event)
                event.excused.update(missing)
                self.counts["not watched"] += bool(missing)

    # --- what happens ---

    def event(self, topic, event_id, as_property=False):
        event = Event(topic, event_id, as_property)
        found = self.events.setdefault(event.key, event)
        if found is event:
            self.order.append(event)
        return found

    def note(self, event, text):
        event.history.append((time.monotonic() - self._started_at, self.life.number, text))

    def sent(self, event, how):
        event.first_sent_at = event.first_sent_at or time.monotonic()
        self.life.sent.add(event)
        if event in self.doubtful:
            self.life.doubtful_copies.add(event)
        self.counts["copies sent"] += 1
        self.note(event, f"sent {how}")

    def acknowledged(self, event, how, sent_in=None):
        """`sent_in`: the life in which the copy was sent, unless it is this one."""
        now = time.monotonic()
        if event.acknowledged_at is None:
            event.acknowledged_at, event.acknowledged_in = now, sent_in or self.life
        if sent_in in (None, self.life):
            self.life.acknowledged.append((event, self.life.turns_sent, now))
        self.counts["copies acknowledged"] += 1
        self.note(event, f"acknowledged {how}")

    def delivered(self, subscriber, message, kept=False):
        """`kept`: the subscriber has a kept session, in which the broker itself may send again, with DUP."""
        event_id, origin = _id_and_origin(message.payload)
        event = self.events.get((message.topic, event_id))
        if event is None or event.first_sent_at is None:
            raise Violation(f"{subscriber} got what nobody published: {message}")
        if not event.was_published_as(message.payload, origin):
            raise Violation(self.story(event, f"{subscriber} got other bytes than {origin} published"))
        life = self.life
        self.note(event, f"delivered to {subscriber} (QoS {message.qos}, dup {message.dup}, from {origin})")
        own = [delivery for delivery in event.deliveries if delivery.subscriber == subscriber]
        if own and kept and message.dup:
            self.counts["repeated by the broker"] += 1
            return event
        # After an orderly stop a kept session's queue may bring an event, and the plugin then hand it on once more.
        most = 2 if kept and event.first_sent_at < life.started_at else 1
        if sum(delivery.life is life for delivery in own) >= most:
            raise Violation(self.story(event, f"{subscriber} got it more than once in one life"))
        # What was handed on while the subscriber was away may wait for it in a kept session.
        handed_on = {delivery.life.number for delivery in event.deliveries if not delivery.kept}
        if not (kept and len(own) < len(handed_on)) and self._was_settled(event):
            raise Violation(self.story(event, f"{subscriber} got it again, though it had been handed on for good"))
        self.counts["deliveries"] += 1
        if subscriber == self.pacesetter:
            self._count_doubtful(event, own)
            life.seen.append((event, message.qos))
            life.arrived[event.topic, message.qos].append(event)
        event.deliveries.append(Delivery(subscriber, life, life.turns_sent, time.monotonic(), kept))
        return event

    def _was_settled(self, event):
        """In an earlier life."""
        return any(delivery.life is not self.life and not delivery.kept and delivery.settled(self.settled_s)
                   for delivery in event.deliveries)

    def _count_doubtful(self, event, deliveries_before):
        if deliveries_before:
            self.counts["seen twice (P3)" if len(deliveries_before) == 1 else "seen more often (P3)"] += 1
        elif event.acknowledged_in not in (None, self.life):
            self.counts["handed on by a later life"] += 1

    def caught_up(self, subscriber, first, end, kept=False):
        """The subscriber must have got all that the pacesetter saw before: life.seen[first:end]."""
        if not self.life.watched:
            return
        for event, qos in self.life.seen[first:end]:
            if kept and qos == 0:
                continue  # QoS 0 into a connection that is cut is lost, as MQTT has it
            if not any(d.subscriber == subscriber and (d.life is self.life or kept) for d in event.deliveries):
                raise Violation(self.story(event, f"{subscriber} did not get it, but {self.pacesetter} did"))

    # --- the store ---

    def stored(self, rows):
        """Rows that were not there at the last call."""
        for seq, topic, event_id, payload, rule in rows:
            if rule is not None and payload:
                event_id = _id_and_origin(payload)[0]  # a rule's row has its key's text, which may say less
            event = self.events.get((topic, event_id))
            if event is None or event.first_sent_at is None:
                raise Violation(f"row {seq} was never published: {topic} {event_id}")
            if event.seq is not None:
                raise Violation(self.story(event, f"two rows, {event.seq} and {seq}"))
            event.seq = seq
            self.note(event, f"seen as row {seq}")
            if rule != "ids" and not event.was_published_as(payload, _id_and_origin(payload)[1]):
                raise Violation(self.story(event, "the row's payload is not what was published"))

    def check_acknowledged_are_stored(self):
        lost = [event for event in self.order if event.acknowledged_at is not None and event.seq is None]
        self.counts["lost"] += len(lost)
        if lost:
            raise Violation(self.story(lost[0], f"{len(lost)} acknowledged events are not stored; the first"))

    def check_handed_on(self):
        """At the end of a life: what was acknowledged some turns before has been seen by now, whatever its history.

        So an event that an earlier end left in doubt was handed on by the first copy that came after it.
        """
        life, settled = self.life, set()
        for event, turns_sent, at in life.acknowledged:
            if Delivery("", life, turns_sent, at, False).settled(self.settled_s):
                settled.add(event)
                for subscriber in self._missing(event):
                    raise Violation(self.story(event, f"acknowledged, but {subscriber} never got it"))
        for event in life.sent | self.doubtful:
            if any(d.life is life and not d.kept and d.settled(self.settled_s) for d in event.deliveries):
                settled.add(event)
        self.counts["perhaps in doubt at an end"] += len(life.sent - settled)
        self.counts["perhaps copies of events in doubt"] += len(life.doubtful_copies)
        self.doubtful = (self.doubtful | life.sent) - settled
        life.sent, life.acknowledged, life.doubtful_copies = set(), [], set()

    def stored_events(self):
        return [event for event in self.order if event.seq is not None]

    def check_order(self):
        """Seqs are 1, 2, 3 ...; an event acknowledged before another was first sent has the smaller one."""
        rows = sorted(self.stored_events(), key=lambda event: event.seq)
        if [event.seq for event in rows] != list(range(1, len(rows) + 1)):
            raise Violation(f"{len(rows)} rows have the seqs {rows[0].seq} to {rows[-1].seq}")
        earliest = None  # acknowledged first among those with greater seqs
        for event in reversed(rows):
            if earliest and earliest.acknowledged_at < event.first_sent_at:
                raise Violation(self.story(event, "stored before another that was acknowledged before it was published")
                                + self.story(earliest, "the other"))
            if event.acknowledged_at and (not earliest or event.acknowledged_at < earliest.acknowledged_at):
                earliest = event

    def check_order_of_deliveries(self):
        """Once all seqs are known: nothing that an earlier life had accepted arrives behind something newer.

        Events of different QoS may pass each other: the plugin hands on those of QoS 2 by itself, a turn later.
        """
        for life in self.lives:
            if life.accepted_before is None:
                continue
            for events in life.arrived.values():
                newest = None
                for event in events:
                    if newest and event.seq < newest.seq and event.seq <= life.accepted_before:
                        what = f"{self.pacesetter} got it in life {life.number} behind event {newest.seq}"
                        raise Violation(self.story(event, what) + self.story(newest, "the newer one"))
                    if newest is None or event.seq > newest.seq:
                        newest = event
                self.counts["deliveries in order"] += sum(event.seq <= life.accepted_before for event in events)

    def _missing(self, event):
        seen = {delivery.subscriber for delivery in event.deliveries} | event.excused
        return [subscriber for subscriber in self.subscribers if subscriber not in seen]

    def undelivered(self):
        """(event, subscriber) for what is stored and should have been seen by now."""
        return [(event, subscriber) for event in self.stored_events() for subscriber in self._missing(event)]

    def check_delivered(self):
        missing = self.undelivered()
        self.counts["lost"] += len(missing)
        if missing:
            event, subscriber = missing[0]
            raise Violation(self.story(event, f"{len(missing)} deliveries are missing; the first: to {subscriber}"))

    def story(self, event, what):
        lines = [f"{event.topic} {event.event_id}: {what}"]
        lines += [f"  {at:9.4f} s  life {life}  {text}" for at, life, text in event.history]
        return "\n".join(lines) + "\n"
