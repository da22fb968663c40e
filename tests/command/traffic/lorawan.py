"""LoRaWAN servers, and other wide-area networks, behind which the same uplink is published twice."""

import base64

from tests.command.traffic.made import iso, protobuf, system


def _devices(traffic, least=6, most=14):
    return [
        (traffic.hex(16), traffic.rng.randint(0, 60000), traffic.drift(10, 30, 0.2, 1))
        for _ in range(traffic.rng.randint(least, most))
    ]


def _uplinks(traffic, interval_s=90, jitter=0.1):
    """(t, eui, frame counter, application bytes, temperature)"""
    for eui, count, temperature in _devices(traffic):
        for t in traffic.every(interval_s, jitter):
            count += 1 if traffic.rng.random() < 0.95 else 2
            value = temperature()
            yield t, eui, count, b"\x01\x67" + int(value * 10).to_bytes(2, "big"), value


def _rx_info(traffic, t, gateway):
    rng = traffic.rng
    return {
        "gatewayId": gateway,
        "uplinkId": rng.getrandbits(32),
        "gwTime": iso(t, 6, "+00:00"),
        "rssi": rng.randint(-120, -60),
        "snr": round(rng.uniform(-10, 10), 1),
        "channel": rng.randint(0, 7),
        "location": {},
        "context": base64.b64encode(rng.randbytes(4)).decode(),
        "crcStatus": "CRC_OK",
    }


def _chirpstack_up(traffic, t, application, eui, count, data, value, gateway, dedup):
    return {
        "deduplicationId": dedup,
        "time": iso(t, 6, "+00:00"),
        "deviceInfo": {
            "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
            "tenantName": "ChirpStack",
            "applicationId": application,
            "applicationName": "sensors",
            "deviceProfileName": "th",
            "deviceName": "dev-" + eui[-4:],
            "devEui": eui,
            "tags": {},
        },
        "devAddr": eui[8:],
        "adr": True,
        "dr": 5,
        "fCnt": count,
        "fPort": 2,
        "confirmed": False,
        "data": base64.b64encode(data).decode(),
        "object": {"temperature": value},
        "rxInfo": [_rx_info(traffic, t, gateway)],
        "txInfo": {
            "frequency": traffic.rng.choice([868100000, 868300000, 868500000]),
            "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 7, "codeRate": "CR_4_5"}},
        },
    }


@system
def chirpstack_v4(traffic):
    """The integration's client loses an acknowledgement."""
    application = traffic.uuid()
    gateways = [traffic.hex(16) for _ in range(3)]
    for t, eui, count, data, value in _uplinks(traffic):
        up = _chirpstack_up(traffic, t, application, eui, count, data, value, traffic.rng.choice(gateways), traffic.uuid())
        traffic.resend(traffic.send(t, f"application/{application}/device/{eui}/event/up", up, client="chirpstack", qos=1))


@system
def chirpstack_two_servers(traffic):
    """Two servers in hot standby, each with its own deduplication id, time and gateway's report."""
    application = traffic.uuid()
    gateways = [traffic.hex(16) for _ in range(3)]
    for t, eui, count, data, value in _uplinks(traffic):
        event = traffic.event()
        frequency = traffic.rng.choice([868100000, 868300000, 868500000])
        for t_heard, server in traffic.hear(t, ["cs-a", "cs-b"], 0.95, (0.15, 0.4)):
            up = _chirpstack_up(
                traffic, t_heard, application, eui, count, data, value, traffic.rng.choice(gateways), traffic.uuid()
            )
            up["txInfo"]["frequency"] = frequency
            traffic.send(t_heard, f"application/{application}/device/{eui}/event/up", up, event, client=server)


