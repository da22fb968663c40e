"""Acknowledged events on a disk that fails for a while and then loses its power (failing_disk.py).

    python3 -m tests.crash.disk_failure --rounds 100 --seed 7

The kernel holds pages whose write-back has failed as clean, and ext4 does not bring a page of a new extent to the disk
by writing it once more: after such a failure a sync that succeeds proves nothing. All that was acknowledged must be
there when the power is back.
"""

import argparse
import itertools
import pathlib
import random
import sys
import tempfile
import time

from tests.crash import failing_disk
from tests.crash.failing_disk import FailingDisk
from tests.crash.harness import LOG_TYPES, CrashBroker, RowFeed, journal_header, wait_until
from tests.support.mqtt_client import ConnectionCut

INTERVAL_S = 0.1
INTERVALS = ("0", "100ms")


class Events:
    """Published one after the other by a publisher that comes again when it is cut."""

    def __init__(self, broker):
        self._broker = broker
        self._numbers = itertools.count()
        self._publisher = None
        self.acknowledged = []

    def publish(self):
        """One more; returns whether it was acknowledged."""
        event_id = f"id-{next(self._numbers)}"
        payload = f'{{"event_id": "{event_id}", "x": "{"x" * 10_000}"}}'.encode()
        try:
            if self._publisher is None:
                self._publisher = self._broker.connect()
            self._publisher.publish("t", payload, qos=1)
        except (ConnectionCut, ConnectionError):
            self.forget_connection()
            time.sleep(0.02)
            return False
        self.acknowledged.append(event_id)
        return True

    def publish_until(self, condition, what, timeout_s=20):
        deadline = time.monotonic() + timeout_s
        while not condition(self.publish()):
            assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"

    def forget_connection(self):
        if self._publisher is not None:
            self._publisher.cut()
        self._publisher = None


class Failing:
    """A broker on a disk that fails; steps that a test puts in order."""

    def __init__(self, directory, disk, fsync_interval, journal_size="1M"):
        self.disk = disk
        self.broker = CrashBroker(directory, options={"journal_size": journal_size, "fsync_interval": fsync_interval},
                                  log_types=LOG_TYPES)
        self.broker.start()
        self.events = Events(self.broker)

    def kill(self):
        self.broker.kill()
        self.events.forget_connection()

    def heal(self):
        """While the broker stands, else it would go on writing what fails."""
        self.broker.stand()
        try:
            self.disk.heal()
        finally:
            self.broker.go_on()

    def kill_and_restart(self):
        self.kill()
        self.broker.start()

    def go_on_well(self):
        """A few more events, which only the journal brings to the disk in time."""
        count = len(self.events.acknowledged)
        self.events.publish_until(lambda _: len(self.events.acknowledged) >= count + 3, "events are accepted again")
        time.sleep(3 * INTERVAL_S)

    def go_on_until_room_is_given_back(self):
        """From then on only the store has what the journal had."""
        count = len(self.events.acknowledged)
        released = self._released_position()
        self.events.publish_until(lambda _: self._released_position() > released + (1 << 19)
                                  and len(self.events.acknowledged) >= count + 60, "journal room is given back")

    def _released_position(self):
        with open(self.broker.data_dir / "events.journal", "rb") as journal:
            return int.from_bytes(journal.read(72)[64:], "little")

    def cut_power_and_look(self):
        self.disk.cut_power()
        self.kill()
        self.disk.power_on()
        self.broker.start()
        rows = RowFeed(self.broker)
        wait_until(lambda: rows.stored_seq() >= journal_header(self.broker.data_dir)["accepted_seq"], "all is stored", 30)
        found = {row[2] for row in rows.new_rows()}
        missing = [event_id for event_id in self.events.acknowledged if event_id not in found]
        assert not missing, f"{len(missing)} of {len(self.events.acknowledged)} acknowledged events are gone: {missing[:5]}"
        assert not rows.problems()
        assert not [path for path in self.broker.data_dir.iterdir() if ".damaged-" in path.name]


def journal_sees_it(failing):
    """In its first lap, where nothing was ever written."""
    failing.events.publish_until(lambda acknowledged: not acknowledged, "an event is refused")


def store_sees_it(failing):
    """Where the database and its WAL grow into; the journal's sync goes on at its own time."""
    before = failing.broker.log().count("cannot store events")
    failing.events.publish_until(lambda _: failing.broker.log().count("cannot store events") > before,
                                 "the store fails")


def nobody_sees_it(failing):
    time.sleep(INTERVAL_S)


WITNESSES = (journal_sees_it, store_sees_it, nobody_sees_it)
DEATHS = ("never", "while it fails", "when it is healed")


def run(directory, witnesses, death, fsync_interval, gives_room_back):
    """One failure after the other, with a death of the process in each, and in the end the power cut."""
    with FailingDisk(directory) as disk:
        failing = Failing(directory, disk, fsync_interval)
        try:
            failing.events.publish_until(lambda _: len(failing.events.acknowledged) == 10, "events are accepted")
            for witness in witnesses:
                disk.fail()
                witness(failing)
                if death == "while it fails":
                    failing.kill()
                    disk.heal()
                    failing.broker.start()
                else:
                    failing.heal()
                    if death == "when it is healed":
                        failing.kill_and_restart()
                if gives_room_back:
                    failing.go_on_until_room_is_given_back()
                failing.go_on_well()
            failing.cut_power_and_look()
        except AssertionError:
            print("\n".join(line for line in failing.broker.log().splitlines() if line.startswith("mosquitto-dedup")))
            raise
        finally:
            if failing.broker.is_running():
                failing.broker.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    arguments = parser.parse_args()
    if reason := failing_disk.why_not_here():
        sys.exit(f"no disk can fail here: {reason}")
    for number in range(arguments.rounds):
        rng = random.Random(arguments.seed + number)
        witnesses = [rng.choice(WITNESSES) for _ in range(rng.randint(1, 3))]
        death, gives_room_back = rng.choice(DEATHS), rng.random() < 0.6
        # What no sync has brought to the disk when the process dies, the kernel may drop.
        interval = "0" if death == "while it fails" else rng.choice(INTERVALS)
        names = ", ".join(witness.__name__ for witness in witnesses)
        print(f"seed {arguments.seed + number}: {names}; dies: {death}; fsync_interval {interval};"
              f" room is given back: {gives_room_back}", flush=True)
        with tempfile.TemporaryDirectory(prefix="disk-failure-") as directory:
            run(pathlib.Path(directory), witnesses, death, interval, gives_room_back)
    print(f"{arguments.rounds} rounds, nothing lost")


if __name__ == "__main__":
    main()
