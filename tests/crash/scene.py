"""A broker, those who publish to it and those who look, in one event loop."""

import itertools
import random
import select
import time

from tests.crash.harness import RowFeed, journal_header, wait_until
from tests.crash.ledger import SETTLED_S_BY_TIME, SETTLED_TURNS, Violation
from tests.support.mqtt_client import V5, V31, V311
from tests.crash.publishers import MqttPublisher, Stream
from tests.crash.subscribers import Subscriber, TurnCounter, Watcher

FINISH_S_MAX = 120.0  # waited out only when something is lost, or the machine stands still


def _seconds(duration):
    number, unit = duration.rstrip("hms"), duration.lstrip("0123456789")
    return float(number) * {"ms": 0.001, "s": 1, "h": 3600}[unit]


class Scene:
    """`seed` decides everything but time: each party has a generator of its own, made from it and the party's name."""

    def __init__(self, broker, ledger, seed):
        self.broker = broker
        self.ledger = ledger
        self.seed = seed
        self.rows = RowFeed(broker)
        self.watchers = [Watcher("watcher-0", ledger, qos=0, version=V311),
                         Watcher("watcher-1", ledger, qos=1, version=V5),
                         Watcher("watcher-2", ledger, qos=2, version=V311)]
        self.subscribers = [self._subscriber("worker-1", 1, V311), self._subscriber("worker-2", 2, V5)]
        ledger.subscribers = [watcher.name for watcher in self.watchers]
        ledger.pacesetter = "watcher-2"
        self.turns = TurnCounter(ledger, SETTLED_TURNS)
        self.streams = []
        self.publishers = []

    def random(self, *names):
        return random.Random("/".join(map(str, (self.seed, *names))))

    # --- parties ---

    def _subscriber(self, name, qos, version, clean=True):
        return Subscriber(name, self.ledger, self.random(name), qos=qos, version=version, clean=clean)

    def add_visitors(self):
        """Subscribers with kept sessions, who come and go."""
        self.subscribers += [self._subscriber("visitor-1", 1, V5, clean=False),
                             self._subscriber("visitor-2", 2, V311, clean=False)]

    def add_stream(self, *publishers, as_property=False):
        """Events and those who publish them, each (QoS, version, clean session): several are redundant gateways."""
        stream = Stream(self.ledger, f"stream-{len(self.streams)}", as_property)
        self.streams.append(stream)
        for qos, version, clean in publishers:
            self.add_publisher(stream.source(), qos, version, clean)

    def add_all_kinds_of_streams(self):
        self.add_stream((1, V311, True), (1, V5, False))
        self.add_stream((2, V311, False), (2, V5, True))
        self.add_stream((0, V311, True), (2, V5, False))
        self.add_stream((2, V311, True))
        self.add_stream((1, V5, True))
        self.add_stream((1, V31, False))
        self.add_stream((0, V5, True), (2, V5, False), as_property=True)

    def add_publisher(self, source, qos, version, clean, name=None):
        name = name or f"publisher-{len(self.publishers)}"
        publisher = MqttPublisher(name, source, self.ledger, self.random(name), qos=qos, version=version, clean=clean)
        self.publishers.append(publisher)
        return publisher

    # --- one life ---

    def start(self, recovery_delay):
        """Starts the broker and connects everybody, those who look first."""
        self.broker.options["recovery_delay"] = recovery_delay
        self.ledger.begin_life()
        self.broker.start()
        if "mosquitto version 2.0." not in self.broker.log():
            self.ledger.settled_s = max(self.ledger.settled_s, SETTLED_S_BY_TIME)
        self.on_started()
        self.connect_subscribers()
        self.excuse_if_longer_than(recovery_delay)
        if self.makes_rows():
            self.read_rows()
            self.ledger.check_acknowledged_are_stored()
        self.connect_publishers()

    def on_started(self):
        """The broker runs, nobody is connected."""

    def makes_rows(self):
        """Whether events become rows in this life."""
        return True

    def excuse_if_longer_than(self, recovery_delay):
        """If so, the plugin may have handed on events in doubt before anybody was there to see."""
        if time.monotonic() - self.ledger.life.started_at > 0.8 * _seconds(recovery_delay):
            self.ledger.begin_unwatched()

    def connect_subscribers(self):
        for watcher in self.watchers:
            watcher.connect(self.broker.port)
        for subscriber in self.subscribers:
            subscriber.connect(self.broker.port, first=True)

    def connect_publishers(self):
        """After the subscribers, who are to see everything."""
        for party in [self.turns, *self.publishers]:
            party.connect(self.broker.port)

    def step(self):
        """Waits for what is next, a packet or somebody's turn to act, and lets it happen. Raises ConnectionCut."""
        parties = [*self.watchers, *self.subscribers, self.turns, *self.publishers]
        due = min(party.due for party in parties if party is not self.turns)
        timeout = max(0.0, min(due - time.monotonic(), 0.02))
        connected = {party.client: party for party in parties if party.client is not None}
        for client in select.select(list(connected), [], [], timeout)[0]:
            connected[client].receive(time.monotonic())
        now = time.monotonic()
        for party in parties:
            if party.due <= now:
                party.act(now, self.broker.port)

    def step_until(self, condition):
        """Whether the condition came true before the patience ended."""
        deadline = time.monotonic() + FINISH_S_MAX
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.step()
        return True

    def step_until_idle(self):
        idle = self.step_until(lambda: all(publisher.idle for publisher in self.publishers))
        assert idle, f"not acknowledged: {[publisher.name for publisher in self.publishers if not publisher.idle]}"

    def step_until_settled(self, not_before):
        """What the broker had to hand on until now has arrived."""
        self.step_until(lambda: time.monotonic() > not_before and self.turns.is_settled())

    def broker_died(self):
        for party in [self.turns, *self.watchers, *self.subscribers, *self.publishers]:
            party.broker_died()
        self.ledger.check_handed_on()

    # --- the end of it all ---

    def finish(self):
        """Everybody is acknowledged, what is in doubt is handed on, and every watcher has seen every event."""
        self.start("1s")
        recovered_at = time.monotonic() + 2
        self.step_until_idle()
        self.read_rows()
        self.ledger.check_acknowledged_are_stored()
        self.step_until(lambda: time.monotonic() > recovered_at and not self.ledger.undelivered())
        self.ledger.check_delivered()
        self.step_until_settled(recovered_at)

    def wait_stored(self):
        """Until the store has what the journal says was accepted."""
        wait_until(lambda: self.rows.stored_seq() >= journal_header(self.broker.data_dir)["accepted_seq"],
                   "every accepted event is stored", 30)

    def read_rows(self):
        self.wait_stored()
        self.ledger.stored(self.rows.new_rows())

    def publish_all_again(self):
        """After one more start every id ever stored is a duplicate: a delivery would break the ledger's rules."""
        everything = self.ledger.stored_events()
        self.random("again").shuffle(everything)
        self.publishers = []
        for qos, version in ((0, V311), (1, V5), (2, V311), (2, V5)):
            mine = everything if qos == 1 else everything[qos::3]
            # Without a property an event of a property stream would be none.
            mine = [event for event in mine if version == V5 or not event.as_property]
            publisher = self.add_publisher(itertools.chain(mine, itertools.repeat(None)), qos, version, clean=True,
                                           name=f"again-{qos}-{version}")
            publisher.cut_share, publisher.window, publisher.pause_s = 0, 200, 0.001
        self.start("500ms")
        sent, duplicates = self.ledger.counts["copies sent"], journal_header(self.broker.data_dir)["duplicates"]
        self.step_until_idle()
        # Longer than recovery_delay: what the plugin would hand on by itself would come by now.
        self.step_until_settled(not_before=time.monotonic() + 1)
        sent = self.ledger.counts["copies sent"] - sent
        duplicates = journal_header(self.broker.data_dir)["duplicates"] - duplicates
        if sent != duplicates:
            raise Violation(f"{sent} copies were published again, {duplicates} of them counted as duplicates")
        self.ledger.counts["published again"] += sent
