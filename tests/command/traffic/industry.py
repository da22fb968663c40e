"""Plants: field gateways, Sparkplug, OPC UA, the standards of message brokers, device clouds."""

import base64
import struct

from tests.command.traffic.made import iso, protobuf, system


@system
def sparkplug_b(traffic):
    """DDATA with seq 0 to 255; the edge node's client sends again after a lost acknowledgement."""
    rng = traffic.rng
    for node in range(1, rng.randint(3, 5)):
        sequence = rng.randint(0, 255)
        devices = [(f"dev{n}", traffic.drift(10, 90, 0.5, 2)) for n in range(3)]
        for t in traffic.every(6, 0.1):
            name, value = rng.choice(devices)
            sequence = (sequence + 1) % 256
            metric = protobuf((2, 17), (3, int(t * 1000)), (4, 10), (13, value()))
            message = traffic.send(
                t,
                f"spBv1.0/plant/DDATA/edge{node}/{name}",
                protobuf((1, int(t * 1000)), (2, metric), (3, sequence)),
                client=f"edge{node}",
                qos=1,
            )
            traffic.resend(message, 0.12, (0.5, 8))


@system
def sparkplug_two_nodes(traffic):
    """A redundant pair of edge nodes reads the same PLC; each with its own seq and time."""
    rng = traffic.rng
    tags = [(f"line{n}", traffic.drift(0, 500, 3, 3), rng.randint(0, 1 << 20)) for n in range(4)]
    sequences = {"edgeA": 0, "edgeB": 100}
    for line, value, cycle in tags:
        for t in traffic.every(10, 0.05):
            cycle += 1
            reading = value()
            event = traffic.event()
            for t_heard, node in traffic.hear(t, ["edgeA", "edgeB"], 0.9, (0.01, 0.6)):
                sequences[node] = (sequences[node] + 1) % 256
                metric = protobuf((1, "value"), (3, int(t * 1000)), (4, 10), (13, reading))
                counter = protobuf((1, "cycle"), (3, int(t * 1000)), (4, 8), (11, cycle))
                traffic.send(
                    t_heard,
                    f"spBv1.0/plant/DDATA/{node}/{line}",
                    protobuf((1, int(t_heard * 1000)), (2, metric), (2, counter), (3, sequences[node])),
                    event,
                    client=node,
                )


@system
def kepware_iot_gateway(traffic):
    rng = traffic.rng
    tags = [(f"Channel1.Device{n}.Tag{m}", traffic.drift(0, 100, 1, 2)) for n in range(2) for m in range(3)]
    for t in traffic.every(4, 0.05):
        values = [
            {"id": tag, "v": value(), "q": True, "t": int(t * 1000) - rng.randint(0, 900)}
            for tag, value in rng.sample(tags, rng.randint(1, 4))
        ]
        traffic.resend(
            traffic.send(t, "iotgateway/plant1", {"timestamp": int(t * 1000), "values": values}, client="kepware", qos=1),
            0.1,
            (0.5, 10),
        )


@system
def simatic_connector(traffic):
    rng = traffic.rng
    sequence = rng.randint(0, 9000)
    tags = [(str(100 + n), traffic.drift(0, 100, 1, 1)) for n in range(6)]
    for t in traffic.every(2, 0.02):
        sequence += 1
        values = [{"id": tag, "qc": 3, "ts": iso(t, 3), "val": value()} for tag, value in tags[:4]]
        traffic.resend(
            traffic.send(
                t, "ie/d/j/simatic/v1/s7c1/dp/r/plc1/default", {"seq": sequence, "vals": values}, client="s7c", qos=1
            ),
            0.08,
            (0.2, 3),
        )


