"""A lever inside the broker: no event becomes a row while it is held (see hold_store.c)."""

import pathlib
import shutil
import subprocess

_SOURCE = pathlib.Path(__file__).with_name("hold_store.c")


class HoldStore:
    """One broker's lever, which holds over its lives; pass `broker_arguments` to it."""

    def __init__(self, directory):
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        library = directory / "hold_store.so"
        compiler = shutil.which("cc") or shutil.which("gcc")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-o", library, _SOURCE, "-lsqlite3"], check=True)
        self._held = directory / "held"
        self.broker_arguments = {"preload": [library], "environment": {"HOLD_STORE": str(self._held)}}

    def set(self, is_held):
        if is_held:
            self._held.touch()
        else:
            self._held.unlink(missing_ok=True)
