"""A client of GET /events/stream."""

import json
import socket


class Watcher:
    """A client of server-sent events that reads when it is told to."""

    def __init__(self, sidecar, query="", headers=None, receive_buffer=None):
        self._socket = socket.socket()
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(60)
        self._socket.connect(("127.0.0.1", sidecar.port))
        if sidecar.tls:
            self._socket = sidecar.tls.wrap_socket(self._socket, server_hostname="127.0.0.1")
        lines = [f"{name}: {value}\r\n" for name, value in (headers or {}).items()]
        self._socket.sendall(f"GET /events/stream{query} HTTP/1.1\r\nHost: x\r\n{''.join(lines)}\r\n".encode())
        self._received = b""
        head = self._read_to(b"\r\n\r\n")
        self.status = int(head.split()[1])
        self.headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
        if self.status == 200:
            assert self._read_to(b"\n\n") == b"retry: 1000"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._socket.close()

    def fileno(self):
        return self._socket.fileno()

    def settimeout(self, timeout_s):
        """How long frame() and the like wait for bytes; what came before a TimeoutError is kept."""
        self._socket.settimeout(timeout_s)

    def _read_to(self, end):
        while end not in self._received:
            data = self._socket.recv(1 << 16)
            if not data:
                raise EOFError
            self._received += data
        found, _, self._received = self._received.partition(end)
        return found

    def frame_text(self):
        """(id, data as it was sent) of the next frame; data is None in a heartbeat."""
        fields = [line.split(": ", 1) for line in self._read_to(b"\n\n").decode().split("\n")]
        assert [name for name, _ in fields] in (["id", "data"], ["id"]), fields
        return int(fields[0][1]), fields[1][1] if len(fields) == 2 else None

    def frame(self):
        """The same with the data's meaning."""
        seq, text = self.frame_text()
        return seq, text and json.loads(text)

    def event(self):
        """The next event, heartbeats left out."""
        while True:
            seq, data = self.frame()
            if data is not None:
                assert data["seq"] == seq
                return data

    def ids(self, count):
        return [self.event()["event_id"] for _ in range(count)]