@system
def opcua_pubsub_json(traffic):
    rng = traffic.rng
    for writer in range(1, rng.randint(3, 6)):
        sequence = rng.randint(0, 1000)
        value = traffic.drift(0, 100, 1, 3)
        for t in traffic.every(5, 0.05):
            sequence += 1
            body = {
                "MessageId": traffic.uuid(),
                "MessageType": "ua-data",
                "PublisherId": "opc.tcp://plc:4840",
                "Messages": [
                    {
                        "DataSetWriterId": writer,
                        "SequenceNumber": sequence,
                        "Timestamp": iso(t, 6),
                        "Status": 0,
                        "Payload": {"Temperature": {"Value": value(), "SourceTimestamp": iso(t, 6)}},
                    }
                ],
            }
            event = traffic.event()
            for t_heard, publisher in traffic.hear(t, ["pub1", "pub2"], 0.4, (0.01, 0.3)):
                traffic.send(t_heard, f"opcua/json/data/plc/group1/writer{writer}", body, event, client=publisher)


@system
def edgex_events(traffic):
    rng = traffic.rng
    for device in [f"Random-Device-{n}" for n in range(rng.randint(3, 6))]:
        value = traffic.drift(0, 1000, 20, 0)
        for t in traffic.every(10, 0.1):
            identity = traffic.uuid()
            body = {
                "apiVersion": "v3",
                "id": identity,
                "deviceName": device,
                "profileName": "Random",
                "sourceName": "Int32",
                "origin": int(t * 1e9),
                "readings": [
                    {
                        "id": traffic.uuid(),
                        "origin": int(t * 1e9) - 5000,
                        "deviceName": device,
                        "resourceName": "Int32",
                        "profileName": "Random",
                        "valueType": "Int32",
                        "value": str(value()),
                    }
                ],
            }
            traffic.resend(
                traffic.send(
                    t, f"edgex/events/device/device-virtual/Random/{device}/Int32", body, client="device-virtual", qos=1
                ),
                0.15,
                (0.5, 12),
            )


@system
def advantech_wise(traffic):
    """`s` counts, `t` is the module's clock."""
    rng = traffic.rng
    for _ in range(rng.randint(4, 8)):
        mac, sequence = traffic.mac(""), rng.randint(0, 9000)
        level = traffic.drift(4, 20, 0.05, 3)
        for t in traffic.every(20, 0.01):
            sequence += 1
            body = {
                "s": sequence,
                "t": iso(t),
                "q": 192,
                "c": 1,
                "ai1": level(),
                "ai_st1": 1,
                "di1": rng.random() < 0.5,
                "di2": False,
            }
            traffic.resend(traffic.send(t, f"Advantech/{mac}/data", body, client=mac, qos=1), 0.1, (1, 12))


@system
def redundant_plc_gateways(traffic):
    """Two gateways read the same controllers; the PLC's own time is in the message, and the gateway's name in the topic."""
    rng = traffic.rng
    for line in range(1, rng.randint(4, 7)):
        pressure, speed = traffic.drift(2, 6, 0.05, 2), traffic.drift(100, 200, 2, 0)
        for t in traffic.every(8, 0.02):
            body = {"line": line, "plc_time": iso(t, 3), "pressure": pressure(), "speed": speed(), "state": "RUN"}
            event = traffic.event()
            for t_heard, gateway in traffic.hear(t, ["gwA", "gwB"], 0.95, (0.01, 0.7)):
                traffic.send(
                    t_heard,
                    f"plant/{gateway}/line{line}/telemetry",
                    {
                        **body,
                        "gateway": gateway,
                        "gw_uptime": int(t_heard - traffic.start) + (7000 if gateway == "gwA" else 91000),
                    },
                    event,
                    client=gateway,
                )


@system
def senml_packs(traffic):
    rng = traffic.rng
    for _ in range(rng.randint(5, 10)):
        name = f"urn:dev:mac:{traffic.hex(16)}:"
        temperature = traffic.drift(10, 30, 0.2, 1)
        for t in traffic.every(30, 0.1):
            body = [
                {"bn": name, "bt": round(t, 3), "u": "Cel", "n": "temp", "v": temperature()},
                {"u": "%RH", "n": "hum", "v": rng.randint(40, 60)},
            ]
            traffic.resend(traffic.send(t, f"senml/{name[12:20]}", body, client=name[12:20], qos=1), 0.12, (1, 20))


