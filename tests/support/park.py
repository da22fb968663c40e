"""Brokers and sidecars that are ended, and asked whether they are well, in the end."""

import itertools
import shutil

from tests.support.broker import Broker
from tests.support.sidecar import Sidecar

LOG_BYTES_PRINTED = 15_000


class Park:
    """Makes the parts of a test and ends them; their logs are printed when the test fails.

    `options` are the plugin's, for every broker that does not say otherwise.
    """

    def __init__(self, directory, options=None):
        self._directory = directory
        self._options = options or {}
        self._numbers = itertools.count(1)
        self.parts = []

    def make_broker(self, *, options=None, **arguments):
        """A broker that is not started yet."""
        return self._add(Broker(self._name("broker"), options={**self._options, **(options or {})}, **arguments))

    def add(self, kind, **arguments):
        """A broker of a test's own kind, which is not started yet."""
        return self._add(kind(self._name("broker"), **arguments))

    def start_broker(self, **arguments):
        return self.make_broker(**arguments).start()

    def make_sidecar(self, *arguments, **options):
        """A sidecar that is not started yet."""
        return self._add(Sidecar(self._name("sidecar"), *arguments, **options))

    def start(self, **broker_arguments):
        """A broker with the plugin, and a sidecar that is connected to it."""
        broker = self.start_broker(**broker_arguments)
        return broker, self.make_sidecar(broker).start()

    def logs(self):
        return [(f"log of {part.directory.name}", part.log()[-LOG_BYTES_PRINTED:]) for part in self.parts]

    def close(self):
        """Ends all of them, the last first, then speaks up for those that did not end well."""
        errors = []
        for part in reversed(self.parts):
            try:
                part.close()
            except AssertionError as error:
                errors.append(f"{error}\n{part.log()[-LOG_BYTES_PRINTED:]}")
        shutil.rmtree(self._directory, ignore_errors=True)
        assert not errors, "\n".join(errors)

    def _name(self, kind):
        return self._directory / f"{kind}-{next(self._numbers)}"

    def _add(self, part):
        self.parts.append(part)
        return part
