"""Homes: Zigbee, Wi-Fi devices, cameras, voice, doorbells."""

from tests.command.traffic.made import ROOMS, iso, plain_time, system


@system
def zigbee2mqtt(traffic):
    """A sensor's report comes over two routes: the same state within a second, with another link quality."""
    rng = traffic.rng
    for room in traffic.words(rng.randint(6, 10), ROOMS):
        temperature, humidity, pressure = (
            traffic.drift(17, 25, 0.15, 2),
            traffic.drift(35, 65, 0.4, 2),
            traffic.drift(960, 1000, 0.2, 1),
        )
        battery = rng.randint(50, 100)
        signal = traffic.signal(40, 200)
        for t in traffic.now_and_then(110, 8):
            state = {
                "battery": battery,
                "humidity": humidity(),
                "pressure": pressure(),
                "temperature": temperature(),
                "voltage": 2900 + battery,
            }
            event = traffic.event()
            traffic.send(t, f"zigbee2mqtt/{room}", {**state, "linkquality": signal()}, event, client="zigbee2mqtt")
            if traffic.is_copied(0.35):
                traffic.send(
                    t + rng.uniform(0.08, 0.9),
                    f"zigbee2mqtt/{room}",
                    {**state, "linkquality": signal()},
                    event,
                    client="zigbee2mqtt",
                )


@system
def zigbee2mqtt_last_seen(traffic):
    """The same with `last_seen`, which differs between the copies."""
    rng = traffic.rng
    for room in traffic.words(rng.randint(6, 10), ROOMS):
        power, energy = traffic.drift(5, 60, 2.5, 1), rng.uniform(10, 90)
        signal = traffic.signal(40, 200)
        for t in traffic.now_and_then(70, 10):
            energy += rng.uniform(0, 0.02)
            state = {
                "current": round(power.value / 230, 2),
                "energy": round(energy, 2),
                "power": power(),
                "state": "ON",
                "voltage": rng.randint(228, 233),
            }
            event = traffic.event()
            traffic.send(
                t,
                f"zigbee2mqtt/{room} plug",
                {**state, "last_seen": iso(t, 3), "linkquality": signal()},
                event,
                client="zigbee2mqtt",
            )
            if traffic.is_copied(0.35):
                t += rng.uniform(0.05, 0.7)
                traffic.send(
                    t,
                    f"zigbee2mqtt/{room} plug",
                    {**state, "last_seen": iso(t, 3), "linkquality": signal()},
                    event,
                    client="zigbee2mqtt",
                )


@system
def zigbee2mqtt_actions(traffic):
    """Buttons: the same action within 300 ms is a copy; people press again after seconds."""
    rng = traffic.rng
    for room in traffic.words(rng.randint(5, 8), ROOMS):
        battery, signal = rng.randint(60, 100), traffic.signal(40, 200)
        for t in traffic.now_and_then(100, 4):
            action = rng.choice(["on", "off", "brightness_move_up", "single", "double", "hold"])
            event = traffic.event()
            traffic.send(
                t,
                f"zigbee2mqtt/{room} switch",
                {"action": action, "battery": battery, "linkquality": signal()},
                event,
                client="zigbee2mqtt",
            )
            if traffic.is_copied(0.4):
                traffic.send(
                    t + rng.uniform(0.03, 0.3),
                    f"zigbee2mqtt/{room} switch",
                    {"action": action, "battery": battery, "linkquality": signal()},
                    event,
                    client="zigbee2mqtt",
                )


