"""Commands to the plugin and the receipts it sends: a client's own view of `$CONTROL/dedup/v1`."""

import json

COMMAND_TOPIC = "$CONTROL/dedup/v1"
RESPONSE_TOPIC = "$CONTROL/dedup/v1/response"
RECEIPT_TOPIC = "$CONTROL/dedup/v1/receipt"


class Receipts:
    """Takes responses and receipts out of one client's inbox; the rest stays there."""

    def __init__(self, client):
        self.client = client
        self._receipts = []

    def _take(self, topic):
        taken = [message for message in self.client.inbox if message.topic == topic]
        self.client.inbox[:] = [message for message in self.client.inbox if message.topic != topic]
        return taken

    def send(self, payload, qos=1):
        """One message of commands, raw; returns the responses to it."""
        self.client.publish(COMMAND_TOPIC, payload, qos)
        self.client.wait_until(lambda inbox: any(message.topic == RESPONSE_TOPIC for message in inbox))
        message, = self._take(RESPONSE_TOPIC)
        return json.loads(message.payload)["responses"]

    def command(self, command, qos=1, **members):
        response, = self.send(json.dumps({"commands": [{"command": command, **members}]}).encode(), qos)
        return response

    def enable(self, enable=True):
        response = self.command("receipts", enable=enable)
        assert "error" not in response, response
        return response

    def _collect(self):
        for message in self._take(RECEIPT_TOPIC):
            content = json.loads(message.payload)
            self._receipts += content if isinstance(content, list) else [content]  # several may share a message
        return len(self._receipts)

    def wait(self, count):
        """The next `count` receipts, which must be all that came."""
        self.client.wait_until(lambda _: self._collect() >= count)
        receipts, self._receipts = self._receipts, []
        assert len(receipts) == count, receipts
        return receipts
