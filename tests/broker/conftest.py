"""Fixtures: a broker that a module's tests share, and topics that no other test uses."""

import itertools

import pytest

from tests.support import fault_shim as fault_shim_module
from tests.support import mqtt_client, native
from tests.support.observer import Observer
from tests.support.park import LOG_BYTES_PRINTED, Park

_topic_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def shared_park(tmp_path_factory):
    park = Park(tmp_path_factory.mktemp("shared"))
    yield park
    park.close()


@pytest.fixture
def broker(shared_park, topic):
    """The module's broker with the plugin, for tests that only need a topic to themselves."""
    if not shared_park.parts:
        shared_park.start_broker()
    shared = shared_park.parts[0]
    yield shared
    shared.disconnect_all()
    if not shared.is_running():
        # This test ended it, so this test fails; the next one gets a fresh broker.
        shared_park.parts.remove(shared)
        raise AssertionError(f"the shared broker is dead:\n{shared.log()[-LOG_BYTES_PRINTED:]}")
    # The next test's observer must not get what this one retained.
    shared.connect().publish(topic, b"", retain=True)
    shared.disconnect_all()


@pytest.fixture
def topic():
    return f"test/{next(_topic_numbers):05}"  # none is the beginning of another


@pytest.fixture
def observer(broker, topic):
    """Sees all that subscribers get on the shared broker."""
    return Observer(broker)


@pytest.fixture(scope="session")
def _fault_shim_library(tmp_path_factory):
    return native.build("fault_shim", tmp_path_factory.mktemp("shim"))


@pytest.fixture
def fault_shim(_fault_shim_library, tmp_path):
    return fault_shim_module.FaultShim(_fault_shim_library, tmp_path / "shim")


@pytest.fixture(params=[mqtt_client.V31, mqtt_client.V311, mqtt_client.V5], ids=mqtt_client.VERSION_NAMES.get)
def version(request):
    return request.param


@pytest.fixture(params=[0, 1, 2], ids=lambda qos: f"qos{qos}")
def qos(request):
    return request.param
