"""Meters and energy."""

from tests.command.traffic.made import iso, system


@system
def wmbusmeters_two_receivers(traffic):
    """wmbusmeters on two machines: the telegram is the same, received a moment apart."""
    rng = traffic.rng
    for number in range(rng.randint(6, 12)):
        meter, total = f"{rng.randint(10_000_000, 99_999_999)}", rng.uniform(10, 900)
        for t in traffic.every(64, 0.15):
            total += rng.choice([0, 0, 0.001, 0.004, 0.012])
            event = traffic.event()
            for t_heard, receiver in traffic.hear(t, ["rtl0", "rtl1"], 0.85, (0.1, 0.9)):
                traffic.send(
                    t_heard,
                    f"wmbusmeters/Water{number}",
                    {
                        "media": "water",
                        "meter": "multical21",
                        "name": f"Water{number}",
                        "id": meter,
                        "status": "OK",
                        "total_m3": round(total, 3),
                        "target_m3": round(total - 1.5, 1),
                        "flow_temperature_c": 12 + number,
                        "timestamp": iso(t_heard),
                        "device": receiver,
                        "rssi_dbm": rng.randint(-95, -50),
                    },
                    event,
                    client=f"wmbus-{receiver}",
                )


@system
def wmbus_raw_telegrams(traffic):
    """Raw telegrams, whose access number counts to 255, from two gateways."""
    rng = traffic.rng
    for _ in range(rng.randint(6, 12)):
        meter, access = traffic.hex(8, True), rng.randint(0, 255)
        for t in traffic.every(30, 0.1):
            access = (access + 1) % 256
            telegram = f"2C44A7320{meter}16{access:02X}" + traffic.hex(60, True)
            event = traffic.event()
            for t_heard, gateway in traffic.hear(t, ["wgw1", "wgw2"], 0.8, (0.01, 0.4)):
                traffic.send(
                    t_heard,
                    f"wmbus/{gateway}/telegram",
                    {"telegram": telegram, "rssi": rng.randint(-100, -50), "at": iso(t_heard, 3)},
                    event,
                    client=gateway,
                )


@system
def vzlogger(traffic):
    rng = traffic.rng
    for channel in range(rng.randint(3, 6)):
        power = traffic.drift(100, 3000, 60, 2)
        for t in traffic.every(5, 0.05):
            message = traffic.send(
                t, f"vzlogger/chn{channel}/raw", {"timestamp": int(t * 1000), "value": power()}, client="vzlogger", qos=1
            )
            traffic.resend(message, 0.06, (0.5, 4))


@system
def dsmr_telegrams(traffic):
    """The whole P1 telegram as text, its time in it; a bridge sends it back."""
    rng = traffic.rng
    energy, power = rng.uniform(1000, 9000), traffic.drift(0.1, 4, 0.2, 3)
    for t in traffic.every(10, 0.01):
        energy += power() / 360
        text = f"/ISK5\\2M550T-1012\r\n\r\n0-0:1.0.0({iso(t, 0, '')[2:].replace('-', '').replace('T', '').replace(':', '')}W)\r\n1-0:1.8.1({energy:010.3f}*kWh)\r\n1-0:1.7.0({power.value:06.3f}*kW)\r\n!{traffic.hex(4, True)}"
        message = traffic.send(t, "dsmr/telegram", text, client="p1")
        if traffic.is_copied(0.5):
            traffic.again(message, t + rng.uniform(0.01, 0.3), client="cloud-bridge")


@system
def heat_meters_store_and_forward(traffic):
    """After a lost connection a concentrator sends its last minutes again."""
    rng = traffic.rng
    for _ in range(3):
        unit = f"HC{rng.randint(1000, 9999)}"
        sent = []
        readings = {f"{rng.randint(60_000_000, 69_999_999)}": rng.uniform(100, 900) for _ in range(6)}
        outage = traffic.start + rng.uniform(300, 500)
        for t in traffic.every(30, 0.02):
            for meter in readings:
                readings[meter] += rng.uniform(0, 0.02)
                sent.append(
                    traffic.send(
                        t + rng.uniform(0, 1),
                        f"heat/{unit}/reading",
                        {
                            "meter": meter,
                            "taken": iso(t),
                            "energy_mwh": round(readings[meter], 3),
                            "flow": round(rng.uniform(0, 2), 2),
                        },
                        client=unit,
                        qos=1,
                    )
                )
            if t > outage:
                outage = t + rng.uniform(500, 800)
                for message in sent[-12 * rng.randint(1, 3) :]:
                    if traffic.is_copied(0.9):
                        traffic.again(message, t + rng.uniform(2, 6))


@system
def evse_transactions(traffic):
    """OCPP-like arrays with a message's uuid."""
    rng = traffic.rng
    for _ in range(rng.randint(6, 10)):
        charger = f"CP{rng.randint(100, 999)}"
        energy = rng.randint(0, 90000)
        for t in traffic.every(60, 0.05):
            energy += rng.randint(0, 180)
            message = traffic.send(
                t,
                f"ocpp/{charger}/out",
                [
                    2,
                    traffic.uuid(),
                    "MeterValues",
                    {
                        "connectorId": 1,
                        "meterValue": [{"timestamp": iso(t), "sampledValue": [{"value": str(energy), "unit": "Wh"}]}],
                    },
                ],
                client=charger,
                qos=1,
            )
            traffic.resend(message, 0.15, (2, 40))


@system
def solar_inverters(traffic):
    """A time in whole seconds and readings; resent by the logger."""
    rng = traffic.rng
    for _ in range(rng.randint(5, 9)):
        serial = f"{rng.randint(114_100_000_000, 114_199_999_999)}"
        power = traffic.drift(10, 380, 6, 1)
        for t in traffic.every(15, 0.02):
            message = traffic.send(
                t,
                f"solar/{serial}/ch1",
                {
                    "ts": int(t),
                    "power": power(),
                    "voltage": round(rng.uniform(30, 34), 1),
                    "yieldday": int((t % 86400) / 60),
                },
                client="opendtu",
                qos=1,
            )
            traffic.resend(message, 0.1, (0.5, 6))
