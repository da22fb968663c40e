"""Two brokers on one directory, as docs/several-brokers.md says: one serves, and the other takes over when it ends."""

import contextlib
import re
import shlex
import time

import pytest

from tests.support.broker import ROOT, mosquitto_path, wait_until
from tests.support.events import event, event_id_of
from tests.support.mqtt_client import V5
from tests.support.observer import Observer
from tests.support.shipped_broker import ShippedBroker
from tests.support.store import Store

TAKE_OVER_MAX_S = 30.0  # of a busy machine
_PAGE = (ROOT / "docs" / "several-brokers.md").read_text()
_COMMAND = re.search(r"^ExecStart=(/usr/bin/flock .*)$", _PAGE, re.MULTILINE)[1]


class BrokerOfTwo(ShippedBroker):
    """Waits for its turn with the page's command. What both share lies in `shared`, the log is its own."""

    def __init__(self, directory, *, shared, **options):
        super().__init__(directory, options={"data_dir": shared}, **options)
        self.data_dir = shared

    def _command(self):
        own = {"/srv/mosquitto/active": str(self.data_dir / "active"), "/usr/sbin/mosquitto": mosquitto_path(),
               "/etc/mosquitto/mosquitto.conf": str(self._write_config())}
        return [own.get(word, word) for word in shlex.split(_COMMAND)]

    def _write_config(self):
        path = super()._write_config()
        path.write_text(path.read_text().replace(f"persistence_location {self.directory}/",
                                                 f"persistence_location {self.data_dir}/"))
        return path

    def wait_in_line(self):
        """Starts it while the other one serves."""
        self._spawn()
        return self


@pytest.fixture
def two(park, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    active = park.add(BrokerOfTwo, shared=shared).start()
    return active, park.add(BrokerOfTwo, shared=shared).wait_in_line()


def connect_as_soon_as_it_serves(broker):
    def connect():
        with contextlib.suppress(ConnectionRefusedError):
            return broker.connect(version=V5)
    return wait_until(connect, "the standby serves", TAKE_OVER_MAX_S)


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_standby_takes_over(two, end):
    active, standby = two
    active.connect("kept", clean=False).subscribe("t", 1).disconnect()
    publisher = active.connect()
    for number in range(100):
        publisher.publish("t", event(number))
    active.settle()
    assert standby.is_running() and "mosquitto version" not in standby.log()

    start_s = time.monotonic()
    getattr(active, end)()
    publisher = connect_as_soon_as_it_serves(standby)
    print(f"served {time.monotonic() - start_s:.2f} s after")
    observer = Observer(standby, "t")
    for event_id in (*range(100), "new"):
        publisher.publish("t", event(event_id))
    assert observer.payloads() == [event("new")]
    if end == "terminate":  # after a kill, sessions are as they were saved last
        kept = standby.connect("kept", clean=False)
        kept.wait_messages(101)
        assert [event_id_of(message.payload) for message in kept.clear()] == [*range(100), "new"]
    Store(standby).wait_count(101)

    # The one that has ended waits for its turn in its turn.
    active.wait_in_line()
    standby.terminate()
    connect_as_soon_as_it_serves(active)
