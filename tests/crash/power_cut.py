"""Cuts the power of the broker's disk under load and checks what is there when it is back.

    python3 -m tests.crash.power_cut --cuts 1000 --seed 7

The data directory is an ext4 file system of its own, which is shut down in flight, without a flush of its log: whatever
was not synced is gone (disk.py). With fsync_interval 0 nothing that was acknowledged may be missing, else nothing that
had been acknowledged longer than the interval before the cut. The time that a sync takes, and a busy machine's delays,
come on top: --slack says how much is let pass, and how old the oldest event was that is gone is printed.
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

from tests.crash import disk as disk_module
from tests.crash.disk import Disk
from tests.crash.harness import BROKER_CONFIG, LOG_TYPES, CrashBroker, RowFeed
from tests.crash.ledger import Ledger, Violation
from tests.support.mqtt_client import V5, ConnectionCut
from tests.crash.publishers import echo_source
from tests.crash.rules import write_rules
from tests.crash.scene import Scene

SLACK_S = 1.0
EVENTS_PER_S = (20, 100, 300)  # of each stream
INTERVALS_S = {"0": 0.0, "10ms": 0.01, "100ms": 0.1}

# A power cut takes the broker with it. Here it lives on for a moment on a disk that is gone, and may die of that.
DEATHS = {-signal.SIGKILL, -signal.SIGBUS}


class PowerLedger(Ledger):
    """Knows what a cut may take: the newest acknowledged events."""

    def __init__(self, fsync_interval, slack_s):
        super().__init__()
        self._spared_s = None if fsync_interval == "0" else INTERVALS_S[fsync_interval] + slack_s
        # What was handed on within that time may be in doubt again: the watermark lies in the same file.
        self.settled_s = INTERVALS_S[fsync_interval] + slack_s
        self.oldest_lost_s = 0.0

    def power_is_back(self, rows):
        """`rows` are all that there are now."""
        for event in self.order:
            event.seq = None
        self.stored(rows)
        cut_at = self.lives[-2].ended_at
        for event in self.order:
            if event.seq is None:
                if event.acknowledged_at is not None:
                    self._lost(event, cut_at - event.acknowledged_at)
                # Gone as if it had never been; its next copy is a new event.
                event.acknowledged_at = event.acknowledged_in = None
                event.deliveries.clear()
                self.note(event, "gone with the power")

    def _lost(self, event, before_cut_s):
        if before_cut_s < 0:
            # No machine without power acknowledges anything. This kernel lets an fdatasync that is under way when the
            # file system is shut down succeed, though blocks that were never written before stay so.
            self.counts["gone, acknowledged behind the cut"] += 1
        elif self._spared_s is None or before_cut_s > self._spared_s:
            self.counts["lost"] += 1
            raise Violation(self.story(event, f"acknowledged {before_cut_s:.3f} s before the power was cut, and gone"))
        else:
            self.counts["gone within the interval"] += 1
            self.oldest_lost_s = max(self.oldest_lost_s, before_cut_s)


class PowerCuts(Scene):
    """Some cuts on one disk."""

    def __init__(self, directory, seed, fsync_interval, slack_s):
        rng = random.Random(seed)
        options = {"fsync_interval": fsync_interval, "journal_size": rng.choice(("1M", "8M"))}
        if rng.random() < 0.5:
            options["rules_file"] = write_rules(directory)
        broker = CrashBroker(directory, options=options, log_types=LOG_TYPES, config=BROKER_CONFIG)
        super().__init__(broker, PowerLedger(fsync_interval, slack_s), seed)
        # Long enough before the cut for something to be too old to be lost.
        self._life_s_min = 0.05 if fsync_interval == "0" else slack_s + 0.2
        self.counts = self.ledger.counts
        self._echoing = True
        self._power_was_cut = False
        self.add_all_kinds_of_streams()
        self.add_publisher(echo_source(self.ledger, self.random("echo"), lambda: self._echoing), 1, V5, clean=True)

    def on_started(self):
        if self._power_was_cut:
            self._power_was_cut = False
            self.rows = RowFeed(self.broker)
            self.wait_stored()
            self.ledger.power_is_back(self.rows.new_rows())

    def cut(self, disk, number):
        rng = self.random("cut", number)
        if rng.random() < 0.4:
            self._be_killed_before(rng)
        self.start("500ms")
        fired = disk.cut_power_after(self._life_s_min + rng.uniform(0, 0.6))
        # Behind the cut the broker still acknowledges what it only believes to be on the disk; that does not count.
        lives_on_s = rng.choice((0, rng.uniform(0, 0.3)))
        new_events = self._new_events(rng.choice(EVENTS_PER_S))
        try:
            while not fired():
                new_events()
                self.step()
            self.ledger.end_life(fired())
            while time.monotonic() < fired() + lives_on_s:
                new_events()
                self.step()
        except (ConnectionCut, ConnectionError) as cut:
            if not fired():
                raise Violation(f"{cut}, though the disk was whole; it runs: {self.broker.is_running()}") from cut
            self.ledger.end_life(fired())
        self._end_broker()
        disk.power_on()
        self._power_was_cut = True
        self.counts["cuts"] += 1

    def _be_killed_before(self, rng):
        """What a killed process had written is all there for the next one, which may take it for durable: it is not."""
        self.start("500ms")
        new_events = self._new_events(EVENTS_PER_S[-1])
        end = time.monotonic() + rng.uniform(0.05, 0.3)
        while time.monotonic() < end:
            new_events()
            self.step()
        self.broker.kill()
        self.ledger.end_life()
        self.broker_died()
        self.counts["kills before a cut"] += 1

    def _new_events(self, events_per_s):
        """What to call again and again, so that every stream always has something new to publish."""
        started = time.monotonic()
        counts = [stream.count for stream in self.streams]

        def grow():
            for stream, count in zip(self.streams, counts):
                stream.count = count + int((time.monotonic() - started) * events_per_s)
        return grow

    def _end_broker(self):
        if self.broker.is_running():
            os.kill(self.broker.pid, signal.SIGKILL)
        code = self.broker.wait_any_end()
        if code not in DEATHS:
            raise Violation(f"behind the cut the broker ended with {code}")
        if code != -signal.SIGKILL:
            self.counts[f"broker died of signal {-code}"] += 1
        self.broker_died()

    def run(self, disk, cuts):
        for number in range(cuts):
            self.cut(disk, number)
        self._echoing = False
        self.finish()
        self.broker.kill()
        self.ledger.end_life()
        self.broker_died()
        self.publish_all_again()
        problems = self.rows.problems()
        if problems:
            raise Violation(f"the database is damaged: {problems}")
        self.counts["events"] += len(self.ledger.stored_events())
        self.broker.close()


SUMMARY = ("cuts", "kills before a cut", "events", "copies sent", "copies acknowledged", "published again",
           "gone within the interval", "gone, acknowledged behind the cut", "lost")


def run(cuts, seed, intervals=tuple(INTERVALS_S), slack_s=SLACK_S, cuts_per_disk=10, out=sys.stdout):
    """Runs the cuts, disk after disk; AssertionError with the seed at the first broken promise. Returns the counts."""
    totals = collections.Counter()
    oldest_lost_s = collections.Counter()
    for number in itertools.count():
        count = min(cuts_per_disk, cuts - number * cuts_per_disk)
        if count <= 0:
            break
        interval = intervals[number % len(intervals)]
        directory = pathlib.Path(tempfile.mkdtemp(prefix="power-cut-"))
        print(f"seed {seed + number}: {count} cuts, fsync_interval {interval}", file=out, flush=True)
        try:
            with Disk(directory / "data") as disk:
                cuts_of_disk = PowerCuts(directory, seed + number, interval, slack_s)
                try:
                    cuts_of_disk.run(disk, count)
                except (AssertionError, ConnectionCut) as error:
                    print(cuts_of_disk.broker.log()[-4000:], file=out, flush=True)
                    where = f"seed {seed + number} ({count} cuts, fsync_interval {interval})"
                    raise AssertionError(f"{where}: {error}") from error
                finally:
                    if cuts_of_disk.broker.is_running():
                        cuts_of_disk.broker.kill()
                totals += cuts_of_disk.counts
                oldest_lost_s[interval] = max(oldest_lost_s[interval], cuts_of_disk.ledger.oldest_lost_s)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    for interval, age_s in oldest_lost_s.items():
        print(f"fsync_interval {interval}: the oldest event that was gone had been acknowledged {age_s * 1000:.0f} ms"
              " before the cut", file=out)
    return totals


def table(totals):
    return "\n".join(f"{name:<34} {totals[name]:>10}" for name in [*SUMMARY, *sorted(set(totals) - set(SUMMARY))])


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--interval", choices=INTERVALS_S, action="append",
                        help="fsync_interval; default: each in turn")
    parser.add_argument("--slack", type=float, default=SLACK_S, help="seconds that a sync may take on this machine")
    arguments = parser.parse_args()
    if reason := disk_module.why_not_here():
        sys.exit(f"the power cannot be cut here: {reason}")
    totals = run(arguments.cuts, arguments.seed, arguments.interval or tuple(INTERVALS_S), arguments.slack)
    print(table(totals))


if __name__ == "__main__":
    main()
