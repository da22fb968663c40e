"""The plugin's threads hold no connection of the broker's: who is cut sees it at once."""

import os
import pathlib

import pytest

from broker import IS_UNDER_TSAN, wait_until

RECOVERY_S = 30


def connections_of_threads(broker):
    """By thread, of all but the main one."""
    threads = pathlib.Path(f"/proc/{broker.pid}/task").iterdir()
    return {thread.name: [path for path in map(os.readlink, (thread / "fd").iterdir()) if path.startswith("socket:")]
            for thread in threads if thread.name != str(broker.pid)}


@pytest.mark.skipif(IS_UNDER_TSAN, reason="ThreadSanitizer knows one table of file descriptors only")
def test_threads_that_begin_while_clients_are_connected_hold_no_connection(brokers):
    broker = brokers.make()
    broker.data_dir.rmdir()
    broker.data_dir.write_text("no directory")
    broker.start()
    client = broker.connect(client_id="taken-over")
    broker.data_dir.unlink()
    wait_until(lambda: "events are stored again" in broker.log(), "the data directory is open", RECOVERY_S)
    wait_until(lambda: not any(connections_of_threads(broker).values()), "no thread holds a connection")
    assert len(connections_of_threads(broker)) >= 3
    broker.connect(client_id="taken-over")
    client.wait_cut()
