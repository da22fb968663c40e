"""What several receivers hear of the same radio frame: BLE, 433 MHz, meshes, ships, balloons."""

import base64
import struct

from tests.command.traffic.made import ROOMS, iso, plain_time, protobuf, system


def _mesh_packets(traffic, mean_s=9.0):
    """(t, from, id, kind, content) of a mesh's packets."""
    rng = traffic.rng
    nodes = [rng.getrandbits(32) for _ in range(rng.randint(12, 30))]
    battery = {node: traffic.drift(40, 100, 0.4, 0) for node in nodes}
    for t in traffic.now_and_then(mean_s):
        node = rng.choice(nodes)
        kind = rng.choices(["telemetry", "position", "text", "nodeinfo"], [5, 4, 2, 1])[0]
        yield t, node, rng.getrandbits(32), kind, battery[node]()


def _mesh_gateways(traffic):
    return [f"!{traffic.hex(8)}" for _ in range(traffic.rng.randint(2, 4))]


@system
def meshtastic_json(traffic):
    rng = traffic.rng
    gateways = _mesh_gateways(traffic)
    for t, node, packet, kind, battery in _mesh_packets(traffic):
        content = {
            "telemetry": {
                "battery_level": battery,
                "voltage": round(3.3 + battery / 120, 3),
                "air_util_tx": rng.randint(0, 9) / 10,
            },
            "position": {
                "latitude_i": rng.randint(470000000, 480000000),
                "longitude_i": rng.randint(80000000, 90000000),
                "altitude": rng.randint(300, 500),
            },
            "text": {"text": rng.choice(["ok", "hello", "test", "on my way", "73"])},
            "nodeinfo": {
                "id": f"!{node:08x}",
                "longname": f"Node {node % 1000}",
                "shortname": f"{node % 1000}",
                "hardware": 9,
            },
        }[kind]
        event = traffic.event()
        for t_heard, gateway in traffic.hear(t, gateways, 0.7, (0.05, 3.0)):
            traffic.send(
                t_heard,
                f"msh/EU_868/2/json/LongFast/{gateway}",
                {
                    "channel": 0,
                    "from": node,
                    "hop_start": 3,
                    "hops_away": rng.randint(0, 3),
                    "id": packet,
                    "payload": content,
                    "rssi": rng.randint(-120, -60),
                    "sender": gateway,
                    "snr": rng.randint(-40, 40) / 4,
                    "timestamp": int(t_heard),
                    "to": 4294967295,
                    "type": kind,
                },
                event,
                client=gateway,
            )


def _mesh_protobuf(traffic, is_encrypted):
    rng = traffic.rng
    gateways = _mesh_gateways(traffic)
    for t, node, packet, kind, battery in _mesh_packets(traffic):
        content = (
            rng.randbytes(rng.randint(18, 40))
            if is_encrypted
            else protobuf(
                (1, {"telemetry": 67, "position": 3, "text": 1, "nodeinfo": 4}[kind]),
                (2, protobuf((1, "fixed32", int(t)), (2, protobuf((1, battery), (2, "float", 3.9))))),
            )
        )
        event = traffic.event()
        for t_heard, gateway in traffic.hear(t, gateways, 0.7, (0.05, 3.0)):
            packet_bytes = protobuf(
                (1, "fixed32", node),
                (2, "fixed32", 0xFFFFFFFF),
                (3, 8),
                (5 if is_encrypted else 4, content),
                (6, "fixed32", packet),
                (7, "fixed32", int(t_heard)),
                (8, "float", rng.randint(-40, 40) / 4),
                (9, rng.randint(1, 3)),
                (12, (1 << 64) + rng.randint(-120, -60)),
                (15, 3),
            )
            traffic.send(
                t_heard,
                f"msh/EU_868/2/e/LongFast/{gateway}",
                protobuf((1, packet_bytes), (2, "LongFast"), (3, gateway)),
                event,
                client=gateway,
            )


@system
def meshtastic_protobuf(traffic):
    _mesh_protobuf(traffic, False)


@system
def meshtastic_encrypted(traffic):
    _mesh_protobuf(traffic, True)


