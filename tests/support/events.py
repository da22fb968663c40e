"""The payloads that the tests publish."""

import json


def event(event_id, **members):
    """A JSON object that carries an id; other members tell its copies apart."""
    return json.dumps({"event_id": event_id, **members}).encode()


def event_id_of(payload):
    return json.loads(payload)["event_id"]
