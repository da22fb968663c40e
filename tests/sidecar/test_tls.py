"""HTTPS, client certificates, and TLS and passwords towards the broker."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import time

import pytest

from tests.support.broker import wait_until
from tests.support.certificates import Authority
from tests.support.sidecar import MemoryWatch, PROGRAM, event, parse_response, read_response
from tests.support.tokens import Client, TokenFile
from tests.support.watcher import Watcher


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "ca")


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "other")


@pytest.fixture(scope="module")
def server_files(authority):
    return authority.issue("server")


def tls_arguments(files, *more):
    return ["--tls-cert", files[0], "--tls-key", files[1], *more]


@pytest.fixture(scope="module")
def secure(shared_park, authority, server_files):
    return shared_park.make_sidecar(shared_park.parts[0], arguments=tls_arguments(server_files),
                                     tls=authority.client()).start()


def handshake(sidecar, context):
    """The server's first word after the handshake, which in TLS 1.3 is where a client learns that he is refused."""
    with socket.create_connection(("127.0.0.1", sidecar.port), timeout=20) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return connection.version(), connection.recv(12)


# --- HTTPS ---

def test_everything_works_by_https(secure, topic):
    assert f"https://127.0.0.1:{secure.port}" in secure.log()
    assert secure.publish([event(topic, str(i), payload="x" * 1000) for i in range(5000)])["duplicates"] == 0
    assert len(secure.events(topic)) == 5000
    with contextlib.closing(secure.connect()) as connection:
        for number in range(3):
            connection.request("GET", f"/events?topic={topic}&limit=3")
            assert len(read_response(connection).json) == 3
        connection.request("POST", "/publish", b"[" + b" " * (5 << 20) + b"]")
        assert read_response(connection).status == 200
    lines = b'{"topic":"%s","event_id":"l","timestamp":"2024-01-01"}\n' % topic.encode()
    assert b"processed" in secure.post(lines, {"Content-Type": "application/x-ndjson"}).body


def test_pipelined_requests_in_one_record_are_all_answered(secure):
    with socket.create_connection(("127.0.0.1", secure.port), timeout=20) as plain:
        with secure.tls.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 5000 + b"\r\n\r\n"
            connection.sendall(request * 3 + request.replace(b"Host", b"Connection: close\r\nHost"))
            received = b""
            while data := connection.recv(1 << 16):
                received += data
    assert received.count(b"HTTP/1.1 200") == 4


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3(secure, authority, version):
    context = authority.client()
    context.minimum_version = context.maximum_version = version
    assert handshake(secure, context) == (version.name.replace("_", "."), b"HTTP/1.1 200")


def test_older_tls_is_refused(secure, authority):
    context = authority.client()
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        handshake(secure, context)


def test_a_client_who_trusts_another_authority_goes_away(secure, other_authority):
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(secure, other_authority.client())
    assert secure.get("/healthz").status == 200


