"""A subscriber that can tell when it has seen all there was to see."""

import itertools

_numbers = itertools.count(1)


class Observer:
    """Subscribes to a filter and returns what arrived, up to a sentinel that another client publishes afterwards.

    The sentinel is what makes "nothing more came" certain without a sleep: the broker hands it to this subscriber
    behind everything that was acknowledged before. It carries no id, so the plugin lets it through.
    """

    def __init__(self, broker, topic_filter="#", qos=2, *, subscribe=True, **options):
        self.client = broker.connect(**options)
        self._broker = broker
        if subscribe:
            self.client.subscribe(topic_filter, qos)
            if topic_filter != "#":
                self.client.subscribe("sentinel/#", qos)

    def wait(self, count):
        """At least `count` messages, as soon as they are there."""
        return self.client.wait_messages(count)

    def messages(self):
        """All messages since the last call."""
        topic = f"sentinel/{next(_numbers)}"
        publisher = self._broker.connect()
        # QoS 2, so that it is granted what the subscription was and queues behind what is waiting there.
        publisher.publish(topic, b"sentinel", qos=2)
        publisher.disconnect()
        # It is the newest one when it comes; to look at all of them each time would take longer than their way here.
        self.client.wait_until(lambda inbox: inbox and inbox[-1].topic == topic)
        return [message for message in self.client.clear() if not message.topic.startswith("sentinel/")]

    def payloads(self):
        return [message.payload for message in self.messages()]
