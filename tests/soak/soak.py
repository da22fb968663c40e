"""Broker and sidecar under all kinds of load for a long time, ended and started again and again.

    tests/soak/run --minutes 30

Random decisions come from the seed that is printed; how they meet in time is the machine's.
"""

import argparse
import itertools
import os
import pathlib
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time

from tests.crash.harness import BROKER_CONFIG, LOG_TYPES, journal_header
from tests.soak.parties import (EventWatcher, Exporter, HttpPublisher, LinePublisher, MqttPublisher, Scraper,
                                Subscriber, Book)
from tests.support.broker import IS_SANITIZED, Broker
from tests.support.park import Park
from tests.support.store import Store

MIB = 1 << 20
RELOAD_INTERVAL_S = 10.0
LIFE_S = 60.0  # between two ends; each process lives twice as long
BROKER_TERMINATED, SIDECAR_TERMINATED = "broker ended by SIGTERM", "sidecar ended by SIGTERM"
BROKER_KILLED, SIDECAR_KILLED = "broker ended by kill -9", "sidecar ended by kill -9"
ENDS = (BROKER_TERMINATED, SIDECAR_TERMINATED, BROKER_KILLED, SIDECAR_KILLED)

# What a life may have more than the first one: the ids that came meanwhile, and what a busy moment leaves.
GROWN_BYTES_MAX = 32 * MIB
BYTES_PER_ID = 64
GROWN_FILES_MAX = 20