@pytest.mark.parametrize("request_bytes", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                           b"POST /publish HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000])
def test_plain_http_is_told_to_take_https(secure, request_bytes):
    response = parse_response(secure.raw(request_bytes))
    assert response.status == 400
    assert response.detail == "this port takes HTTPS, not HTTP"


def test_garbage_and_silence_hold_nobody_up(secure):
    assert secure.raw(os.urandom(1000)) is not None
    with contextlib.ExitStack() as connections:
        for number in range(300):
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", secure.port)))
            if number % 2:
                connection.sendall(b"\x16\x03\x01\x02\x00")  # a handshake that does not go on
        begin = time.monotonic()
        assert secure.get("/healthz").status == 200
        assert time.monotonic() - begin < 20


def test_500_watchers_by_tls(secure, topic):
    memory = MemoryWatch(secure)
    with contextlib.ExitStack() as watchers:
        everyone = [watchers.enter_context(Watcher(secure, f"?topic={topic}/%23")) for _ in range(500)]
        memory.look()
        secure.publish([event(f"{topic}/{i}", str(i), payload="x" * 2000) for i in range(20)])
        assert secure.get("/healthz").status == 200
        for watcher in everyone:
            assert watcher.ids(20) == [str(i) for i in range(20)]
        memory.look()
    memory.assert_below(100 << 20)


def test_a_watcher_who_reads_slowly_by_tls_gets_all(secure, topic):
    with Watcher(secure, f"?topic={topic}", receive_buffer=4096) as slow:
        for number in range(20):
            secure.publish(event(topic, str(number), payload="x" * (1 << 20)))
        time.sleep(2)
        assert slow.ids(20) == [str(number) for number in range(20)]


# --- the files ---

def refusal(*arguments, **environment):
    refused = subprocess.run([PROGRAM, "--http-port", "0", *arguments], env={**os.environ, **environment}, timeout=60,
                             capture_output=True, text=True)
    return refused.returncode, refused.stderr


def test_flags_that_do_not_go_together(server_files):
    certificate, key = server_files
    for arguments in (["--tls-cert", certificate], ["--tls-key", key]):
        code, text = refusal(*arguments)
        assert code == 2 and "go together" in text
    code, text = refusal("--tls-client-ca", certificate)
    assert code == 2 and "--tls-cert" in text
    code, text = refusal("--mqtt-username", "a", "--mqtt-password-file", "x", MQTT_PASSWORD="secret")
    assert code == 2 and "not in both" in text and "secret" not in text
    for arguments, environment in [(["--mqtt-password-file", "x"], {}), ([], {"MQTT_PASSWORD": "secret"})]:
        code, text = refusal(*arguments, **environment)
        assert code == 2 and "--mqtt-username" in text and "secret" not in text


def test_files_that_cannot_be_used_are_named(authority, other_authority, server_files, tmp_path):
    certificate, key = server_files
    (tmp_path / "empty").touch()
    locked = tmp_path / "locked.key"
    subprocess.run(["openssl", "ec", "-in", key, "-aes128", "-passout", "pass:x", "-out", locked], check=True,
                   capture_output=True)
    other_key = other_authority.issue("x")[1]
    none, empty = tmp_path / "none", tmp_path / "empty"
    gone, a_directory = "No such file or directory", "Is a directory"
    for files, named, why in [
            ((none, key), none, gone), ((tmp_path, key), tmp_path, a_directory), ((empty, key), empty, "a certificate in PEM"),
            ((key, key), key, "a certificate in PEM"), ((certificate, none), none, gone),
            ((certificate, tmp_path), tmp_path, a_directory), ((certificate, locked), locked, "without a passphrase"),
            ((certificate, other_key), other_key, "mismatch")]:
        code, text = refusal(*tls_arguments(files))
        assert code == 1 and f" {named}: " in text and why in text, text
        assert len(text.splitlines()) == 1, "nothing has begun yet"
    for arguments, named, why in [
            (tls_arguments(server_files, "--tls-client-ca", none), none, gone),
            (tls_arguments(server_files, "--tls-client-ca", tmp_path), tmp_path, a_directory),
            (tls_arguments(server_files, "--tls-client-ca", empty), empty, "certificates in PEM"),
            (["--mqtt-ca", none], none, gone), (["--mqtt-ca", tmp_path], tmp_path, a_directory),
            (["--mqtt-username", "a", "--mqtt-password-file", none], none, gone),
            (["--mqtt-username", "a", "--mqtt-password-file", empty], empty, "its first line is empty"),
            (["--tokens", none], none, gone), (["--tokens", tmp_path], tmp_path, a_directory)]:
        code, text = refusal(*arguments)
        assert code == 1 and f" {named}: " in text and why in text, text
        assert len(text.splitlines()) == 1


def test_a_new_certificate_is_taken_by_sighup(park, authority, other_authority, tmp_path):
    files = tmp_path / "server.pem", tmp_path / "server.key"

    def install(issued):
        for source, target in zip(issued, files):
            target.write_bytes(source.read_bytes())

    install(authority.issue("first"))
    broker = park.make_broker().start()
    sidecar = park.make_sidecar(broker, arguments=tls_arguments(files), tls=authority.client()).start()
    with Watcher(sidecar) as watcher:
        install(other_authority.issue("second"))
        sidecar.signal(signal.SIGHUP)
        wait_until(lambda: "the certificate was read anew" in sidecar.log(), "it is taken")
        sidecar.tls = other_authority.client()
        assert sidecar.publish(event("t", "a"))["processed"] == ["a"]
        files[1].write_text("nonsense")
        sidecar.signal(signal.SIGHUP)
        wait_until(lambda: "the old certificate stays: the key" in sidecar.log(), "it says why")
        assert sidecar.get("/healthz").status == 200
        assert watcher.ids(1) == ["a"]  # connections that are there stay


# --- client certificates ---

def test_client_certificates(park, authority, other_authority, server_files, tmp_path):
    broker = park.make_broker().start()
    known = authority.client(certificate=authority.issue("client"))
    sidecar = park.make_sidecar(broker, arguments=tls_arguments(server_files, "--tls-client-ca", authority.path),
                                 tls=known).start()
    assert sidecar.publish(event("t", "a"))["processed"] == ["a"]
    for context in (authority.client(), authority.client(certificate=other_authority.issue("stranger")),
                    authority.client(certificate=authority.issue("expired", days=0))):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            assert handshake(sidecar, context)[1] == b""
            raise ConnectionError("it was cut without a word")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):  # a session that is resumed counts too
        known.maximum_version = version
        with contextlib.closing(sidecar.connect()) as connection:
            connection.request("GET", "/healthz")
            assert read_response(connection).status == 200
            session = connection.sock.session if connection.sock else None
        with socket.create_connection(("127.0.0.1", sidecar.port)) as plain, \
                known.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 200"


