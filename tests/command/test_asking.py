"""`mosquitto-dedup` and the plugin of a running broker: stats, rules show, explain, reload."""

import json
import os
import re
import signal
import subprocess

import pytest

from tests.support import command
from tests.support.broker import wait_until
from tests.support.certificates import Authority
from tests.support.mqtt_client import CONNACK, V5, encode
from tests.support.ports import free_port
from tests.support.scripted_broker import ScriptedBroker

BLE = {"name": "ble", "topics": ["home/+/BTtoMQTT/+"], "ignore_levels": [2], "key": ["payload"], "ignore": ["/rssi"],
       "window": "1h"}
SEEN = {"name": "seen", "topics": ["seen/+"], "key": ["/id"], "window": "1h", "mode": "observe"}
ASKING = [["stats"], ["rules", "show"], ["rules", "show", "ble"], ["reload"], ["explain", "-t", "a"], ["top"]]


@pytest.fixture
def rules_file(tmp_path):
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"rules": [BLE, SEEN]}))
    return path


@pytest.fixture
def broker(park, rules_file):
    return park.start_broker(options={"rules_file": rules_file})


def at(broker, *arguments):
    return [*arguments, "-h", "127.0.0.1", "-p", broker.port]


def publish_copies(broker):
    """Three readings over two gateways, and one that a rule only observes."""
    gateways = [broker.connect(name) for name in ("attic", "cellar")]
    for reading in range(3):
        for number, gateway in enumerate(gateways):
            gateway.publish(f"home/{number}/BTtoMQTT/A4", b'{"t":%d,"rssi":-6%d}' % (reading, number), qos=1)
    for number, gateway in enumerate(gateways):
        gateway.publish("seen/\u00fc", b'{"id":7,"rssi":-6%d}' % number, qos=1)


def rows(text):
    """The cells of each line, by the first of them."""
    return {cells[0]: cells for cells in (re.split(r"  +", line.strip()) for line in text.splitlines()) if cells[0]}


# --- stats ---

def test_stats_shows_what_came_and_what_each_rule_did(broker):
    publish_copies(broker)
    said = command.succeed(*at(broker, "stats"))
    assert said.splitlines()[1] == "6 events came; 3 were duplicates (50 %)."
    shown = rows(said)
    assert (shown["received"][1], shown["duplicates"][1], shown["passed"][1]) == ("6", "3", "2")
    heads = shown["rule"]
    assert dict(zip(heads, shown["ble"])) == {
        "rule": "ble", "mode": "drop", "window": "1h", "matched": "6", "keyed": "6", "without_key": "0", "processed": "3",
        "duplicates": "3", "compared": "0", "conflicts": "0", "topics": "home/+/BTtoMQTT/+"}
    assert dict(zip(heads, shown["seen"]))["mode"] == "observe"
    assert shown["default"][:3] == ["default", "drop", "forever"]


def test_stats_as_json(broker):
    publish_copies(broker)
    said = json.loads(command.succeed(*at(broker, "stats", "--json")))
    assert (said["stats"]["figures"]["duplicates"], said["stats"]["trouble"]) == (3, None)
    assert [rule["name"] for rule in said["rules"]] == ["ble", "seen", "default"]


def test_stats_says_that_events_cannot_be_stored(park, tmp_path):
    (tmp_path / "file").touch()
    broker = park.start_broker(options={"data_dir": tmp_path / "file"})
    said = command.succeed(*at(broker, "stats"))
    assert "Events cannot be stored, so there are no figures: " in said and str(tmp_path) in said


# --- rules show ---

def test_rules_show_is_a_row_each(broker):
    publish_copies(broker)
    shown = rows(command.succeed(*at(broker, "rules", "show")))
    assert set(shown) == {"rule", "ble", "seen", "default"} and shown["ble"][7] == "3"


def test_a_rule_that_observes_says_what_it_would_do(broker):
    publish_copies(broker)
    said = command.succeed(*at(broker, "rules", "show", "seen"))
    assert said.startswith("seen: seen/+; window 1h; observes\n")
    assert "1 copy of 2 messages (50 %) would not be handed on.\n" in said
    assert "   Payload: 0 the same, 1 another one\n" in said
    assert "   1 copy (100 %): /rssi\n" in said
    assert "first on seen/\u00fc from attic\n         {\"id\":7,\"rssi\":-60}\n" in said
    assert "copy on seen/\u00fc from cellar\n         {\"id\":7,\"rssi\":-61}\n" in said
    assert "What it would do" not in command.succeed(*at(broker, "rules", "show", "ble"))


