"""Disks that are small, or that fail on demand (see disk_shim.c)."""

import contextlib
import mmap
import os
import pathlib
import shutil
import struct
import subprocess

import pytest

_SOURCE = pathlib.Path(__file__).with_name("disk_shim.c")


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


class FailingDisk:
    """What of a broker's disk fails; pass `broker_arguments` to that broker."""

    FAULTS = {"journal sync": 1, "WAL write": 2, "WAL sync": 4, "database write": 8, "database sync": 16}

    def __init__(self, directory):
        compiler = shutil.which("cc") or shutil.which("gcc")
        if not compiler:
            pytest.skip("no C compiler for disk_shim.c")
        library, lever = directory / "disk_shim.so", directory / "lever"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-o", library, _SOURCE, "-ldl"],
                       check=True)
        lever.write_bytes(bytes(8))
        with open(lever, "r+b") as file:
            self._lever = mmap.mmap(file.fileno(), 8)
        self.broker_arguments = {"preload": [library], "environment": {"DISK_SHIM_LEVER": str(lever)}}

    def fail(self, *faults):
        """These fail from now on, and nothing else."""
        self._lever[:] = struct.pack("<Q", sum(self.FAULTS[fault] for fault in faults))
