"""Fixtures: brokers that are looked after, and topics that no other test uses."""

import itertools
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import fault_shim as fault_shim_module  # noqa: E402
import mqtt_client  # noqa: E402
from broker import Broker  # noqa: E402
from observer import Observer  # noqa: E402

LOG_BYTES_PRINTED = 15_000

_topic_numbers = itertools.count(1)


class BrokerPark:
    """Makes brokers and ends them; their logs are printed when the test fails."""

    def __init__(self, directory):
        self._directory = directory
        self._numbers = itertools.count(1)
        self.brokers = []

    def make(self, **arguments):
        """A broker that is not started yet."""
        broker = Broker(self._directory / f"broker-{next(self._numbers)}", **arguments)
        self.brokers.append(broker)
        return broker

    def start(self, **arguments):
        return self.make(**arguments).start()

    def logs(self):
        return [(f"log of {broker.directory.name}", broker.log()[-LOG_BYTES_PRINTED:]) for broker in self.brokers]

    def close(self):
        """Ends all of them, then speaks up for the first that did not end well."""
        errors = []
        for broker in self.brokers:
            try:
                broker.close()
            except AssertionError as error:
                errors.append(f"{error}\n{broker.log()[-LOG_BYTES_PRINTED:]}")
        shutil.rmtree(self._directory, ignore_errors=True)
        assert not errors, "\n".join(errors)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed and call.when == "call":
        for fixture in ("brokers", "_shared_park"):
            park = item.funcargs.get(fixture)
            report.sections.extend(park.logs() if park else [])


@pytest.fixture
def brokers(tmp_path):
    """For tests that want a broker of their own, or several."""
    park = BrokerPark(tmp_path / "brokers")
    yield park
    park.close()


@pytest.fixture(scope="module")
def _shared_park(tmp_path_factory):
    park = BrokerPark(tmp_path_factory.mktemp("shared"))
    yield park
    park.close()


@pytest.fixture
def broker(_shared_park, topic):
    """The module's broker with the plugin, for tests that only need a topic to themselves."""
    if not _shared_park.brokers:
        _shared_park.start()
    shared = _shared_park.brokers[0]
    yield shared
    shared.disconnect_all()
    if not shared.is_running():
        # This test ended it, so this test fails; the next one gets a fresh broker.
        _shared_park.brokers.remove(shared)
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
    return fault_shim_module.build(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def fault_shim(_fault_shim_library, tmp_path):
    return fault_shim_module.FaultShim(_fault_shim_library, tmp_path / "shim")


@pytest.fixture(params=[mqtt_client.V31, mqtt_client.V311, mqtt_client.V5], ids=mqtt_client.VERSION_NAMES.get)
def version(request):
    return request.param


@pytest.fixture(params=[0, 1, 2], ids=lambda qos: f"qos{qos}")
def qos(request):
    return request.param
