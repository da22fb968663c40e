"""Kills the broker again and again under load and checks that nothing is lost and nothing is seen twice.

    python3 -m tests.crash.crash_check --rounds 1000 --seed 7

A round is one life of the broker: it starts on the same data, subscribers and publishers connect, and it is ended by
kill -9 or by SIGTERM at a random moment. After up to 50 rounds a campaign is closed: everybody finishes,
the store is compared with what was published, and every id is published again. Random decisions come from the seed that
is printed, one generator for each party; how they meet in time is the machine's. Campaign n uses seed + n.
"""

import argparse
import collections
import itertools
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

from tests.crash import http_publisher
from tests.crash.harness import BROKER_CONFIG, LOG_TYPES, CrashBroker, journal_header
from tests.crash.http_publisher import HttpPublisher, Sidecar
from tests.crash.ledger import Ledger, Violation
from tests.support.hold_store import HoldStore
from tests.support.mqtt_client import V5, V311, ConnectionCut
from tests.crash.publishers import MqttPublisher, Stream, echo_source
from tests.crash.rules import write_rules
from tests.crash.scene import Scene

ROUNDS_PER_CAMPAIGN = 50
EVENTS_PER_STREAM_AND_LIFE = 30
EVENTS_PER_BURST = 20
LIFE_S_MAX = 4.0
JOURNAL_SIZES = ("1M", "4M", "8M")

KILL, TERMINATE = "kill -9", "SIGTERM"
SIGNALS = {KILL: signal.SIGKILL, TERMINATE: signal.SIGTERM}
EXIT_CODES = {KILL: -signal.SIGKILL, TERMINATE: 0}
AFTER_TIME, AFTER_ACKNOWLEDGEMENTS, AFTER_DELIVERIES, AFTER_BURST = "time", "acknowledgements", "deliveries", "burst"


class Doom:
    """When and how a life ends."""

    def __init__(self, rng):
        self.signal = rng.choice((KILL, TERMINATE))
        self.when = rng.choice((AFTER_TIME, AFTER_ACKNOWLEDGEMENTS, AFTER_DELIVERIES, AFTER_BURST))
        self.after_s = rng.uniform(0, 0.6)
        self.count = rng.randint(1, 200)
        # How long the broker has for a burst that was waiting for it: from no turn of its loop to some.
        self.burst_s = rng.choice((0, rng.uniform(0, 0.0005), rng.uniform(0, 0.005)))
        self.kills_while_starting = rng.choice((0, 0, 0, 0, 1, 3))
        self.start_s = [rng.uniform(0, 0.06) for _ in range(self.kills_while_starting)]
        self.recovery_delay = rng.choice(("500ms", "500ms", "1s", "1h"))
        self.sidecar_dies = rng.random() < 0.1
        self.store_is_held = rng.random() < 0.4

    def is_due(self, lived_s, counts):
        """`counts` are this life's."""
        if self.when == AFTER_ACKNOWLEDGEMENTS and counts["copies acknowledged"] >= self.count:
            return True
        if self.when == AFTER_DELIVERIES and counts["deliveries"] >= self.count:
            return True
        return lived_s >= (self.after_s if self.when == AFTER_BURST else LIFE_S_MAX)


