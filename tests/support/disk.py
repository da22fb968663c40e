"""Disks that are small."""

import contextlib
import os
import shutil
import subprocess

import pytest


class SmallDisk:
    """A file system of that size on a directory; close() takes it away."""

    def __init__(self, directory, size):
        if os.geteuid() != 0:
            pytest.skip("only root can mount a file system")
        self.directory = directory
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", directory], check=True)

    def resize(self, size):
        subprocess.run(["mount", "-o", f"remount,size={size}", self.directory], check=True)

    def fill(self):
        """Leaves no byte; free() gives them back."""
        with open(self.directory / "ballast", "wb", buffering=0) as ballast:
            with contextlib.suppress(OSError):  # when it is full
                while True:
                    ballast.write(bytes(4096))
        assert shutil.disk_usage(self.directory).free == 0

    def free(self):
        (self.directory / "ballast").unlink()

    def close(self):
        # Lazily: a broker that is still ending may hold files.
        subprocess.run(["umount", "--lazy", self.directory], check=True)
