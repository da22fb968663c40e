"""Fixtures: a broker and a sidecar that a module's tests share; topics nobody else uses."""

import itertools

import pytest

from tests.support.park import Park

_numbers = itertools.count(1)

# Room for a batch of the greatest size, however slow the store is.
OPTIONS = {"journal_size": "64M"}


@pytest.fixture
def park_options():
    return OPTIONS


@pytest.fixture(scope="module")
def shared_park(tmp_path_factory):
    park = Park(tmp_path_factory.mktemp("shared"), OPTIONS)
    park.start()
    yield park
    park.close()


@pytest.fixture
def broker(shared_park):
    broker = shared_park.parts[0]
    yield broker
    broker.disconnect_all()


@pytest.fixture
def sidecar(shared_park):
    return shared_park.parts[1]


@pytest.fixture
def topic():
    return f"test/{next(_numbers)}"