def test_certificate_and_token_together(park, authority, server_files, tmp_path):
    tokens = TokenFile(tmp_path / "tokens", "me read:a")
    broker = park.make_broker().start()
    arguments = tls_arguments(server_files, "--tls-client-ca", authority.path, "--tokens", tokens.path)
    sidecar = park.make_sidecar(broker, arguments=arguments,
                                 tls=authority.client(certificate=authority.issue("client"))).start()
    assert sidecar.get("/events").status == 401
    assert Client(sidecar, tokens.tokens["me"]).get("/events").status == 200


# --- towards the broker ---

def tls_broker(park, files, config=""):
    broker = park.make_broker(bridge=config)
    broker.bridge += f"\nlistener {broker.port + 1} 127.0.0.1\ncertfile {files[0]}\nkeyfile {files[1]}\n"
    return broker.start()


def detail(sidecar):
    response = sidecar.get("/readyz")
    return "" if response.status == 200 else response.detail


def test_the_broker_by_tls(park, authority, server_files):
    broker = tls_broker(park, server_files)
    for host in ("localhost", "127.0.0.1"):
        sidecar = park.make_sidecar(broker, mqtt_port=broker.port + 1,
                                     arguments=["--mqtt-ca", authority.path, "--mqtt-host", host]).start()
        batch = [event("t", f"{host} {i}", payload="x" * 300) for i in range(3000)]
        assert len(sidecar.publish(batch)["processed"]) == 3000
    broker.kill()
    wait_until(lambda: detail(sidecar), "the broker is missed")
    broker.start()
    sidecar.wait_healthy()


