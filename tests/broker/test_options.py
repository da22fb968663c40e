"""Options: a wrong one stops the broker with a message that names it; a data directory has one broker."""

import os
import pathlib
import re
import shutil
import tempfile

import pytest

from tests.support.broker import mosquitto_version
from tests.support.events import event
from tests.support.observer import Observer
from tests.support.ports import free_port
from tests.support.store import Store

DURATION_OPTIONS = ["fsync_interval", "recovery_delay", "window", "retention", "sys_interval"]
BAD_DURATIONS = ["abc", "10", "-1s", "1.5s", "5 s", "s", "5x", "5ss", "99999999999999999999d"]
BAD_SIZES = ["abc", "-1M", "1.5M", "M", "64X", "99999999999999999999G"]


@pytest.mark.parametrize("name", ["windw", "Window", "event_id", "data-dir"])
def test_unknown_option_stops_the_broker(park, name):
    log = park.make_broker(options={name: "5s"}).start_refused()
    assert name in log
    assert "recovery_delay" in log or "unknown" in log.lower()  # what there is, or that there is no such option


@pytest.mark.parametrize("value", BAD_DURATIONS)
@pytest.mark.parametrize("name", DURATION_OPTIONS)
def test_malformed_duration_stops_the_broker(park, name, value):
    log = park.make_broker(options={name: value}).start_refused()
    line, = [line for line in log.splitlines() if name in line]
    assert value in line
    assert re.search(r"such as \d+(ms|s)", line)  # what it takes, by example


@pytest.mark.parametrize("name", ["window", "retention"])
def test_window_of_no_length_stops_the_broker(park, name):
    assert any(name in line and "forever" in line
               for line in park.make_broker(options={name: "0"}).start_refused().splitlines())


@pytest.mark.parametrize("value", BAD_SIZES)
def test_malformed_size_stops_the_broker(park, value):
    log = park.make_broker(options={"journal_size": value}).start_refused()
    line, = [line for line in log.splitlines() if "journal_size" in line]
    assert value in line and "64M" in line


def test_journal_too_small_for_anything_stops_the_broker(park):
    assert "journal_size" in park.make_broker(options={"journal_size": "1K"}).start_refused()


def test_unknown_answer_to_a_store_failure_stops_the_broker(park):
    log = park.make_broker(options={"on_store_failure": "ignore"}).start_refused()
    line, = [line for line in log.splitlines() if "on_store_failure" in line]
    assert "ignore" in line and "refuse" in line and "pass" in line


@pytest.mark.parametrize("name, first, second", [("topics", "a/#", "b/#"), ("window", "1h", "1h")])
def test_option_that_is_given_twice_stops_the_broker(park, name, first, second):
    """Mosquitto takes the last of them without a word, so half of the topics would not be deduplicated."""
    log = park.make_broker(options={name: f"{first}\nplugin_opt_{name} {second}"}).start_refused()
    line, = [line for line in log.splitlines() if "twice" in line]
    assert f"plugin_opt_{name}" in line and second in line


@pytest.mark.parametrize("member", ["data.id", "/data/id", "id,uuid"])
def test_path_in_place_of_a_member_stops_the_broker(park, member):
    log = park.make_broker(options={"id_member": member}).start_refused()
    line, = [line for line in log.splitlines() if "id_member" in line]
    assert f"'{member}'" in line and "rules file" in line and "JSON Pointer" in line


@pytest.mark.parametrize("topics", ["a/#/b", "a#", "a+/b", "+a", "ok,a/#/b"])
def test_malformed_topic_filter_stops_the_broker(park, topics):
    log = park.make_broker(options={"topics": topics}).start_refused()
    line, = [line for line in log.splitlines() if "topics" in line]
    assert topics.split(",")[-1] in line


def test_retention_shorter_than_window_stops_the_broker(park):
    log = park.make_broker(options={"window": "7d", "retention": "1d"}).start_refused()
    assert any("retention" in line and "window" in line for line in log.splitlines())


def test_retention_with_endless_window_stops_the_broker(park):
    """The window is endless by default, so a retention alone is shorter than it."""
    log = park.make_broker(options={"retention": "1d"}).start_refused()
    assert any("retention" in line and "window" in line for line in log.splitlines())


