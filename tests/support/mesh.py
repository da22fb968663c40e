"""Brokers that bridges join, with the configuration that docs/several-brokers.md shows."""

import re

from tests.support.broker import ROOT, wait_until
from tests.support.shipped_broker import ShippedBroker

NAMES = ("one", "two", "three", "four")
WAIT_S = 60.0  # a bridge may take its time to connect again, and the machine may be busy

_PAGE = (ROOT / "docs" / "several-brokers.md").read_text()
_CONNECTION = re.search(r"^```\n(connection two-one\n.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)[1]
RULES = re.search(r'^```json\n(\{"rules".*?)^```', _PAGE, re.MULTILINE | re.DOTALL)[1]


def line(names):
    return set(zip(names, names[1:]))


def ring(names):
    return {*line(names), (names[-1], names[0])}


def full(names):
    return {(a, b) for a in names for b in names if a < b}


class Mesh:
    """`links` are the pairs of brokers that are joined. For each, either broker has a connection to the other, as the page
    says; with both_ways=False only the first of them has one. `changes` to the page's connection are pairs of texts."""

    def __init__(self, park, links, *, both_ways=True, changes=(), **options):
        self.connections = {*links, *((b, a) for a, b in links if both_ways)}
        self.changes = [("restart_timeout 1 5", "restart_timeout 1 2"), *changes]  # tests do not wait longer than they must
        self.brokers = {name: park.add(ShippedBroker, **options) for name in NAMES if name in {n for l in links for n in l}}
        self._seen = dict.fromkeys(self.connections, 0)  # how far the log of its target was when it was connected last

    def __iter__(self):
        return iter(self.brokers.values())

    def __getitem__(self, name):
        return self.brokers[name]

    def start(self):
        for name in self.brokers:
            self.start_one(name)
        for name, broker in self.brokers.items():
            if broker.bridge != self._bridges(name):  # a port was taken, and another had to do
                broker.terminate()
                self.start_one(name)
        return self.wait_connected()

    def start_one(self, name):
        """Of a mesh whose others run already."""
        self._forget(name)
        self[name].bridge = self._bridges(name)
        self[name].start()

    def _forget(self, name):
        """Connections from and to this broker count only from now on."""
        for source, target in self.connections:
            if name in (source, target):
                self._seen[source, target] = self[target].log_path.stat().st_size

    def wait_connected(self):
        for source, target in self.connections:
            wait_until(lambda: f"Sending CONNACK to {source}-{target}" in self[target].log(self._seen[source, target]),
                       f"the bridge of {source} to {target} is connected", WAIT_S)
        return self

    def wait_quiet(self):
        """Until no broker sends or receives a message any more, on bridges or to clients.

        What is on its way over loopback can be read at once. So a mesh is quiet when the loops of all brokers have turned,
        in which they read what they can and send what they have, and none of them says that it did.
        """
        wait_until(lambda: self._publishes() == self._publishes(), "the mesh is quiet", WAIT_S)

    def _publishes(self):
        for broker in self:
            client = broker.connect()
            client.ping()
            client.ping()  # another turn
            client.disconnect()
        return [broker.log().count(" PUBLISH ") for broker in self]

    def _bridges(self, name):
        return "\n".join(self._connection(*pair) for pair in sorted(self.connections) if pair[0] == name)

    def _connection(self, source, target):
        text = _CONNECTION
        for old, new in self.changes:
            assert old in text
            text = text.replace(old, new)
        own = {"two": source, "one": target}
        text = re.sub(r"\b(?:one|two)\b", lambda match: own[match[0]], text)
        return re.sub(r"^address .*", f"address 127.0.0.1:{self[target].port}", text, flags=re.MULTILINE)