class Campaign(Scene):
    """Some rounds on one data directory, with one seed."""

    def __init__(self, directory, seed):
        rng = random.Random(seed)
        persistence = rng.choice(("true", "false"))
        self.settings = {"fsync_interval": rng.choice(("100ms", "100ms", "1s", "0")),
                         "journal_size": rng.choice(JOURNAL_SIZES)}
        if rng.random() < 0.5:
            self.settings["rules_file"] = write_rules(directory)
        self._store_hold = HoldStore(directory / "hold")
        broker = CrashBroker(directory, options=dict(self.settings), log_types=LOG_TYPES,
                             config=BROKER_CONFIG + f"persistence {persistence}\n", **self._store_hold.broker_arguments)
        super().__init__(broker, Ledger(), seed)
        self._header = None  # the journal's, as the last life left it
        self._store_is_held = False
        self.summary = self.ledger.counts
        self.add_visitors()
        self.add_all_kinds_of_streams()
        self._echoes_left = 0
        for qos in (0, 1, 2):
            source = echo_source(self.ledger, self.random("echo", qos), self._echoes_wanted)
            self.add_publisher(source, qos, V5, clean=True)
        self.sidecar = Sidecar(broker) if http_publisher.BINARY.exists() else None
        if self.sidecar:
            self._add_http_publishers()

    def _add_http_publishers(self):
        stream = Stream(self.ledger, "http")
        self.streams.append(stream)
        for name in ("http-1", "http-2"):
            self.publishers.append(HttpPublisher(name, stream.source(), self.ledger, self.random(name), self.sidecar))

    def _echoes_wanted(self):
        self._echoes_left -= 1
        return self._echoes_left >= 0

    # --- one life ---

    def hold_store(self, held):
        """While it is held no event becomes a row: what is acknowledged is in the journal alone, life after life."""
        self._store_hold.set(held)
        self._store_is_held = held
        self.summary["lives without rows"] += held

    def makes_rows(self):
        return not self._store_is_held

    def kill_while_starting(self, recovery_delay, moments_s):
        self.broker.options["recovery_delay"] = recovery_delay
        for after_s in moments_s:
            self.ledger.begin_life()
            self.broker.start_and_kill(after_s)
            self.ledger.end_life()
            self.excuse_if_longer_than(recovery_delay)
            self.summary["killed while starting"] += 1

    def on_started(self):
        if self._header is not None:
            self._check_counters_survived(self._header)
        self.ledger.life.accepted_before = journal_header(self.broker.data_dir)["accepted_seq"]

    def _check_counters_survived(self, before):
        now = journal_header(self.broker.data_dir)
        for name in ("duplicates", "passed", "refused", "invalid_ids", "unstored", "lost", "skipped_seqs"):
            if now[name] != before[name]:
                raise Violation(f"{name} was {before[name]} when the broker ended and is {now[name]} after its start")
        # A record may be whole when the kill comes between it and the header.
        if now["accepted_seq"] - before["accepted_seq"] not in (0, 1):
            raise Violation(f"accepted_seq was {before['accepted_seq']} and is {now['accepted_seq']} after the start")

    def live(self, doom):
        """Lets everybody work until the doom has come."""
        def fired():
            return False
        if doom.when == AFTER_TIME:
            fired = self.broker.end_after(doom.after_s, SIGNALS[doom.signal])
        started = time.monotonic()
        before = self.ledger.counts.copy()
        try:
            while not fired() and not doom.is_due(time.monotonic() - started, self.ledger.counts - before):
                self.step()
        except (ConnectionCut, ConnectionError) as cut:
            if not fired():
                raise Violation(f"{cut}, though the broker was to live; it runs: {self.broker.is_running()}") from cut
        if doom.when == AFTER_BURST:
            for stream in self.streams:
                stream.count += EVENTS_PER_BURST
            self.broker.stand()
            for publisher in self.publishers:
                if isinstance(publisher, MqttPublisher) and publisher.client is not None:
                    publisher.burst(time.monotonic())
            self.broker.go_on()
            time.sleep(doom.burst_s)
        if doom.when != AFTER_TIME:
            os.kill(self.broker.pid, SIGNALS[doom.signal])
        self.ended(doom.signal)

    def end(self, how):
        os.kill(self.broker.pid, SIGNALS[how])
        self.ended(how)

    def ended(self, how):
        self.broker.wait_ended(EXIT_CODES[how])
        self.summary[how] += 1
        self.ledger.end_life()
        self._header = journal_header(self.broker.data_dir)
        self.broker_died()

    # --- the whole ---

    def run(self, rounds):
        for number in range(rounds):
            doom = Doom(self.random("round", number))
            rng = self.random("round", number, "load")
            for stream in self.streams:
                stream.count += rng.randint(0, EVENTS_PER_STREAM_AND_LIFE)
            self._echoes_left = EVENTS_PER_STREAM_AND_LIFE
            resized = rng.random() < 0.1
            if resized:
                self.broker.options["journal_size"] = rng.choice(JOURNAL_SIZES)
            # A journal of another size is stored before the broker serves.
            self.hold_store(doom.store_is_held and not resized and 0 < number < rounds - 1)
            self.kill_while_starting(doom.recovery_delay, doom.start_s)
            self.start(doom.recovery_delay)
            if self.sidecar and number == 0:
                self.sidecar.start()
            elif self.sidecar and doom.sidecar_dies:
                self.sidecar.kill_and_restart()
                self.summary["sidecar killed"] += 1
            self.live(doom)
            self.summary["rounds"] += 1
        self._echoes_left = 0
        self.finish()
        self.ledger.check_order()
        self.ledger.check_order_of_deliveries()
        self.end(self.random("end").choice((KILL, TERMINATE)))
        self.publish_all_again()
        self.check_store()

    def check_store(self):
        self.read_rows()
        header = journal_header(self.broker.data_dir)
        stored = len(self.ledger.stored_events())
        if header["accepted_seq"] != stored or header["skipped_seqs"]:
            raise Violation(f"{stored} rows, but the counters say {header}")
        for name in ("passed", "refused", "invalid_ids", "unstored", "lost"):
            if header[name]:
                raise Violation(f"{name} is {header[name]}, though nothing of that kind was done")
        counts = self.ledger.counts
        most = counts["copies sent"] - stored
        # A copy of an event in doubt is neither a duplicate nor a new event: it takes the first one's place.
        least = counts["copies acknowledged"] - stored - counts["perhaps copies of events in doubt"]
        if not least <= header["duplicates"] <= most:
            raise Violation(f"{header['duplicates']} duplicates are counted, it must be {least} to {most}")
        if self.sidecar:
            self._check_statistics(header, stored)
        problems = self.rows.problems()
        if problems:
            raise Violation(f"the database is damaged: {problems}")
        self.summary["events"] += stored
        self.summary["events acknowledged"] += sum(1 for event in self.ledger.order if event.acknowledged_at)
        self.summary["duplicates"] += header["duplicates"]

    def _check_statistics(self, header, stored):
        self.sidecar.go_on()
        status, stats = self.sidecar.get("/stats")
        if (status, stats["unique_processed"], stats["duplicate_dropped"], stats["received"]) != (
                200, stored, header["duplicates"], stored + header["duplicates"]):
            raise Violation(f"GET /stats: {status} {stats}; the store has {stored} rows, the counters are {header}")

    def close(self):
        try:
            if self.sidecar:
                self.sidecar.close()
        finally:
            self.broker.close()

    def abandon(self):
        """Ends all processes, whatever state they are in."""
        if self.sidecar:
            self.sidecar.kill()
        if self.broker.is_running():
            self.broker.kill()