@system
def cloudevents_structured(traffic):
    rng = traffic.rng
    numbers = {f"/plant/{n}": rng.randint(1, 500) for n in range(1, 4)}
    for t in traffic.now_and_then(4):
        source = rng.choice(list(numbers))
        numbers[source] += 1
        body = {
            "specversion": "1.0",
            "id": str(numbers[source]),
            "source": source,
            "type": "com.example.door",
            "time": iso(t, 3),
            "datacontenttype": "application/json",
            "data": {"open": rng.random() < 0.5},
        }
        traffic.resend(
            traffic.send(
                t,
                "doors/events",
                body,
                client="ce" + source.replace("/", "-"),
                qos=1,
                content_type="application/cloudevents+json",
            ),
            0.15,
            (0.5, 12),
        )


@system
def cloudevents_binary(traffic):
    """MQTT 5: the attributes are user properties."""
    rng = traffic.rng
    for t in traffic.now_and_then(4):
        source = f"/plant/{rng.randint(1, 3)}"
        message = traffic.send(
            t,
            "doors/binary",
            {"open": rng.random() < 0.5, "door": rng.randint(1, 9)},
            client="ce" + source.replace("/", "-"),
            qos=1,
            content_type="application/json",
            user=(
                ("specversion", "1.0"),
                ("id", traffic.uuid()),
                ("source", source),
                ("type", "com.example.door"),
                ("time", iso(t, 3)),
            ),
        )
        traffic.resend(message, 0.15, (0.5, 12))


@system
def cloudevents_two_sites(traffic):
    """The same event structured from one site and binary from the other."""
    rng = traffic.rng
    for t in traffic.now_and_then(5):
        attributes = {
            "specversion": "1.0",
            "id": traffic.uuid(),
            "source": f"/plant/{rng.randint(1, 3)}",
            "type": "com.example.alarm",
            "time": iso(t, 3),
        }
        data = {"level": rng.randint(1, 5), "text": rng.choice(["pressure", "heat", "stop"])}
        event = traffic.event()
        for t_heard, site in traffic.hear(t, ["north", "south"], 0.8, (0.01, 0.5)):
            if site == "north":
                traffic.send(
                    t_heard,
                    f"alarms/{site}",
                    {**attributes, "data": data},
                    event,
                    client=site,
                    content_type="application/cloudevents+json",
                )
            else:
                traffic.send(
                    t_heard,
                    f"alarms/{site}",
                    data,
                    event,
                    client=site,
                    content_type="application/json",
                    user=tuple(attributes.items()),
                )


@system
def ditto_protocol(traffic):
    rng = traffic.rng
    things = [f"org.acme:pump-{n}" for n in range(8)]
    for t in traffic.now_and_then(3):
        thing = rng.choice(things)
        namespace, name = thing.split(":")
        body = {
            "topic": f"{namespace}/{name}/things/twin/commands/modify",
            "headers": {"correlation-id": traffic.uuid(), "response-required": False},
            "path": "/features/flow/properties/value",
            "value": round(rng.uniform(0, 9), 2),
        }
        traffic.resend(traffic.send(t, f"ditto/{thing}", body, client=name, qos=1), 0.12, (0.5, 15))


@system
def debezium_changes(traffic):
    rng = traffic.rng
    position = rng.randint(10**8, 10**9)
    for t in traffic.now_and_then(2.5):
        position += rng.randint(40, 900)
        order = rng.randint(1, 400)
        body = {
            "before": None,
            "after": {"id": order, "status": rng.choice(["new", "paid", "sent"]), "total": round(rng.uniform(5, 200), 2)},
            "source": {
                "version": "2.4",
                "connector": "postgresql",
                "ts_ms": int(t * 1000),
                "db": "shop",
                "table": "orders",
                "txId": position // 70,
                "lsn": position,
            },
            "op": "u",
            "ts_ms": int(t * 1000) + rng.randint(50, 300),
        }
        traffic.resend(traffic.send(t + 0.3, "cdc/shop/orders", body, client="debezium", qos=1), 0.1, (1, 20))


