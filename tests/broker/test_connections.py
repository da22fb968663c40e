"""The plugin's threads hold nothing of the broker's: who is cut sees it at once, and a rotated log's room is free."""

import contextlib
import os
import pathlib

import pytest

from tests.support.broker import IS_UNDER_TSAN, wait_until

RECOVERY_S = 30

pytestmark = pytest.mark.skipif(IS_UNDER_TSAN, reason="ThreadSanitizer knows one table of file descriptors only")


def held_by_threads(broker, what):
    """By thread, of all but the main one."""
    held = {}
    for thread in pathlib.Path(f"/proc/{broker.pid}/task").iterdir():
        if thread.name == str(broker.pid):
            continue
        with contextlib.suppress(OSError):  # a thread that ends, a file that is closed meanwhile
            held[thread.name] = [path for path in map(os.readlink, (thread / "fd").iterdir()) if what in path]
    return held


def test_threads_that_begin_while_clients_are_connected_hold_no_connection(park):
    broker = park.make_broker()
    broker.data_dir.rmdir()
    broker.data_dir.write_text("no directory")
    broker.start()
    client = broker.connect(client_id="taken-over")
    broker.data_dir.unlink()
    wait_until(lambda: "events are stored again" in broker.log(), "the data directory is open", RECOVERY_S)
    wait_until(lambda: not any(held_by_threads(broker, "socket:").values()), "no thread holds a connection")
    assert len(held_by_threads(broker, "socket:")) >= 3
    broker.connect(client_id="taken-over")
    client.wait_cut()


def test_threads_hold_no_log_that_was_rotated(park, tmp_path):
    log = tmp_path / "mosquitto.log"
    broker = park.start_broker(config=f"log_dest file {log}")
    wait_until(lambda: all(held_by_threads(broker, "events.journal").values()), "the threads hold the journal")
    log.rename(tmp_path / "old.log")
    broker.reload()
    wait_until(log.exists, "there is a new log")
    wait_until(lambda: not any(held_by_threads(broker, "old.log").values()), "no thread holds the old log")
