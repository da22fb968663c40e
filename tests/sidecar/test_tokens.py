"""Bearer tokens: what each may do at each endpoint, what it cannot see, and what a reload changes."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import threading
import time

import pytest

from tests.support.broker import wait_until
from tests.support.sidecar import PROGRAM, event, read_response
from tests.support.tokens import Client, TokenFile, new_token
from tests.support.watcher import Watcher

READING = ["/events", "/events/1", "/events/stream", "/stats", "/metrics"]
OPEN = ["/", "/healthz", "/health", "/readyz"]


@pytest.fixture(scope="module")
def token_file(tmp_path_factory):
    return TokenFile(tmp_path_factory.mktemp("tokens") / "tokens", "all", "reader read:fleet/a/#", "writer publish:fleet/a/#",
                     "gateway publish:fleet/+/temp read:fleet/+/temp read:alarms/x", "blind publish:other")


@pytest.fixture(scope="module")
def guarded(shared_park, token_file):
    broker = shared_park.parts[0]
    sidecar = shared_park.make_sidecar(broker, arguments=["--tokens", token_file.path]).start()
    fill = Client(sidecar, token_file.tokens["all"])
    topics = ["fleet/a/temp", "fleet/a", "fleet/b/temp", "fleet/b/secret", "alarms/x", "alarms/y"]
    assert fill.post([event(topic, topic, source="s") for topic in topics]).status == 200
    return sidecar


@pytest.fixture
def client(guarded, token_file):
    return lambda name: Client(guarded, token_file.tokens[name])


# --- who is let in ---

@pytest.mark.parametrize("path", READING)
def test_without_a_token_nothing_is_read(guarded, path):
    response = guarded.get(path)
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="mosquitto-dedup"'
    assert "Authorization: Bearer" in response.detail


@pytest.mark.parametrize("authorization", [
    "Bearer", "Bearer x", "Bearer " + "0" * 64, "Basic YTpi", "Bearer a b", "nonsense", "Bearer \xff"])
@pytest.mark.parametrize("path", ["/events", "/publish"])
def test_what_is_no_token_of_ours_is_a_401(guarded, authorization, path):
    client = Client(guarded, authorization=authorization)
    response = client.post(event("fleet/a", "x")) if path == "/publish" else client.get(path)
    assert response.status == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_a_token_beside_another_one_is_a_401(guarded, token_file):
    with contextlib.closing(guarded.connect()) as connection:
        connection.putrequest("GET", "/events")
        for _ in range(2):
            connection.putheader("Authorization", "Bearer " + token_file.tokens["all"])
        connection.endheaders()
        assert read_response(connection).status == 401


def test_the_body_of_a_stranger_is_not_read(guarded):
    """Nor is he told to go on sending."""
    with contextlib.closing(guarded.connect()) as connection:
        connection.putrequest("POST", "/publish")
        connection.putheader("Content-Length", str(10 << 20))
        connection.putheader("Expect", "100-continue")
        connection.endheaders()
        assert read_response(connection).status == 401


@pytest.mark.parametrize("path", OPEN)
def test_probes_take_no_token(guarded, path):
    assert guarded.get(path).status == 200
    assert Client(guarded, "wrong").get(path).status == 200


def test_probes_tell_strangers_only_what_they_need(park, tmp_path):
    tokens = TokenFile(tmp_path / "tokens", "me read:x")
    broker = park.make_broker().start()
    sidecar = park.make_sidecar(broker, arguments=["--tokens", tokens.path]).start()
    assert "disk_free_bytes" not in sidecar.get("/readyz").json
    known = Client(sidecar, tokens.tokens["me"])
    assert known.get("/readyz").json["disk_free_bytes"] > 0
    broker.terminate()
    wait_until(lambda: sidecar.get("/healthz").status == 503, "the broker is missed")
    for path in ("/healthz", "/readyz"):
        for stranger in (sidecar, Client(sidecar, "wrong")):
            assert str(broker.port) not in stranger.get(path).json["detail"]
        assert str(broker.port) in known.get(path).json["detail"]
    assert sidecar.get("/readyz").json["checks"]["broker"] == "failing"


def test_a_404_and_a_405_take_no_token(guarded):
    assert guarded.get("/nothing").status == 404
    assert guarded.request("DELETE", "/events").status == 405


# --- publishing ---

def test_publishing_takes_the_scope_for_each_topic(client):
    writer = client("writer")
    assert writer.post([event("fleet/a", "w1"), event("fleet/a/deep/down", "w2")]).json["processed"] == ["w1", "w2"]
    refused = writer.post([event("fleet/a", "w3"), event("fleet/b", "w4")])
    assert refused.status == 403
    assert refused.detail == 'events[1].topic: the token "writer" lacks the scope publish for "fleet/b"'
    assert "w3" not in client("all").ids()
    refused = client("reader").post(event("fleet/a", "w5"))
    assert refused.status == 403
    assert refused.detail == 'the token "reader" lacks the scope publish'
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]


def test_publishing_a_cloud_event_takes_the_scope_too(client):
    headers = {"ce-specversion": "1.0", "ce-id": "c1", "ce-source": "s", "ce-type": "t", "Content-Type": "text/plain"}
    assert client("writer").request("POST", "/publish?topic=fleet/b", "x", headers).status == 403
    assert client("writer").request("POST", "/publish?topic=fleet/a", "x", headers).status == 200


def test_a_stream_of_lines_goes_on_behind_a_line_that_is_not_allowed(client):
    body = "".join(json.dumps(event(topic, f"l{i}")) + "\n" for i, topic in enumerate(["fleet/a", "fleet/b", "fleet/a"]))
    response = client("writer").post(body.encode(), {"Content-Type": "application/x-ndjson"})
    results = [json.loads(line) for line in response.body.splitlines()]
    assert [result["verdict"] for result in results] == ["processed", "invalid", "processed"]
    assert 'lacks the scope publish for "fleet/b"' in results[1]["detail"]


def test_full_results_tell_of_the_first_only_those_who_may_read_it(client):
    assert client("all").post(event("fleet/a", "first", payload=1)).status == 200
    result, = client("writer").post(event("fleet/a", "first", payload=2), query="?results=full").json["results"]
    assert result["verdict"] == "duplicate"
    assert "first_received_at" not in result
    result, = client("all").post(event("fleet/a", "first", payload=2), query="?results=full").json["results"]
    assert result["verdict"] == "conflict"
    assert "first_received_at" in result


def test_an_idempotency_key_is_its_callers_own(client):
    body, key = event("fleet/a/temp", "keyed"), {"Idempotency-Key": "k"}
    assert client("writer").post(body, key).json["processed"] == ["keyed"]
    other = client("gateway").post(body, key)
    assert (other.status, other.json["duplicates"], other.headers["Idempotency-Replayed"]) == (200, 1, None)
    again = client("writer").post(body, key)
    assert (again.json["processed"], again.headers["Idempotency-Replayed"]) == (["keyed"], "true")


# --- reading ---

def topics(response):
    assert response.status == 200, response.body
    return {found["topic"] for found in response.json}


def test_a_list_holds_what_the_token_may_read(client):
    assert topics(client("reader").get("/events")) == {"fleet/a/temp", "fleet/a", "fleet/a/deep/down"}
    assert topics(client("gateway").get("/events")) == {"fleet/a/temp", "fleet/b/temp", "alarms/x"}
    assert topics(client("gateway").get("/events?topic=fleet/b/%23")) == {"fleet/b/temp"}
    assert topics(client("gateway").get("/events?topic=%23&source=s")) == {"fleet/a/temp", "fleet/b/temp", "alarms/x"}
    assert topics(client("gateway").get("/events?topic=alarms/+&order=desc")) == {"alarms/x"}
    assert client("gateway").get("/events?event_id=alarms/y").json == []
    assert client("reader").get("/events?topic=alarms/%23").json == []
    csv = client("gateway").get("/events", {"Accept": "text/csv"}).body
    assert b"alarms/x" in csv and b"alarms/y" not in csv and b"secret" not in csv


def test_a_topic_that_may_not_be_read_is_named_whether_it_is_there_or_not(client):
    for topic in ("alarms/y", "nothing"):
        for path in ("/events", "/events/stream"):
            refused = client("gateway").get(f"{path}?topic={topic}")
            assert refused.status == 403
            assert refused.detail == f'topic: the token "gateway" lacks the scope read for "{topic}"'
    for path in ("/events", "/events/1", "/events/stream", "/stats"):
        refused = client("blind").get(path)
        assert refused.status == 403
        assert refused.detail == 'the token "blind" lacks the scope read'


def test_an_event_that_may_not_be_read_is_not_there(client):
    seqs = {found["topic"]: found["seq"] for found in client("all").get("/events").json}
    assert client("gateway").get(f"/events/{seqs['alarms/x']}").json["topic"] == "alarms/x"
    hidden = client("gateway").get(f"/events/{seqs['alarms/y']}")
    nothing = client("gateway").get("/events/123456789")
    assert (hidden.status, nothing.status) == (404, 404)
    assert hidden.detail.replace(str(seqs["alarms/y"]), "123456789") == nothing.detail
    assert dict(hidden.headers).keys() == dict(nothing.headers).keys()
    tag = client("all").get(f"/events/{seqs['alarms/y']}").headers["ETag"]
    assert client("gateway").get(f"/events/{seqs['alarms/y']}", {"If-None-Match": tag}).status == 404


def test_a_tag_tells_nothing_of_other_events(client):
    response = client("all").get("/events")
    assert response.headers["ETag"]
    assert "Authorization" in response.headers["Vary"]
    limited = client("gateway").get("/events", {"If-None-Match": response.headers["ETag"]})
    assert (limited.status, limited.headers["ETag"]) == (200, None)


def test_a_page_is_full_also_for_a_token_that_may_read_little(client):
    """The filter is part of the question, not a sieve behind it."""
    batch = [event(f"pages/{i % 50}", f"p{i}") for i in range(10_000)]
    assert client("all").post(batch).status == 200
    assert client("all").post([event("fleet/a/p", f"p{i}") for i in range(250)]).status == 200
    seen, path = [], "/events?limit=100&topic=%2B/%23&source=&order=desc".replace("&source=", "")
    pages = []
    while path:
        page = client("reader").get(path)
        assert page.status == 200
        pages.append(len(page.json))
        seen += page.json
        link = page.headers["Link"]
        path = "/events" + link[1:link.index(">")] if link else None
    assert pages[:-1] == [100] * (len(pages) - 1) and len(pages) == 3
    assert [found["event_id"] for found in seen[:250]] == [f"p{i}" for i in reversed(range(250))]
    assert all(found["topic"].startswith("fleet/a") for found in seen)


def test_the_stream_shows_what_the_token_may_read(guarded, client):
    with Watcher(guarded, headers=client("gateway").headers) as limited, \
            Watcher(guarded, "?topic=fleet/%23", client("reader").headers) as narrow:
        topics_of_events = ["alarms/y", "fleet/b/secret", "fleet/a/temp", "alarms/x", "fleet/a/x"]
        assert client("all").post([event(topic, f"s {topic}") for topic in topics_of_events]).status == 200
        assert limited.ids(2) == ["s fleet/a/temp", "s alarms/x"]
        assert narrow.ids(2) == ["s fleet/a/temp", "s fleet/a/x"]
    with Watcher(guarded, "?after_seq=0", client("gateway").headers) as past:
        assert {past.event()["topic"] for _ in range(3)} <= {"fleet/a/temp", "fleet/b/temp", "alarms/x"}


def test_stats_hold_no_more_than_the_token_may_read(client):
    everything = client("all").get("/stats").json
    assert {"alarms/y", "fleet/b/secret"} < set(everything["topics"])
    assert everything["received"] == everything["unique_processed"] + everything["duplicate_dropped"]
    limited = client("gateway").get("/stats").json
    assert set(limited) == {"topics", "uptime", "uptime_seconds"}
    assert set(limited["topics"]) == {"fleet/a/temp", "fleet/b/temp", "alarms/x"}


def test_metrics_take_a_token_that_may_read_everything(client):
    assert b"events_received_total" in client("all").get("/metrics").body
    refused = client("gateway").get("/metrics")
    assert refused.status == 403
    assert refused.detail == ('the token "gateway" lacks the scope read for "#": '
                              "what this shows cannot be told apart by topic")


# --- the file ---

def reload(sidecar, expected):
    offset = sidecar.log_path.stat().st_size
    sidecar.signal(signal.SIGHUP)
    wait_until(lambda: expected in sidecar.log(offset), f"it says {expected}")


def test_a_reload_lets_new_tokens_in_and_old_ones_not(park, tmp_path):
    tokens = TokenFile(tmp_path / "tokens", "old", "changed read:a", "kept")
    broker = park.make_broker().start()
    sidecar = park.make_sidecar(broker, arguments=["--tokens", tokens.path]).start()
    clients = {name: Client(sidecar, token) for name, token in tokens.tokens.items()}
    assert clients["kept"].post([event("a", "1"), event("b", "2")]).status == 200
    with contextlib.ExitStack() as stack_of_watchers:
        watchers = {name: stack_of_watchers.enter_context(Watcher(sidecar, "?after_seq=0", clients[name].headers))
                    for name in clients}
        assert (watchers["old"].ids(2), watchers["changed"].ids(1)) == (["1", "2"], ["1"])
        assert watchers["kept"].ids(2) == ["1", "2"]
        tokens.remove("old")
        tokens.change("changed", "read:b")
        tokens.add("new read:#")
        reload(sidecar, "3 tokens")
        for name in ("old", "changed"):
            with pytest.raises(EOFError):
                watchers[name].frame()
        clients["kept"].post(event("a", "3"))
        assert watchers["kept"].ids(1) == ["3"]
    assert clients["old"].get("/events").status == 401
    assert clients["changed"].ids() == ["2"]
    assert Client(sidecar, tokens.tokens["new"]).ids() == ["1", "2", "3"]


def test_a_bad_file_keeps_the_old_tokens_and_says_why(park, tmp_path):
    tokens = TokenFile(tmp_path / "tokens", "me")
    broker = park.make_broker().start()
    sidecar = park.make_sidecar(broker, arguments=["--tokens", tokens.path]).start()
    me = Client(sidecar, tokens.tokens["me"])
    tokens.path.write_text("# nothing\nme sha256:short read:#\n")
    reload(sidecar, f"the old tokens stay: {tokens.path}:2: a line takes a name")
    assert me.get("/events").status == 200
    tokens.path.unlink()
    reload(sidecar, f"the old tokens stay: cannot read the token file {tokens.path}: No such file or directory")
    assert me.get("/events").status == 200
    for empty in ("", "# nothing\n\n"):
        tokens.path.write_text(empty)
        reload(sidecar, f"the old tokens stay: the token file {tokens.path} holds no token")
        assert me.get("/events").status == 200
    tokens.path.unlink()
    os.mkfifo(tokens.path)
    reload(sidecar, f"the old tokens stay: cannot read the token file {tokens.path}: is no regular file")
    assert me.get("/events").status == 200
    begin = time.monotonic()
    sidecar.terminate()
    assert time.monotonic() - begin < 5


def test_many_tokens_are_read_soon(park, tmp_path):
    count = 50_000
    path = tmp_path / "tokens"
    path.write_text("".join(f"name-{number} sha256:{number:064x} read:#\n" for number in range(count)))
    broker = park.make_broker().start()
    begin = time.monotonic()
    sidecar = park.make_sidecar(broker, arguments=["--tokens", path]).start()
    assert time.monotonic() - begin < 10
    assert f"{count} tokens" in sidecar.log()
    path.write_text(path.read_text() + f"again sha256:{7:064x} read:#\n")
    reload(sidecar, f"the old tokens stay: {path}:{count + 1}: this name or hash stands in a line before")


def test_a_stream_of_lines_ends_when_its_token_is_taken_back(park, tmp_path):
    tokens = TokenFile(tmp_path / "tokens", "me", "other")
    broker = park.make_broker().start()
    sidecar = park.make_sidecar(broker, arguments=["--tokens", tokens.path]).start()
    with contextlib.closing(sidecar.connect()) as connection:
        connection.putrequest("POST", "/publish")
        for name, value in {**Client(sidecar, tokens.tokens["me"]).headers, "Content-Type": "application/x-ndjson",
                            "Transfer-Encoding": "chunked"}.items():
            connection.putheader(name, value)
        connection.endheaders()

        def send(event_id):
            line = json.dumps(event("t", event_id)).encode() + b"\n"
            connection.send(b"%x\r\n%s\r\n" % (len(line), line))

        send("1")
        response = http.client.HTTPResponse(connection.sock)
        response.begin()
        assert json.loads(response.readline())["verdict"] == "processed"
        tokens.remove("me")
        reload(sidecar, "1 tokens")
        send("2")
        last = json.loads(response.readline())
        assert last["verdict"] == "failed" and "taken back" in last["detail"]
    assert Client(sidecar, tokens.tokens["other"]).ids() == ["1"]


def test_reloads_under_load_refuse_nobody(park, tmp_path):
    tokens = TokenFile(tmp_path / "tokens", "me", "other")
    broker = park.make_broker().start()
    sidecar = park.make_sidecar(broker, arguments=["--tokens", tokens.path]).start()
    me, failures, stop = Client(sidecar, tokens.tokens["me"]), [], threading.Event()

    def work(number):
        count = 0
        while not stop.is_set():
            status = me.post(event("t", f"{number}-{count}")).status if count % 2 else me.get("/events?limit=1").status
            if status != 200:
                failures.append(status)
            count += 1

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for number in range(30):
        if number % 3 == 0:
            tokens.path.write_text("bad")
        else:
            tokens.change("other", f"read:{number}")
        sidecar.signal(signal.SIGHUP)
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert "the old tokens stay" in sidecar.log()


def test_a_bad_file_keeps_it_from_starting(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(new_token("a")[1] + "b sha256:xyz read:#\n")
    refused = subprocess.run([PROGRAM, "--tokens", path, "--http-port", "0"], capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert f"{path}:2: a line takes a name, sha256: with 64 hexadecimal digits, and one or more scopes" in refused.stderr


def test_a_new_token_is_shown_once_and_not_in_its_line():
    token, line = new_token("gateway-7 publish:fleet/7/#")
    assert line.startswith("gateway-7 sha256:") and line.endswith(" publish:fleet/7/#\n")
    assert token not in line and len(token) == 64
    for name_and_scopes, reason in [("a write:#", "write:#"), ("", "takes a name")]:
        refused = subprocess.run([PROGRAM, "--new-token", name_and_scopes], capture_output=True, text=True, timeout=60)
        assert refused.returncode == 2
        assert reason in refused.stderr and refused.stdout == ""


def test_tokens_are_not_in_the_log(guarded, token_file):
    assert not any(token in guarded.log() for token in token_file.tokens.values())
