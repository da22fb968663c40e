"""Traffic in which nothing is a copy, however much it looks so: no rule may drop anything here."""

import base64
import struct

from tests.command.traffic.made import ROOMS, iso, negative, protobuf


@negative
def availability(traffic):
    """Retained states of devices, said again at each connection."""
    rng = traffic.rng
    for room in traffic.words(8, ROOMS):
        for t in traffic.now_and_then(200, 2):
            traffic.send(
                t, f"tele/{room}/LWT", rng.choice(["Online", "Online", "Offline"]), client=f"DVES_{room}", retain=True
            )


@negative
def plain_values(traffic):
    rng = traffic.rng
    for room in traffic.words(6, ROOMS):
        for quantity, drift, interval in (
            ("temperature", traffic.drift(17, 25, 0.05, 1), 30),
            ("humidity", traffic.drift(40, 60, 0.2, 0), 30),
            ("lux", traffic.drift(0, 900, 9, 0), 20),
        ):
            for t in traffic.every(interval, 0.1):
                traffic.send(t, f"house/{room}/{quantity}", str(drift()), client=f"esp-{room}")
        for t in traffic.now_and_then(90, 0.5):
            traffic.send(t, f"house/{room}/light", rng.choice(["ON", "OFF"]), client=f"esp-{room}")


@negative
def keep_alive_state(traffic):
    """The whole state every 10 s, whether or not it has changed."""
    rng = traffic.rng
    for room in traffic.words(6, ROOMS):
        state, level = "OFF", 0
        for t in traffic.every(10, 0.02):
            if rng.random() < 0.04:
                state, level = rng.choice([("ON", 254), ("OFF", 0), ("ON", 120)])
            traffic.send(t, f"lights/{room}/state", {"state": state, "brightness": level, "color_mode": "xy"}, client="hub")


@negative
def keep_alive_fast(traffic):
    """The same every second; sensors with a coarse reading."""
    for machine in range(1, 5):
        level = traffic.drift(20, 80, 0.2, 0)
        for t in traffic.every(1, 0.03):
            if t > traffic.start + 1500:
                break
            traffic.send(t, f"tank/{machine}/level", {"level": level(), "unit": "%"}, client=f"plc{machine}")


@negative
def lorawan_gateways(traffic):
    """Gateways in front of their server: it must see the frame from each of them."""
    rng = traffic.rng
    gateways = [traffic.hex(16) for _ in range(3)]
    for _ in range(8):
        count, address = rng.randint(0, 60000), rng.randbytes(4)
        for t in traffic.every(60, 0.2):
            count += 1
            frame = base64.b64encode(
                b"\x40" + address + b"\x80" + struct.pack("<H", count % 65536) + b"\x02" + rng.randbytes(8)
            ).decode()
            for gateway in rng.sample(gateways, rng.randint(1, 3)):
                t_heard = t + rng.uniform(0.01, 0.25)
                traffic.send(
                    t_heard,
                    f"gateway/{gateway}/event/up",
                    {
                        "phyPayload": frame,
                        "txInfo": {"frequency": 868100000, "modulation": "LORA"},
                        "rxInfo": {
                            "gatewayID": gateway,
                            "time": iso(t_heard, 6),
                            "timeSinceGPSEpoch": None,
                            "rssi": rng.randint(-120, -60),
                            "loRaSNR": rng.randint(-10, 10),
                            "channel": 2,
                            "uplinkID": traffic.uuid(),
                        },
                    },
                    client=gateway,
                )


