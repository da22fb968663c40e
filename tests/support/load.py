"""A publisher as P4 wants it: what was not acknowledged is sent again, on a new connection."""

import threading
import time

from tests.support.events import event
from tests.support.mqtt_client import ConnectionCut


class Load:
    """Publishes event after event at QoS 1 until the block ends; `acknowledged` and `cuts` grow meanwhile."""

    def __init__(self, broker, topic="t", filling_bytes=4000, pause_s=0.0):
        self._broker, self._topic, self._filling, self._pause_s = broker, topic, "x" * filling_bytes, pause_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._error = None
        self.acknowledged = []
        self.cuts = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        if self._error:
            raise self._error

    def _run(self):
        try:
            client = self._broker.connect()
            while not self._stop.is_set():
                event_id = f"id-{len(self.acknowledged)}"
                try:
                    client.publish(self._topic, event(event_id, filling=self._filling))
                    self.acknowledged.append(event_id)
                    time.sleep(self._pause_s)
                except ConnectionCut:
                    self.cuts += 1
                    client.cut()
                    time.sleep(0.02)
                    client = self._broker.connect()
            client.disconnect()
        except BaseException as error:  # pylint: disable=broad-except
            self._error = error
