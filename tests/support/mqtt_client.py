"""A raw MQTT client in which every byte, cut and DUP flag is the caller's.

It speaks 3.1, 3.1.1 and 5 over one blocking socket, without threads: nothing is read or acknowledged behind the
caller's back, only while a method of his waits. Ordinary client libraries hide just what these tests are about:
they choose packet ids, resend on their own and never forget half a handshake.

Every wait ends at a deadline: Timeout when nothing came, ConnectionCut when the broker closed the connection.
"""

import contextlib
import dataclasses
import itertools
import select
import socket
import struct
import time

V31, V311, V5 = 3, 4, 5
VERSION_NAMES = {V31: "v3.1", V311: "v3.1.1", V5: "v5"}

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 10, 11, 12, 13, 14

TIMEOUT_S = 15.0  # generous: it is waited out only by a test that fails

# MQTT 5, section 2.2.2.2: name -> (identifier, type)
_PROPERTIES = {
    "payload_format_indicator": (1, "byte"), "message_expiry_interval": (2, "u32"), "content_type": (3, "text"),
    "response_topic": (8, "text"), "correlation_data": (9, "binary"), "subscription_identifier": (11, "varint"),
    "session_expiry_interval": (17, "u32"), "assigned_client_identifier": (18, "text"),
    "server_keep_alive": (19, "u16"), "will_delay_interval": (24, "u32"), "reason_string": (31, "text"),
    "receive_maximum": (33, "u16"), "topic_alias_maximum": (34, "u16"), "topic_alias": (35, "u16"),
    "maximum_qos": (36, "byte"), "retain_available": (37, "byte"), "user_property": (38, "pair"),
    "maximum_packet_size": (39, "u32"), "wildcard_subscription_available": (40, "byte"),
    "subscription_identifier_available": (41, "byte"), "shared_subscription_available": (42, "byte"),
}
_PROPERTY_NAMES = {number: (name, kind) for name, (number, kind) in _PROPERTIES.items()}


class Timeout(AssertionError):
    """What the caller waited for did not come before the deadline."""


class ConnectionCut(AssertionError):
    """The broker closed the connection."""


@dataclasses.dataclass(frozen=True)
class Packet:
    """A packet as the broker sent it, its acknowledgement fields already read."""
    kind: int
    flags: int
    body: bytes
    packet_id: int | None = None
    reason_code: int = 0


@dataclasses.dataclass(frozen=True)
class Message:
    """A PUBLISH as a subscriber got it."""
    topic: str
    payload: bytes
    qos: int
    retain: bool
    dup: bool
    properties: tuple = ()

    @property
    def user_properties(self):
        return [value for name, value in self.properties if name == "user_property"]

    @property
    def plain_properties(self):
        return {name: value for name, value in self.properties if name != "user_property"}


def _varint(number):
    encoded = bytearray()
    while True:
        number, digit = divmod(number, 128)
        encoded.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(encoded)


def _read_varint(data, position):
    number = shift = 0
    while True:
        digit = data[position]
        position += 1
        number |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            return number, position


def _binary(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(value)) + value


def _read_binary(data, position):
    size, = struct.unpack_from("!H", data, position)
    return data[position + 2:position + 2 + size], position + 2 + size


def encode_properties(properties):
    encoded = b""
    for name, value in properties:
        number, kind = _PROPERTIES[name]
        encoded += bytes([number])
        if kind == "pair":
            encoded += _binary(value[0]) + _binary(value[1])
        elif kind in ("text", "binary"):
            encoded += _binary(value)
        elif kind == "varint":
            encoded += _varint(value)
        else:
            encoded += struct.pack({"byte": "!B", "u16": "!H", "u32": "!I"}[kind], value)
    return _varint(len(encoded)) + encoded


def decode_properties(data, position):
    size, position = _read_varint(data, position)
    end, properties = position + size, []
    while position < end:
        name, kind = _PROPERTY_NAMES[data[position]]
        position += 1
        if kind == "pair":
            key, position = _read_binary(data, position)
            text, position = _read_binary(data, position)
            value = (key.decode(), text.decode())
        elif kind in ("text", "binary"):
            value, position = _read_binary(data, position)
            value = value.decode() if kind == "text" else value
        elif kind == "varint":
            value, position = _read_varint(data, position)
        else:
            layout = {"byte": "!B", "u16": "!H", "u32": "!I"}[kind]
            value, = struct.unpack_from(layout, data, position)
            position += struct.calcsize(layout)
        properties.append((name, value))
    return tuple(properties), end


def encode(kind, flags, body):
    return bytes([kind << 4 | flags]) + _varint(len(body)) + body


