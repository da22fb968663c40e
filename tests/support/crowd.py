"""Many connections at a time that mean no good, and what they cost everybody else."""

import contextlib
import resource
import select
import socket
import threading
import time


def raise_file_limit():
    """Each connection is a file, here too. Returns how many there may be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def connect(sidecar, address=None):
    """`address`: from which it comes; all of 127.0.0.0/8 are this machine's."""
    connection = socket.socket()
    if address:
        connection.bind((address, 0))
    connection.settimeout(60)
    connection.connect(("127.0.0.1", sidecar.port))
    return connection


class Crowd:
    """Holds `size` connections, opened anew when they are cut; each says `beginning`, then `drip` every `pause_s`."""

    def __init__(self, sidecar, size, beginning=b"", drip=b"", *, pause_s=0.5, address=None):
        self._sidecar, self._size, self._address = sidecar, size, address
        self._beginning, self._drip, self._pause_s = beginning, drip, pause_s
        self._connections = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.cut_count = 0

    def __enter__(self):
        for _ in range(self._size):
            self._open()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(60)
        for connection in self._connections.values():
            connection.close()

    def _open(self):
        connection = connect(self._sidecar, self._address)
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.send(self._beginning)
        self._connections[connection.fileno()] = connection

    def _run(self):
        while not self._over.wait(self._pause_s):
            poll = select.poll()
            for number in self._connections:
                poll.register(number, select.POLLRDHUP)
            cut = {number for number, _ in poll.poll(0)}
            for number, connection in self._connections.items():
                if self._drip and number not in cut:
                    try:
                        connection.send(self._drip)
                    except BlockingIOError:
                        pass
                    except OSError:
                        cut.add(number)
            for number in cut:
                self._connections.pop(number).close()
                self.cut_count += 1
            for _ in cut:
                if not self._over.is_set():
                    with contextlib.suppress(OSError):
                        self._open()


def latencies_s(sidecar, path="/healthz", *, seconds=5.0, status=200, address=None):
    """How long each of many GETs took, connecting included; they must succeed."""
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    taken_s = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        with connect(sidecar, address) as connection:
            connection.sendall(request)
            answer = b""
            while data := connection.recv(1 << 16):
                answer += data
        taken_s.append(time.monotonic() - begin)
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:500]
        time.sleep(0.02)
    return taken_s
