"""What the crash tests use of the tests' support."""

import os
import signal
import struct
import threading
import time

from tests.support import broker as broker_module
from tests.support import mqtt_client
from tests.support.store import Store

ROOT = broker_module.ROOT
# No limit of the broker's own may drop a delivery.
BROKER_CONFIG = broker_module.LIMITS + "\nqueue_qos0_messages true\n"
LOG_TYPES = ("error", "warning", "notice", "information")
wait_until = broker_module.wait_until


class CrashBroker(broker_module.Broker):
    """A broker that is also killed at moments when an ordinary test would leave it alone."""

    def start(self):
        super().start()
        # After a kill -9 the broker would load what it saved at its last orderly stop, and its kept sessions would get
        # old messages anew: Mosquitto's own doing, not to be mistaken for the plugin's.
        (self.directory / "mosquitto.db").unlink(missing_ok=True)
        return self

    def start_and_kill(self, after_s):
        """Kills the broker while it starts, perhaps in the middle of its recovery."""
        self._spawn()
        time.sleep(after_s)
        self.kill()

    def end_after(self, after_s, signal_number):
        """Ends the broker from another thread, so at a moment that has nothing to do with what its clients do.

        Returns what is true from then on.
        """
        fired = threading.Event()

        def end(pid=self.pid):
            time.sleep(after_s)
            fired.set()
            os.kill(pid, signal_number)
        threading.Thread(target=end, daemon=True).start()
        return fired.is_set

    def wait_any_end(self):
        """The exit code of a broker that was killed, or may have ended by itself."""
        process, self._process = self._process, None
        return process.wait(broker_module.STOP_TIMEOUT_S)

    def stand(self):
        """SIGSTOP: what is sent from now on is read within a few turns of the loop."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)


class RowFeed(Store):
    """The store's rows in the order of their seqs, each read once."""

    def __init__(self, broker):
        super().__init__(broker)
        self.last_seq = 0  # of the rows read so far

    def new_rows(self):
        """(seq, topic, event_id, payload, rule) of the rows behind the last call's."""
        rows = self._query("SELECT seq, topic, event_id, payload, name FROM events JOIN topics USING(topic_id)"
                           " LEFT JOIN rules USING(rule_id) WHERE seq > ? ORDER BY seq", self.last_seq)
        if rows:
            self.last_seq = rows[-1][0]
        return rows

    def stored_seq(self):
        """Every event up to it is a row."""
        return self._query("SELECT stored_seq FROM state")[0][0]

    def problems(self):
        """What SQLite itself finds wrong with the file: nothing."""
        return [text for text, in self._query("PRAGMA integrity_check") if text != "ok"]


class Connection(mqtt_client.Client):
    """A client that waits for nothing once it is connected: the event loop says when there is something to read."""

    def __init__(self, *arguments, **options):
        self._is_over = False
        super().__init__(*arguments, **options)

    def fileno(self):
        return self._socket.fileno()

    def send(self, data):
        """Does not say when the connection has ended: what came before its end is still to be read."""
        if not self._is_over:
            try:
                super().send(data)
            except mqtt_client.ConnectionCut:
                self._is_over = True

    def send_part(self, data):
        """Some bytes of a packet whose rest never comes."""
        self.send(data[:max(1, len(data) // 2)])

    def receive(self):
        """The packets that have arrived; to be called when there is something to read. Raises ConnectionCut."""
        try:
            data = self._socket.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        if not data:
            raise mqtt_client.ConnectionCut(f"{self.client_id}: the broker closed the connection")
        # Acknowledged at once: else the kernel holds back what the broker writes next, for up to 40 ms.
        self._socket.setsockopt(mqtt_client.socket.IPPROTO_TCP, mqtt_client.socket.TCP_QUICKACK, 1)
        self._received += data
        return self.buffered()

    def buffered(self):
        """The packets that came together with the answer to CONNECT or SUBSCRIBE."""
        packets = []
        while packet := self._next_buffered():
            packets.append(packet)
        return packets

    def receive_last(self):
        """What a broker that is dead by now had sent; nothing is answered any more."""
        self._is_over = True
        packets = self.buffered()
        try:
            while True:
                packets += self.receive()
        except mqtt_client.ConnectionCut:
            self._socket.close()
            return packets

    def take(self, packet):
        """Acknowledges one packet as a subscriber does; returns the messages that are new with it."""
        self._take(packet)
        return self.clear()

    @property
    def unreleased(self):
        """Packet ids of QoS 2 messages that this session still has to release: they outlive a connection."""
        return self._unreleased

    @unreleased.setter
    def unreleased(self, packet_ids):
        self._unreleased = packet_ids


_COUNTERS_OFFSET = 192  # in the journal's header; see docs/internals/disk-format.md
_COUNTERS = ("accepted_seq", "handed_on_seq", "skipped_seqs", "appended_position", "duplicates", "passed", "refused",
             "invalid_ids", "unstored", "lost")


def journal_header(data_dir):
    """The plugin's own counters, as they are now or as the last process left them."""
    with open(data_dir / "events.journal", "rb") as journal:
        header = journal.read(4096)
    assert header[:8] == b"MQDEDUP\n" and struct.unpack_from("<I", header, 8) == (3,), "a journal of another version"
    return dict(zip(_COUNTERS, struct.unpack_from(f"<{len(_COUNTERS)}Q", header, _COUNTERS_OFFSET)))
