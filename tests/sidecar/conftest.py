"""Fixtures: a broker and a sidecar that a module's tests share, or some of a test's own; topics nobody else uses."""

import itertools
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "broker"))

from broker import Broker  # noqa: E402
from sidecar import Sidecar  # noqa: E402

LOG_LINES_PRINTED = 100

_numbers = itertools.count(1)


class Stack:
    """Brokers and sidecars that are ended, and asked whether they are well, in the end."""

    def __init__(self, directory):
        self._directory = directory
        self.parts = []

    def make_broker(self, *, options=None, **arguments):
        # Room for a batch of the greatest size, however slow the store is.
        options = {"journal_size": "64M", **(options or {})}
        broker = Broker(self._directory / f"broker-{next(_numbers)}", options=options, **arguments)
        self.parts.append(broker)
        return broker

    def make_sidecar(self, *arguments, **options):
        sidecar = Sidecar(self._directory / f"sidecar-{next(_numbers)}", *arguments, **options)
        self.parts.append(sidecar)
        return sidecar

    def start(self, **broker_arguments):
        """A broker with the plugin, and a sidecar that is connected to it."""
        broker = self.make_broker(**broker_arguments).start()
        return broker, self.make_sidecar(broker).start()

    def logs(self):
        return [(f"log of {part.directory.name}", "\n".join(part.log().splitlines()[-LOG_LINES_PRINTED:]))
                for part in self.parts]

    def close(self):
        errors = []
        for part in reversed(self.parts):
            try:
                part.close()
            except AssertionError as error:
                errors.append(f"{error}\n{part.log()[-20000:]}")
        shutil.rmtree(self._directory, ignore_errors=True)
        assert not errors, "\n".join(errors)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed and call.when == "call":
        for fixture in ("stack", "shared_stack"):
            stack = item.funcargs.get(fixture)
            report.sections.extend(stack.logs() if stack else [])


@pytest.fixture
def stack(tmp_path):
    """For tests that want parts of their own."""
    stack = Stack(tmp_path / "stack")
    yield stack
    stack.close()


@pytest.fixture(scope="module")
def shared_stack(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("shared"))
    stack.start()
    yield stack
    stack.close()


@pytest.fixture
def broker(shared_stack):
    broker = shared_stack.parts[0]
    yield broker
    broker.disconnect_all()


@pytest.fixture
def sidecar(shared_stack):
    return shared_stack.parts[1]


@pytest.fixture
def topic():
    return f"test/{next(_numbers)}"
