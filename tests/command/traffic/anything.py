"""Systems that nobody has built: their parts are drawn from what real ones are made of.

The structure comes from one seed, the traffic from another, so that a rule found in one capture can be tried on the next.
"""

import base64
import random

from tests.command.traffic.made import iso, plain_time, protobuf

_WORDS = ["plant", "home", "farm", "fleet", "city", "lab", "dock", "mine", "grid", "depot"]
_KINDS = ["telemetry", "data", "event", "up", "state", "rx", "msg", "report", "measure", "SENSOR"]
_MEMBERS = [
    "temperature",
    "humidity",
    "pressure",
    "power",
    "level",
    "speed",
    "count",
    "voltage",
    "flow",
    "lux",
    "weight",
    "ph",
    "torque",
    "angle",
]
_TIME_NAMES = ["ts", "time", "timestamp", "t", "at", "date", "created"]
_ID_NAMES = ["id", "uuid", "msgId", "eventId", "seq", "n", "fcnt", "counter", "nr", "mid"]


_SEQUENCE = 7_777_777_777  # stands for a receiver's own count until all messages are in order


def _count(traffic):
    """Puts receivers' counts in, in the order in which they sent."""
    counts = {}
    for message in sorted(traffic.messages, key=lambda message: message.t):
        count = counts[message.client] = counts.get(message.client, 50_000) + 1
        message.payload = message.payload.replace(str(_SEQUENCE).encode(), str(count).encode())


class _Structure:
    """What a system is made of; drawn once."""

    def __init__(self, seed):
        rng = random.Random(seed)
        self.rng = rng
        self.word = rng.choice(_WORDS)
        self.kind = rng.choice(_KINDS)
        self.device_count = rng.choice([1, 2, 3, 5, 8, 12, 20, 30])
        self.mean_s = rng.choice([4, 8, 15, 30, 60, 120]) * max(1, self.device_count / 8)
        self.is_regular = rng.random() < 0.6
        self.jitter = rng.choice([0.01, 0.05, 0.2])
        self.least_s = self.mean_s * rng.choice([0.05, 0.2]) + 0.5
        self.id_style = rng.choice(["hex", "name", "number", "mac"])
        self.format = rng.choices(["json", "text", "protobuf", "hex"], [8, 1, 1, 1])[0]
        self.identity = rng.choices(
            ["none", "uuid", "counter", "counter256", "global", "ms", "s", "iso", "isoms", "s+counter"],
            [4, 3, 3, 2, 1, 2, 2, 2, 2, 1],
        )[0]
        self.identity_name = rng.choice(_TIME_NAMES if self.identity in ("ms", "s", "iso", "isoms") else _ID_NAMES)
        self.nesting = rng.choice([None, None, "payload", "data", "meta"])
        self.device_place = rng.choice(["topic", "topic", "member", "both"])
        self.members = rng.sample(_MEMBERS, rng.randint(1, 5))
        self.digits = {name: rng.choice([0, 1, 2, 2, 3]) for name in self.members}
        self.steps = {name: rng.choice([0.02, 0.1, 0.5, 2]) for name in self.members}
        self.enum = rng.choice([None, ["on", "off"], ["open", "closed", "ajar"], ["idle", "run", "stop", "fault"]])
        self.constant = rng.choice([None, ("fw", "1.4.2"), ("type", "sensor"), ("unit", "C")])
        self.has_battery = rng.random() < 0.4
        self.name_order = rng.random() < 0.5


def _device_names(structure, rng):
    make = {
        "hex": lambda n: f"{rng.getrandbits(48):012x}",
        "name": lambda n: f"{structure.word}{n:02d}",
        "number": lambda n: str(1000 + 7 * n),
        "mac": lambda n: ":".join(f"{rng.getrandbits(8):02X}" for _ in range(6)),
    }[structure.id_style]
    return [make(n) for n in range(structure.device_count)]


