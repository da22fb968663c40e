"""Levers inside the broker: a wall clock that jumps, a disk that is slow or fails, a death at one exact moment (see
fault_shim.c)."""

import mmap
import struct

# What a running broker meets; and what a start does, which asks where the journal's blocks are.
DISK_FAULTS = {"journal sync": 1, "WAL write": 2, "WAL sync": 4, "database write": 8, "database sync": 16}
START_FAULTS = {**DISK_FAULTS, "list of the journal's blocks": 32}
TERMINATE_AFTER_THIS_TURN, KILL_AFTER_PUBACK, KILL_AFTER_PUBREC = 1, 2, 3


class FaultShim:
    """One broker's levers; pass `broker_arguments` to it."""

    def __init__(self, library, directory):
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "levers"
        path.write_bytes(bytes(56))
        with open(path, "r+b") as file:
            self._levers = mmap.mmap(file.fileno(), 56)
        self.broker_arguments = {"preload": [library], "environment": {"FAULT_SHIM_LEVERS": str(path)}}

    def set_clock(self, offset_s):
        """Moves the broker's wall clock that far from the true one."""
        self._levers[0:8] = struct.pack("<q", offset_s)

    def arm(self, fault):
        """What the broker dies of, once, as soon as it comes to it."""
        self._levers[8:16] = struct.pack("<q", fault)

    def slow_down_disk(self, *, sync_ms, write_us):
        """How long each sync takes from now on, and each write to events.db itself."""
        self._levers[16:32] = struct.pack("<qq", sync_ms, write_us)

    def fail(self, *faults):
        """These of START_FAULTS fail from now on, and nothing else."""
        self._levers[48:56] = struct.pack("<q", sum(START_FAULTS[fault] for fault in faults))

    def delayed(self):
        """How many syncs and writes were slowed down."""
        return struct.unpack("<qq", self._levers[32:48])