class Gauge:
    """Memory and open files of a process, life by life."""

    def __init__(self, part):
        self._part = part
        self.lives = [[]]

    def look(self):
        files = len(os.listdir(f"/proc/{self._part.pid}/fd"))
        self.lives[-1].append((self._part.memory_bytes(), files))

    def next_life(self):
        self.lives.append([])

    def medians(self):
        """(bytes, files) of the later half of each life that was looked at often enough."""
        return [tuple(int(statistics.median(values)) for values in zip(*life[len(life) // 2:]))
                for life in self.lives if len(life) >= 4]

    def check(self, name, id_count):
        lives = self.medians()
        (first_bytes, first_files), (last_bytes, last_files) = lives[0], lives[-1]
        limit = first_bytes + GROWN_BYTES_MAX + BYTES_PER_ID * id_count
        assert last_bytes <= limit or IS_SANITIZED, f"{name}: {first_bytes} bytes became {last_bytes}"
        assert last_files <= first_files + GROWN_FILES_MAX, f"{name}: {first_files} open files became {last_files}"


class Soak:
    def __init__(self, directory, seed):
        self._rng = random.Random(seed)
        self._park = Park(directory, {"journal_size": "8M", "recovery_delay": "1s"})
        self.broker = self._park.start_broker(config=BROKER_CONFIG, log_types=LOG_TYPES)
        self.sidecar = self._park.make_sidecar(self.broker).start()
        self.book = Book()
        place = (self.book, self.broker, self.sidecar, seed)
        self.publishers = [*(MqttPublisher(qos, *place) for qos in (0, 1, 2)),
                           *(HttpPublisher(f"http-{number}", *place) for number in (1, 2)), LinePublisher("lines", *place)]
        self.watcher = EventWatcher(*place)
        self.others = [Subscriber(*place), Exporter(*place), Scraper(*place)]
        self.gauges = {"broker": Gauge(self.broker), "sidecar": Gauge(self.sidecar)}

    @property
    def parties(self):
        return [*self.publishers, self.watcher, *self.others]

    def run(self, seconds, life_s):
        for party in self.parties:
            party.start()
        ends = itertools.cycle(ENDS)
        begin = time.monotonic()
        next_end, next_reload = begin + life_s, begin + min(RELOAD_INTERVAL_S, life_s / 2)
        while (now := time.monotonic()) < begin + seconds:
            if now >= next_reload:
                self._reload()
                next_reload += RELOAD_INTERVAL_S
            if now >= next_end:
                self._end_and_start(next(ends))
                next_end += life_s
            for gauge in self.gauges.values():
                gauge.look()
            for party in self.parties:
                party.check()
            time.sleep(min(1.0, life_s / 20))

    def _reload(self):
        self.broker.reload()
        self.sidecar.signal(signal.SIGHUP)
        self.book.count("reloads")

    def _end_and_start(self, how):
        part = self.broker if how in (BROKER_TERMINATED, BROKER_KILLED) else self.sidecar
        (part.terminate if how in (BROKER_TERMINATED, SIDECAR_TERMINATED) else part.kill)()
        time.sleep(self._rng.uniform(0, 1))
        part.start()
        self.gauges["broker" if part is self.broker else "sidecar"].next_life()
        self.book.count(how)

    def finish(self):
        """Everybody is acknowledged; then what is stored is compared with it. Returns the figures."""
        for party in self.publishers:
            party.stop()
            party.check()
        accepted = journal_header(self.broker.data_dir)["accepted_seq"]
        self.watcher.read_up_to(accepted)
        for party in [self.watcher, *self.others]:
            party.stop()
            party.check()
        self.sidecar.wait_healthy()
        rows = Store(self.broker).rows()
        keys = [(row.topic, row.event_id) for row in rows]
        counts = self.book.counts
        counts["events"] = len(rows)
        counts["lost"] = len(self.book.acknowledged - set(keys))
        counts["stored twice"] = len(keys) - len(set(keys))
        self._check_counters(len(rows))
        for name, gauge in self.gauges.items():
            gauge.check(name, len(rows))
        self._park.close()
        assert counts["lost"] == counts["stored twice"] == 0, counts
        return counts

    def _check_counters(self, row_count):
        header = journal_header(self.broker.data_dir)
        stats = self.sidecar.stats()
        counts = self.book.counts
        assert header["accepted_seq"] == stats["unique_processed"] == row_count, (header, stats, row_count)
        assert header["duplicates"] == stats["duplicate_dropped"], (header, stats)
        assert stats["received"] == stats["unique_processed"] + stats["duplicate_dropped"], stats
        for name in ("lost", "refused", "unstored", "passed", "invalid_ids"):
            assert header[name] == stats[name] == 0, (name, header, stats)
        # A copy of an event in doubt is neither a duplicate nor a new event; so is one whose answer was never seen.
        assert header["duplicates"] <= counts["copies sent"] - row_count, (header, counts)
        counts["duplicates"] = header["duplicates"]

    def abandon(self):
        for part in (self.sidecar, self.broker):
            if part.is_running():
                part.kill()


def run(seconds, seed, life_s=LIFE_S, out=sys.stdout):
    """AssertionError at the first thing that is not right. Returns the counts."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="soak-"))
    soak = Soak(directory, seed)
    print(f"seed {seed}: {seconds:g} s", file=out, flush=True)
    try:
        soak.run(seconds, life_s)
        counts = soak.finish()
    except BaseException:
        print(f"the broker's log:\n{soak.broker.log()[-4000:]}\nthe sidecar's log:\n{soak.sidecar.log()[-4000:]}",
              file=out, flush=True)
        soak.abandon()
        raise
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    for name in sorted(counts):
        print(f"{name:<28} {counts[name]:>10}", file=out)
    for name, gauge in soak.gauges.items():
        for what, index, unit in (("memory", 0, MIB), ("open files", 1, 1)):
            values = [f"{life[index] / unit:.0f}" for life in gauge.medians()]
            print(f"{name}, {what}{', MiB' if unit == MIB else ''}, life by life: {' '.join(values)}", file=out)
    return counts


def main():
    parser = argparse.ArgumentParser(prog="tests/soak/run", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    arguments = parser.parse_args()
    run(arguments.minutes * 60, arguments.seed, life_s=min(LIFE_S, arguments.minutes * 60 / 8))


if __name__ == "__main__":
    main()