@system
def chirpstack_v3(traffic):
    gateways = [traffic.hex(16) for _ in range(3)]
    for t, eui, count, data, value in _uplinks(traffic, 120):
        up = {
            "applicationID": "1",
            "applicationName": "sensors",
            "deviceName": "dev-" + eui[-4:],
            "devEUI": base64.b64encode(bytes.fromhex(eui)).decode(),
            "rxInfo": [_rx_info(traffic, t, traffic.rng.choice(gateways))],
            "txInfo": {"frequency": 868100000, "dr": 5},
            "adr": True,
            "dr": 5,
            "fCnt": count,
            "fPort": 2,
            "data": base64.b64encode(data).decode(),
            "objectJSON": f'{{"temperature":{value}}}',
            "tags": {},
        }
        traffic.resend(traffic.send(t, f"application/1/device/{eui}/event/up", up, client="as", qos=1), 0.12, (2, 30))


@system
def chirpstack_protobuf(traffic):
    application = traffic.uuid()
    for t, eui, count, data, value in _uplinks(traffic):
        up = protobuf(
            (1, traffic.uuid()),
            (2, protobuf((1, int(t)), (2, int(t % 1 * 1e9)))),
            (3, protobuf((1, "t1"), (3, application), (8, eui))),
            (4, eui[8:]),
            (5, 1),
            (6, 5),
            (7, count),
            (8, 2),
            (10, data),
            (12, protobuf((1, "0016c001f153a14c"), (2, traffic.rng.getrandbits(32)), (6, 95 + traffic.rng.randint(0, 20)))),
        )
        traffic.resend(
            traffic.send(t, f"application/{application}/device/{eui}/event/up", up, client="chirpstack", qos=1),
            0.15,
            (0.5, 10),
        )


@system
def the_things_stack(traffic):
    rng = traffic.rng
    for t, eui, count, data, value in _uplinks(traffic, 75):
        up = {
            "end_device_ids": {
                "device_id": "eui-" + eui,
                "application_ids": {"application_id": "app1"},
                "dev_eui": eui.upper(),
                "dev_addr": eui[8:].upper(),
            },
            "correlation_ids": [f"gs:uplink:01{traffic.hex(24, True)}"],
            "received_at": iso(t + 0.2, 9),
            "uplink_message": {
                "session_key_id": "AYfg8rhha5n" + eui[:6],
                "f_port": 1,
                "f_cnt": count,
                "frm_payload": base64.b64encode(data).decode(),
                "decoded_payload": {"temperature": value},
                "rx_metadata": [
                    {
                        "gateway_ids": {"gateway_id": "gw-1"},
                        "timestamp": rng.getrandbits(32),
                        "rssi": rng.randint(-120, -60),
                        "snr": rng.randint(-10, 10),
                        "received_at": iso(t, 9),
                    }
                ],
                "settings": {"data_rate": {"lora": {"bandwidth": 125000, "spreading_factor": 7}}, "frequency": "868100000"},
                "received_at": iso(t, 9),
                "consumed_airtime": "0.061696s",
            },
        }
        traffic.resend(traffic.send(t + 0.2, f"v3/app1@ttn/devices/eui-{eui}/up", up, client="ttn-bridge"), 0.1, (1, 40))


@system
def thingpark_two_servers(traffic):
    """Both network servers of a pair report an uplink, with their own time and base station."""
    rng = traffic.rng
    for t, eui, count, data, value in _uplinks(traffic):
        event = traffic.event()
        for t_heard, lrc in traffic.hear(t, ["lrc1", "lrc2"], 0.9, (0.05, 0.8)):
            traffic.send(
                t_heard,
                f"thingpark/{eui.upper()}/up",
                {
                    "DevEUI_uplink": {
                        "Time": iso(t_heard, 3, "+00:00"),
                        "DevEUI": eui.upper(),
                        "FPort": 2,
                        "FCntUp": count,
                        "MType": 2,
                        "payload_hex": data.hex() + f"{count % 251:02x}",
                        "mic_hex": f"{(count * 2654435761 ^ int(eui[:8], 16)) & 0xFFFFFFFF:08x}",
                        "Lrcid": lrc,
                        "LrrRSSI": rng.randint(-120, -60),
                        "LrrSNR": round(rng.uniform(-10, 10), 1),
                        "SpFact": 7,
                        "SubBand": "G1",
                        "Channel": "LC1",
                        "Lrrid": f"{rng.randint(0, 5):08X}",
                        "CustomerID": "100000507",
                    }
                },
                event,
                client=lrc,
            )


