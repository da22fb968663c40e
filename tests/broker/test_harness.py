"""The harness can fail: against a broker without the plugin, and when a broker dies."""

import os
import pathlib
import shutil
import signal

import pytest

import tests.support.broker as broker_module
from tests.support import mqtt_client
from tests.support.broker import wait_until
from tests.support.events import event
from tests.support.fault_shim import KILL_AFTER_PUBACK, TERMINATE_AFTER_THIS_TURN
from tests.support.observer import Observer


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_bare_broker_delivers_every_copy(park, version, qos):
    broker = park.start_broker(plugin=False)
    observer = Observer(broker)
    for _ in range(2):
        broker.connect(version=version).publish("t", event("a"), qos)
    assert observer.payloads() == [event("a")] * 2


def test_bare_broker_loses_an_unreleased_qos2_message_of_a_clean_session(park):
    broker = park.start_broker(plugin=False)
    observer = Observer(broker)
    publisher = broker.connect()
    publisher.wait_for(mqtt_client.PUBREC, publisher.send_publish("t", event("a"), qos=2))
    publisher.cut()
    assert observer.payloads() == []


def test_broker_that_dies_by_itself_fails_the_test(park):
    broker = park.start_broker(plugin=False)
    os.kill(broker.pid, signal.SIGABRT)
    wait_until(lambda: not broker.is_running(), "it is dead")
    with pytest.raises(AssertionError, match="ended by itself, exit code -6"):
        broker.close()


def test_broker_that_starts_although_it_must_not_fails_the_test(park):
    with pytest.raises(AssertionError, match="started all the same"):
        park.make_broker(plugin=False).start_refused()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a broker that becomes another user")
def test_broker_of_another_user_reaches_a_plugin_that_this_user_does_not(park, tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setattr(broker_module, "PLUGIN", pathlib.Path(shutil.copy(broker_module.PLUGIN, tmp_path)))
    park.start_broker(user="mosquitto")


def test_shim_ends_the_broker_right_behind_an_acknowledgement(park, fault_shim):
    broker = park.start_broker(plugin=False, **fault_shim.broker_arguments)
    publisher = broker.connect()
    publisher.publish("t", event("a"))
    fault_shim.arm(KILL_AFTER_PUBACK)
    publisher.publish("t", event("b"))
    broker.wait_ended(-signal.SIGKILL)


def test_shim_ends_the_broker_behind_the_turn_that_read_a_message(park, fault_shim):
    broker = park.start_broker(plugin=False, **fault_shim.broker_arguments)
    publishers = [broker.connect() for _ in range(3)]
    fault_shim.arm(TERMINATE_AFTER_THIS_TURN)
    with broker.frozen():
        packet_ids = [publisher.send_publish("t", event("a"), qos=2) for publisher in publishers]
    for publisher, packet_id in zip(publishers, packet_ids):
        publisher.wait_for(mqtt_client.PUBREC, packet_id)
    broker.wait_ended(0)