@negative
def lorawan_gateways_v4(traffic):
    """The same in protobuf, under a region's prefix."""
    rng = traffic.rng
    gateways = [traffic.hex(16) for _ in range(3)]
    for _ in range(8):
        count, address = rng.randint(0, 60000), rng.randbytes(4)
        for t in traffic.every(60, 0.2):
            count += 1
            frame = b"\x40" + address + b"\x80" + struct.pack("<H", count % 65536) + b"\x02" + rng.randbytes(8)
            for gateway in rng.sample(gateways, rng.randint(1, 3)):
                t_heard = t + rng.uniform(0.01, 0.25)
                rx = protobuf(
                    (1, gateway),
                    (2, rng.getrandbits(32)),
                    (3, protobuf((1, int(t_heard)), (2, int(t_heard % 1 * 1e9)))),
                    (6, (1 << 64) - rng.randint(60, 120)),
                    (7, "float", 5.5),
                    (8, 2),
                )
                traffic.send(
                    t_heard,
                    f"eu868/gateway/{gateway}/event/up",
                    protobuf((1, frame), (4, protobuf((1, 868100000))), (5, rx)),
                    client=gateway,
                )


@negative
def equal_telegrams(traffic):
    """Water meters that stand still say the same every 16 s; without a time or a counter in it."""
    rng = traffic.rng
    for number in range(8):
        meter, total = f"{rng.randint(10_000_000, 99_999_999)}", rng.randint(10_000, 90_000)
        for t in traffic.every(16, 0.08):
            if rng.random() < 0.06:
                total += rng.randint(1, 9)
            traffic.send(t, f"water/{meter}", {"id": meter, "total_l": total, "status": "OK"}, client="collector")


@negative
def room_presence(traffic):
    """Each room's receiver says how far away a phone is; where it is comes from comparing them."""
    rng = traffic.rng
    rooms = traffic.words(4, ROOMS)
    for phone in ["iphone-ann", "watch-bob", "tile-keys"]:
        for t in traffic.every(4, 0.2):
            for room in rng.sample(rooms, rng.randint(2, 4)):
                distance = rng.randint(5, 120) / 10
                traffic.send(
                    t + rng.uniform(0, 0.4),
                    f"espresense/devices/{phone}/{room}",
                    {
                        "id": phone,
                        "name": phone,
                        "disc": "apple:1005:9-12",
                        "idType": 15,
                        "rssi@1m": -65,
                        "rssi": round(-65 - 25 * distance / 12),
                        "raw": distance,
                        "distance": distance,
                        "speed": 0.0,
                        "mac": traffic.hex(12) if rng.random() < 0.01 else "5d3a9c0102ff",
                        "interval": rng.randint(100, 900),
                    },
                    client=f"espresense-{room}",
                )


@negative
def discovery(traffic):
    """Home Assistant's discovery, retained, sent again by each device at its restart and at HA's."""
    rng = traffic.rng
    configs = []
    for room in traffic.words(6, ROOMS):
        for quantity in ("temperature", "humidity"):
            configs.append(
                (
                    f"homeassistant/sensor/{room}/{quantity}/config",
                    {
                        "name": f"{room} {quantity}",
                        "unique_id": f"{room}_{quantity}",
                        "state_topic": f"zigbee2mqtt/{room}",
                        "value_template": "{{ value_json.%s }}" % quantity,
                        "device": {"identifiers": [room], "model": "TH"},
                    },
                )
            )
    for t in traffic.now_and_then(150, 5):
        for topic, config in configs if rng.random() < 0.5 else rng.sample(configs, 2):
            t += rng.uniform(0.001, 0.02)
            traffic.send(t, topic, config, client="zigbee2mqtt", retain=True)


@negative
def eager_buttons(traffic):
    """People press twice, thrice, and each press counts; nothing in it tells one from the other."""
    rng = traffic.rng
    for room in traffic.words(6, ROOMS):
        for t in traffic.now_and_then(60, 2):
            action = rng.choice(["single", "single", "dim_up", "dim_down"])
            for _ in range(rng.choice([1, 1, 2, 3, 5])):
                traffic.send(t, f"buttons/{room}", {"action": action, "battery": 80}, client="hub")
                t += rng.uniform(0.15, 1.6)