class _Device:
    def __init__(self, structure, traffic, name):
        self.structure, self.traffic, self.name = structure, traffic, name
        self.values = {
            member: traffic.drift(10, 90, structure.steps[member], structure.digits[member]) for member in structure.members
        }
        self.count = traffic.rng.randint(0, 40000)
        self.battery = traffic.rng.randint(50, 100)

    def times(self):
        structure = self.structure
        if structure.is_regular:
            return self.traffic.every(structure.mean_s, structure.jitter)
        return self.traffic.now_and_then(structure.mean_s, structure.least_s)

    def event(self, t, shared):
        """The members of what it says at t."""
        structure, rng = self.structure, self.traffic.rng
        self.count += 1
        shared["count"] += 1
        if rng.random() < 0.02:
            self.battery -= 1
        content = {member: value() for member, value in self.values.items()}
        if structure.enum:
            content["state"] = rng.choice(structure.enum)
        identity = {
            "none": {},
            "uuid": {structure.identity_name: self.traffic.uuid()},
            "counter": {structure.identity_name: self.count},
            "counter256": {structure.identity_name: self.count % 256},
            "global": {structure.identity_name: shared["count"] + 100000},
            "ms": {structure.identity_name: int(t * 1000)},
            "s": {structure.identity_name: int(t)},
            "iso": {structure.identity_name: iso(t)},
            "isoms": {structure.identity_name: iso(t, 3)},
            "s+counter": {"ts": int(t), "seq": self.count},
        }[structure.identity]
        head = {}
        if structure.device_place in ("member", "both"):
            head["device"] = self.name
        if structure.constant:
            head[structure.constant[0]] = structure.constant[1]
        if structure.has_battery:
            content["battery"] = self.battery
        parts = [head, identity, content] if structure.name_order else [identity, content, head]
        if structure.nesting:
            parts = [{structure.nesting: content} if part is content else part for part in parts]
        return {name: value for part in parts for name, value in part.items()}


def _payload(structure, body, extra):
    """The body with what a receiver adds, in the system's format."""
    if structure.format == "text":
        flat = _flat({**body, **extra})
        return ";".join(str(value) for value in flat.values())
    if structure.format == "protobuf":
        inner = [(number + 1, _pb(value)) for number, value in enumerate(_flat(body).values())]
        outer = [(number + 2, _pb(value)) for number, value in enumerate(_flat(extra).values())]
        return protobuf((1, protobuf(*inner)), *outer)
    if structure.format == "hex":
        raw = ";".join(str(value) for value in _flat(body).values()).encode()
        return {"data": raw.hex() if structure.name_order else base64.b64encode(raw).decode(), **extra}
    return {**body, **extra}


def _pb(value):
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value if value >= 0 else (1 << 64) + value
    return value


def _flat(body, prefix=""):
    flat = {}
    for name, value in body.items():
        if isinstance(value, dict):
            flat.update(_flat(value, prefix + name + "."))
        else:
            flat[prefix + name] = value
    return flat


class _Receiver:
    """Hears frames, and adds what it knows of them."""

    def __init__(self, name, rng, noise, traffic):
        self.name, self.noise, self.traffic = name, noise, traffic
        self.latency = rng.uniform(0, 0.3)
        self.count = rng.randint(0, 1 << 20)
        self.born = traffic.start - rng.uniform(1000, 90000)
        self.place = (round(rng.uniform(40, 50), 4), round(rng.uniform(5, 15), 4))

    def extra(self, t):
        rng = self.traffic.rng
        made = {
            "rssi": lambda: rng.randint(-110, -50),
            "snr": lambda: round(rng.uniform(-10, 10), 1),
            "rxTime": lambda: iso(t, 6),
            "received": lambda: int(t),
            "rx_ms": lambda: int(t * 1000),
            "gw": lambda: self.name,
            "gwSeq": lambda: _SEQUENCE,
            "rid": lambda: self.traffic.uuid(),
            "uptime": lambda: int(t - self.born),
            "lat": lambda: self.place[0],
            "hops": lambda: rng.randint(0, 3),
            "ch": lambda: rng.randint(0, 7),
            "linkquality": lambda: rng.randint(20, 220),
        }
        return {name: made[name]() for name in self.noise}


def _topic(structure, device, receiver=None):
    levels = [structure.word]
    if receiver is not None and structure.receiver_level == "front":
        levels.append(receiver)
    if structure.device_place in ("topic", "both"):
        levels.append(device)
    levels.append(structure.kind)
    if receiver is not None and structure.receiver_level == "end":
        levels.append(receiver)
    return "/".join(levels)


