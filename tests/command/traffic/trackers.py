"""Things and people on the move."""

from tests.command.traffic.made import iso, system


@system
def owntracks(traffic):
    """The app kept positions while it was offline, and sends some of them twice."""
    rng = traffic.rng
    for user in traffic.words(rng.randint(4, 8), ["ann", "bob", "cem", "dora", "emil", "fay", "gus", "hana"]):
        lat, lon = traffic.drift(48, 49, 0.002, 6), traffic.drift(11, 12, 0.002, 6)
        battery = rng.randint(30, 100)
        for t in traffic.now_and_then(60, 10):
            message = traffic.send(
                t + rng.uniform(0, 2),
                f"owntracks/{user}/phone",
                {
                    "_type": "location",
                    "BSSID": "5c:49:79:aa:bb:cc",
                    "SSID": "home",
                    "acc": rng.randint(5, 40),
                    "alt": rng.randint(480, 520),
                    "batt": battery,
                    "bs": 1,
                    "conn": "m",
                    "created_at": int(t),
                    "lat": lat(),
                    "lon": lon(),
                    "m": 1,
                    "tid": user[:2],
                    "topic": f"owntracks/{user}/phone",
                    "tst": int(t) - rng.randint(0, 2),
                    "vac": 3,
                    "vel": rng.randint(0, 50),
                },
                client=f"{user}phone",
                qos=1,
            )
            traffic.resend(message, 0.2, (5, 120))


@system
def traccar_positions(traffic):
    rng = traffic.rng
    identity = rng.randint(10_000, 90_000)
    for device in range(1, rng.randint(6, 12)):
        lat, lon, odometer = traffic.drift(52, 53, 0.002, 5), traffic.drift(13, 14, 0.002, 5), rng.uniform(1e4, 9e5)
        for t in traffic.every(30, 0.3):
            identity += 1
            odometer += rng.uniform(0, 700)
            body = {
                "position": {
                    "id": identity,
                    "deviceId": device,
                    "protocol": "osmand",
                    "serverTime": iso(t + 0.3, 3, "+00:00"),
                    "deviceTime": iso(t, 3, "+00:00"),
                    "fixTime": iso(t, 3, "+00:00"),
                    "valid": True,
                    "latitude": lat(),
                    "longitude": lon(),
                    "speed": round(rng.uniform(0, 40), 2),
                    "attributes": {"totalDistance": round(odometer, 2), "motion": True},
                },
                "device": {"id": device, "name": f"Van {device}", "status": "online"},
            }
            traffic.resend(traffic.send(t + 0.3, "traccar/positions", body, client="traccar", qos=1), 0.12, (1, 20))


@system
def teltonika(traffic):
    rng = traffic.rng
    for _ in range(rng.randint(6, 12)):
        imei = f"35{rng.randint(10 ** 12, 10 ** 13 - 1)}"
        lat, lon = traffic.drift(54, 55, 0.002, 6), traffic.drift(25, 26, 0.002, 6)
        for t in traffic.every(20, 0.2):
            body = {
                "state": {
                    "reported": {
                        "ts": int(t * 1000),
                        "latlng": f"{lat()},{lon()}",
                        "alt": rng.randint(90, 130),
                        "ang": rng.randint(0, 359),
                        "sat": rng.randint(7, 17),
                        "sp": rng.randint(0, 90),
                        "pr": 0,
                        "evt": 0,
                        "239": 1,
                        "66": rng.randint(12000, 14400),
                        "16": int(t) % 1000000,
                    }
                }
            }
            traffic.resend(traffic.send(t, f"{imei}/data", body, client=imei, qos=1), 0.15, (2, 60))