@system
def tasmota_sensors(traffic):
    """QoS 1 in the device's library, lost acknowledgements: the same bytes again; Time is that of the reading."""
    rng = traffic.rng
    for _ in range(rng.randint(6, 12)):
        name = f"tasmota_{traffic.hex(6, True)}"
        temperature, humidity = traffic.drift(15, 25, 0.1, 1), traffic.drift(40, 60, 0.3, 1)
        for t in traffic.every(60, 0.01):
            message = traffic.send(
                t,
                f"tele/{name}/SENSOR",
                {
                    "Time": iso(t, 0, ""),
                    "AM2301": {
                        "Temperature": temperature(),
                        "Humidity": humidity(),
                        "DewPoint": round(temperature.value - 8, 1),
                    },
                    "TempUnit": "C",
                },
                client=f"DVES_{name[-6:]}",
                qos=1,
            )
            traffic.resend(message, 0.1, (1, 15))


@system
def shelly_rpc_events(traffic):
    rng = traffic.rng
    for _ in range(rng.randint(6, 10)):
        source = f"shellyplus2pm-{traffic.hex(12)}"
        for t in traffic.now_and_then(60, 1):
            event = {
                "component": f"input:{rng.randint(0, 1)}",
                "id": rng.randint(0, 1),
                "event": rng.choice(["btn_down", "btn_up", "single_push", "long_push"]),
                "ts": round(t, 2),
            }
            message = traffic.send(
                t,
                f"{source}/events/rpc",
                {
                    "src": source,
                    "dst": f"{source}/events",
                    "method": "NotifyEvent",
                    "params": {"ts": round(t, 2), "events": [event]},
                },
                client=source,
                qos=1,
            )
            traffic.resend(message, 0.2, (0.5, 8))


@system
def shelly_rpc_status(traffic):
    """NotifyStatus with power readings."""
    rng = traffic.rng
    for _ in range(rng.randint(6, 10)):
        source = f"shellypro4pm-{traffic.hex(12)}"
        energy, power = rng.uniform(100, 9000), traffic.drift(20, 400, 15, 1)
        for t in traffic.every(60, 0.02):
            energy += rng.uniform(0.2, 5)
            status = {
                "switch:0": {
                    "id": 0,
                    "aenergy": {
                        "by_minute": [round(rng.uniform(0, 90), 3)],
                        "minute_ts": int(t) // 60 * 60,
                        "total": round(energy, 3),
                    },
                    "apower": power(),
                }
            }
            message = traffic.send(
                t,
                f"{source}/events/rpc",
                {
                    "src": source,
                    "dst": f"{source}/events",
                    "method": "NotifyStatus",
                    "params": {"ts": round(t, 2), **status},
                },
                client=source,
                qos=1,
            )
            traffic.resend(message, 0.12, (0.5, 8))


@system
def frigate_events(traffic):
    """Detections: an id lives through new, updates and end, and each of them counts."""
    rng = traffic.rng
    for camera in traffic.words(rng.randint(3, 6), ROOMS):
        for t in traffic.now_and_then(60):
            identity = f"{t:.6f}-{''.join(rng.choice('abcdefghijklmnopqrstuvwxyz0123456789') for _ in range(6))}"
            score = rng.uniform(0.5, 0.7)
            before = None
            for number in range(rng.randint(3, 7)):
                t += rng.uniform(0.4, 4)
                score = min(0.99, score + rng.uniform(0, 0.08))
                after = {
                    "id": identity,
                    "camera": camera,
                    "frame_time": round(t, 6),
                    "label": rng.choice(["person"]),
                    "top_score": round(score, 8),
                    "false_positive": number == 0,
                    "score": round(score - rng.uniform(0, 0.05), 8),
                    "box": [rng.randint(0, 300), rng.randint(0, 300), rng.randint(300, 600), rng.randint(300, 600)],
                    "stationary": False,
                    "current_zones": [],
                }
                kind = "new" if number == 0 else "update"
                message = traffic.send(
                    t, "frigate/events", {"before": before or after, "after": after, "type": kind}, client="frigate", qos=1
                )
                traffic.resend(message, 0.12, (0.2, 6))
                before = after


