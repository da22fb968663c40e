"""Limits on clients, whoever they are; what pages of other origins may do; the headers that protect browsers."""

import contextlib
import socket
import time

import pytest

from tests.support.broker import wait_until
from tests.support.sidecar import event, read_response, status_of
from tests.support.tokens import Client, TokenFile
from tests.support.watcher import Watcher


@pytest.fixture(scope="module")
def start(shared_park):
    """Starts a sidecar with these arguments on the shared broker."""
    def start(*arguments):
        return shared_park.make_sidecar(shared_park.parts[0], arguments=arguments).start()

    return start


def statuses(client, count, path="/stats"):
    return [client.get(path).status for _ in range(count)]


# --- requests ---

def test_rate_of_an_address(start):
    sidecar = start("--rate-limit", "5")
    time.sleep(1.1)
    assert statuses(sidecar, 5) == [200] * 5
    refused = sidecar.get("/stats")
    assert (refused.status, refused.problem_type) == (429, "too-many-requests")
    assert refused.headers["Retry-After"] == "1"
    assert refused.detail == "this address may ask 5 times a second"
    assert statuses(sidecar, 1, "/nothing") == [429]
    assert sidecar.post(event("t", "a")).status == 429
    time.sleep(0.5)
    assert statuses(sidecar, 2) == [200] * 2  # as many as there were in that time
    time.sleep(1.1)
    assert statuses(sidecar, 6)[:5] == [200] * 5


def test_rate_of_a_token_is_its_own(start, tmp_path):
    tokens = TokenFile(tmp_path / "tokens", "one", "two")
    sidecar = start("--rate-limit", "3", "--tokens", tokens.path)
    one, two = (Client(sidecar, tokens.tokens[name]) for name in ("one", "two"))
    time.sleep(1.1)
    assert statuses(one, 4) == [200, 200, 200, 429]
    assert one.get("/stats").detail == 'the token "one" may ask 3 times a second'
    assert statuses(two, 3) == [200, 200, 200]
    # Who guesses tokens is counted by his address.
    assert statuses(Client(sidecar, "wrong"), 5)[3:] == [429, 429]


def test_without_a_limit_there_is_none(sidecar):
    assert statuses(sidecar, 200, "/") == [200] * 200


# --- connections ---

def let_in(sidecar):
    """A watcher, unless the connection that was closed last still counts."""
    watcher = Watcher(sidecar)
    if watcher.status == 200:
        return watcher
    watcher.close()


def test_connections_of_an_address(start):
    sidecar = start("--connection-limit", "3")
    with contextlib.ExitStack() as connections:
        kept = [connections.enter_context(contextlib.closing(sidecar.connect())) for _ in range(2)]
        for connection in kept:
            connection.request("GET", "/stats")
            assert read_response(connection).status == 200
        with wait_until(lambda: let_in(sidecar), "there is a place") as watcher:  # who is a connection too
            refused = sidecar.get("/stats")
            assert (refused.status, refused.problem_type) == (429, "too-many-connections")
            assert (refused.headers["Retry-After"], refused.headers["Connection"]) == ("1", "close")
            with socket.create_connection(("127.0.0.1", sidecar.port), timeout=20) as idle:
                begin = time.monotonic()
                answer = b""
                while data := idle.recv(1 << 16):  # who says nothing is not waited for
                    answer += data
                assert status_of(answer) == 429
                assert time.monotonic() - begin < 5
            for connection in kept:  # the others go on
                connection.request("GET", "/stats")
                assert read_response(connection).status == 200
        wait_until(lambda: sidecar.get("/stats").status == 200, "the watcher's place is free again")


# --- browsers ---

OWN = "https://app.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, ce-id"}


def test_no_page_of_another_origin_is_let_in_by_default(sidecar, topic):
    for headers in ({"Origin": OWN}, {"Origin": OWN, **PREFLIGHT}):
        response = sidecar.request("OPTIONS", "/publish", headers=headers)
        assert not [name for name in response.headers if name.lower().startswith("access-control")]
    assert "Access-Control-Allow-Origin" not in sidecar.request("GET", "/stats", headers={"Origin": OWN}).headers
    for headers in ({"Origin": OWN}, {"Origin": "null"}, {"Origin": f"http://127.0.0.1:{sidecar.port + 1}"},
                    {"Origin": f"http://127.0.0.1:{sidecar.port}", "Sec-Fetch-Site": "cross-site"}):
        refused = sidecar.post(event(topic, "a"), headers)
        assert (refused.status, refused.problem_type) == (403, "foreign-page"), headers
    assert sidecar.ids(topic) == []
    for number, headers in enumerate(({"Origin": f"http://127.0.0.1:{sidecar.port}"},
                                      {"Origin": "https://proxy.example", "Sec-Fetch-Site": "same-origin"})):
        assert sidecar.post(event(topic, str(number)), headers).status == 200, headers


