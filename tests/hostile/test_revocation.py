"""Who is let in no more loses what runs: lists, uploads, connections."""

import contextlib
import json
import signal
import time

import pytest

from tests.support.broker import wait_until
from tests.support.certificates import Authority
from tests.support.crowd import connect
from tests.support.sidecar import event, parse_response, read_response, status_of
from tests.support.tokens import Client, TokenFile
from tests.support.watcher import Watcher


def reload(sidecar, said):
    offset = sidecar.log_path.stat().st_size
    sidecar.signal(signal.SIGHUP)
    wait_until(lambda: said in sidecar.log(offset), f"it says: {said}")


@pytest.fixture
def guarded(park, tmp_path):
    """(sidecar, token file, headers of the one that will be taken back)."""
    tokens = TokenFile(tmp_path / "tokens", "me", "other")
    sidecar = park.make_sidecar(park.start_broker(), arguments=["--tokens", tokens.path]).start()
    return sidecar, tokens, f"Authorization: Bearer {tokens.tokens['me']}\r\n".encode()


def test_a_list_under_way_is_cut(guarded):
    sidecar, tokens, authorization = guarded
    me = Client(sidecar, tokens.tokens["me"])
    for number in range(10):
        me.post([event("t", f"{number}-{i}", payload="x" * 1000) for i in range(3000)])
    with connect(sidecar) as connection:
        connection.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n" + authorization + b"\r\n")
        connection.recv(1000)
        tokens.remove("me")
        reload(sidecar, "1 tokens")
        received = b""
        with contextlib.suppress(ConnectionError):
            while data := connection.recv(1 << 20):
                received += data
    assert len(received) < 20 << 20
    assert not received.endswith(b"0\r\n\r\n")


def test_an_upload_under_way_is_not_stored(guarded):
    sidecar, tokens, authorization = guarded
    body = json.dumps(event("t", "a")).encode()
    with connect(sidecar) as connection:
        connection.sendall(b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % len(body) + authorization +
                           b"\r\n" + body[:10])
        time.sleep(0.3)
        tokens.remove("me")
        reload(sidecar, "1 tokens")
        connection.sendall(body[10:])
        answer = parse_response(connection.recv(1 << 16))
    assert (answer.status, answer.problem_type) == (401, "token-unknown")
    assert Client(sidecar, tokens.tokens["other"]).ids() == []


@pytest.mark.parametrize("exchanged", [True, False])
def test_connections_after_the_client_ca_was_exchanged(park, tmp_path, exchanged):
    authority, other = Authority(tmp_path / "ca"), Authority(tmp_path / "other")
    files = authority.issue("server")
    client_ca = tmp_path / "client_ca.pem"
    client_ca.write_bytes(authority.path.read_bytes())
    context = authority.client(certificate=authority.issue("client"))
    sidecar = park.make_sidecar(park.start_broker(), tls=context, arguments=[
        "--tls-cert", files[0], "--tls-key", files[1], "--tls-client-ca", client_ca]).start()
    for number in range(10):
        sidecar.publish([event("t", f"{number}-{i}", payload="x" * 1000) for i in range(3000)])
    with Watcher(sidecar) as watcher, contextlib.closing(sidecar.connect()) as idle, \
            contextlib.closing(sidecar.connect()) as busy:
        for connection in (idle, busy):
            connection.request("GET", "/healthz")
            assert read_response(connection).status == 200
        busy.sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status_of(busy.sock.recv(1000)) == 200
        if exchanged:
            client_ca.write_bytes(other.path.read_bytes())
        reload(sidecar, "the certificate was read anew")
        idle.sock.settimeout(3)
        if not exchanged:
            idle.request("GET", "/healthz")
            assert read_response(idle).status == 200
            sidecar.publish(event("t", "new"))
            assert watcher.event()["event_id"] == "new"
            return
        assert idle.sock.recv(1) == b""
        with pytest.raises((EOFError, OSError)):
            watcher.frame()
        received = b""
        with contextlib.suppress(OSError):
            while data := busy.sock.recv(1 << 20):
                received += data
        assert not received.endswith(b"0\r\n\r\n")
    with pytest.raises((OSError, EOFError)), contextlib.closing(sidecar.connect()) as again:
        again.request("GET", "/healthz")
        read_response(again)
    sidecar.tls = authority.client(certificate=other.issue("client"))
    assert sidecar.get("/healthz").status == 200