@system
def transit_two_modems(traffic):
    """A bus publishes each second over two modems; the same position, told twice."""
    rng = traffic.rng
    for _ in range(3):
        vehicle, route = rng.randint(100, 1999), rng.choice(["1069", "2550", "1009"])
        lat, lon, odometer = traffic.drift(60.1, 60.3, 0.0004, 6), traffic.drift(24.8, 25, 0.0004, 6), rng.randint(0, 9000)
        for t in traffic.every(1, 0.02, first=0.1):
            if t > traffic.start + 900:
                break
            odometer += rng.randint(0, 14)
            body = {
                "VP": {
                    "desi": route[1:],
                    "dir": "1",
                    "oper": 22,
                    "veh": vehicle,
                    "tst": iso(t, 3),
                    "tsi": int(t),
                    "spd": round(rng.uniform(0, 15), 2),
                    "hdg": rng.randint(0, 359),
                    "lat": lat(),
                    "long": lon(),
                    "acc": 0,
                    "dl": rng.randint(-90, 20),
                    "odo": odometer,
                    "drst": 0,
                    "oday": iso(t)[:10],
                    "jrn": 55,
                    "line": 264,
                    "start": "07:20",
                }
            }
            event = traffic.event()
            for t_heard, modem in traffic.hear(t, ["m1", "m2"], 0.9, (0.05, 0.6)):
                traffic.send(
                    t_heard,
                    f"/hfp/v2/journey/ongoing/vp/bus/0022/{vehicle:05d}/{route}/1/Malmi/7:20/1130106/4/60;24",
                    body,
                    event,
                    client=f"veh{vehicle}-{modem}",
                )


@system
def vda5050_agvs(traffic):
    """headerId counts messages of a topic."""
    rng = traffic.rng
    for _ in range(rng.randint(3, 6)):
        serial, header = f"AGV{rng.randint(100, 999)}", rng.randint(0, 5000)
        x, y = traffic.drift(0, 80, 0.6, 3), traffic.drift(0, 40, 0.6, 3)
        for t in traffic.every(10, 0.3):
            header += 1
            body = {
                "headerId": header,
                "timestamp": iso(t, 3),
                "version": "2.0.0",
                "manufacturer": "acme",
                "serialNumber": serial,
                "orderId": f"o{header // 40}",
                "orderUpdateId": 0,
                "lastNodeId": f"n{header // 6}",
                "driving": rng.random() < 0.8,
                "agvPosition": {
                    "x": x(),
                    "y": y(),
                    "theta": round(rng.uniform(-3, 3), 3),
                    "mapId": "hall",
                    "positionInitialized": True,
                },
                "batteryState": {"batteryCharge": 100 - header % 60, "charging": False},
            }
            traffic.resend(traffic.send(t, f"uagv/v2/acme/{serial}/state", body, client=serial, qos=1), 0.12, (0.3, 5))


@system
def gpslogger_form(traffic):
    """Form-encoded text, no JSON."""
    rng = traffic.rng
    for _ in range(rng.randint(4, 8)):
        phone = traffic.hex(8)
        lat, lon = traffic.drift(47, 48, 0.002, 6), traffic.drift(8, 9, 0.002, 6)
        for t in traffic.every(40, 0.2):
            text = f"lat={lat()}&lon={lon()}&time={iso(t)}&s={rng.randint(0, 30)}&batt={rng.randint(20, 90)}"
            traffic.resend(traffic.send(t, f"gpslogger/{phone}", text, client=phone, qos=1), 0.2, (3, 50))


@system
def fleet_two_brokers(traffic):
    """Vehicles send to two sites that forward to the centre under their own name."""
    rng = traffic.rng
    for _ in range(rng.randint(6, 10)):
        vehicle, sequence = f"T{rng.randint(1000, 9999)}", rng.randint(0, 1 << 30)
        for t in traffic.every(25, 0.3):
            sequence += 1
            body = {
                "vehicle": vehicle,
                "seq": sequence,
                "gps": [round(rng.uniform(47, 48), 5), round(rng.uniform(8, 9), 5)],
                "fuel": rng.randint(10, 90),
            }
            event = traffic.event()
            for t_heard, site in traffic.hear(t, ["zrh", "gva"], 0.9, (0.02, 0.9)):
                traffic.send(t_heard, f"fleet/{site}/{vehicle}", body, event, client=f"site-{site}")