# A page of such a name comes from the same origin, to a browser, when the name is made to lead here.
@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:8080", "localhost.example", "127.0.0.1.example"])
def test_no_other_name_leads_here(sidecar, host):
    for method, path in (("GET", "/events"), ("GET", "/"), ("POST", "/publish"), ("GET", "/events/stream")):
        refused = sidecar.request(method, path, headers={"Host": host})
        assert (refused.status, refused.problem_type) == (403, "foreign-page")
        assert "a name without a dot" in refused.detail


@pytest.mark.parametrize("host", ["localhost", "LocalHost:1", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "10.1.2.3", "sidecar:1"])
def test_names_of_this_machine(sidecar, host):
    assert sidecar.request("GET", "/events?limit=1", headers={"Host": host}).status == 200


@pytest.mark.parametrize("arguments", [["--allow-host", "*"], ["--allow-host", "a.example,Events.example"], ["--tokens"]])
def test_other_names_where_that_is_meant(start, tmp_path, arguments):
    tokens = TokenFile(tmp_path / "tokens", "me read:#")
    sidecar = start(*arguments, *([str(tokens.path)] if arguments == ["--tokens"] else []))
    client = Client(sidecar, tokens.tokens["me"])
    assert client.get("/events?limit=1", {"Host": "events.example"}).status == 200


def test_asking_nobody_beyond_this_machine_does_not_mean_any_name(start):
    """A browser on another machine may be led here by a stranger's name all the same."""
    sidecar = start("--insecure", "--http-host", "0.0.0.0", "--allow-host", "a.example")
    for host, status in (("rebound.example:8080", 403), ("a.example", 200), ("127.0.0.1", 200), ("sidecar", 200)):
        assert sidecar.request("GET", "/events?limit=1", headers={"Host": host}).status == status, host


def test_pages_of_one_other_origin(start, topic):
    sidecar = start("--cors-origin", OWN)
    preflight = sidecar.request("OPTIONS", "/publish", headers={"Origin": OWN, **PREFLIGHT})
    assert preflight.status == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == OWN
    assert preflight.headers["Access-Control-Allow-Methods"] == "POST, OPTIONS"
    assert preflight.headers["Access-Control-Allow-Headers"] == "authorization, ce-id"
    assert sidecar.post(event(topic, "a"), {"Origin": OWN, "Sec-Fetch-Site": "cross-site"}).status == 200
    for path, status in (("/stats", 200), ("/nothing", 404)):
        response = sidecar.request("GET", path, headers={"Origin": OWN})
        assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (status, OWN)
        assert "Link" in response.headers["Access-Control-Expose-Headers"]
        assert "Origin" in response.headers.get_all("Vary")
    other = sidecar.request("GET", "/stats", headers={"Origin": "https://else.example"})
    assert "Access-Control-Allow-Origin" not in other.headers and "Origin" in other.headers.get_all("Vary")
    assert sidecar.post(event(topic, "b"), {"Origin": "https://else.example"}).status == 403
    with Watcher(sidecar, headers={"Origin": OWN}) as watcher:
        assert watcher.headers["Access-Control-Allow-Origin"] == OWN


def test_a_token_says_more_than_an_origin(start, tmp_path, topic):
    tokens = TokenFile(tmp_path / "tokens", "me")
    me = Client(start("--tokens", tokens.path), tokens.tokens["me"])
    assert me.post(event(topic, "a"), {"Origin": OWN}).status == 200


@pytest.mark.parametrize("path", ["/", "/stats", "/events", "/nothing", "/metrics"])
def test_no_answer_is_taken_for_what_it_is_not(sidecar, path):
    assert sidecar.get(path).headers["X-Content-Type-Options"] == "nosniff"
