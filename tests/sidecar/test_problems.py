"""Every error is a problem (RFC 9457) whose type says what it is, also where the HTTP library finds it."""

import json
import pathlib
import re
import resource

import pytest

from tests.support.broker import wait_until
from tests.support.sidecar import IS_SANITIZED, event, parse_response, problem_name


def answer_to(sidecar, request_bytes):
    """To bytes as they are."""
    return parse_response(sidecar.raw(request_bytes, hang_up=True))


@pytest.mark.parametrize("method, path, status, name", [
    ("GET", "/nope", 404, "not-found"), ("POST", "/publish/", 404, "not-found"),
    ("GET", "/events/999999999", 404, "not-found"), ("GET", "/publish", 405, "method-not-allowed"),
    ("DELETE", "/stats", 405, "method-not-allowed"), ("BREW", "/", 400, "malformed-request"),
    ("GET", "/events?limit=0", 400, "invalid-parameter"), ("GET", "/events?since=x", 400, "invalid-parameter"),
    ("GET", "/events/x", 400, "invalid-parameter"), ("GET", "/events/stream?limit=1", 400, "invalid-parameter"),
    ("GET", "/events/stream?topic=a%23", 400, "invalid-parameter"),
    ("GET", "/events?topic=" + "x" * 9000, 414, "target-too-long"),
])
def test_problems_of_the_request_line(sidecar, method, path, status, name):
    response = sidecar.request(method, path)
    assert (response.status, response.problem_type) == (status, name)


def test_what_is_no_utf_8_is_told_in_json_all_the_same(sidecar):
    assert sidecar.request("DELETE", "/events/%ff").detail.startswith("Method Not Allowed: /events/? takes GET")
    assert sidecar.request("DELETE", "/events/%C3%A4").detail.startswith("Method Not Allowed: /events/ä takes GET")
    headers = {"ce-specversion": "%FF", "ce-id": "1", "ce-source": "s", "ce-type": "t"}
    assert sidecar.request("POST", "/publish?topic=t", "{}", headers).detail == "ce-specversion takes UTF-8, percent-encoded"


