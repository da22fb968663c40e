"""Rules with windows of different lengths under load, over ends of the broker and jumps of the wall clock."""

import json
import time

import pytest

from tests.support import mqtt_client
from tests.support.mqtt_client import V311
from tests.support.observer import Observer

SHORT_S = 1.0
RULES = [{"name": name, "topics": [name], "key": ["/n"], "window": window}
         for name, window in (("short", "1s"), ("quarter", "15m"), ("ever", "forever"))]
COUNT = 300
DAYS_S = 30 * 24 * 3600


def payload(number):
    return b'{"n":%d}' % number


class Traffic:
    """The same ids on the topic of each rule, all in one write; counts what is handed on."""

    def __init__(self, broker):
        self._observer = Observer(broker)
        self._publisher = broker.connect()

    def handed_on(self):
        self._publisher.send(b"".join(mqtt_client.encode_publish(V311, rule["name"], payload(number), qos=0)
                                      for number in range(COUNT) for rule in RULES))
        self._publisher.ping()
        counts = dict.fromkeys((rule["name"] for rule in RULES), 0)
        for message in self._observer.messages():
            counts[message.topic] += 1
        return tuple(counts.values())


@pytest.mark.parametrize("end", ["terminate", "kill"])
@pytest.mark.parametrize("jump_s", [0, DAYS_S, -DAYS_S], ids=["steady", "forward", "backward"])
def test_each_forgets_by_its_own_age(park, fault_shim, tmp_path, end, jump_s):
    tmp_path.chmod(0o755)
    (tmp_path / "rules.json").write_text(json.dumps({"rules": RULES}))
    broker = park.start_broker(options={"rules_file": tmp_path / "rules.json"}, **fault_shim.broker_arguments)
    begin = time.monotonic()
    traffic = Traffic(broker)
    assert traffic.handed_on() == (COUNT, COUNT, COUNT)
    fault_shim.set_clock(jump_s)
    again = traffic.handed_on()
    if time.monotonic() < begin + SHORT_S:  # else this machine stood still, and nothing can be said
        assert again == (0, 0, 0)
    broker.settle()
    getattr(broker, end)()
    broker.start()
    time.sleep(max(0.0, begin + 2 * SHORT_S - time.monotonic()))
    traffic = Traffic(broker)
    assert traffic.handed_on() == (COUNT, 0, 0), "only the short window is over"
    assert traffic.handed_on()[1:] == (0, 0)
    fault_shim.set_clock(0)
