"""The broker's log is quiet in normal work: one line at start."""

import re

from tests.support.events import event
from tests.support.mqtt_client import V5, V311
from tests.support.receipts import Receipts
from tests.support.store import Store

DEFAULT_LOG_TYPES = ("error", "warning", "notice", "information")

# Mosquitto's own lines, 2.0 and 2.1.
BROKERS_OWN = re.compile(r"Warning: Mosquitto should not be run as root|mosquitto version |Config loaded from |"
                         r"Loading plugin: |Opening ipv4 listen socket|New connection from |New client connected from |"
                         r"Client \S+ .*(disconnected|closed its connection)|Saving in-memory database|"
                         r"Plugin .* loaded|Bridge support|Persistence support|TLS support|WebSockets support|"
                         r"TLS-PSK support|Unix socket support|Websockets support|Info: running mosquitto as user|"
                         r"Plugin has registered to receive ")


def plugin_lines(broker, offset=0):
    return [line for line in broker.log(offset).splitlines() if line and not BROKERS_OWN.match(line)]


def log_size(broker):
    return broker.log_path.stat().st_size


def assert_start_line(line, event_count):
    assert "mosquitto-dedup" in line
    assert re.search(r"\b\d+\.\d+\.\d+\b", line), "the version"
    assert re.search(rf"\b{event_count} (event|key|id)", line), "the number of events"
    assert re.search(r"\b\d+(\.\d+)? ?(ms|s|µs|us)\b", line), "the time that the start took"


def normal_work(broker, first_number):
    publishers = [broker.connect(version=V311), broker.connect(version=V5)]
    receipts = Receipts(broker.connect())
    receipts.enable()
    for number in range(first_number, first_number + 30):
        for publisher in [*publishers, receipts.client]:
            publisher.publish("t", event(f"id-{number}"), qos=number % 3, retain=number % 5 == 0)
        publishers[0].publish("t", b"no event")
    broker.disconnect_all()


def test_one_line_at_start_and_no_other_in_normal_work(park):
    broker = park.start_broker(log_types=DEFAULT_LOG_TYPES, options={"window": "1h"})
    line, = plugin_lines(broker)
    assert_start_line(line, 0)
    normal_work(broker, 0)
    Store(broker).wait_count(30)
    broker.settle()
    broker.terminate()
    assert plugin_lines(broker) == [line]


def test_start_line_after_a_clean_stop_and_after_kill_9_tells_the_number_of_events(park):
    broker = park.start_broker(log_types=DEFAULT_LOG_TYPES)
    for turn, end in enumerate(["terminate", "kill", "kill"]):
        normal_work(broker, 30 * turn)
        broker.settle()
        getattr(broker, end)()
        offset = log_size(broker)
        broker.start()
        line, = plugin_lines(broker, offset)
        assert_start_line(line, 30 * (turn + 1))


def test_expiry_is_quiet(park):
    broker = park.start_broker(log_types=DEFAULT_LOG_TYPES, options={"window": "1s"})
    normal_work(broker, 0)
    Store(broker).wait_count(30)
    Store(broker).wait_count(0)
    broker.settle()
    assert len(plugin_lines(broker)) == 1


def test_invalid_ids_are_logged_once_a_minute_at_most(park):
    broker = park.start_broker(log_types=DEFAULT_LOG_TYPES)
    publisher = broker.connect()
    for number in range(50):
        publisher.publish(f"t/{number}", b'{"event_id":""}', qos=number % 3)
        publisher.publish(f"t/{number}", b'{"event_id":1.5}', qos=number % 3)
    broker.settle()
    assert len(plugin_lines(broker)) <= 2


def test_start_line_is_the_same_with_every_log_type(park):
    """`log_type all` shows what the broker does, not what the plugin does."""
    broker = park.start_broker()
    normal_work(broker, 0)
    broker.terminate()
    assert len([line for line in broker.log().splitlines() if "dedup" in line and "$CONTROL" not in line
                and "Loading plugin" not in line and "mosquitto.conf" not in line and "Plugin " not in line]) == 1
