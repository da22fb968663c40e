"""`mosquitto-dedup advise` as a subscriber of a real broker."""

import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time

import pytest

from tests.support import command
from tests.support.broker import wait_until
from tests.support.certificates import Authority
from tests.support.mqtt_client import V5
from tests.support.ports import free_port

GAP_S = 0.02


@pytest.fixture
def bare(park):
    """A broker without the plugin."""
    return park.start_broker(plugin=False)


def listen(broker, *arguments, port=None):
    """Returns when it has subscribed."""
    offset = len(broker.log())
    listening = command.Listening(port or broker.port, "-i", "adviser", *arguments)
    wait_until(lambda: "Sending SUBACK to adviser" in broker.log(offset), "it listens")
    return listening


def wait_heard(broker, count):
    """Until it has taken so many messages: an interrupt ends it before it reads what is on its way."""
    wait_until(lambda: broker.log().count("Received PUBACK from adviser") >= count, f"it hears {count} messages")


def publish_pairs(broker, count=20):
    """What two gateways hear of three thermometers; each adds how well it heard it."""
    gateways = {name: broker.connect(f"gateway-{name}", version=V5) for name in ("attic", "cellar")}
    for number in range(count):
        device = ("A4C138000001", "A4C138000002", "A4C138000003")[number % 3]
        for place, name in enumerate(sorted(gateways, reverse=number % 4 == 0)):
            reading = {"id": device, "tempc": round(20 + 0.37 * number, 2), "hum": 40 + 5 * number % 17,
                       "rssi": -60 - (7 * number + 5 * place) % 13}
            gateways[name].publish(f"home/{name}/BTtoMQTT/{device}", json.dumps(reading).encode(), qos=1)
            time.sleep(GAP_S)
        time.sleep(0.1)


def test_a_pair_of_gateways_is_found_and_the_rules_file_is_one(bare, tmp_path):
    listening = listen(bare, "--rules", "--for", "10m")
    publish_pairs(bare)
    wait_heard(bare, 40)
    proposed = listening.interrupt()
    assert "Heard 40 messages" in listening.stderr
    rule, = json.loads(proposed)["rules"]
    assert (rule["topics"], rule["ignore_levels"], rule["mode"]) == (["home/+/BTtoMQTT/+"], [2], "observe")
    assert rule["ignore"] == ["/rssi"]

    path = tmp_path / "rules.json"
    path.write_text(proposed)
    assert command.succeed("rules", "check", path).startswith("home-BTtoMQTT: home/+/BTtoMQTT/+ without level 2; ")
    explained = command.succeed("explain", "--rules", path, "-t", "home/hall/BTtoMQTT/A4C138000009",
                                "-m", '{"id":"A4C138000009","tempc":21.5,"hum":40,"rssi":-70}')
    assert "Observes: home-BTtoMQTT\n" in explained


def test_what_was_written_leads_to_the_same_advice(bare, tmp_path):
    written = tmp_path / "watched.jsonl"
    listening = listen(bare, "--write", written, "--json")
    publish_pairs(bare)
    bare.connect(version=V5).publish("else", b"\xff\x00", qos=1, properties=[("user_property", ("a", "b")), ("content_type", "x/y")])
    wait_heard(bare, 41)
    watched = json.loads(listening.interrupt())
    assert watched["rules"]
    assert json.loads(command.succeed("advise", "--file", written, "--json")) == watched
    last = json.loads(written.read_text().splitlines()[-1])
    assert last["payload_base64"] == "/wA=" and "payload" not in last
    assert last["properties"] == {"user": [["a", "b"]], "content_type": "x/y"}


def test_what_mosquitto_sub_writes_is_taken(bare):
    if not shutil.which("mosquitto_sub"):
        pytest.skip("no mosquitto_sub")
    with subprocess.Popen(["mosquitto_sub", "-p", str(bare.port), "-t", "#", "-i", "adviser", "-C", "40", "-F", "%j"],
                          stdout=subprocess.PIPE, text=True) as sub:
        wait_until(lambda: "Sending SUBACK to adviser" in bare.log(), "it listens")
        publish_pairs(bare)
        lines = sub.communicate(timeout=command.TIMEOUT_S)[0]
    rule, = json.loads(command.succeed("advise", "--file", "-", "--rules", stdin=lines))["rules"]
    assert rule["topics"] == ["home/+/BTtoMQTT/+"]


def test_time_ends_it(bare):
    listening = command.Listening(bare.port, "--for", "1s", "-t", "a/#")
    assert listening.finish() == "Watched 0 messages on 0 topics in 0.000 s.\nNothing was published, so nothing is proposed.\n"
    assert "for 1.00 s" in listening.stderr and "Heard 0 messages" in listening.stderr