@system
def meshcore_packets(traffic):
    rng = traffic.rng
    observers = [(f"Observer {n}", traffic.hex(64, True)) for n in range(rng.randint(2, 4))]
    for t in traffic.now_and_then(6):
        raw = traffic.hex(2 * rng.randint(30, 80), True)
        digest = traffic.hex(16, True)
        kind = str(rng.choice([2, 4, 5]))
        event = traffic.event()
        for t_heard, (name, key) in traffic.hear(t, observers, 0.7, (0.02, 1.5)):
            traffic.send(
                t_heard,
                f"meshcore/MUC/{key}/packets",
                {
                    "origin": name,
                    "origin_id": key,
                    "timestamp": iso(t_heard, 6, ""),
                    "type": "PACKET",
                    "direction": "rx",
                    "time": plain_time(t_heard)[11:],
                    "date": "1/2/2026",
                    "len": str(len(raw) // 2),
                    "packet_type": kind,
                    "route": "F",
                    "payload_len": str(len(raw) // 2 - 4),
                    "raw": raw,
                    "SNR": str(rng.randint(-10, 12)),
                    "RSSI": str(rng.randint(-120, -50)),
                    "score": str(rng.randint(0, 1000)),
                    "hash": digest,
                },
                event,
                client=key,
            )


def _ble_sensors(traffic, gateways, interval_s, least=4, most=9):
    """(t, gateways that heard it [(t, gateway)], mac, readings, signal by gateway) of advertising sensors."""
    rng = traffic.rng
    for _ in range(rng.randint(least, most)):
        mac = traffic.mac("", True)
        temperature, humidity = traffic.drift(15, 25, 0.1, 2), traffic.drift(35, 60, 0.3, 1)
        battery = rng.randint(40, 100)
        signals = {gateway: traffic.signal(-95, -50) for gateway in gateways}
        for t in traffic.every(interval_s, 0.2):
            if rng.random() < 0.01:
                battery -= 1
            yield t, mac, temperature(), humidity(), battery, signals


@system
def openmqttgateway_ble(traffic):
    rng = traffic.rng
    gateways = [f"OMG_ESP32_{room}" for room in traffic.words(rng.randint(2, 4), ROOMS)]
    for t, mac, temperature, humidity, battery, signals in _ble_sensors(traffic, gateways, 45):
        with_colons = ":".join(mac[i : i + 2] for i in range(0, 12, 2))
        event = traffic.event()
        for t_heard, gateway in traffic.hear(t, gateways, 0.75, (0.01, 2.0)):
            rssi = signals[gateway]()
            traffic.send(
                t_heard,
                f"home/{gateway}/BTtoMQTT/{mac}",
                {
                    "id": with_colons,
                    "mac_type": 0,
                    "adv_type": 0,
                    "name": "ATC_" + mac[6:],
                    "rssi": rssi,
                    "distance": round(10 ** ((-59 - rssi) / 25), 6),
                    "brand": "Xiaomi",
                    "model": "TH Sensor",
                    "model_id": "LYWSD03MMC/MJWSD05MMC_ATC",
                    "tempc": temperature,
                    "tempf": round(temperature * 1.8 + 32, 2),
                    "hum": humidity,
                    "batt": battery,
                    "volt": round(2.2 + battery / 125, 3),
                },
                event,
                client=gateway,
            )


@system
def theengs_gateway(traffic):
    rng = traffic.rng
    gateways = [f"TheengsGateway{n}" for n in range(1, rng.randint(2, 3) + 1)]
    for t, mac, temperature, humidity, battery, signals in _ble_sensors(traffic, gateways, 60):
        event = traffic.event()
        data = f"{int(temperature * 10):04x}{int(humidity * 10):04x}{battery:02x}{traffic.hex(6)}"
        for t_heard, gateway in traffic.hear(t, gateways, 0.8, (0.01, 1.0)):
            rssi = signals[gateway]()
            traffic.send(
                t_heard,
                f"home/{gateway}/BTtoMQTT/{mac}",
                {
                    "name": "GVH5075_" + mac[8:],
                    "id": mac,
                    "rssi": rssi,
                    "brand": "Govee",
                    "model": "Thermo-Hygrometer",
                    "manufacturerdata": "88ec00" + data,
                    "tempc": temperature,
                    "hum": humidity,
                    "batt": battery,
                    "distance": round(10 ** ((-59 - rssi) / 25), 3),
                },
                event,
                client=gateway,
            )


@system
def ruuvi_gateway(traffic):
    rng = traffic.rng
    gateways = [traffic.mac() for _ in range(2)]
    for _ in range(rng.randint(4, 8)):
        tag = traffic.mac()
        sequence = rng.randint(0, 60000)
        temperature = traffic.drift(15, 25, 0.02, 2)
        signals = {gateway: traffic.signal(-95, -50) for gateway in gateways}
        for t in traffic.every(10, 0.1):
            sequence = (sequence + rng.randint(1, 8)) % 65536
            data = (
                b"\x02\x01\x06\x1b\xff\x99\x04\x05"
                + struct.pack(">hHHhhhHBH", int(temperature() * 200), 17000, 51000, 4, -4, 1036, 44000, 7, sequence)
                + bytes.fromhex(tag.replace(":", ""))
            )
            event = traffic.event()
            for t_heard, gateway in traffic.hear(t, gateways, 0.85, (0.02, 1.2)):
                traffic.send(
                    t_heard,
                    f"ruuvi/{gateway}/{tag}",
                    {
                        "gw_mac": gateway,
                        "rssi": signals[gateway](),
                        "aoa": [],
                        "gwts": str(int(t_heard)),
                        "ts": str(int(t)),
                        "data": data.hex().upper(),
                        "coords": "",
                    },
                    event,
                    client=gateway,
                )


@system
def shelly_blu(traffic):
    """BTHome through two Shellies with the documented script: pid counts packets, 0 to 255."""
    rng = traffic.rng
    gateways = [f"shellyplus1-{traffic.hex(12)}" for _ in range(2)]
    for number in range(rng.randint(3, 6)):
        address = traffic.mac(":", False)
        packet, battery = rng.randint(0, 255), rng.randint(60, 100)
        signals = {gateway: traffic.signal(-90, -50) for gateway in gateways}
        is_button = number % 2 == 0
        times = traffic.now_and_then(120, 1.0) if is_button else traffic.every(60, 0.1)
        lux = traffic.drift(0, 400, 20, 0)
        for t in times:
            packet = (packet + 1) % 256
            state = (
                {"button": rng.choice([1, 1, 1, 2, 4])}
                if is_button
                else {"window": rng.randint(0, 1), "illuminance": lux(), "rotation": 0}
            )
            event = traffic.event()
            for t_heard, gateway in traffic.hear(t, gateways, 0.9, (0.01, 0.5)):
                traffic.send(
                    t_heard,
                    f"{gateway}/blu/{address.replace(':', '')}",
                    {
                        "encryption": False,
                        "BTHome_version": 2,
                        "pid": packet,
                        "battery": battery,
                        **state,
                        "rssi": signals[gateway](),
                        "address": address,
                    },
                    event,
                    client=gateway,
                )


@system
def minew_gateway(traffic):
    """BLE gateways that report in arrays what they heard."""
    rng = traffic.rng
    gateways = [traffic.mac("") for _ in range(3)]
    for _ in range(rng.randint(6, 12)):
        mac = traffic.mac("")
        signals = {gateway: traffic.signal(-95, -50) for gateway in gateways}
        counter = rng.randint(0, 1 << 20)
        temperature = traffic.drift(15, 25, 0.05, 2)
        for t in traffic.every(20, 0.2):
            counter += 1
            raw = "0201060303E1FF1216E1FFA10164" + struct.pack(">hI", int(temperature() * 256), counter).hex().upper() + mac
            event = traffic.event()
            for t_heard, gateway in traffic.hear(t, gateways, 0.6, (0.05, 1.0)):
                traffic.send(
                    t_heard,
                    f"/gw/{gateway}/status",
                    [{"timestamp": iso(t_heard, 3), "type": "S1", "mac": mac, "rssi": signals[gateway](), "rawData": raw}],
                    event,
                    client=f"gw-{gateway}",
                )


@system
def wirepas_gateway(traffic):
    """Two sinks hear a mesh node; each gateway numbers its own events."""
    rng = traffic.rng
    gateways = [f"gw{traffic.hex(6)}" for _ in range(2)]
    for _ in range(rng.randint(8, 16)):
        source = rng.randint(1000, 9_000_000)
        for t in traffic.every(40, 0.2):
            payload = rng.randbytes(12)
            event = traffic.event()
            for t_heard, gateway in traffic.hear(t, gateways, 0.7, (0.02, 1.0)):
                header = protobuf((1, gateway), (2, "sink1"), (3, rng.getrandbits(63)))
                packet = protobuf(
                    (1, header),
                    (2, source),
                    (3, 1),
                    (4, 10),
                    (5, 10),
                    (6, rng.randint(5, 900)),
                    (7, int(t_heard * 1000)),
                    (8, 1),
                    (9, payload),
                    (10, len(payload)),
                    (11, rng.randint(1, 6)),
                )
                traffic.send(
                    t_heard,
                    f"gw-event/received_data/{gateway}/sink1/12345/10/10",
                    protobuf((1, protobuf((11, packet)))),
                    event,
                    client=gateway,
                )


def _weather_sensors(traffic, interval_s):
    rng = traffic.rng
    for model in traffic.words(
        5, ["Acurite-Tower", "Nexus-TH", "LaCrosse-TX141THBv2", "Bresser-3CH", "Fineoffset-WH2", "Ambientweather-F007TH"]
    ):
        sensor, channel = rng.randint(1, 65535), rng.choice([1, 2, 3])
        temperature, humidity = traffic.drift(5, 25, 0.15, 1), traffic.drift(30, 80, 0.5, 0)
        for t in traffic.every(interval_s * rng.uniform(0.8, 1.3), 0.01):
            yield t, {
                "model": model,
                "id": sensor,
                "channel": channel,
                "battery_ok": 1,
                "temperature_C": temperature(),
                "humidity": humidity(),
                "mic": rng.choice(["CHECKSUM"]) if model != "Nexus-TH" else "PARITY",
            }


@system
def rtl_433_repeats(traffic):
    """One receiver; the sensors say everything three times."""
    for t, sensor in _weather_sensors(traffic, 40):
        event = traffic.event()
        for repeat in range(3):
            if repeat == 0 or traffic.is_copied(0.85):
                t_repeat = t + 0.12 * repeat
                traffic.send(
                    t_repeat, "rtl_433/raspi/events", {"time": plain_time(t_repeat), **sensor}, event, client="rtl_433"
                )


@system
def rtl_433_two_hosts(traffic):
    rng = traffic.rng
    hosts = ["attic", "barn"]
    for t, sensor in _weather_sensors(traffic, 45):
        event = traffic.event()
        for t_heard, host in traffic.hear(t, hosts, 0.85, (0.05, 0.6)):
            traffic.send(
                t_heard,
                f"rtl_433/{host}/events",
                {
                    "time": iso(t_heard, 6, ""),
                    **sensor,
                    "mod": "ASK",
                    "freq": round(433.92 + rng.uniform(-0.02, 0.02), 5),
                    "rssi": round(rng.uniform(-20, -0.1), 3),
                    "snr": round(rng.uniform(5, 30), 3),
                    "noise": round(rng.uniform(-36, -30), 3),
                },
                event,
                client=f"rtl_433-{host}",
            )


@system
def openmqttgateway_433(traffic):
    """Remote controls and door contacts: a code, repeated by the sender while it is pressed."""
    rng = traffic.rng
    codes = [rng.randint(1 << 20, 1 << 24) for _ in range(12)]
    for t in traffic.now_and_then(20, 6.0):
        code = rng.choice(codes)
        event = traffic.event()
        for repeat in range(rng.randint(2, 5)):
            if repeat == 0 or traffic.is_copied():
                traffic.send(
                    t + repeat * rng.uniform(0.09, 0.16),
                    "home/OpenMQTTGateway/433toMQTT",
                    {"value": code, "protocol": 1, "length": 24, "delay": rng.randint(340, 355)},
                    event,
                    client="OpenMQTTGateway",
                )


@system
def tasmota_rf_bridges(traffic):
    """Two Sonoff RF bridges hear the same remote controls."""
    rng = traffic.rng
    bridges = ["rfbridge_up", "rfbridge_down"]
    codes = [f"{rng.randint(1 << 20, 1 << 24):06X}" for _ in range(9)]
    for t in traffic.now_and_then(25, 8.0):
        code = rng.choice(codes)
        event = traffic.event()
        for t_heard, bridge in traffic.hear(t, bridges, 0.8, (0.02, 0.4)):
            traffic.send(
                t_heard,
                f"tele/{bridge}/RESULT",
                {
                    "Time": iso(t_heard, 0, ""),
                    "RfReceived": {
                        "Sync": rng.randint(10200, 10400),
                        "Low": rng.randint(330, 360),
                        "High": rng.randint(1000, 1040),
                        "Data": code,
                        "RfKey": "None",
                    },
                },
                event,
                client=bridge,
            )


@system
def rtlamr_meters(traffic):
    """Two receivers of utility meters that send their reading every 30 s."""
    rng = traffic.rng
    hosts = ["amr-a", "amr-b"]
    for _ in range(rng.randint(5, 10)):
        meter, reading = rng.randint(10_000_000, 60_000_000), rng.randint(10_000, 900_000)
        for t in traffic.every(33, 0.1):
            reading += rng.choice([0, 0, 1, 1, 2])
            event = traffic.event()
            for t_heard, host in traffic.hear(t, hosts, 0.8, (0.01, 0.5)):
                traffic.send(
                    t_heard,
                    f"{host}/SCM/{meter}",
                    {
                        "Time": iso(t_heard, 9, "+00:00"),
                        "Offset": 0,
                        "Length": 0,
                        "Type": "SCM",
                        "Message": {
                            "ID": meter,
                            "Type": 7,
                            "TamperPhy": 1,
                            "TamperEnc": 0,
                            "Consumption": reading,
                            "ChecksumVal": (meter * 31 + reading * 7) % 65536,
                        },
                    },
                    event,
                    client=host,
                )


@system
def ais_catcher(traffic):
    """Ships, heard by three stations."""
    rng = traffic.rng
    stations = ["harbour", "cape", "hill"]
    for _ in range(rng.randint(6, 12)):
        mmsi = rng.randint(200_000_000, 700_000_000)
        lat, lon, speed = traffic.drift(53, 54, 0.001, 6), traffic.drift(7, 8, 0.001, 6), traffic.drift(0, 15, 0.2, 1)
        for t in traffic.every(12, 0.3):
            content = "".join(rng.choice("0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVW") for _ in range(26))
            fields = {
                "type": 1,
                "mmsi": mmsi,
                "status": 0,
                "speed": speed(),
                "lon": lon(),
                "lat": lat(),
                "course": rng.randint(0, 3599) / 10,
            }
            event = traffic.event()
            for t_heard, station in traffic.hear(t, stations, 0.5, (0.02, 1.0)):
                traffic.send(
                    t_heard,
                    f"ais/{station}",
                    {
                        "class": "AIS",
                        "device": "AIS-catcher",
                        "rxtime": plain_time(t_heard).replace("-", "").replace(":", "").replace(" ", ""),
                        "scaled": True,
                        "channel": "A",
                        "nmea": [f"!AIVDM,1,1,,A,1{content},0*5C"],
                        "signalpower": round(rng.uniform(-60, -20), 3),
                        "ppm": round(rng.uniform(-3, 3), 2),
                        **fields,
                    },
                    event,
                    client=f"ais-{station}",
                )


@system
def radiosonde_auto_rx(traffic):
    rng = traffic.rng
    stations = ["DL1ABC", "OE5XYZ", "HB9QQQ"]
    for _ in range(rng.randint(2, 3)):
        serial = f"S{rng.randint(1_000_000, 9_999_999)}"
        frame, altitude = rng.randint(100, 3000), rng.uniform(500, 9000)
        for t in traffic.every(5, 0.02):
            frame += 5
            altitude += 25 + rng.uniform(-2, 2)
            fields = {
                "frame": frame,
                "id": serial,
                "datetime": iso(t, 3),
                "lat": round(48 + rng.random(), 5),
                "lon": round(11 + rng.random(), 5),
                "alt": round(altitude, 2),
                "temp": round(15 - altitude / 150, 1),
                "type": "RS41-SGP",
                "sats": 9,
            }
            event = traffic.event()
            for t_heard, station in traffic.hear(t, stations, 0.6, (0.1, 1.5)):
                traffic.send(
                    t_heard,
                    f"sonde/{station}/{serial}",
                    {
                        **fields,
                        "snr": round(rng.uniform(5, 25), 1),
                        "f_error": rng.randint(-900, 900),
                        "uploader_callsign": station,
                    },
                    event,
                    client=station,
                )


@system
def lora_aprs_igates(traffic):
    """Text, not JSON; each gate writes to its own topic, and adds nothing."""
    rng = traffic.rng
    gates = ["DB0XYZ-10", "OE5ABC-10", "DL0QQ-11"]
    for _ in range(rng.randint(8, 14)):
        call = "".join(rng.choice("ABCDEFGHIKLMNOPQRSTUVWXYZ") for _ in range(3))
        lat, lon = traffic.drift(4800, 4899, 0.05, 2), traffic.drift(1100, 1199, 0.05, 2)
        for t in traffic.every(60, 0.3):
            text = f"DL1{call}-9>APLT00,WIDE1-1:!{lat():07.2f}N/{lon():08.2f}E>{rng.randint(0, 359):03d}/{rng.randint(0, 80):03d}/A={rng.randint(1200, 1800):06d}"
            event = traffic.event()
            for t_heard, gate in traffic.hear(t, gates, 0.5, (0.05, 1.5)):
                traffic.send(t_heard, f"aprs/igate/{gate}/rx", text, event, client=gate)


@system
def enocean_gateways(traffic):
    """Switches: no counter and no time; two gateways hear each press within some milliseconds."""
    rng = traffic.rng
    gateways = ["enocean-eg", "enocean-og"]
    for _ in range(rng.randint(5, 9)):
        sender = traffic.hex(8, True)
        for t in traffic.now_and_then(80, 3.0):
            state = {"button": rng.choice(["A0", "A1", "B0", "B1"]), "pressed": True}
            for t_state in (t, t + rng.uniform(0.6, 1.5)):
                event = traffic.event()
                for t_heard, gateway in traffic.hear(t_state, gateways, 0.9, (0.002, 0.06)):
                    traffic.send(
                        t_heard,
                        f"enocean/{gateway}/{sender}",
                        {"sender": sender, "eep": "F6-02-01", **state, "rssi": rng.randint(-90, -45)},
                        event,
                        client=gateway,
                    )
                state = {**state, "pressed": False}


@system
def ble2mqtt_raw(traffic):
    """Raw advertisements, base64, of tags with a counter inside."""
    rng = traffic.rng
    readers = [f"reader{n}" for n in range(1, 4)]
    for _ in range(rng.randint(8, 14)):
        tag, counter = traffic.mac("", False), rng.randint(0, 1 << 24)
        for t in traffic.every(15, 0.2):
            counter += 1
            data = base64.b64encode(bytes.fromhex(tag) + counter.to_bytes(4, "big") + b"\x01\x64").decode()
            event = traffic.event()
            for t_heard, reader in traffic.hear(t, readers, 0.6, (0.01, 0.8)):
                traffic.send(
                    t_heard,
                    "assets/adv",
                    {"reader": reader, "tag": tag, "adv": data, "rssi": rng.randint(-95, -45), "at": int(t_heard * 1000)},
                    event,
                    client=reader,
                )


@system
def lightning_detectors(traffic):
    """Strokes with nanoseconds and a place, over two servers that take turns in being first."""
    rng = traffic.rng
    for t in traffic.now_and_then(3):
        stroke = {
            "time": int(t * 1e9),
            "lat": round(rng.uniform(45, 55), 6),
            "lon": round(rng.uniform(5, 15), 6),
            "alt": 0,
            "pol": 0,
            "mds": rng.randint(5000, 15000),
            "mcg": rng.randint(50, 250),
        }
        cell = "/".join(rng.choice("uvs") for _ in range(3))
        event = traffic.event()
        for t_heard, server in traffic.hear(t + 2, ["bo1", "bo2"], 0.95, (0.1, 2.0)):
            traffic.send(t_heard, f"lightning/1.1/{cell}", {**stroke, "delay": round(t_heard - t, 1)}, event, client=server)


@system
def mesh_repeaters(traffic):
    """Nodes that share their gateways' topics, each with a count of one byte."""
    rng = traffic.rng
    for node in range(10):
        count = rng.randint(0, 255)
        for t in traffic.now_and_then(40, 2):
            count = (count + 1) % 256
            event = traffic.event()
            reading = round(rng.uniform(15, 25), 1)
            for t_heard, gateway in traffic.hear(t, ["north", "south", "east"], 0.6, (0.05, 1.5)):
                frame = {"src": node, "seq": count, "ttl": rng.randint(1, 7), "t": reading, "rssi": rng.randint(-110, -40)}
                traffic.send(t_heard, f"mesh/{gateway}/rx", frame, event, client=gateway)
