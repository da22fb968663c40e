"""Fixtures of all suites: parts that are looked after."""

import pytest

from tests.support.park import Park


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed and call.when == "call":
        for fixture in ("park", "shared_park"):
            park = item.funcargs.get(fixture)
            report.sections.extend(park.logs() if park else [])


@pytest.fixture
def park_options():
    """The plugin's options for brokers that a test starts itself; a suite may say otherwise."""
    return {}


@pytest.fixture
def park(tmp_path, park_options):
    """For tests that want parts of their own."""
    park = Park(tmp_path / "park", park_options)
    yield park
    park.close()