@negative
def commands(traffic):
    rng = traffic.rng
    for t in traffic.now_and_then(6, 0.1):
        room = rng.choice(ROOMS[:5])
        for _ in range(rng.choice([1, 1, 1, 2, 4])):
            traffic.send(t, f"cmnd/{room}/POWER", rng.choice(["TOGGLE"]), client="remote")
            t += rng.uniform(0.2, 1.0)


@negative
def shared_topic_plain(traffic):
    """Many devices on one topic with coarse readings: equal bytes come from different devices."""
    for number in range(12):
        level = traffic.drift(20, 22, 0.1, 1)
        for t in traffic.every(10, 0.05):
            traffic.send(t, "v1/devices/me/telemetry", {"temperature": level()}, client=f"device-{number}")


@negative
def shared_topic_text(traffic):
    for number in range(10):
        level = traffic.drift(20, 24, 0.1, 0)
        for t in traffic.every(12, 0.05):
            traffic.send(t, "s/us", f"211,{level()}", client=f"c8y-{number}")


@negative
def audio_frames(traffic):
    """20 ms of sound each, silence among it."""
    rng = traffic.rng
    for site in ROOMS[:2]:
        t = traffic.start
        while t < traffic.start + 40:
            t += 0.02
            sound = b"\x00" * 64 if rng.random() < 0.6 else rng.randbytes(64)
            traffic.send(
                t, f"hermes/audioServer/{site}/audioFrame", b"RIFF\x64\x00\x00\x00WAVEfmt " + sound, client=f"sat-{site}"
            )


@negative
def heartbeats(traffic):
    for node in range(1, 9):
        for t in traffic.every(5, 0.05):
            traffic.send(t, f"nodes/{node}/heartbeat", {"alive": True, "version": "1.4.2"}, client=f"node{node}")


@negative
def heartbeats_with_uptime(traffic):
    rng = traffic.rng
    for node in range(1, 9):
        born = traffic.start - rng.randint(1000, 90000)
        rssi = traffic.signal()
        for t in traffic.every(10, 0.05):
            traffic.send(
                t,
                f"nodes/{node}/status",
                {"uptime": int(t - born), "heap": rng.randint(20000, 20400), "rssi": rssi(), "version": "1.4.2"},
                client=f"node{node}",
            )


@negative
def redundant_sensors(traffic):
    """Two probes in one pipe, which measure nearly the same at the same second: two measurements."""
    for pipe in range(1, 4):
        value = traffic.drift(40, 60, 0.1, 1)
        for t in traffic.every(10, 0.0):
            reading = value()
            for probe in "AB":
                traffic.send(
                    t + traffic.rng.uniform(0, 0.3),
                    f"pipe/{pipe}/probe{probe}",
                    {
                        "time": iso(int(t)),
                        "pipe": pipe,
                        "value": reading if traffic.rng.random() < 0.7 else round(reading + 0.1, 1),
                    },
                    client=f"probe{pipe}{probe}",
                )


@negative
def progress_of_jobs(traffic):
    """One id, many states."""
    rng = traffic.rng
    for t in traffic.now_and_then(30):
        job = traffic.uuid()
        percent = 0
        while percent < 100:
            traffic.send(
                t,
                f"jobs/{job}/progress",
                {"job": job, "percent": percent, "step": rng.choice(["fetch", "write"])},
                client="worker",
            )
            percent += rng.randint(1, 15)
            t += rng.uniform(0.2, 2)


@negative
def sessions_with_id(traffic):
    """The id is the session's, the content often stays."""
    rng = traffic.rng
    for t in traffic.now_and_then(40):
        session = traffic.uuid()
        for _ in range(rng.randint(5, 20)):
            traffic.send(
                t,
                "charging/sessions",
                {"session": session, "kw": rng.choice([3.6, 3.7, 3.7, 7.2]), "state": "charging"},
                client="backend",
            )
            t += rng.uniform(2, 10)


