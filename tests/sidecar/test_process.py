"""The process: its flags, its end, what it does with many connections."""

import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pytest

from tests.support.broker import wait_until
from tests.support.ports import free_port
from tests.support.sidecar import PROGRAM, event, read_response, status_of


def run(*arguments, **environment):
    clean = {name: value for name, value in os.environ.items()
             if name not in ("DATA_DIR", "MQTT_HOST", "MQTT_PORT", "HTTP_HOST", "HTTP_PORT")}
    return subprocess.run([PROGRAM, *arguments], env={**clean, **environment}, capture_output=True, text=True,
                          timeout=60)


def test_help_and_version():
    shown = run("--help")
    assert shown.returncode == 0
    assert not shown.stderr
    for name in ("data-dir", "mqtt-host", "mqtt-port", "http-host", "http-port"):
        assert f"--{name}" in shown.stdout
        assert name.upper().replace("-", "_") in shown.stdout
    assert run("--version").stdout.startswith("mosquitto-dedup-http ")


@pytest.mark.parametrize("arguments, environment, named", [
    (["--prot", "1"], {}, "--prot"), (["x"], {}, "x"), (["--mqtt-port"], {}, "--mqtt-port"),
    (["--mqtt-port", "x"], {}, "--mqtt-port"), (["--http-port=65536"], {}, "--http-port"),
    (["--data-dir="], {}, "--data-dir"),
    ([], {"HTTP_PORT": "eighty"}, "HTTP_PORT"), ([], {"MQTT_PORT": "0"}, "MQTT_PORT"),
])
def test_unknown_or_malformed_flag_is_named(arguments, environment, named):
    refused = run(*arguments, **environment)
    assert refused.returncode == 2
    assert named in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_variables_are_as_good_as_flags(park):
    broker = park.make_broker().start()
    port = free_port()
    process = subprocess.Popen([PROGRAM], stderr=subprocess.PIPE, env={
        **os.environ, "DATA_DIR": str(broker.data_dir), "MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(broker.port),
        "HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(port)})
    try:
        line = process.stderr.readline().decode() + process.stderr.readline().decode()
        assert f"http://127.0.0.1:{port}" in line
    finally:
        process.terminate()
        assert process.wait(20) == 0
        process.stderr.close()


def test_port_that_is_taken(park):
    broker, sidecar = park.start()
    refused = run("--http-port", str(sidecar.port), "--data-dir", str(broker.data_dir), "--mqtt-port", str(broker.port))
    assert refused.returncode == 1
    assert f"127.0.0.1:{sidecar.port}" in refused.stderr
    assert "in use" in refused.stderr


def test_address_that_is_not_ours():
    refused = run("--http-host", "192.0.2.1", "--http-port", "0")
    assert refused.returncode == 1
    assert "192.0.2.1" in refused.stderr


def first_words(*command):
    """What a sidecar logs until it has said that it listens and what it thinks of its data directory."""
    with subprocess.Popen([*command, "--http-port", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          cwd="/") as process:
        try:
            lines = []
            while not any("the event store cannot be read" in line for line in lines):
                line = process.stderr.readline()
                assert line, lines
                lines.append(line)
            return "".join(lines)
        finally:
            process.kill()


def test_wrong_data_directory_is_told_at_the_start(tmp_path):
    (tmp_path / "file").touch()
    for data_dir, why in [("none", "No such file or directory"), ("file", "Not a directory"), (".", "No such file or directory")]:
        words = first_words(PROGRAM, "--data-dir", tmp_path / data_dir)
        assert f"{(tmp_path / data_dir).resolve()}/events.journal: {why}; --data-dir must be" in words


def test_data_directory_is_told_with_its_whole_path():
    words = first_words(PROGRAM, "--data-dir", "some/../where")
    assert " data in /some/../where; " in words and " /some/../where/events.journal: " in words


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start it as another user")
def test_data_directory_that_may_not_be_read_is_told_at_the_start(tmp_path):
    tmp_path.chmod(0o700)
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        program = shutil.copy(PROGRAM, name)  # where that user can reach it
        words = first_words("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", program, "--data-dir",
                            tmp_path)
    assert f"{tmp_path}/events.journal: Permission denied" in words
    assert f"this user (uid {pwd.getpwnam('nobody').pw_uid})" in words


def test_good_data_directory_is_not_complained_of(park):
    _, sidecar = park.start()
    assert "event store" not in sidecar.log()


def listening_addresses(port):
    """Of all sockets that listen on the port, as the kernel writes them."""
    lines = [line.split() for table in ("tcp", "tcp6") if (path := pathlib.Path(f"/proc/net/{table}")).exists()
             for line in path.read_text().splitlines()[1:]]
    is_listening = "0A"
    return [address for _, address, _, state, *_ in lines
            if state == is_listening and int(address.rpartition(":")[2], 16) == port]


def test_listens_on_loopback_only(park):
    _, sidecar = park.start()
    loopback = f"{int.from_bytes(socket.inet_aton('127.0.0.1'), sys.byteorder):08X}"
    assert listening_addresses(sidecar.port) == [f"{loopback}:{sidecar.port:04X}"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly_and_soon_although_connections_are_open(park, number):
    _, sidecar = park.start()
    with contextlib.ExitStack() as connections:
        for _ in range(20):
            connection = connections.enter_context(contextlib.closing(sidecar.connect()))
            connection.request("GET", "/")
            read_response(connection)
        started = time.monotonic()
        sidecar.signal(number)
        sidecar.wait_ended(0)
        assert time.monotonic() - started < 5


def test_signal_ends_it_while_the_broker_is_away(park):
    broker, sidecar = park.start()
    broker.terminate()
    sidecar.post(event("t", "a"))
    sidecar.terminate()


def test_request_at_work_is_answered_before_the_end(park):
    broker, sidecar = park.start()
    with contextlib.closing(sidecar.connect()) as connection, broker.frozen():
        connection.request("POST", "/publish", json.dumps(event("t", "a")))
        time.sleep(0.3)
        sidecar.signal(signal.SIGTERM)
        # The broker will not answer, so it cannot be a success; but it is an answer.
        assert read_response(connection).status == 503
    sidecar.wait_ended(0)


def test_slow_request_is_served_to_its_end(park):
    broker, sidecar = park.start()
    body = json.dumps(event("t", "a")).encode()
    with contextlib.closing(sidecar.connect()) as connection:
        connection.putrequest("POST", "/publish")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:10])
        time.sleep(0.3)
        sidecar.signal(signal.SIGTERM)
        wait_until(lambda: is_refused(sidecar.port), "the sidecar takes no new connections")
        assert sidecar.is_running()
        connection.send(body[10:])
        response = read_response(connection)
        assert response.status == 200
        assert response.json["processed"] == ["a"]
    sidecar.wait_ended(0)
    sidecar.start()
    assert sidecar.ids("t") == ["a"]


def is_refused(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except (ConnectionRefusedError, ConnectionResetError):  # reset: it stopped listening in the midst of this
        return True
    return False


def test_download_at_work_is_cut_at_the_end(park):
    _, sidecar = park.start()
    for number in range(10):
        sidecar.publish([event("t", f"{number}-{i}", payload="x" * 1000) for i in range(3000)])
    with socket.create_connection(("127.0.0.1", sidecar.port)) as connection:
        connection.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.recv(1000)
        sidecar.signal(signal.SIGTERM)
        time.sleep(0.2)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while data := connection.recv(1 << 20):
                received += data
    assert not received.endswith(b"0\r\n\r\n")
    sidecar.wait_ended(0)


def test_more_idle_connections_than_threads_hold_nobody_up_for_long(park):
    _, sidecar = park.start()
    with contextlib.ExitStack() as connections:
        for _ in range(600):
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", sidecar.port)))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        started = time.monotonic()
        assert sidecar.publish(event("t", "a"))["processed"] == ["a"]
        assert time.monotonic() - started < 10


def test_300_requests_at_once(sidecar, topic):
    requests = []
    with contextlib.ExitStack() as connections:
        for number in range(300):
            body = json.dumps(event(topic, f"e{number}")).encode()
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", sidecar.port), timeout=60))
            connection.sendall(b"POST /publish HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                               b"Content-Length: %d\r\n\r\n" % len(body) + body)
            requests.append(connection)
        for connection in requests:
            answer = b""
            while data := connection.recv(1 << 16):
                answer += data
            assert status_of(answer) == 200
    assert len(sidecar.events(topic)) == 300
