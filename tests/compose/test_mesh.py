"""docker-compose.mesh.yml: three brokers, one of which is away for a while. Needs a Docker engine."""

import json
import urllib.request

import pytest

from tests.compose.test_compose import compose_command, event, run, wait_until
from tests.support.ports import free_port

NAMES = ("one", "two", "three")


class MeshStack:
    """Under a project name of its own and on free ports."""

    def __init__(self):
        self.mqtt_ports = {name: str(free_port()) for name in NAMES}
        self.http_ports = {name: str(free_port()) for name in NAMES}
        self._environment = {"COMPOSE_PROJECT_NAME": "dedup-mesh-test",
                             **{f"MQTT_PORT_{name.upper()}": port for name, port in self.mqtt_ports.items()},
                             **{f"HTTP_PORT_{name.upper()}": port for name, port in self.http_ports.items()}}

    def compose(self, *arguments, timeout=120):
        variables = [f"{name}={value}" for name, value in self._environment.items()]
        return run("env", *variables, *compose_command(), "--file", "docker-compose.mesh.yml", *arguments, timeout=timeout)

    def publish(self, name, event_id):
        run("mosquitto_pub", "-p", self.mqtt_ports[name], "-t", "sensor/1", "-q", "1", "-m", json.dumps(event(event_id)))

    def ids(self, name):
        """The events that the broker's sidecar shows."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_ports[name]}/events", timeout=10) as answer:
                return sorted(row["event_id"] for row in json.load(answer))
        except OSError:  # refused, or an HTTP error
            return None


@pytest.fixture
def stack():
    stack = MeshStack()
    stack.compose("down", "--volumes")  # what a killed run may have left
    stack.compose("build", timeout=900)
    try:
        stack.compose("up", "--detach")
        yield stack
    finally:
        print(stack.compose("logs", "--no-color", "--tail", "50"))
        stack.compose("down", "--volumes")


def test_a_broker_that_was_away_gets_what_it_missed(stack):
    for name in NAMES:
        wait_until(f"{name} serves", lambda: stack.ids(name) == [])
    for name in NAMES:
        stack.publish(name, "the same everywhere")
    stack.publish("one", "at one")
    for name in NAMES:
        wait_until(f"{name} has both", lambda: stack.ids(name) == ["at one", "the same everywhere"])
    stack.compose("stop", "two")
    stack.publish("three", "while two is away")
    stack.compose("start", "two")
    for name in NAMES:
        wait_until(f"{name} has all", lambda: stack.ids(name) == ["at one", "the same everywhere", "while two is away"])