@negative
def polled_meters(traffic):
    """All meters are read at the same second; two of them often say the same."""
    for t in traffic.every(10, 0.0):
        for meter in range(1, 7):
            traffic.send(
                t + meter * 0.05,
                "bus/readings",
                {"ts": int(t), "unit": meter, "voltage": 230 + traffic.rng.randint(-1, 1), "fault": 0},
                client="poller",
            )


@negative
def request_response(traffic):
    """A request and its answer have the same id."""
    rng = traffic.rng
    for t in traffic.now_and_then(4):
        device, number = rng.randint(1, 6), rng.randint(1, 1 << 31)
        method = rng.choice(["getState", "setLevel", "reboot"])
        traffic.send(
            t,
            f"rpc/{device}/request",
            {"id": number, "method": method, "params": {"level": rng.randint(0, 9)}},
            client="app",
        )
        traffic.send(
            t + rng.uniform(0.02, 0.6),
            f"rpc/{device}/response",
            {"id": number, "method": method, "result": "ok"},
            client=f"dev{device}",
        )


@negative
def derived_streams(traffic):
    """raw is cleaned and published again with the same id and time: stages, not copies."""
    rng = traffic.rng
    for sensor in range(1, 7):
        value = traffic.drift(10, 30, 0.3, 3)
        for t in traffic.every(8, 0.1):
            identity = traffic.uuid()
            reading = value()
            traffic.send(t, f"raw/{sensor}", {"id": identity, "ts": int(t * 1000), "value": reading}, client=f"s{sensor}")
            traffic.send(
                t + rng.uniform(0.05, 0.4),
                f"clean/{sensor}",
                {"id": identity, "ts": int(t * 1000), "value": reading},
                client="cleaner",
            )


@negative
def wis2_origin_and_cache(traffic):
    """A cache republishes a notification with the same id under another first level."""
    rng = traffic.rng
    for t in traffic.now_and_then(5):
        body = {
            "id": traffic.uuid(),
            "type": "Feature",
            "properties": {"data_id": f"ca-met/{traffic.hex(8)}", "pubtime": iso(t)},
            "links": [{"href": "https://ca-met.example/x", "rel": "canonical"}],
        }
        traffic.send(t, "origin/a/wis2/ca-met/data/core/weather", body, client="gb")
        traffic.send(
            t + rng.uniform(0.5, 5),
            "cache/a/wis2/ca-met/data/core/weather",
            {**body, "links": [{"href": "https://cache.example/x", "rel": "canonical"}]},
            client="gc",
        )


@negative
def standing_vehicles(traffic):
    """A position each second with the device's time; all else stays while the vehicle stands."""
    for vehicle in range(1, 5):
        lat, lon = 60.17, 24.94
        for t in traffic.every(2, 0.02):
            if traffic.rng.random() < 0.1:
                lat = round(lat + 0.0001, 4)
            traffic.send(
                t,
                f"tram/{vehicle}/pos",
                {"veh": vehicle, "tst": iso(t), "lat": lat, "lon": lon, "spd": 0},
                client=f"tram{vehicle}",
            )


@negative
def repeated_alarms(traffic):
    """An alarm is said again every 15 s until somebody acknowledges it."""
    rng = traffic.rng
    for t in traffic.now_and_then(120):
        alarm = {"zone": rng.randint(1, 9), "kind": rng.choice(["smoke", "water"]), "state": "ALARM"}
        for _ in range(rng.randint(2, 12)):
            traffic.send(t, "alarm/panel", alarm, client="panel")
            t += rng.uniform(14.5, 15.5)


@negative
def motion_sensors(traffic):
    """Motion is reported while it lasts; with a link quality beside it."""
    rng = traffic.rng
    for room in traffic.words(6, ROOMS):
        for t in traffic.now_and_then(120, 5):
            for _ in range(rng.randint(1, 6)):
                traffic.send(
                    t,
                    f"zigbee2mqtt/{room} motion",
                    {
                        "occupancy": True,
                        "battery": 90,
                        "illuminance": rng.randint(0, 3),
                        "linkquality": rng.randint(60, 90),
                    },
                    client="zigbee2mqtt",
                )
                t += rng.uniform(1, 20)
            traffic.send(
                t + 60,
                f"zigbee2mqtt/{room} motion",
                {"occupancy": False, "battery": 90, "illuminance": 0, "linkquality": rng.randint(60, 90)},
                client="zigbee2mqtt",
            )


