"""Those who publish, each as a real client would: again and again until it is acknowledged.

A publisher with a kept session sends an unacknowledged packet again under its packet id, with DUP; one with a clean
session publishes anew, as an application with a store-and-forward queue does. Connections are cut at every step of each
handshake, by FIN or by RST.
"""

from tests.support import mqtt_client
from tests.crash.harness import Connection
from tests.support.mqtt_client import DISCONNECT, PINGREQ, PINGRESP, PUBACK, PUBCOMP, PUBREC, PUBREL

MID_PACKET, BEFORE_ACK = "in a PUBLISH", "before PUBACK or PUBREC"
BEFORE_REL, MID_REL, BEFORE_COMP = "before PUBREL", "in a PUBREL", "before PUBCOMP"
CUTS = {0: (MID_PACKET, BEFORE_ACK), 1: (MID_PACKET, BEFORE_ACK),
        2: (MID_PACKET, BEFORE_ACK, BEFORE_REL, MID_REL, BEFORE_COMP)}
CUT_SHARE = 0.12

_WINDOW = 30


class Stream:
    """Events of one topic, number 1, 2, 3 ..., which one publisher or two redundant gateways publish."""

    def __init__(self, ledger, name, as_property=False):
        self._ledger = ledger
        self.topic = f"crash/{name}"
        self._name = name
        self._as_property = as_property
        self.count = 0  # how many there are to publish by now

    def event(self, number):
        return self._ledger.event(self.topic, f"{self._name}-{number}", self._as_property)

    def source(self):
        number = 0
        while True:
            while number >= self.count:
                yield None
            number += 1
            yield self.event(number)


def echo_source(ledger, random, still_wanted):
    """Events that others have published before."""
    while True:
        yield random.choice(ledger.order) if ledger.order and still_wanted() else None