def system_of(seed):
    """A system with copies."""
    structure = _Structure(seed)
    rng = structure.rng
    structure.receiver_level = None
    way = rng.choice(["receivers", "receivers", "receivers", "resend", "resend", "echo", "repeats", "rewrite"])
    noise_names = [
        "rssi",
        "snr",
        "rxTime",
        "received",
        "rx_ms",
        "gw",
        "gwSeq",
        "rid",
        "uptime",
        "lat",
        "hops",
        "ch",
        "linkquality",
    ]
    noise = rng.sample(noise_names, rng.randint(0, 5))
    receiver_names = rng.sample(["alpha", "beta", "gamma", "gw1", "gw2", "north", "south"], rng.randint(2, 4))
    if rng.random() < 0.3:
        receiver_names = None  # serial numbers, other ones in each capture
    structure.receiver_level = rng.choice(["front", "end", "end", None]) if way == "receivers" else None
    if structure.receiver_level is None and way == "receivers" and "gw" not in noise and rng.random() < 0.5:
        noise.append("gw")
    reach, spread_s = rng.uniform(0.4, 0.95), rng.choice([0.05, 0.3, 1.0, 2.0])
    share, gap_s = rng.uniform(0.05, 0.3), rng.choice([(0.2, 2), (1, 10), (5, 40)])
    repeats, repeat_s = rng.randint(2, 5), rng.uniform(0.03, 0.25)
    repeat_noise = rng.sample(["rssi", "snr", "rxTime", "received", "linkquality"], rng.randint(0, 3))
    count = rng.randint(2, 4)

    def traffic_of(traffic):
        structure_rng = random.Random(f"{seed} {traffic.rng.random()}")
        names = receiver_names or [f"{structure_rng.getrandbits(32):08x}" for _ in range(count)]
        receivers = [_Receiver(name, structure_rng, noise, traffic) for name in names]
        alone = _Receiver("only", structure_rng, repeat_noise, traffic)
        shared = {"count": 0}
        for name in _device_names(structure, structure_rng):
            device = _Device(structure, traffic, name)
            for t in device.times():
                body = device.event(t, shared)
                event = traffic.event()
                if way == "receivers":
                    for t_heard, receiver in traffic.hear(t, receivers, reach, (0.005, spread_s)):
                        t_heard += receiver.latency * spread_s
                        traffic.send(
                            t_heard,
                            _topic(structure, name, receiver.name),
                            _payload(structure, body, receiver.extra(t_heard)),
                            event,
                            client=receiver.name,
                        )
                    continue
                if way == "repeats":
                    for number in range(repeats):
                        t_sent = t + number * repeat_s
                        if number == 0 or traffic.is_copied(0.8):
                            traffic.send(
                                t_sent,
                                _topic(structure, name),
                                _payload(structure, body, alone.extra(t_sent)),
                                event,
                                client="receiver",
                            )
                    continue
                if way == "rewrite":  # a relay publishes again with a new time
                    message = traffic.send(
                        t,
                        _topic(structure, name),
                        _payload(structure, body, {"sent_at": iso(t, 6), "attempt": 1}),
                        event,
                        client="relay",
                    )
                    attempt, t_sent = 1, t
                    while traffic.is_copied(share):
                        attempt, t_sent = attempt + 1, t_sent + traffic.rng.uniform(*gap_s)
                        traffic.send(
                            t_sent,
                            _topic(structure, name),
                            _payload(structure, body, {"sent_at": iso(t_sent, 6), "attempt": attempt}),
                            event,
                            client="relay",
                        )
                    continue
                message = traffic.send(
                    t, _topic(structure, name), _payload(structure, body, {}), event, client=f"dev-{name}", qos=1
                )
                if way == "resend":
                    traffic.resend(message, share, gap_s)
                elif traffic.is_copied(0.9):
                    traffic.again(message, t + traffic.rng.uniform(0.003, 0.15), client="bridge")
        _count(traffic)

    traffic_of.about = f"{way} {structure.format} id={structure.identity} devices={structure.device_count}@{structure.device_place} mean={structure.mean_s:.0f} noise={noise if way == 'receivers' else repeat_noise} level={structure.receiver_level}"
    return traffic_of


def _another(structure, body, agree, rng):
    """The same quantities, measured once more: never all of them the same twice in three."""
    changed = {}
    for name, value in body.items():
        if isinstance(value, dict):
            value = _another(structure, value, agree, rng)
        elif name in structure.members and rng.random() > agree:
            value = round(value + rng.choice([-1, 1, 2]) * 10.0 ** -structure.digits[name], structure.digits[name])
        changed[name] = value
    return changed