def encode_publish(version, topic, payload, *, qos=0, packet_id=None, dup=False, retain=False, properties=()):
    body = _binary(topic)
    if qos:
        body += struct.pack("!H", packet_id)
    if version == V5:
        body += encode_properties(properties)
    return encode(PUBLISH, dup << 3 | qos << 1 | retain, body + payload)


def decode_publish(version, packet):
    qos = packet.flags >> 1 & 3
    topic, position = _read_binary(packet.body, 0)
    packet_id, properties = None, ()
    if qos:
        packet_id, = struct.unpack_from("!H", packet.body, position)
        position += 2
    if version == V5:
        properties, position = decode_properties(packet.body, position)
    message = Message(topic.decode(), packet.body[position:], qos, bool(packet.flags & 1), bool(packet.flags & 8),
                      properties)
    return message, packet_id


@dataclasses.dataclass(frozen=True)
class Will:
    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: tuple = ()


class Client:
    """One connection. Messages that arrive while a method waits are acknowledged and kept, in order, in `inbox`."""

    _numbers = itertools.count(1)

    def __init__(self, port, client_id=None, *, version=V311, clean=True, will=None, username=None, properties=(),
                 acknowledge=True):
        self.version = version
        self.client_id = f"client-{next(self._numbers)}" if client_id is None else client_id
        self.inbox = []
        self.acknowledge = acknowledge
        self._others = []  # packets that came while another was waited for
        self._unreleased = set()  # packet ids of QoS 2 messages whose PUBREL is still to come
        self._packet_ids = itertools.cycle(range(1, 65536))
        self._received = bytearray()
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send(self._connect_packet(clean, will, username, properties))
        connack = self.wait_for(CONNACK)
        self.session_present = bool(connack.body[0] & 1)
        self.connect_code = connack.body[1]
        if self.connect_code:
            self._socket.close()
            raise ConnectionCut(f"CONNACK {self.connect_code:#04x}")

    def _connect_packet(self, clean, will, username, properties):
        flags = clean << 1
        body = (_binary("MQIsdp") if self.version == V31 else _binary("MQTT")) + bytes([self.version])
        if will:
            flags |= 1 << 2 | will.qos << 3 | will.retain << 5
        if username is not None:
            flags |= 1 << 7
        body += bytes([flags]) + struct.pack("!H", 0)  # no keepalive: some versions measure it by the wall clock
        if self.version == V5:
            # "clean" means the same in all versions here: without it the session outlives the connection.
            kept = () if clean else (("session_expiry_interval", 3600),)
            body += encode_properties((*kept, *properties))
        body += _binary(self.client_id)
        if will:
            if self.version == V5:
                body += encode_properties(will.properties)
            body += _binary(will.topic) + _binary(will.payload)
        if username is not None:
            body += _binary(username)
        return encode(CONNECT, 0, body)

    # --- bytes ---

    def send(self, data):
        try:
            self._socket.sendall(data)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise ConnectionCut(str(error)) from error

    def read_packet(self, deadline):
        """The next packet, untouched. Threading: one reader at a time."""
        while True:
            packet = self._next_buffered()
            if packet:
                return packet
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0 or not select.select([self._socket], [], [], remaining_s)[0]:
                raise Timeout(f"{self.client_id}: nothing from the broker; inbox {self.inbox[-5:]}")
            try:
                data = self._socket.recv(1 << 18)
            except ConnectionResetError:
                data = b""
            if not data:
                raise ConnectionCut(f"{self.client_id}: the broker closed the connection")
            self._received += data

    def _next_buffered(self):
        try:
            size, start = _read_varint(self._received, 1)
        except IndexError:
            return None
        if len(self._received) < start + size:
            return None
        first, body = self._received[0], bytes(self._received[start:start + size])
        del self._received[:start + size]
        kind = first >> 4
        packet_id, reason_code = None, 0
        if kind in (PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK):
            packet_id, = struct.unpack_from("!H", body)
            if kind in (PUBACK, PUBREC, PUBREL, PUBCOMP) and self.version == V5 and len(body) > 2:
                reason_code = body[2]
        elif kind == DISCONNECT and body:
            reason_code = body[0]
        return Packet(kind, first & 15, body, packet_id, reason_code)

    # --- waiting ---

    def _take(self, packet):
        """Files a packet that is not the one waited for."""
        if packet.kind == PUBLISH:
            message, packet_id = decode_publish(self.version, packet)
            if packet_id not in self._unreleased:
                self.inbox.append(message)
            if not self.acknowledge:
                return
            if message.qos == 1:
                self.send_ack(PUBACK, packet_id)
            elif message.qos == 2:
                self._unreleased.add(packet_id)
                self.send_ack(PUBREC, packet_id)
        elif packet.kind == PUBREL:
            self._unreleased.discard(packet.packet_id)
            self.send_ack(PUBCOMP, packet.packet_id)
        else:
            self._others.append(packet)

    def wait_for(self, kind, packet_id=None, timeout_s=TIMEOUT_S):
        """The next packet of that kind (and id); what comes before it is kept for later calls."""
        def wanted(packet):
            return packet.kind == kind and packet_id in (None, packet.packet_id)
        for index, packet in enumerate(self._others):
            if wanted(packet):
                return self._others.pop(index)
        deadline = time.monotonic() + timeout_s
        while True:
            packet = self.read_packet(deadline)
            if wanted(packet):
                return packet
            self._take(packet)

    def wait_until(self, condition, timeout_s=TIMEOUT_S):
        """Receives until condition(inbox) holds; returns the inbox."""
        deadline = time.monotonic() + timeout_s
        while not condition(self.inbox):
            self._take(self.read_packet(deadline))
        return self.inbox

    def wait_messages(self, count, timeout_s=TIMEOUT_S):
        return self.wait_until(lambda inbox: len(inbox) >= count, timeout_s)

    def wait_cut(self, timeout_s=TIMEOUT_S):
        """Receives until the broker closes the connection."""
        deadline = time.monotonic() + timeout_s
        with contextlib.suppress(ConnectionCut):
            while True:
                self._take(self.read_packet(deadline))

    def clear(self):
        taken, self.inbox[:] = list(self.inbox), []
        return taken

    # --- what a publisher does ---

    def next_packet_id(self):
        return next(self._packet_ids)

    def send_ack(self, kind, packet_id):
        self.send(encode(kind, 2 if kind == PUBREL else 0, struct.pack("!H", packet_id)))

    def send_publish(self, topic, payload, qos=0, *, packet_id=None, dup=False, retain=False, properties=()):
        """A PUBLISH and nothing more; returns its packet id."""
        if qos and packet_id is None:
            packet_id = self.next_packet_id()
        self.send(encode_publish(self.version, topic, payload, qos=qos, packet_id=packet_id, dup=dup, retain=retain,
                                 properties=properties))
        return packet_id

    def finish(self, packet_id, qos):
        """The rest of the handshake; returns the reason code of the PUBACK or PUBREC."""
        if qos == 0:
            return 0
        if qos == 1:
            return self.wait_for(PUBACK, packet_id).reason_code
        reason_code = self.wait_for(PUBREC, packet_id).reason_code
        if reason_code < 0x80:
            self.release(packet_id)
        return reason_code

    def release(self, packet_id):
        self.send_ack(PUBREL, packet_id)
        self.wait_for(PUBCOMP, packet_id)

    def publish(self, topic, payload, qos=1, **options):
        """A whole publish. After QoS 0, which has no acknowledgement, a ping shows that the broker has read it."""
        reason_code = self.finish(self.send_publish(topic, payload, qos, **options), qos)
        if qos == 0:
            self.ping()
        return reason_code

    def publish_all(self, topic, payloads, qos=1, **options):
        """Without a wait for each acknowledgement, a thousand at a time."""
        for first in range(0, len(payloads), 1000):
            packet_ids = [self.send_publish(topic, payload, qos, **options) for payload in payloads[first:first + 1000]]
            for packet_id in packet_ids if qos else ():
                assert self.finish(packet_id, qos) < 0x80
            if qos == 0:
                self.ping()

    def subscribe(self, topic_filter, qos=2, *, no_local=False, retain_as_published=False):
        packet_id = self.next_packet_id()
        body = struct.pack("!H", packet_id) + (b"\0" if self.version == V5 else b"")
        body += _binary(topic_filter) + bytes([qos | no_local << 2 | retain_as_published << 3])
        self.send(encode(SUBSCRIBE, 2, body))
        granted = self.wait_for(SUBACK, packet_id).body[-1]
        assert granted == qos, f"SUBACK {granted:#04x} for {topic_filter}"
        return self

    def ping(self):
        self.send(encode(PINGREQ, 0, b""))
        self.wait_for(PINGRESP)

    # --- the end of a connection ---

    def disconnect(self):
        """The polite end: DISCONNECT, which drops the will."""
        with contextlib.suppress(ConnectionCut, OSError):  # nothing to say on a connection that has ended already
            self.send(encode(DISCONNECT, 0, b""))
        self._socket.close()

    def cut(self):
        """The network's end: no DISCONNECT, and what was received but not read is gone."""
        self._socket.close()

    def reset(self):
        """A cut by RST: what the broker has not read yet is lost, too."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