SUMMARY = ("rounds", KILL, TERMINATE, "killed while starting", "lives without rows", "sidecar killed",
           "connections cut", "events", "events acknowledged", "copies sent", "copies acknowledged", "duplicates",
           "published again", "deliveries", "repeated by the broker", "perhaps in doubt at an end",
           "handed on by a later life", "deliveries in order", "seen twice (P3)", "seen more often (P3)", "not watched", "lost")


def run(rounds, seed, keep=False, out=sys.stdout):
    """Runs the rounds; AssertionError with the seed at the first broken promise. Returns the counts."""
    totals = collections.Counter()
    for number in itertools.count():
        left = rounds - number * ROUNDS_PER_CAMPAIGN
        if left <= 0:
            break
        directory = pathlib.Path(tempfile.mkdtemp(prefix="crash-check-"))
        campaign = Campaign(directory, seed + number)
        count = min(left, ROUNDS_PER_CAMPAIGN)
        print(f"seed {campaign.seed}: {count} rounds, {campaign.settings}", file=out, flush=True)
        try:
            campaign.run(count)
            campaign.close()
        except BaseException as error:
            print(f"seed {campaign.seed}, life {len(campaign.ledger.lives)}, the end of the broker's log:", file=out)
            print(campaign.broker.log()[-4000:], file=out, flush=True)
            campaign.abandon()
            if isinstance(error, (AssertionError, ConnectionCut)):
                raise AssertionError(f"seed {campaign.seed} ({count} rounds): {error}") from error
            raise
        finally:
            totals += campaign.summary
            if not keep:
                shutil.rmtree(directory, ignore_errors=True)
    return totals


def table(totals):
    names = [*SUMMARY, *sorted(name for name in totals if name not in SUMMARY)]
    return "\n".join(f"{name:<28} {totals[name]:>10}" for name in names)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--keep", action="store_true", help="leave the data directories for a look")
    arguments = parser.parse_args()
    print(table(run(arguments.rounds, arguments.seed, arguments.keep)))


if __name__ == "__main__":
    main()
