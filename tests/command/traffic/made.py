"""What the systems are made with: one capture and its clock, noise of several kinds, and how copies come about."""

import base64
import dataclasses
import datetime
import json
import random
import struct

SYSTEMS = {}
NEGATIVES = {}
MIXES = {}


def system(function):
    SYSTEMS[function.__name__] = function
    return function


def negative(function):
    NEGATIVES[function.__name__] = function
    return function


@dataclasses.dataclass
class Message:
    t: float
    topic: str
    payload: bytes
    event: int  # copies of an event have its number
    client: str = ""
    qos: int = 0
    retain: bool = False
    user: tuple = ()
    content_type: str = ""

    def line(self, client_ids=True):
        """The message as a line of a capture."""
        line = {"t": self.t, "topic": self.topic}
        try:
            line["payload"] = self.payload.decode()
        except UnicodeDecodeError:
            line["payload_base64"] = base64.b64encode(self.payload).decode()
        line["qos"] = self.qos
        line["retain"] = self.retain
        if client_ids and self.client:
            line["client"] = self.client
        if self.user or self.content_type:
            line["properties"] = {}
            if self.user:
                line["properties"]["user"] = [list(pair) for pair in self.user]
            if self.content_type:
                line["properties"]["content_type"] = self.content_type
        return json.dumps(line)


class Traffic:
    """One capture in the making. `copies` is the share of a system's copies that are made at all."""

    def __init__(self, seed, seconds=3600.0, copies=1.0, start=1_769_900_000.0):
        self.rng = random.Random(seed)
        self.start = start + self.rng.uniform(0, 3e6)
        self.seconds = seconds
        self.end = self.start + seconds
        self.copies = copies
        self.messages = []
        self._events = 0

    def event(self):
        self._events += 1
        return self._events

    def send(self, t, topic, payload, event=None, **fields):
        """A message; of a new event unless one is given. Returns it."""
        if isinstance(payload, (dict, list)):
            payload = json.dumps(payload, separators=(",", ":"))
        if isinstance(payload, str):
            payload = payload.encode()
        message = Message(round(t, 4), topic, payload, event or self.event(), **fields)
        self.messages.append(message)
        return message

    def is_copied(self, share=1.0):
        return self.rng.random() < share * self.copies

    def again(self, message, t, **changes):
        """A copy of it, later."""
        copy = dataclasses.replace(message, t=round(t, 4), **changes)
        self.messages.append(copy)
        return copy

    def resend(self, message, share=0.15, gap=(1.0, 20.0)):
        """QoS 1: the acknowledgement was lost, so the same bytes come again, now and then twice."""
        t = message.t
        while self.is_copied(share):
            t += self.rng.uniform(*gap)
            self.again(message, t)
            share /= 3

    def hear(self, t, receivers, reach=0.8, spread=(0.005, 0.3)):
        """Who receives what was sent at t, and when: one at least; the others make copies."""
        receivers = self.rng.sample(receivers, len(receivers))
        heard = [(t + self.rng.uniform(*spread), receivers[0])]
        for receiver in receivers[1:]:
            if self.is_copied(reach):
                heard.append((t + self.rng.uniform(*spread), receiver))
        return sorted(heard, key=lambda item: item[0])

    def every(self, mean_s, jitter=0.05, first=None):
        """Times of a device that sends at an interval, until the end."""
        t = self.start + (self.rng.uniform(0, mean_s) if first is None else first)
        while t < self.end:
            yield t
            t += mean_s * self.rng.uniform(1 - jitter, 1 + jitter)

    def now_and_then(self, mean_s, least_s=0.0):
        """Times of what happens by chance."""
        t = self.start + self.rng.expovariate(1 / mean_s)
        while t < self.end:
            yield t
            t += least_s + self.rng.expovariate(1 / mean_s)

    # --- values ---

    def drift(self, low, high, step, digits=1):
        return Drift(self.rng, low, high, step, digits)

    def signal(self, low=-110, high=-50):
        """A link's strength: its own level, and noise."""
        level = self.rng.randint(low, high)
        return lambda: level + round(self.rng.gauss(0, 2.5))

    def snr(self):
        level = self.rng.uniform(-8, 9)
        return lambda: round(level + self.rng.gauss(0, 1.2), 2)

    def hex(self, digits, upper=False):
        text = "".join(self.rng.choice("0123456789abcdef") for _ in range(digits))
        return text.upper() if upper else text

    def mac(self, separator=":", upper=True):
        return separator.join(self.hex(2, upper) for _ in range(6))

    def uuid(self):
        text = self.hex(32)
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def words(self, count, of):
        return self.rng.sample(of, count)


class Drift:
    """A measurement that wanders, and often stays."""

    def __init__(self, rng, low, high, step, digits):
        self._rng, self._low, self._high, self._step, self._digits = rng, low, high, step, digits
        self.value = rng.uniform(low, high)

    def __call__(self):
        self.value = min(self._high, max(self._low, self.value + self._rng.gauss(0, self._step)))
        value = round(self.value, self._digits)
        return int(value) if self._digits == 0 else value


ROOMS = ["kitchen", "hall", "bath", "office", "garage", "attic", "cellar", "nursery", "bedroom", "porch", "studio", "den"]


def iso(t, digits=0, suffix="Z"):
    moment = datetime.datetime.fromtimestamp(t, datetime.timezone.utc)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    if digits:
        text += f"{t % 1:.{digits}f}"[1:] if round(t % 1, digits) < 1 else "." + "9" * digits
    return text + suffix


def plain_time(t):
    return datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def protobuf(*fields):
    """Fields as (number, value): int is a varint, float a double, bytes and str as they are; (number, "fixed32", value)."""
    out = b""
    for number, *rest in fields:
        if rest[0] == "fixed32":
            out += varint(number << 3 | 5) + struct.pack("<I", rest[1])
        elif rest[0] == "float":
            out += varint(number << 3 | 5) + struct.pack("<f", rest[1])
        elif isinstance(rest[0], float):
            out += varint(number << 3 | 1) + struct.pack("<d", rest[0])
        elif isinstance(rest[0], int):
            out += varint(number << 3) + varint(rest[0])
        else:
            data = rest[0].encode() if isinstance(rest[0], str) else rest[0]
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def make(function, seed, **options):
    """The messages of one system, in order of arrival."""
    traffic = Traffic(seed, **options)
    function(traffic)
    return sorted((message for message in traffic.messages if message.t < traffic.end), key=lambda message: message.t)


def mix(*functions):
    """Several systems on one broker."""

    def mixed(traffic):
        for function in functions:
            function(traffic)

    return mixed