def test_filters_are_those_that_were_asked_for(bare):
    listening = listen(bare, "-t", "a/+", "-t", "b", "--json")
    publisher = bare.connect()
    for topic in ("a/1", "b", "c"):
        publisher.publish(topic, b"x", qos=1)
    wait_heard(bare, 2)
    assert json.loads(listening.interrupt())["watched"]["messages"] == 2


@pytest.mark.parametrize("version", ["mqttv31", "mqttv311", "mqttv5"])
def test_what_is_retained_from_before_is_left_out(bare, version):
    publisher = bare.connect()
    publisher.publish("a", b"old", qos=1, retain=True)
    listening = listen(bare, "-V", version, "--json")
    publisher.publish("a", b"new", qos=1, retain=True)
    wait_heard(bare, 1 if version == "mqttv5" else 2)
    assert json.loads(listening.interrupt())["watched"]["messages"] == 1


def test_a_lost_connection_is_made_anew_and_told(bare):
    listening = listen(bare, "--json")
    offset = len(bare.log())
    bare.restart()
    wait_until(lambda: "Sending SUBACK to adviser" in bare.log(offset), "it listens again")
    bare.connect().publish("a", b"x", qos=1)
    wait_heard(bare, 1)
    assert json.loads(listening.interrupt())["watched"]["messages"] == 1
    assert "The connection was lost once" in listening.stderr


def test_a_broker_that_is_away(tmp_path):
    port = free_port()
    said = command.complaint("advise", "-h", "127.0.0.1", "-p", port, "--for", "10s")
    assert f"broker 127.0.0.1:{port}: Connection refused" in said


def test_a_name_and_a_password(park, tmp_path):
    path = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", path, "ann", "secret"], check=True, capture_output=True)
    path.chmod(0o644)
    broker = park.start_broker(plugin=False, config=f"password_file {path}")
    said = command.complaint("advise", "-h", "127.0.0.1", "-p", broker.port, "-u", "ann", "-P", "wrong", "--for", "10s")
    assert "the broker refuses the connection: Not authorized" in said
    said = command.complaint("advise", "-h", "127.0.0.1", "-p", broker.port, "-V", "311", "-u", "ann", "-P", "wrong")
    assert "the broker refuses the connection: " in said and "not authorised" in said
    listening = listen(broker, "-u", "ann", "-P", "secret", "--json")
    assert json.loads(listening.interrupt())["watched"]["messages"] == 0


def test_tls(park, tmp_path):
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.issue("broker")
    client_certificate, client_key = authority.issue("client")
    port = free_port()
    broker = park.start_broker(plugin=False, bridge=f"listener {port} 127.0.0.1\ncafile {authority.path}\n"
                               f"certfile {certificate}\nkeyfile {key}\nrequire_certificate true\n")
    access = ["--cafile", authority.path, "--cert", client_certificate, "--key", client_key]
    listening = listen(broker, *access, "--json", port=port)
    broker.connect().publish("a", b"x", qos=1)
    wait_heard(broker, 1)
    assert json.loads(listening.interrupt())["watched"]["messages"] == 1

    address = ["advise", "-h", "127.0.0.1", "-p", port, "--for", "10s"]
    assert "cannot be read" in command.complaint(*address, "--cafile", tmp_path / "away")
    stranger = Authority(tmp_path / "other").path
    assert f"127.0.0.1:{port}: " in command.complaint(*address, "--cafile", stranger)


def test_a_file_that_cannot_be_written_is_said_before_anything_else(bare, tmp_path):
    said = command.complaint("advise", "-p", bare.port, "--write", tmp_path / "away" / "watched")
    assert said == f"mosquitto-dedup: cannot write {tmp_path}/away/watched: No such file or directory\n"


@contextlib.contextmanager
def answering(*answers):
    """A broker of sorts that says these packets, each behind one that it received, and then nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            with contextlib.suppress(OSError), server.accept()[0] as connection:
                for answer in answers:
                    connection.recv(65536)
                    connection.sendall(answer)
                connection.recv(65536)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(command.TIMEOUT_S)


def test_a_subscription_that_is_refused():
    with answering(b"\x20\x03\x00\x00\x00", b"\x90\x04\x00\x01\x00\x87") as port:
        said = command.complaint("advise", "-h", "127.0.0.1", "-p", port, "--for", "10s")
    assert "refuses a subscription" in said


def test_a_broker_that_speaks_no_mqtt():
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        said = command.complaint("advise", "-h", "127.0.0.1", "-p", port, "--for", "2s")
    assert f"broker 127.0.0.1:{port}: no answer" in said