@system
def azure_style_topics(traffic):
    """The message's id stands in the topic, as a property bag."""
    rng = traffic.rng
    for device in [f"dev-{n:03d}" for n in range(rng.randint(4, 8))]:
        temperature = traffic.drift(15, 30, 0.3, 1)
        for t in traffic.every(20, 0.2):
            message = traffic.send(
                t,
                f"devices/{device}/messages/events/$.mid={traffic.uuid()}&$.ct=application%2Fjson",
                {"temperature": temperature(), "alert": rng.random() < 0.1},
                client=device,
                qos=1,
            )
            traffic.resend(message, 0.15, (1, 20))


@system
def thingsboard_telemetry(traffic):
    """All devices share one topic; who sends is known by the connection only."""
    rng = traffic.rng
    for _ in range(rng.randint(6, 12)):
        client = traffic.uuid()
        temperature, humidity = traffic.drift(15, 30, 0.4, 2), traffic.drift(30, 70, 1, 2)
        for t in traffic.every(30, 0.2):
            message = traffic.send(
                t,
                "v1/devices/me/telemetry",
                {"ts": int(t * 1000), "values": {"temperature": temperature(), "humidity": humidity()}},
                client=client,
                qos=1,
            )
            traffic.resend(message, 0.12, (1, 12))


@system
def thingsboard_plain(traffic):
    """The same without a time: only the connection and the readings."""
    rng = traffic.rng
    for _ in range(rng.randint(6, 12)):
        client = traffic.uuid()
        temperature, humidity = traffic.drift(15, 30, 0.4, 2), traffic.drift(30, 70, 1, 2)
        for t in traffic.every(60, 0.2):
            message = traffic.send(
                t, "v1/devices/me/telemetry", {"temperature": temperature(), "humidity": humidity()}, client=client, qos=1
            )
            traffic.resend(message, 0.12, (0.5, 6))


@system
def thingsboard_gateway(traffic):
    rng = traffic.rng
    devices = [f"Device {letter}" for letter in "ABCDEF"]
    for t in traffic.every(5, 0.1):
        body = {
            device: [{"ts": int(t * 1000) + n, "values": {"temperature": rng.randint(150, 300) / 10}}]
            for n, device in enumerate(sorted(rng.sample(devices, rng.randint(1, 3))))
        }
        traffic.resend(traffic.send(t, "v1/gateway/telemetry", body, client="gateway1", qos=1), 0.1, (0.5, 10))


@system
def smartrest(traffic):
    """CSV on one topic for all devices."""
    rng = traffic.rng
    for _ in range(rng.randint(6, 12)):
        client = f"d:{traffic.hex(10)}"
        temperature = traffic.drift(15, 30, 0.3, 2)
        for t in traffic.every(30, 0.2):
            text = f"200,c8y_Temperature,T,{temperature()},C,{iso(t, 3)}"
            traffic.resend(traffic.send(t, "s/us", text, client=client, qos=1), 0.12, (1, 10))


@system
def fiware_ultralight(traffic):
    """Text of readings, nothing else; a device sends every half minute and at once again when no answer came."""
    rng = traffic.rng
    for number in range(rng.randint(6, 12)):
        temperature, humidity = traffic.drift(15, 30, 0.4, 2), traffic.drift(30, 70, 1, 1)
        for t in traffic.every(30, 0.05):
            traffic.resend(
                traffic.send(
                    t,
                    f"/ul/4jggokgpepnvsb2uv4s40d59ov/motion{number:03d}/attrs",
                    f"t|{temperature()}|h|{humidity()}",
                    client=f"motion{number:03d}",
                    qos=1,
                ),
                0.15,
                (0.2, 2.0),
            )