def test_a_certificate_for_the_broker(park, authority, other_authority, server_files, tmp_path):
    broker = park.make_broker()
    broker.bridge += (f"\nlistener {broker.port + 1} 127.0.0.1\ncertfile {server_files[0]}\nkeyfile {server_files[1]}\n"
                      f"cafile {authority.path}\nrequire_certificate true\n")
    broker.start()
    ours, others = authority.issue("sidecar"), other_authority.issue("stranger")
    ca = ["--mqtt-ca", authority.path]
    sidecar = park.make_sidecar(broker, mqtt_port=broker.port + 1,
                                arguments=[*ca, "--mqtt-cert", ours[0], "--mqtt-key", ours[1]]).start()
    assert sidecar.publish(event("t", "a"))["processed"] == ["a"]
    for arguments, why in [(ca, "certificate"), ([*ca, "--mqtt-cert", others[0], "--mqtt-key", others[1]], "unknown ca")]:
        sidecar = park.make_sidecar(broker, mqtt_port=broker.port + 1, arguments=arguments).start(connected=False)
        wait_until(lambda: "cannot use the broker" in sidecar.log(), "it says so", 30)
        said = detail(sidecar)
        assert why in said.lower() or "want of a certificate that it trusts" in said, said
    locked = tmp_path / "locked.key"
    subprocess.run(["openssl", "ec", "-in", ours[1], "-aes128", "-passout", "pass:x", "-out", locked], check=True,
                   capture_output=True)
    sidecar = park.make_sidecar(broker, mqtt_port=broker.port + 1,
                                arguments=[*ca, "--mqtt-cert", ours[0], "--mqtt-key", locked]).start(connected=False)
    wait_until(lambda: "cannot use the broker" in sidecar.log(), "it does not ask for the passphrase", 30)
    for arguments in (["--mqtt-cert", ours[0]], ["--mqtt-cert", ours[0], "--mqtt-key", ours[1]]):
        code, text = refusal(*arguments)
        assert code == 2 and "--mqtt-" in text
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for arguments in ([*ca, "--mqtt-cert", pipe, "--mqtt-key", ours[1]], ["--mqtt-ca", pipe], tls_arguments((pipe, ours[1])),
                      tls_arguments(server_files, "--tls-client-ca", pipe), ["--tokens", pipe],
                      ["--mqtt-username", "a", "--mqtt-password-file", pipe]):
        code, text = refusal(*arguments)
        assert code == 1 and f"{pipe}: is no regular file" in text, text


@pytest.mark.parametrize("case", ["other authority", "expired", "other host", "no tls"])
def test_a_broker_that_cannot_prove_itself_is_not_used(park, authority, other_authority, server_files, case):
    files = {"expired": lambda: authority.issue("old", days=0),
             "other host": lambda: authority.issue("else", host="DNS:elsewhere")}.get(case, lambda: server_files)()
    broker = tls_broker(park, files)
    ca = other_authority.path if case == "other authority" else authority.path
    port = broker.port if case == "no tls" else broker.port + 1
    sidecar = park.make_sidecar(broker, mqtt_port=port, arguments=["--mqtt-ca", ca, "--mqtt-host", "localhost"])
    sidecar.start(connected=False)
    wait_until(lambda: "cannot use the broker" in sidecar.log(), "it says so", 30)
    said = detail(sidecar)
    # What libmosquitto 2.0.11 calls "host name verification failed" is "certificate verify failed" in 2.1.2.
    expected = {"other host": "verif", "no tls": "TLS"}.get(case, "certificate verify failed")
    assert expected in said, said
    assert sidecar.post(event("t", "a")).status == 503


def test_name_and_password_for_the_broker(park, tmp_path):
    users = tmp_path / "users"
    subprocess.run(["mosquitto_passwd", "-b", "-c", users, "sidecar", "s3cret word"], check=True)
    users.chmod(0o644)
    broker = park.make_broker(config=f"password_file {users}\n").start()
    broker_config = broker.directory / "mosquitto.conf"
    assert "allow_anonymous" in broker_config.read_text()
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("s3cret word\r\nmore\n")
    wrong.write_text("secret word\n")
    name = ["--mqtt-username", "sidecar"]
    for arguments, environment in [([*name, "--mqtt-password-file", right], {}), (name, {"MQTT_PASSWORD": "s3cret word"})]:
        sidecar = park.make_sidecar(broker, arguments=arguments, environment=environment).start()
        assert sidecar.post(event("t", str(arguments))).status == 200
        command_line = open(f"/proc/{sidecar.pid}/cmdline").read()
        assert "s3cret" not in command_line and "s3cret" not in sidecar.log()
    for arguments in ([*name, "--mqtt-password-file", wrong], name):
        sidecar = park.make_sidecar(broker, arguments=arguments).start(connected=False)
        wait_until(lambda: "refused the connection: Not authorized" in detail(sidecar), "readyz says so")
        assert sidecar.get("/readyz").json["checks"]["broker"] == "failing"
        assert sidecar.post(event("t", "b")).status == 503