def stranger_of(seed):
    """A system without copies in which much looks like some."""
    structure = _Structure(seed)
    rng = structure.rng
    structure.receiver_level = None
    way = rng.choice(
        [
            "plain",
            "sensors",
            "stages",
            "sessions",
            "state",
            "presses",
            "answers",
            "presence",
            "ticks",
            "versions",
            "lists",
            "turns",
        ]
    )
    least_s, most_s = rng.choice([(0.1, 1.0), (0.3, 3), (1, 10)])
    sides = rng.sample(["a", "b", "raw", "clean", "in", "out", "left", "right"], rng.randint(2, 3))
    agree = rng.uniform(0.2, 0.9)
    enum = rng.choice([["press"], ["on", "off"], ["up", "down", "stop"]])
    has_noise = rng.random() < 0.5

    def noise(traffic):
        return {"rssi": traffic.rng.randint(-90, -60)} if has_noise else {}

    def traffic_of(traffic):
        structure_rng = random.Random(f"{seed} {traffic.rng.random()}")
        shared = {"count": 0}
        rng = traffic.rng
        for name in _device_names(structure, structure_rng):
            device = _Device(structure, traffic, name)
            state = None
            for t in device.times():
                body = device.event(t, shared)
                topic = _topic(structure, name)
                if way == "plain":
                    traffic.send(t, topic, _payload(structure, body, noise(traffic)), client=f"dev-{name}")
                elif way == "sensors":  # several probes read nearly the same at the same moment
                    for side in sides:
                        traffic.send(
                            t + rng.uniform(0, 0.3),
                            f"{topic}/{side}",
                            _payload(structure, _another(structure, body, agree, rng), noise(traffic)),
                            client=f"{side}-{name}",
                        )
                elif way == "stages":
                    t_stage = t
                    for side in sides:
                        traffic.send(t_stage, f"{topic}/{side}", _payload(structure, body, {}), client=side)
                        t_stage += rng.uniform(0.01, 0.5)
                elif way == "sessions":
                    session = traffic.uuid()
                    for _ in range(rng.randint(3, 12)):
                        traffic.send(
                            t, topic, {"session": session, "state": rng.choice(enum), **noise(traffic)}, client="backend"
                        )
                        t += rng.uniform(least_s, most_s)
                elif way == "state":
                    if state is None or rng.random() < 0.1:
                        state = body
                    traffic.send(
                        t,
                        topic,
                        {key: value for key, value in state.items() if key not in _TIME_NAMES + _ID_NAMES} | noise(traffic),
                        client=f"dev-{name}",
                    )
                elif way == "presses":
                    for _ in range(rng.choice([1, 1, 2, 3])):
                        traffic.send(t, topic, {"action": rng.choice(enum), **noise(traffic)}, client="hub")
                        t += rng.uniform(least_s, most_s)
                elif way == "answers":
                    number = rng.getrandbits(31)
                    traffic.send(t, f"{topic}/{sides[0]}", {"id": number, "cmd": rng.choice(enum)}, client="app")
                    traffic.send(
                        t + rng.uniform(0.01, 0.4),
                        f"{topic}/{sides[1]}",
                        {"id": number, "cmd": rng.choice(enum)},
                        client=f"dev-{name}",
                    )
                elif way == "presence":
                    for side in sides:
                        if rng.random() < 0.8:
                            traffic.send(
                                t + rng.uniform(0, 0.4),
                                f"{structure.word}/{side}/{name}/seen",
                                {"device": name, "distance": rng.randint(5, 120) / 10, **noise(traffic)},
                                client=side,
                            )
                elif way == "ticks":  # all at the full interval
                    t = round(t / 5) * 5 + rng.uniform(0, 0.2)
                    if int(t) == state:
                        continue
                    state = int(t)
                    traffic.send(
                        t,
                        f"{structure.word}/readings",
                        {"ts": int(t), "unit": name, "value": rng.choice([229, 230, 231])},
                        client="poller",
                    )
                elif way == "versions":  # an object's id, and what became of it
                    identity = rng.randint(1, 60)
                    traffic.send(
                        t,
                        topic,
                        {"object": f"obj-{identity}", "status": rng.choice(enum + ["done"]), "at": plain_time(t)},
                        client="db",
                    )
                elif way == "lists":
                    traffic.send(
                        t, topic, {"items": [rng.randint(0, 3) for _ in range(rng.randint(0, 3))]}, client=f"dev-{name}"
                    )
                else:  # two writers say the like on one topic
                    for side in sides:
                        if rng.random() < 0.7:
                            traffic.send(
                                t + rng.uniform(0, most_s),
                                topic,
                                {"state": rng.choice(enum), **noise(traffic)},
                                client=side,
                            )

    traffic_of.about = f"{way} {structure.format} id={structure.identity} devices={structure.device_count}@{structure.device_place} mean={structure.mean_s:.0f} sides={sides} noise={has_noise} gap={least_s}-{most_s} agree={agree:.2f} enum={enum}"
    return traffic_of