class MqttPublisher:
    def __init__(self, name, source, ledger, random, *, qos, version, clean):
        self.name = name
        self.client = None
        self.due = 0.0
        self.cuts = []
        self.cut_share = CUT_SHARE
        self.pause_s = 0.01
        self.window = _WINDOW
        self._source = source
        self._ledger = ledger
        self._random = random
        self._qos = qos
        self._version = version
        self._clean = clean
        self._packet_id = 0
        self._backlog = []     # to be published before the source's next
        self._published = {}   # packet id -> event, until PUBACK or PUBREC
        self._received = {}    # packet id -> event, from PUBREC until PUBCOMP
        self._unconfirmed = []  # QoS 0: sent before the ping under way, whose answer shows that they were read
        self._next_cut = None

    @property
    def idle(self):
        if self._published or self._received or self._unconfirmed or self._backlog:
            return False
        event = next(self._source)
        if event is not None:
            self._backlog.append(event)
        return event is None

    # --- connection ---

    def connect(self, port):
        self.client = Connection(port, self.name, version=self._version, clean=self._clean)
        if self._clean:
            again = [*self._received.values(), *self._published.values(), *self._unconfirmed]
            self._backlog[:0] = again
            self._received.clear()
            self._published.clear()
            self._unconfirmed.clear()
            return
        for packet_id in self._received:
            self.client.send_ack(PUBREL, packet_id)
        for packet_id, event in self._published.items():
            self.client.send(self._packet(event, packet_id, dup=True))

    def _cut(self, now, step):
        self.cuts.append(step)
        self._ledger.counts["connections cut"] += 1
        self.client.reset() if self._random.random() < 0.5 else self.client.cut()
        self.client = None
        self._next_cut = None
        self.due = now + self._random.uniform(0, 0.02)

    def broker_died(self):
        if self.client is not None:
            self._next_cut = None
            for packet in self.client.receive_last():
                self._handle(packet, 0.0)
            self.client = None
        self.due = 0.0

    # --- publishing ---

    def act(self, now, port):
        if self.client is None:
            self.connect(port)
        else:
            self.burst(now, may_be_cut=True)
        if self.client is not None:
            self.due = now + self._random.expovariate(1 / self.pause_s)

    def burst(self, now, may_be_cut=False):
        room = self.window - len(self._published) - len(self._received)
        if room <= 0 or self._unconfirmed:
            return
        events = self._take(self._random.randint(1, room))
        if not events:
            return
        packets = [self._packet(event, self._next_packet_id(event), dup=False) for event in events]
        if may_be_cut and self._random.random() < self.cut_share:
            self._next_cut = self._random.choice(CUTS[self._qos])
        if self._next_cut == MID_PACKET:
            self.client.send(b"".join(packets[:-1]))
            self.client.send_part(packets[-1])
            return self._cut(now, MID_PACKET)
        self.client.send(b"".join(packets))
        if self._next_cut == BEFORE_ACK:
            return self._cut(now, BEFORE_ACK)
        if self._qos == 0:
            self.client.send(mqtt_client.encode(PINGREQ, 0, b""))

    def _take(self, count):
        events = self._backlog[:count]
        del self._backlog[:count]
        while len(events) < count and (event := next(self._source)) is not None:
            events.append(event)
        return events

    def _next_packet_id(self, event):
        if self._qos == 0:
            self._unconfirmed.append(event)
            return None
        while True:
            self._packet_id = self._packet_id % 65535 + 1
            if self._packet_id not in self._published and self._packet_id not in self._received:
                self._published[self._packet_id] = event
                return self._packet_id

    def _packet(self, event, packet_id, dup):
        self._ledger.sent(event, f"by {self.name}: QoS {self._qos}, packet {packet_id}, dup {dup}")
        properties = event.properties() if self._version == mqtt_client.V5 else ()
        return mqtt_client.encode_publish(self._version, event.topic, event.payload(self.name), qos=self._qos,
                                          packet_id=packet_id, dup=dup, properties=properties)

    # --- acknowledgements ---

    def receive(self, now):
        for packet in self.client.receive():
            self._handle(packet, now)
            if self.client is None:
                return

    def _handle(self, packet, now):
        if packet.kind == PINGRESP:
            for event in self._unconfirmed:
                self._ledger.acknowledged(event, f"to {self.name}: PINGRESP behind QoS 0")
            self._unconfirmed.clear()
            return
        assert packet.kind != DISCONNECT, f"{self.name}: the broker sent DISCONNECT {packet.reason_code:#04x}"
        assert packet.reason_code in (0x00, 0x10) or (packet.kind == PUBCOMP and packet.reason_code == 0x92), (
            f"{self.name}: packet {packet.kind} with reason {packet.reason_code:#04x}")
        if packet.kind == PUBACK:
            self._acknowledged(self._published.pop(packet.packet_id), "PUBACK")
        elif packet.kind == PUBREC:
            self._on_pubrec(packet.packet_id, now)
        elif packet.kind == PUBCOMP:
            self._received.pop(packet.packet_id)

    def _on_pubrec(self, packet_id, now):
        event = self._published[packet_id]
        self._acknowledged(event, "PUBREC")
        # A client that forgets the PUBREC with its connection sends the PUBLISH again.
        if self._next_cut == BEFORE_REL and self._random.random() < 0.5:
            return self._cut(now, BEFORE_REL)
        self._received[packet_id] = self._published.pop(packet_id)
        if self._next_cut == BEFORE_REL:
            return self._cut(now, BEFORE_REL)
        if self._next_cut == MID_REL:
            self.client.send_part(mqtt_client.encode(PUBREL, 2, packet_id.to_bytes(2, "big")))
            return self._cut(now, MID_REL)
        self.client.send_ack(PUBREL, packet_id)
        if self._next_cut == BEFORE_COMP:
            return self._cut(now, BEFORE_COMP)

    def _acknowledged(self, event, how):
        self._ledger.acknowledged(event, f"to {self.name}: {how}")
