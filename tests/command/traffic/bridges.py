"""Brokers that tell each other, and services that publish what others have published."""

from tests.command.traffic.made import ROOMS, iso, system


@system
def wis2_global_brokers(traffic):
    """Two Global Brokers hand on each notification of the origin, byte for byte, on the origin's topic."""
    rng = traffic.rng
    centres = [f"{country}-met" for country in ("ca", "de", "fr", "jp", "br", "ke")]
    for t in traffic.now_and_then(2.5):
        centre = rng.choice(centres)
        station = f"0-20000-0-{rng.randint(10000, 11999)}"
        data_id = f"{centre}/data/core/weather/surface-based-observations/synop/{station}_{iso(t)[:16].replace(':', '')}"
        body = {
            "id": traffic.uuid(),
            "conformsTo": ["http://wis.wmo.int/spec/wnm/1/conf/core"],
            "type": "Feature",
            "geometry": {
                "type": "Point",
                "coordinates": [round(rng.uniform(-180, 180), 4), round(rng.uniform(-80, 80), 4)],
            },
            "properties": {
                "data_id": data_id,
                "datetime": iso(t - 600),
                "pubtime": iso(t),
                "integrity": {"method": "sha512", "value": traffic.hex(60)},
                "wigos_station_identifier": station,
            },
            "links": [
                {
                    "href": f"https://data.{centre}.example/{station}.bufr4",
                    "rel": "canonical",
                    "type": "application/bufr",
                    "length": rng.randint(100, 999),
                }
            ],
        }
        event = traffic.event()
        for t_heard, broker in traffic.hear(t, ["gb-brazil", "gb-china", "gb-usa"], 0.7, (0.05, 4.0)):
            traffic.send(
                t_heard,
                f"origin/a/wis2/{centre}/data/core/weather/surface-based-observations/synop",
                body,
                event,
                client=broker,
            )


@system
def wis2_global_cache(traffic):
    """Caches publish their own notification for the same data: another id, other links, another publication time."""
    rng = traffic.rng
    centres = [f"{country}-met" for country in ("ca", "de", "fr", "jp")]
    for t in traffic.now_and_then(3):
        centre = rng.choice(centres)
        station = f"0-20000-0-{rng.randint(10000, 11999)}"
        data_id = f"{centre}/data/core/weather/synop/{station}_{iso(t)[:19]}_{traffic.hex(6)}"
        integrity = traffic.hex(60)
        coordinates = [round(rng.uniform(-180, 180), 4), round(rng.uniform(-80, 80), 4)]
        event = traffic.event()
        for t_heard, cache in traffic.hear(t, ["jp-cache", "us-cache", "de-cache"], 0.7, (0.5, 6.0)):
            body = {
                "id": traffic.uuid(),
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": coordinates},
                "properties": {
                    "data_id": data_id,
                    "datetime": iso(t - 600),
                    "pubtime": iso(t),
                    "integrity": {"method": "sha512", "value": integrity},
                    "global-cache": cache,
                },
                "links": [{"href": f"https://{cache}.example/{station}/{traffic.hex(8)}.bufr4", "rel": "canonical"}],
            }
            traffic.send(t_heard, f"cache/a/wis2/{centre}/data/core/weather/synop", body, event, client=cache)


@system
def bridge_loop_json(traffic):
    """A loop of two bridges: what is published comes back once, with nothing changed."""
    rng = traffic.rng
    for room in traffic.words(rng.randint(5, 9), ROOMS):
        temperature, co2 = traffic.drift(17, 25, 0.2, 2), traffic.drift(400, 1400, 15, 0)
        for t in traffic.every(40, 0.1):
            message = traffic.send(
                t, f"site/{room}/air", {"temperature": temperature(), "co2": co2()}, client=f"air-{room}"
            )
            if traffic.is_copied(0.95):
                traffic.again(message, t + rng.uniform(0.004, 0.06), client="bridge-hq")


@system
def bridge_loop_with_time(traffic):
    rng = traffic.rng
    for room in traffic.words(rng.randint(5, 9), ROOMS):
        power = traffic.drift(5, 400, 10, 1)
        for t in traffic.every(15, 0.1):
            message = traffic.send(t, f"site/{room}/meter", {"at": iso(t, 3), "power": power()}, client=f"meter-{room}")
            if traffic.is_copied(0.95):
                traffic.again(message, t + rng.uniform(0.004, 0.1), client="bridge-hq")


@system
def bridge_loop_prefix(traffic):
    """Two sites mirror each other's topics under prefixes; either may hear of an event first."""
    rng = traffic.rng
    for machine in range(1, rng.randint(5, 8)):
        count = rng.randint(0, 9000)
        for t in traffic.every(20, 0.2):
            count += 1
            body = {"machine": machine, "part": count, "weight_g": round(rng.gauss(500, 3), 1), "ok": rng.random() < 0.97}
            event = traffic.event()
            for t_heard, site in traffic.hear(t, ["east", "west"], 0.9, (0.01, 0.5)):
                traffic.send(t_heard, f"{site}/production/{machine}", body, event, client=f"bridge-{site}")


@system
def events_with_uuid(traffic):
    """What many in-house systems do: an id in the JSON, deeper than at the top."""
    rng = traffic.rng
    for t in traffic.now_and_then(2):
        kind = rng.choice(["created", "changed", "closed"])
        body = {
            "meta": {"eventId": traffic.uuid(), "kind": kind, "at": iso(t, 3)},
            "order": {"number": rng.randint(1, 500), "lines": rng.randint(1, 9)},
        }
        traffic.resend(
            traffic.send(t, f"shop/orders/{kind}", body, client=f"svc{rng.randint(1, 2)}", qos=1), 0.12, (0.5, 30)
        )


@system
def outbox_relay(traffic):
    """A transactional outbox: the relay publishes again what it had not marked as sent, with a new time and attempt."""
    rng = traffic.rng
    for t in traffic.now_and_then(3):
        identity = traffic.uuid()
        body = {
            "id": identity,
            "aggregate": f"cart-{rng.randint(1, 60)}",
            "type": rng.choice(["added", "removed", "paid"]),
            "data": {"sku": rng.randint(100, 199), "count": rng.randint(1, 3)},
        }
        event = traffic.event()
        traffic.send(t, "outbox/carts", {**body, "attempt": 1, "published_at": iso(t, 6)}, event, client="relay")
        attempt = 1
        while traffic.is_copied(0.2):
            attempt += 1
            t += rng.uniform(1, 6)
            traffic.send(t, "outbox/carts", {**body, "attempt": attempt, "published_at": iso(t, 6)}, event, client="relay")


@system
def webhook_fan_in(traffic):
    """Webhooks that two receivers turn into messages; the sender's delivery id is a user property."""
    rng = traffic.rng
    for t in traffic.now_and_then(4):
        delivery = traffic.uuid()
        body = {
            "action": rng.choice(["opened", "closed", "labeled"]),
            "number": rng.randint(1, 900),
            "sender": rng.choice(["ann", "bob", "cem"]),
        }
        event = traffic.event()
        for t_heard, receiver in traffic.hear(t, ["hook-a", "hook-b"], 0.6, (0.01, 2)):
            traffic.send(
                t_heard,
                "webhooks/repo",
                body,
                event,
                client=receiver,
                user=(("delivery", delivery), ("received", iso(t_heard, 3)), ("host", receiver)),
            )