@negative
def pulses(traffic):
    """Each message is a kilowatt hour's thousandth; they come faster when more is used."""
    rng = traffic.rng
    t = traffic.start
    while t < traffic.start + 1800:
        t += rng.uniform(0.4, 6)
        traffic.send(t, "pulse/meter1", {"pulse": 1, "kwh": 0.001}, client="s0")


@negative
def chat_typing(traffic):
    rng = traffic.rng
    for t in traffic.now_and_then(10):
        user = rng.choice(["ann", "bob", "cem"])
        for _ in range(rng.randint(2, 6)):
            traffic.send(t, f"chat/room1/{user}", {"user": user, "event": "typing"}, client=f"chat-{user}")
            t += rng.uniform(0.8, 1.5)
        traffic.send(
            t,
            f"chat/room1/{user}",
            {"user": user, "event": "message", "text": rng.choice(["ok", "yes", "ok", "hi"])},
            client=f"chat-{user}",
        )


@negative
def setpoint_follows_state(traffic):
    """A thermostat answers each set with a state of the same content: cause and effect on two topics."""
    rng = traffic.rng
    for t in traffic.now_and_then(8, 1):
        room = rng.choice(ROOMS[:5])
        value = rng.randint(15, 25)
        traffic.send(t, f"heat/{room}/set", {"target": value}, client="app")
        traffic.send(t + rng.uniform(0.02, 0.2), f"heat/{room}/get", {"target": value}, client="thermostat")


@negative
def sparkplug_states(traffic):
    """Births after each reconnect, and the host's state."""
    rng = traffic.rng
    for t in traffic.now_and_then(60, 1):
        node = f"edge{rng.randint(1, 3)}"
        traffic.send(
            t,
            f"spBv1.0/plant/NBIRTH/{node}",
            protobuf((1, int(t * 1000)), (2, protobuf((1, "bdSeq"), (4, 8), (11, rng.randint(0, 255)))), (3, 0)),
            client=node,
        )
        traffic.send(
            t + 0.2, "spBv1.0/STATE/host1", {"online": True, "timestamp": int(t * 1000)}, client="host1", retain=True
        )


@negative
def commands_to_a_group(traffic):
    """Lamps that are switched together, each on its topic."""
    rng = traffic.rng
    lamps = [f"lamp{number}" for number in range(8)]
    for t in traffic.now_and_then(60, 3):
        command = {"state": rng.choice(["ON", "OFF"]), "brightness": rng.randint(1, 254), "transition": 1}
        for lamp in rng.sample(lamps, rng.randint(3, 8)):
            traffic.send(t + rng.uniform(0, 0.5), f"lights/{lamp}/set", command, client="hub")


@negative
def settings_for_all(traffic):
    rng = traffic.rng
    devices = [traffic.hex(12) for _ in range(12)]
    for t in traffic.now_and_then(90, 5):
        revision = rng.randint(1, 10**6)
        for device in rng.sample(devices, 9):
            settings = {"rev": revision, "interval": 30, "url": f"https://example.org/{revision}"}
            traffic.send(t + rng.uniform(0, 2), f"devices/{device}/config", settings, client="fleet")


@negative
def a_message_for_each_quantity(traffic):
    """What a device measures at one moment, on a topic that all devices share."""
    rng = traffic.rng
    for device in range(5):
        for t in traffic.every(30, 0.1):
            for quantity in ("temperature", "humidity", "battery"):
                reading = {"dev": f"d{device}", "ts": int(t), "type": quantity, "v": rng.randint(20, 25)}
                traffic.send(t + rng.uniform(0, 0.05), "measurements", reading, client=f"d{device}")