@system
def knx_two_gateways(traffic):
    """Two IP routers on one bus: no id, no time; copies are 20 to 120 ms apart, telegrams of a group address seconds."""
    rng = traffic.rng
    for _ in range(rng.randint(10, 16)):
        group = f"{rng.randint(1, 5)}.{rng.randint(0, 7)}.{rng.randint(0, 255)}"
        source = f"1.1.{rng.randint(1, 200)}"
        value = traffic.drift(15, 25, 0.3, 1)
        is_switch = rng.random() < 0.5
        for t in traffic.now_and_then(60, 5):
            body = {
                "src": source,
                "dst": group,
                "apci": "GroupValueWrite",
                "value": rng.choice([0, 1]) if is_switch else value(),
            }
            event = traffic.event()
            for t_heard, router in traffic.hear(t, ["ip1", "ip2"], 0.95, (0.005, 0.09)):
                traffic.send(t_heard, f"knx/{router}/{group}", body, event, client=router)


@system
def modbus_gateway_hex(traffic):
    """Binary frames that are neither text nor protobuf, with a 16-bit counter."""
    rng = traffic.rng
    for unit in range(1, rng.randint(5, 9)):
        counter = rng.randint(0, 60000)
        value = traffic.drift(0, 3000, 20, 0)
        for t in traffic.every(15, 0.1):
            counter = (counter + 1) % 65536
            frame = bytes([0xAA, 0x07, unit]) + struct.pack(">HHH", counter, value(), rng.randint(0, 65535))
            event = traffic.event()
            for t_heard, gateway in traffic.hear(t, ["mbA", "mbB"], 0.8, (0.01, 0.8)):
                traffic.send(t_heard, f"modbus/{gateway}/{unit}", frame, event, client=gateway)


@system
def wrapped_base64(traffic):
    """An envelope of a cloud connector around the device's message."""
    rng = traffic.rng
    for device in [traffic.hex(12) for _ in range(rng.randint(5, 9))]:
        number = rng.randint(0, 1 << 16)
        for t in traffic.every(20, 0.2):
            number += 1
            inner = base64.b64encode(f'{{"n":{number},"v":{rng.randint(0, 999)}}}'.encode()).decode()
            event = traffic.event()
            for t_heard, connector in traffic.hear(t, ["c1", "c2"], 0.5, (0.05, 2)):
                traffic.send(
                    t_heard,
                    f"cloud/{device}/in",
                    {
                        "messageId": traffic.uuid(),
                        "enqueuedTime": iso(t_heard, 6),
                        "connector": connector,
                        "deviceId": device,
                        "body": inner,
                    },
                    event,
                    client=connector,
                )


@system
def syslog_json(traffic):
    """Log lines; the shipper sends a batch again after an error."""
    rng = traffic.rng
    for host in ["web1", "web2", "db1"]:
        sent = []
        for t in traffic.now_and_then(8):
            text = rng.choice(["connection accepted", "connection closed", "timeout", "slow query"])
            sent.append(
                traffic.send(
                    t,
                    f"syslog/{host}",
                    {
                        "@timestamp": iso(t, 6),
                        "host": host,
                        "severity": rng.choice(["info", "info", "warning"]),
                        "program": "app",
                        "message": text,
                    },
                    client=f"shipper-{host}",
                    qos=1,
                )
            )
            if traffic.is_copied(0.04):
                for message in sent[-rng.randint(2, 8) :]:
                    traffic.again(message, t + rng.uniform(0.5, 5))


@system
def alarms_with_ticket(traffic):
    """An alarm's number, and whether it is new, acknowledged or gone; two panels tell."""
    rng = traffic.rng
    number = rng.randint(1000, 5000)
    for t in traffic.now_and_then(15):
        number += 1
        place = rng.choice(["pump", "boiler", "door", "fan"])
        for state in ["new", "acknowledged", "gone"][: rng.randint(1, 3)]:
            event = traffic.event()
            for t_heard, panel in traffic.hear(t, ["panel1", "panel2"], 0.9, (0.01, 0.8)):
                traffic.send(
                    t_heard,
                    f"alarms/{panel}/state",
                    {"alarm": number, "state": state, "place": place, "panel": panel},
                    event,
                    client=panel,
                )
            t += rng.uniform(5, 60)