def test_method_that_is_not_allowed_is_told_what_is(sidecar):
    assert sidecar.request("PUT", "/events").headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("request_bytes, status, name", [
    (b"GET\r\n\r\n", 400, "malformed-request"), (b"GET / HTTP/2.0\r\n\r\n", 400, "malformed-request"),
    (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, "malformed-request"),
    (b"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", 400, "malformed-request"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=a-b\r\n\r\n", 416, "invalid-range"),
    (b"GET / HTTP/1.1\r\n\r\n", 400, "malformed-request"),
    (b"GET / HTTP/1.1\r\nX: " + b"y" * 8300 + b"\r\n\r\n", 431, "head-too-large"),
    (b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", 431, "head-too-large"),
    (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", 431, "head-too-large"),
    (b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n[   ]", 400, "malformed-request"),
    (b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n\r\n[   ]", 400, "malformed-request"),
    (b"POST /publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n[   ]", 400, "malformed-request"),
    (b"POST /publish HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed-request"),
    (b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n[", 400, "malformed-request"),
    (b"POST /publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]", 400, "malformed-request"),
    (b"POST /publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]XX0\r\n\r\n", 400, "malformed-request"),
    (b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n[", 413, "too-large"),
    (b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n", 413, "too-large"),
    (b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Encoding: br\r\n\r\n[]", 415, "unsupported-encoding"),
])
def test_problems_of_the_head_and_of_the_body_s_framing(sidecar, request_bytes, status, name):
    response = answer_to(sidecar, request_bytes)
    assert (response.status, response.problem_type) == (status, name)


def test_head_that_is_just_not_too_large_is_read(sidecar):
    header = b"X-%03d: " + b"y" * 8000 + b"\r\n"
    head = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + b"".join(header % number for number in range(8))
    assert answer_to(sidecar, head + b"\r\n").status == 200
    assert answer_to(sidecar, head + header % 8 + b"\r\n").status == 431
    many = b"".join(b"X-%d: y\r\n" % number for number in range(1000))
    assert answer_to(sidecar, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + many + b"\r\n").status == 200


@pytest.mark.parametrize("query, headers, body, status, name", [
    ("", {}, "{", 400, "invalid-json"), ("", {}, "[{}] x", 400, "invalid-json"), ("", {}, "7", 422, "invalid-event"),
    ("", {}, [event("a/#", "a")], 422, "invalid-event"), ("", {}, event("/" * 201, "a"), 422, "invalid-event"),
    ("?qos=3", {}, [], 400, "invalid-parameter"), ("?retain=yes", {}, [], 400, "invalid-parameter"),
    ("", {"Idempotency-Key": "k" * 256}, [], 400, "invalid-parameter"),
    ("", {"Content-Type": "application/cloudevents+json"}, "{", 400, "invalid-json"),
    ("", {"Content-Type": "application/cloudevents-batch+json"}, "{}", 400, "invalid-json"),
    ("", {"Content-Type": "application/cloudevents+json"}, {"id": "a"}, 422, "invalid-event"),
    ("", {}, b"[" + b" " * (16 << 20) + b"]", 413, "too-large"),
])
def test_problems_of_the_body(sidecar, query, headers, body, status, name):
    body = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    response = sidecar.request("POST", "/publish" + query, body, headers)
    assert (response.status, response.problem_type) == (status, name)


def test_key_of_another_request(sidecar, topic):
    assert sidecar.post(event(topic, "a"), {"Idempotency-Key": topic}).status == 200
    response = sidecar.post(event(topic, "b"), {"Idempotency-Key": topic})
    assert (response.status, response.problem_type) == (422, "idempotency-key-reused")


def test_problems_of_lines(sidecar, topic):
    body = "\n".join(["{", json.dumps(event("", "a")), json.dumps(event("/" * 201, "b")), json.dumps(event(topic, "c"))])
    response = sidecar.post(body, {"Content-Type": "application/x-ndjson"})
    lines = [json.loads(line) for line in response.body.splitlines()]
    assert [(problem_name(line), line["status"], bool(line["title"])) for line in lines[:3]] == [
        ("invalid-json", 400, True), ("invalid-event", 422, True), ("invalid-event", 422, True)]
    assert lines[3]["verdict"] == "processed" and "type" not in lines[3]
    cut = answer_to(sidecar, b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
                             b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
    assert b'"type":"urn:mosquitto-dedup:problem:malformed-request"' in cut.body


def test_problems_of_the_broker(park):
    broker = park.make_broker(options={"journal_size": "1M"})
    acl = broker.directory / "acl"
    acl.write_text("topic readwrite $CONTROL/#\ntopic write open/#\n")
    broker.config = f"acl_file {acl}\nretain_available false\nmessage_size_limit 1000\n"
    broker.start()
    sidecar = park.make_sidecar(broker).start()
    for query, body, status, name in [
        ("", event("closed/a", "a"), 403, "forbidden-by-broker"),
        ("?retain=true", event("open/a", "a"), 422, "unsupported-by-broker"),
        ("", event("open/a", "a", payload="x" * 2000), 413, "too-large"),
        ("", event("open/a", "a", payload="x" * (1 << 20)), 413, "too-large"),
    ]:
        response = sidecar.request("POST", "/publish" + query, json.dumps(body))
        assert (response.status, response.problem_type) == (status, name), response.body
    broker.terminate()
    wait_until(lambda: sidecar.get("/healthz").status == 503, "the sidecar has noticed")
    assert sidecar.post(event("open/a", "a")).problem_type == "broker-unavailable"
    for path in ("/healthz", "/health", "/readyz"):
        assert sidecar.get(path).problem_type == "not-ready"


def test_problems_of_the_store(park):
    broker = park.make_broker()
    sidecar = park.make_sidecar(broker).start(connected=False)
    for path in ("/events", "/events/1", "/events/stream", "/stats"):
        response = sidecar.get(path)
        assert (response.status, response.problem_type) == (503, "store-unavailable")


@pytest.mark.skipif(IS_SANITIZED, reason="sanitizers end a program that gets no memory")
def test_fault_inside_is_told_and_logged_and_harms_nobody_else(park):
    _, sidecar = park.start()
    used_bytes = int(re.search(r"VmData:\s+(\d+) kB", pathlib.Path(f"/proc/{sidecar.pid}/status").read_text())[1]) << 10
    _, hard = resource.prlimit(sidecar.pid, resource.RLIMIT_DATA)
    resource.prlimit(sidecar.pid, resource.RLIMIT_DATA, (used_bytes + (4 << 20), hard))
    response = sidecar.post(b" " * (15 << 20))
    assert (response.status, response.problem_type) == (500, "internal-error")
    wait_until(lambda: "error at POST /publish: std::bad_alloc" in sidecar.log(), "a thread of its own has written it")
    assert sidecar.publish(event("t", "a"))["processed"] == ["a"]