@pytest.mark.parametrize("options", [
    {"fsync_interval": "0"}, {"fsync_interval": "0s"}, {"fsync_interval": "1s"}, {"journal_size": "64M"},
    {"recovery_delay": "5s"}, {"window": "15m"}, {"window": "7d", "retention": "7d"},
    {"window": "1h", "retention": "forever"}, {"window": "forever", "retention": "forever"},
    {"on_store_failure": "pass"}, {"on_store_failure": "refuse"}, {"topics": "#"}, {"id_member": "event_id"},
], ids=lambda options: " ".join(f"{name}={value}" for name, value in options.items()))
def test_good_value_is_taken(park, options):
    broker = park.start_broker(options=options)
    observer = Observer(broker)
    for qos in (0, 1, 2):
        broker.connect().publish("t", event("a"), qos)
    assert observer.payloads() == [event("a")]
    Store(broker).wait_ids(["a"])


def test_data_directory_is_made_if_it_is_not_there(park, tmp_path):
    broker = park.start_broker(options={"data_dir": tmp_path / "new"})
    broker.connect().publish("t", event("a"))
    assert {path.name for path in (tmp_path / "new").iterdir()} >= {"events.db", "events.journal", "events.lock"}


def test_data_directory_that_is_not_absolute_is_warned_of_and_told(park):
    """It depends on where the broker is started, so the log says where that is."""
    broker = park.make_broker(options={"data_dir": "link/../relative"})
    (broker.directory / "elsewhere" / "deep").mkdir(parents=True)
    (broker.directory / "link").symlink_to("elsewhere/deep")
    broker.start()
    path = f"{broker.directory}/link/../relative"
    warning, = [line for line in broker.log().splitlines() if "is no absolute path" in line]
    assert warning.endswith(f" {path}") and "data_dir link/../relative" in warning
    assert f"0 event ids in {path}, ready" in broker.log()
    broker.connect().publish("t", event("a"))
    # The kernel goes through the link before it goes up.
    assert (broker.directory / "elsewhere" / "relative" / "events.db").exists()


def test_data_directory_that_is_absolute_is_not_warned_of(park):
    assert "absolute" not in park.start_broker().log()


@pytest.mark.parametrize("name, value", [("data_dir", '"/var/lib/x"'), ("data_dir", "'/var/lib/x'"), ("topics", '"a/#"'),
                                         ("id_member", '"id"')])
def test_quotes_stop_the_broker(park, name, value):
    """Mosquitto keeps them, so a directory named `"` would be made, or no topic ever be recognised."""
    broker = park.make_broker(options={name: value})
    log = broker.start_refused()
    line, = [line for line in log.splitlines() if "without quotes" in line]
    assert f"plugin_opt_{name} {value}" in line
    assert {path.name for path in broker.directory.iterdir()} == {"data", "broker.log", "mosquitto.conf"}


@pytest.fixture
def open_directory():
    """One that the user mosquitto can get to."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield pathlib.Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a broker that becomes another user")
def test_broker_that_drops_its_privileges_uses_its_own_data_directory(park, open_directory):
    shutil.chown(open_directory, "mosquitto")
    broker = park.start_broker(user="mosquitto", options={"data_dir": open_directory})
    observer = Observer(broker)
    for _ in range(2):
        broker.connect().publish("t", event("a"))
    assert observer.payloads() == [event("a")]
    assert {path.owner() for path in open_directory.iterdir()} == {"mosquitto"}


def test_second_broker_on_the_same_data_directory_refuses(park):
    first = park.start_broker()
    second = park.make_broker(options={"data_dir": first.data_dir})
    log = second.start_refused()
    line, = [line for line in log.splitlines() if str(first.data_dir) in line]
    assert "another broker" in line.lower()
    # The first did not notice; after its end, even by kill -9, the directory is free.
    observer = Observer(first)
    for _ in range(2):
        first.connect().publish("t", event("a"))
    assert observer.payloads() == [event("a")]
    first.settle()
    first.kill()
    second.start()
    observer = Observer(second)
    second.connect().publish("t", event("a"))
    assert observer.payloads() == []


@pytest.mark.skipif(mosquitto_version() >= (2, 1), reason="from 2.1 on that mode works")
def test_per_listener_settings_are_refused(park):
    """In that mode Mosquitto 2.0 never tells a plugin that its loop turns, and bridges bypass it."""
    log = park.make_broker(config="per_listener_settings true").start_refused()
    assert any("per_listener_settings" in line for line in log.splitlines())


def test_several_listeners_share_one_plugin(park):
    second_port = free_port()
    broker = park.start_broker(config=f"listener {second_port} 127.0.0.1")
    observer = Observer(broker)
    broker.connect().publish("t", event("a"))
    first_port, broker.port = broker.port, second_port
    broker.connect().publish("t", event("a"))
    broker.port = first_port
    assert observer.payloads() == [event("a")]