def test_a_key_that_names_a_device_is_pointed_at(park, tmp_path):
    path = tmp_path / "device.json"
    path.write_text(json.dumps({"rules": [{"name": "device", "topics": ["a/+"], "key": ["/id"], "window": "1h"}]}))
    broker = park.start_broker(options={"rules_file": path})
    client = broker.connect()
    for reading in range(5):
        client.publish("a/b", b'{"id":"thermometer","t":%d}' % reading, qos=1)
    warning = "most duplicates have another payload than the first (4 of 4 compared)"
    wait_until(lambda: warning in command.succeed(*at(broker, "stats")), "the writer has compared them")
    for verb in (["rules", "show"], ["rules", "show", "device"]):
        assert warning in command.succeed(*at(broker, *verb))


def test_a_rule_that_is_not_there(broker):
    assert command.complaint(*at(broker, "rules", "show", "nope")) == \
        "mosquitto-dedup: there is no rule with the name 'nope'\n"


# --- explain ---

def test_explain_has_the_verdict_as_of_now(broker):
    message = ["-t", "home/hall/BTtoMQTT/A4", "-m", '{"rssi":-99,"t":1}']
    said = command.succeed(*at(broker, "explain", *message))
    assert "Decides: ble\nVerdict now: processed, as a new event\n" in said
    publish_copies(broker)
    said = command.succeed(*at(broker, "explain", *message))
    assert "Verdict now: duplicate of event 2; it would not be handed on\n" in said
    said = command.succeed(*at(broker, "explain", "-t", "seen/\u00fc", "-m", '{"id":7}', "--client", "x"))
    assert said.endswith("Decides: none; the message passes untouched\nObserves: seen, for which it is a copy\n"
                         "Verdict now: passed, untouched\n")
    assert rows(command.succeed(*at(broker, "stats")))["received"][1] == "6", "nothing was published"


def test_explain_takes_any_bytes_and_properties(broker, tmp_path):
    path = tmp_path / "payload"
    path.write_bytes(b"\xff\x00")
    said = command.succeed(*at(broker, "explain", "-t", "else", "-f", path, "--property", 'event_id="\u00fc'))
    assert '   key: "\u00fc\n' in said and said.endswith("Decides: default\nVerdict now: processed, as a new event\n")
    path.write_bytes(b"x" * 70_000)
    assert "a payload of 70000 bytes is too large" in command.complaint(*at(broker, "explain", "-t", "a", "-f", path))
    assert "No such file" in command.complaint(*at(broker, "explain", "-t", "a", "-f", tmp_path / "away"))


# --- reload ---

def test_reload_puts_new_rules_in_use(broker, rules_file):
    rules_file.write_text(json.dumps({"rules": [BLE]}))
    assert command.succeed(*at(broker, "reload")) == "1 rule is in use.\n"
    assert set(rows(command.succeed(*at(broker, "rules", "show")))) == {"rule", "ble", "default"}
    rules_file.write_text(json.dumps({"rules": [{key: value for key, value in {**BLE, "name": "all"}.items() if key != "ignore"}, BLE]}))
    said = command.succeed(*at(broker, "reload"))
    assert said.startswith("2 rules are in use.\nWarning: rule 'ble' can never be reached")


def test_reload_names_what_is_wrong_and_leaves_the_rules(broker, rules_file):
    rules_file.write_text(json.dumps({"rules": [{**BLE, "windows": "1h"}]}))
    line, = command.complaint(*at(broker, "reload")).splitlines()
    assert line.startswith("mosquitto-dedup: ") and line.endswith("the rules stay as they were")
    assert str(rules_file) in line and "rule 'ble'" in line and "windows" in line
    assert "seen" in rows(command.succeed(*at(broker, "rules", "show")))
    rules_file.unlink()
    assert "No such file" in command.complaint(*at(broker, "reload"))


def test_reload_without_a_rules_file(park):
    assert "plugin_opt_rules_file" in command.complaint(*at(park.start_broker(), "reload"))


# --- What can go wrong on the way ---

def only_line(arguments, **options):
    line, = command.complaint(*arguments, **options).splitlines()
    return line


