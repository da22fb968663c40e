"""A broker and a sidecar for each test, since what one of them leaves would be the next one's."""

import pytest

from tests.support.crowd import raise_file_limit
from tests.support.sidecar import IS_SANITIZED


@pytest.fixture(autouse=True)
def files_max():
    return raise_file_limit()


@pytest.fixture
def second():
    """How long a health check may take: a second, of which a sanitizer makes more."""
    return 10.0 if IS_SANITIZED else 1.0


@pytest.fixture
def park_options():
    return {"journal_size": "64M"}
