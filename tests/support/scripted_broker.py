"""A broker whose plugin answers what a test wants: other versions than the one that was built."""

import contextlib
import json
import socket
import threading

from tests.support import mqtt_client
from tests.support.mqtt_client import CONNACK, PUBLISH, V5
from tests.support.receipts import RESPONSE_TOPIC


class ScriptedBroker:
    """Lets one client at a time in, and answers `command` with `response`, or with nothing where that is None."""

    def __init__(self, response, command="receipts"):
        self.response = response
        self._command = f'"command":"{command}"'.encode()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._client = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A thread in accept() is not woken by close().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._client:
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def say(self, response):
        """Tells the client that is connected something that it has not asked for."""
        payload = json.dumps({"responses": [response]}).encode()
        self._client.sendall(mqtt_client.encode_publish(V5, RESPONSE_TOPIC, payload))

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client, contextlib.suppress(EOFError, ConnectionError):
                    self._client = client
                    self._serve_client(client)

    def _serve_client(self, client):
        self._read_packet(client)
        client.sendall(mqtt_client.encode(CONNACK, 0, b"\0\0\0"))
        while True:
            kind, body = self._read_packet(client)
            if kind >> 4 == PUBLISH and self._command in body and self.response is not None:
                self.say(self.response)

    @staticmethod
    def _read_packet(client):
        def read(count):
            data = b""
            while len(data) < count:
                data += (more := client.recv(count - len(data)))
                if not more:
                    raise EOFError
            return data

        kind, size, shift = read(1)[0], 0, 0
        while True:
            digit = read(1)[0]
            size |= (digit & 0x7F) << shift
            shift += 7
            if digit < 0x80:
                return kind, read(size)