@system
def loriot(traffic):
    rng = traffic.rng
    for t, eui, count, data, value in _uplinks(traffic, 100):
        up = {
            "cmd": "rx",
            "seqno": rng.randint(1000, 999999),
            "EUI": eui.upper(),
            "ts": int(t * 1000),
            "fcnt": count,
            "port": 2,
            "freq": 868100000,
            "rssi": rng.randint(-120, -60),
            "snr": round(rng.uniform(-10, 10), 1),
            "toa": 61,
            "dr": "SF7 BW125 4/5",
            "ack": False,
            "bat": 255,
            "offline": False,
            "data": data.hex(),
        }
        traffic.resend(traffic.send(t, f"loriot/BE7A{eui[:4].upper()}/uplink", up, client="loriot", qos=1), 0.2, (0.5, 5))


@system
def milesight_gateways(traffic):
    """Gateways with a server inside: two of them hear the device and each publishes."""
    gateways = [traffic.hex(16) for _ in range(2)]
    for t, eui, count, data, value in _uplinks(traffic, 60):
        event = traffic.event()
        for t_heard, gateway in traffic.hear(t, gateways, 0.85, (0.05, 0.5)):
            traffic.send(
                t_heard,
                f"milesight/{gateway}/uplink",
                {
                    "applicationID": 1,
                    "deviceName": "EM300-" + eui[-4:],
                    "devEUI": eui,
                    "time": iso(t_heard, 6),
                    "fCnt": count,
                    "fPort": 85,
                    "data": base64.b64encode(data).decode(),
                    "rxInfo": [
                        {
                            "mac": gateway,
                            "rssi": traffic.rng.randint(-110, -50),
                            "loRaSNR": round(traffic.rng.uniform(-5, 12), 1),
                            "time": iso(t_heard, 6),
                        }
                    ],
                },
                event,
                client=f"ug65-{gateway[-4:]}",
            )


@system
def sigfox_callbacks(traffic):
    """A callback for each base station that heard the frame."""
    rng = traffic.rng
    for _ in range(rng.randint(10, 20)):
        device, sequence = traffic.hex(6, True), rng.randint(0, 3000)
        for t in traffic.every(300, 0.2):
            sequence += 1
            data = traffic.hex(24)
            event = traffic.event()
            for t_heard, station in traffic.hear(t, ["1A2B", "33C4", "7F01", "29E0"], 0.5, (0.3, 3.0)):
                traffic.send(
                    t_heard,
                    f"sigfox/{device}/data",
                    {
                        "device": device,
                        "time": int(t),
                        "data": data,
                        "seqNumber": sequence,
                        "station": station,
                        "rssi": round(rng.uniform(-140, -90), 2),
                        "snr": round(rng.uniform(5, 40), 2),
                        "lqi": rng.choice(["Limit", "Average", "Good"]),
                    },
                    event,
                    client="sigfox-callback",
                )


@system
def helium_router(traffic):
    rng = traffic.rng
    for t, eui, count, data, value in _uplinks(traffic, 120):
        up = {
            "app_eui": "6081F9A0D3B1C2E4",
            "dc": {"balance": rng.randint(1000, 2000), "nonce": 1},
            "dev_eui": eui.upper(),
            "devaddr": eui[8:],
            "fcnt": count,
            "hotspots": [
                {
                    "id": traffic.hex(20),
                    "name": "tall-plum-griffin",
                    "rssi": rng.randint(-120, -60),
                    "snr": rng.randint(-10, 10),
                }
            ],
            "id": eui[:8] + "-0000",
            "name": "dev-" + eui[:4],
            "payload": base64.b64encode(data).decode(),
            "payload_size": len(data),
            "port": 2,
            "reported_at": int(t * 1000),
            "type": "uplink",
            "uuid": traffic.uuid(),
        }
        traffic.resend(traffic.send(t, f"helium/{eui[:8]}/rx", up, client="console", qos=1), 0.15, (3, 15))