@pytest.mark.parametrize("verb", ASKING, ids=" ".join)
def test_a_broker_that_is_away(verb):
    port = free_port()
    assert only_line([*verb, "-h", "127.0.0.1", "-p", port]) == f"mosquitto-dedup: broker 127.0.0.1:{port}: Connection refused"


def test_a_broker_without_the_plugin(park):
    broker = park.start_broker(plugin=False)
    assert "the plugin mosquitto-dedup is not loaded" in only_line(at(broker, "stats"))


def test_a_user_who_may_not_ask(park, tmp_path):
    acl = tmp_path / "acl"
    acl.write_text("user ann\ntopic write $CONTROL/dedup/v1\nuser bob\ntopic readwrite a/#\n")
    acl.chmod(0o600)
    broker = park.start_broker(config=f"acl_file {acl}")
    command.succeed(*at(broker, "stats", "-u", "ann"))  # to read the answer takes no right
    for verb in ASKING:
        assert only_line(at(broker, *verb, "-u", "bob")) == \
            f"mosquitto-dedup: broker 127.0.0.1:{broker.port}: this user may not publish on $CONTROL/dedup/v1; " \
            "an ACL or dynamic security must allow it"
    # Before MQTT 5 a broker cannot say that.
    assert "is not loaded, or this user may not publish there" in only_line(at(broker, "stats", "-u", "bob", "-V", "311"))


def test_a_wrong_password(park, tmp_path):
    path = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", path, "ann", "secret"], check=True, capture_output=True)
    broker = park.start_broker(config=f"password_file {path}")
    assert "the broker refuses the connection: Not authorized" in only_line(at(broker, "stats", "-u", "ann", "-P", "wrong"))
    command.succeed(*at(broker, "stats", "-u", "ann", "-P", "secret", "-i", "me", "-V", "mqttv31"))


def test_tls(park, tmp_path):
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.issue("broker")
    port = free_port()
    park.start_broker(bridge=f"listener {port} 127.0.0.1\ncertfile {certificate}\nkeyfile {key}\n")
    address = ["stats", "-h", "127.0.0.1", "-p", port]
    command.succeed(*address, "--cafile", authority.path)
    stranger = Authority(tmp_path / "other").path
    assert f"broker 127.0.0.1:{port}: " in only_line([*address, "--cafile", stranger])
    assert f"broker 127.0.0.1:{port}: " in only_line(address)  # plain MQTT to a TLS port
    assert "--cafile, --capath, --cert or --key cannot be read" in only_line([*address, "--cafile", tmp_path / "away"])


def test_a_broker_that_is_silent():
    with ScriptedBroker(None) as broker:
        assert "no answer on $CONTROL/dedup/v1 within 5 s, and no acknowledgement" in only_line(at(broker, "rules", "show"))


def test_a_broker_that_ends_the_connection(monkeypatch):
    def serve(self, client):
        self._read_packet(client)
        client.sendall(encode(CONNACK, 0, b"\0\0\0"))
        self._read_packet(client)

    monkeypatch.setattr(ScriptedBroker, "_serve_client", serve)
    with ScriptedBroker(None) as broker:
        assert only_line(at(broker, "rules", "show")).endswith("the connection is lost")


def test_a_plugin_of_another_version():
    unknown = {"command": "rules", "correlationData": "0", "error": "unknown command; expected \"top\""}
    with ScriptedBroker(unknown, "rules") as broker:
        assert only_line(at(broker, "rules", "show")) == \
            'mosquitto-dedup: the plugin does not know the command "rules"; it is of another version than this program'
        broker.response = {"command": "rules", "correlationData": "0", "rules": [{"name": "a"}]}
        assert "is it of another version than this program?" in only_line(at(broker, "rules", "show"))


def test_an_answer_that_nobody_reads_ends_it_quietly(broker):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as closed:
        done = subprocess.run([command.PROGRAM, *map(str, at(broker, "stats"))], stdout=closed, stderr=subprocess.PIPE,
                              check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


def test_an_answer_that_cannot_be_written_is_a_failure(broker):
    with open("/dev/full", "w") as full:
        done = subprocess.run([command.PROGRAM, *map(str, at(broker, "stats"))], stdout=full, stderr=subprocess.PIPE,
                              text=True, check=False)
    assert done.returncode == 1 and "No space left" in done.stderr
