"""The recipes of docs/recipes in a real broker: what subscribers receive of the messages of tests/recipes.

A message whose verdict is "processed again" is left out here, because it would have to wait for the end of a window; the unit test
replays those, with their times.
"""

import base64
import itertools
import json
import pathlib

import pytest

from tests.support.mqtt_client import V5
from tests.support.observer import Observer
from tests.support.receipts import Receipts

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPES = sorted((ROOT / "docs" / "recipes").glob("*.json"))


def examples_of(recipe):
    messages = json.loads((ROOT / "tests" / "recipes" / recipe.name).read_text())["messages"]
    return [message for message in messages if message["expect"] != "processed again"]


def payload_of(message):
    if "payload_base64" in message:
        return base64.b64decode(message["payload_base64"])
    payload = message["payload"]
    return payload.encode() if isinstance(payload, str) else json.dumps(payload, separators=(",", ":")).encode()


class Publishers:
    """A client for each client id of the examples."""

    def __init__(self, broker):
        self._broker = broker
        self._receipts = {}

    def publish(self, client_id, messages):
        """All at once, so that a busy machine does not outlast a short window; returns the verdicts."""
        if client_id not in self._receipts:
            self._receipts[client_id] = Receipts(self._broker.connect(client_id, version=V5))
            self._receipts[client_id].enable()
        receipts = self._receipts[client_id]
        packet_ids = [receipts.client.send_publish(
            message["topic"], payload_of(message), qos=1,
            properties=[("user_property", tuple(pair)) for pair in message.get("properties", {}).get("user", [])])
            for message in messages]
        for packet_id in packet_ids:
            receipts.client.finish(packet_id, qos=1)
        return [receipt["verdict"] for receipt in receipts.wait(len(messages))]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_subscribers_get_each_event_once_and_all_else(park, recipe):
    broker = park.start_broker(options={"rules_file": recipe})
    observer = Observer(broker, qos=1)
    publishers = Publishers(broker)
    messages = examples_of(recipe)
    for client_id, some in itertools.groupby(messages, key=lambda message: message.get("client", "gateway")):
        some = list(some)
        verdicts = publishers.publish(client_id, some)
        assert verdicts == [message["expect"] for message in some]
    expected = [(message["topic"], payload_of(message)) for message in messages if message["expect"] != "duplicate"]
    assert [(message.topic, message.payload) for message in observer.messages()] == expected