@system
def home_assistant_eventstream(traffic):
    rng = traffic.rng
    for room in traffic.words(rng.randint(5, 8), ROOMS):
        temperature = traffic.drift(17, 25, 0.2, 1)
        for t in traffic.now_and_then(25, 2):
            body = {
                "event_type": "state_changed",
                "event_data": {
                    "entity_id": f"sensor.{room}_temperature",
                    "old_state": {"state": str(temperature.value)[:4]},
                    "new_state": {
                        "entity_id": f"sensor.{room}_temperature",
                        "state": str(temperature()),
                        "last_changed": iso(t, 6, "+00:00"),
                        "context": {"id": "01" + traffic.hex(24, True)},
                    },
                },
            }
            message = traffic.send(t, "homeassistant/eventstream", body, client="hass")
            if traffic.is_copied(0.3):  # the slave sends the master's event back
                traffic.again(message, t + rng.uniform(0.01, 0.2), client="hass-slave")


@system
def zwavejs_scenes(traffic):
    """Central scene notifications with a sequence number, sent up to three times by the remote."""
    rng = traffic.rng
    for node in range(5, rng.randint(9, 13)):
        for t in traffic.now_and_then(75, 2):
            value = {"time": int(t * 1000), "value": rng.choice([0, 0, 0, 1, 2, 3])}
            topic = f"zwave/nodeID_{node}/central_scene/endpoint_0/scene/{rng.randint(1, 4):03d}"
            message = traffic.send(t, topic, value, client="zwavejs2mqtt", qos=1)
            traffic.resend(message, 0.25, (0.3, 6))


@system
def hermes_intents(traffic):
    rng = traffic.rng
    for t in traffic.now_and_then(12):
        site = rng.choice(ROOMS[:5])
        body = {
            "input": rng.choice(["turn on the light", "what time is it", "open the blinds"]),
            "intent": {
                "intentName": rng.choice(["LightOn", "GetTime", "OpenBlinds"]),
                "confidenceScore": round(rng.random(), 4),
            },
            "siteId": site,
            "id": None,
            "slots": [],
            "sessionId": traffic.uuid(),
            "customData": None,
        }
        message = traffic.send(t, f"hermes/intent/{body['intent']['intentName']}", body, client="rhasspy-nlu")
        if traffic.is_copied(0.4):
            traffic.again(message, t + rng.uniform(0.005, 0.15), client="rhasspy-sat")


@system
def node_red_messages(traffic):
    rng = traffic.rng
    for t in traffic.now_and_then(6):
        flow = rng.choice(["in", "out", "alarm"])
        body = {
            "_msgid": traffic.hex(16),
            "topic": flow,
            "payload": {"level": rng.randint(1, 5), "text": rng.choice(["door", "water", "smoke", "power"])},
        }
        traffic.resend(traffic.send(t, f"nodered/{flow}", body, client="nodered", qos=1), 0.2, (1, 25))


@system
def doorbells(traffic):
    """Two stations by one door publish a press each, with the same event id, and their own name."""
    rng = traffic.rng
    for t in traffic.now_and_then(25, 3):
        event_id = traffic.uuid()
        kind = rng.choice(["ring", "motion", "motion"])
        event = traffic.event()
        for t_heard, station in traffic.hear(t, ["front", "gate"], 0.9, (0.01, 1.5)):
            traffic.send(
                t_heard,
                f"bell/{station}/event",
                {
                    "event_id2": event_id,
                    "kind": kind,
                    "station": station,
                    "snapshot": f"http://{station}.local/{int(t_heard * 1000)}.jpg",
                },
                event,
                client=station,
            )


@system
def esphome_buttons_csv(traffic):
    """Text lines with a time of the device."""
    rng = traffic.rng
    for room in traffic.words(rng.randint(4, 8), ROOMS):
        for t in traffic.now_and_then(60, 1):
            text = f"{plain_time(t)},{room},{rng.choice(['press', 'release', 'hold'])},{rng.randint(1, 4)}"
            traffic.resend(traffic.send(t, f"esphome/{room}/log", text, client=f"esp-{room}", qos=1), 0.2, (1, 10))
