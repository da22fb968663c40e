"""Brokers that bridge one topic both ways do not echo."""

import pytest

from tests.support.broker import BRIDGES_CRASH, wait_until
from tests.support.events import event
from tests.support.mqtt_client import V5, V311, VERSION_NAMES
from tests.support.observer import Observer
from tests.support.store import Store

pytestmark = pytest.mark.skipif(BRIDGES_CRASH, reason="under libtsan the bare broker crashes, too")

PROTOCOLS = {V311: "mqttv311", V5: "mqttv50"}


def connection(name, port, direction, version):
    return (f"connection {name}\naddress 127.0.0.1:{port}\ntopic mesh/# {direction} 1\nremote_clientid {name}\n"
            f"bridge_protocol_version {PROTOCOLS[version]}\nnotifications false\n")


@pytest.fixture(params=[V311, V5], ids=VERSION_NAMES.get)
def pair(request, park):
    """Two brokers with a bridge for each direction: a loop that Mosquitto does not break itself."""
    second = park.start_broker()
    first = park.start_broker(bridge=connection("there", second.port, "out", request.param)
                          + connection("back", second.port, "in", request.param))
    for name in ("there", "back"):
        wait_until(lambda: f"as {name} " in second.log(), "the bridge is connected")
    wait_until(lambda: "Sending SUBACK to back" in second.log(), "the way back is open")
    return [first, second]


def test_two_brokers_bridged_both_ways_do_not_echo(pair):
    observers = [Observer(broker, "mesh/#", 1) for broker in pair]
    for number in range(10):
        # Each event has been everywhere before the next one goes out on the other side.
        pair[number % 2].connect().publish("mesh/x", event(f"id-{number}"), qos=1)
        for observer in observers:
            observer.wait(number + 1)
    for observer in observers:
        assert observer.payloads() == [event(f"id-{number}") for number in range(10)]
    for broker in pair:
        Store(broker).wait_ids([f"id-{number}" for number in range(10)])


def test_two_gateways_publish_the_same_events_on_either_broker(pair):
    observers = [Observer(broker, "mesh/#", 1) for broker in pair]
    publishers = [broker.connect() for broker in pair]
    for number in range(20):
        for publisher in publishers:
            publisher.publish("mesh/x", event(f"id-{number}"), qos=1)
    for observer, broker in zip(observers, pair):
        observer.wait(20)
        assert sorted(observer.payloads()) == sorted(event(f"id-{number}") for number in range(20))
        wait_until(lambda broker=broker: len(Store(broker).ids()) == 20, "each is stored once")
