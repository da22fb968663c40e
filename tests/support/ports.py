"""Ports for servers under test."""

import fcntl
import os
import pathlib
import random
import socket
import tempfile

_RESERVATIONS = pathlib.Path(tempfile.gettempdir()) / f"mosquitto-dedup-ports-{os.getuid()}"
_held = []  # the locks of this process; they end with it


def free_port():
    """A port that nobody listens on, below those that the kernel hands to outgoing connections.

    It is this process's until it ends: no other test is given it, also in the time before the server takes it.
    """
    _RESERVATIONS.mkdir(exist_ok=True)
    while True:
        port = random.randrange(10240, 32000)
        if _reserve(port) and _is_free(port):
            return port


def _reserve(port):
    reservation = os.open(_RESERVATIONS / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(reservation, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(reservation)
        return False
    _held.append(reservation)
    return True


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
            return True
        except OSError:
            return False
