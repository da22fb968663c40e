"""What is not taken: a 4xx that says why, or a closed connection; nothing stored, nothing published, nobody harmed."""

import contextlib
import json
import random
import socket
import time

import pytest

from tests.support.sidecar import MemoryWatch, event, has_ended, read_response, status_of


@pytest.fixture(autouse=True)
def nothing_is_stored_and_the_sidecar_lives_on(sidecar):
    def look():
        stats = sidecar.stats()
        return [stats[name] for name in ("received", "passed", "topics")]

    before = look()
    yield
    assert look() == before


@pytest.mark.parametrize("member, value, reason", [
    ("topic", None, "missing"), ("topic", "", "empty"), ("topic", 7, "not a string"), ("topic", ["a"], "not a string"),
    ("topic", "a/+/b", "wildcard"), ("topic", "#", "wildcard"), ("topic", "$SYS/x", "begins with $"),
    ("topic", "$", "begins with $"), ("topic", "a\0b", "U+0000"), ("topic", "t" * 65_536, "65,535"),
    ("topic", "a\x01", "does not allow"), ("topic", "a\x7f", "does not allow"), ("topic", "a\uffff", "does not allow"),
    ("topic", "/" * 201, "200 levels"),
    ("event_id", None, "missing"), ("event_id", "", "empty"), ("event_id", 7, "not a string"),
    ("event_id", "i" * 257, "256"), ("event_id", "\u00e9" * 129, "256"),
    ("timestamp", None, "missing"), ("timestamp", "", "ISO 8601"), ("timestamp", True, "not a string"),
    ("timestamp", 1704164645, "not a string"), ("timestamp", "yesterday", "ISO 8601"),
    ("timestamp", "2024-13-01", "ISO 8601"), ("timestamp", "2023-02-29", "ISO 8601"),
    ("timestamp", "2024-01-02T24:00:00Z", "ISO 8601"), ("timestamp", "2024-01-02T03:04:05+99:00", "ISO 8601"),
    ("source", 7, "neither a string nor null"), ("source", {}, "neither a string nor null"),
])
def test_invalid_member_refuses_the_whole_batch_and_is_named(broker, sidecar, topic, member, value, reason):
    invalid = {**event(topic, "bad"), member: value}
    if value is None:
        del invalid[member]
    subscriber = broker.connect().subscribe("#", qos=0)
    response = sidecar.post([event(topic, "good"), invalid, event(topic, "good too")])
    assert response.status in (400, 422)
    assert response.detail.startswith(f"events[1].{member}: ")
    assert reason in response.detail
    subscriber.ping()
    assert subscriber.inbox == []


@pytest.mark.parametrize("body", ["7", '"text"', "null", "true", "[7]", "[[]]", "[null]"])
def test_what_is_no_event_is_refused(sidecar, body):
    response = sidecar.post(body)
    assert 400 <= response.status < 500
    assert response.detail


@pytest.mark.parametrize("payload", [
    "NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1", "0x10", "'a'", '"\\x"', '"\\ud800"', '"\\udc00\\ud800"',
    '"\t"', "tru", "[1,]", '{"a":1,}', "{a:1}", "", "/*c*/1", "[" * 100_000 + "]" * 100_000, "[" * 100_000,
    '{"a":' * 100_000 + "1" + "}" * 100_000,
], ids=lambda text: text[:12])
def test_invalid_json_is_refused(sidecar, topic, payload):
    response = sidecar.post('{"topic":"%s","event_id":"a","timestamp":"2024-01-02","payload":%s}' % (topic, payload))
    assert response.status == 400
    assert response.detail.startswith("invalid JSON at byte ")


@pytest.mark.parametrize("body", [
    b"", b" ", b"{", b"}", b"[", b'{"topic"', b"\xff\xfe[\0]\0", b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}',
    b"\xef\xbb\xbf[]", b"[] []", b"\0", b"--x\r\n\r\n{}\r\n--x--",
])
def test_invalid_body_is_refused(sidecar, body):
    response = sidecar.post(body)
    assert response.status == 400
    assert response.detail


def test_more_than_100000_events_in_a_batch(sidecar, topic):
    one = '{"topic":"%s","event_id":"a","timestamp":"2024-01-02"}' % topic
    response = sidecar.post("[" + ",".join([one] * 100_001) + "]")
    assert response.status == 413
    assert "100000" in response.detail


def test_body_of_more_than_16_mib(sidecar):
    response = sidecar.post(b" " * ((16 << 20) + 1))
    assert response.status == 413
    assert "16 MiB" in response.detail
    assert response.headers["Connection"] == "close"


def test_chunked_body_of_more_than_16_mib(sidecar):
    chunks = (b" " * (1 << 20) for _ in range(20))
    response = sidecar.post(chunks, {"Transfer-Encoding": "chunked"}, encode_chunked=True)
    assert response.status == 413
    assert "16 MiB" in response.detail


def test_body_of_just_16_mib_is_read(sidecar):
    assert sidecar.post(b"[" + b" " * ((16 << 20) - 2) + b"]").status == 200


def valid_body(topic):
    return json.dumps([event(topic, "a"), event(topic, "b")]).encode()


def test_request_that_is_cut_anywhere_is_not_taken(sidecar, topic):
    body = valid_body(topic)
    request = b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    for size in range(0, len(request), 7):
        answer = sidecar.raw(request[:size], hang_up=True)
        assert status_of(answer) in (None, 400), (size, answer)


def test_chunked_request_that_is_cut_anywhere_is_not_taken(sidecar, topic):
    body = valid_body(topic)
    request = (b"POST /publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
    # The body is whole long before the request is.
    for size in [*range(0, len(request) - 10, 11), *range(len(request) - 10, len(request))]:
        answer = sidecar.raw(request[:size], hang_up=True)
        assert status_of(answer) in (None, 400), (size, answer)


@pytest.mark.parametrize("chunks", [
    b"%(size)x\r\n%(body)sXX\r\n0\r\n\r\n", b"%(size)x\r\n%(body)s0\r\n\r\n", b"xyz\r\n%(body)s\r\n0\r\n\r\n",
    b"-%(size)x\r\n%(body)s\r\n0\r\n\r\n", b"ffffffffffffffff\r\n%(body)s\r\n0\r\n\r\n",
    b"%(size)x\r\n%(body)s\r\n0\r\nX\r\n", b"\r\n%(body)s\r\n",
])
def test_malformed_chunks_are_not_taken(sidecar, topic, chunks):
    body = valid_body(topic)
    answer = sidecar.raw(b"POST /publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
                         chunks % {b"size": len(body), b"body": body}, hang_up=True)
    assert status_of(answer) in (None, 400, 413)


@pytest.mark.parametrize("headers", [
    b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Content-Length: -1\r\n", b"Content-Length: 5, 5\r\n",
    b"Content-Length: 0x10\r\n", b"Content-Length: five\r\n", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n", b"Content-Length : 5\r\n", b"Content-Length:\r\n", b"",
    b"Content-Length: 99999999999999999999999999\r\n", b"X: y\nContent-Length: 5\r\n",
])
def test_unclear_length_is_refused_and_the_connection_ends(sidecar, headers):
    started = time.monotonic()
    answer = sidecar.raw(b"POST /publish HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n[   ]", hang_up=True)
    assert status_of(answer) in (None, 400, 413)
    assert answer.count(b"HTTP/1.1") <= 2
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("coding", ["deflate", "br", "zstd", "gzip, gzip", "gzip, br"])
def test_compressed_body_is_refused(sidecar, coding):
    response = sidecar.post([], {"Content-Encoding": coding})
    assert response.status == 415
    assert response.detail


@pytest.mark.parametrize("method, path, allow", [
    ("GET", "/publish", "POST, OPTIONS"), ("PUT", "/publish", "POST, OPTIONS"), ("HEAD", "/publish", "POST, OPTIONS"),
    ("DELETE", "/publish", "POST, OPTIONS"), ("POST", "/events", "GET, HEAD, OPTIONS"),
    ("DELETE", "/events", "GET, HEAD, OPTIONS"), ("PATCH", "/stats", "GET, HEAD, OPTIONS"),
    ("POST", "/", "GET, HEAD, OPTIONS"), ("PUT", "/healthz", "GET, HEAD, OPTIONS"),
    ("TRACE", "/health", "GET, HEAD, OPTIONS"),
])
def test_wrong_method_is_405_with_allow(sidecar, topic, method, path, allow):
    response = sidecar.request(method, path, valid_body(topic) if method in ("PUT", "POST", "PATCH") else None)
    assert response.status == 405
    assert response.headers["Allow"] == allow
    if method != "HEAD":
        assert response.detail


@pytest.mark.parametrize("path", ["/nope", "/publish/", "/publish/x", "/Publish", "//", "/events/", "/events/1/2", "/..", "/%00",
                                  "/publishx"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS"])
def test_unknown_path_is_404(sidecar, topic, method, path):
    response = sidecar.request(method, path, valid_body(topic) if method == "POST" else None)
    assert response.status == 404
    if method != "HEAD":
        assert (response.problem_type, response.detail) == ("not-found", "Not Found")


def test_options_lists_the_methods(sidecar):
    for path, allow in (("/publish", "POST, OPTIONS"), ("/events", "GET, HEAD, OPTIONS"),
                        ("*", "GET, HEAD, POST, OPTIONS")):
        response = sidecar.request("OPTIONS", path)
        assert (response.status, response.headers["Allow"], response.body) == (200, allow, b"")


@pytest.mark.parametrize("request_bytes", [
    b"\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/2.0\r\n\r\n", b"GET / HTTP/1.1",
    b"BREW /coffee HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100, b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00",
    b"\0" * 1000, b"GET / HTTP/1.1\nHost: x\n\n", b"GET  /  HTTP/1.1  x\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nRange: bytes=a-b\r\n\r\n", b"x" * 200_000,
], ids=lambda data: repr(data[:20]))
def test_what_is_no_http_is_refused_or_cut(sidecar, request_bytes):
    answer = sidecar.raw(request_bytes, hang_up=True)
    assert status_of(answer) in (None, 400, 404, 414, 416, 431)


def test_long_request_line_is_414(sidecar):
    response = sidecar.get("/events?topic=" + "x" * 9000)
    assert response.status == 414
    assert response.detail


def test_endless_line_is_cut_and_costs_no_memory(sidecar):
    memory = MemoryWatch(sidecar)
    with socket.create_connection(("127.0.0.1", sidecar.port), timeout=60) as connection:
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):
                connection.sendall(b"x" * 100_000)
    memory.assert_below(8 << 20)


def test_random_bytes_do_no_harm(sidecar, topic):
    generator = random.Random(20240229)
    template = (b"POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\nConnection: close\r\n\r\n"
                b'{"topic":"%s","event_id":7,"timestamp":"2024"}' % topic.encode())
    for _ in range(300):
        data = bytearray(template)
        for _ in range(generator.randrange(1, 8)):
            position = generator.randrange(len(data))
            data[position:position + generator.randrange(3)] = generator.randbytes(generator.randrange(3))
        status = status_of(sidecar.raw(bytes(data), hang_up=True))
        assert status is None or 400 <= status < 500, bytes(data)


def test_headers_that_ask_for_another_form_of_answer_are_not_obeyed(sidecar):
    response = sidecar.request("GET", "/", headers={"Range": "bytes=0-3", "Accept-Encoding": "gzip, br"})
    assert response.status == 200
    assert response.json["status"] == "running"


def test_body_of_a_get_ends_the_connection_and_is_not_read_as_a_request(sidecar):
    inner = b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = sidecar.raw(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(inner) + inner, hang_up=True)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert status_of(answer) == 200


def test_connection_goes_on_after_an_error_whose_body_was_read(sidecar):
    with contextlib.closing(sidecar.connect()) as connection:
        for body in (b"{", b"[]", b"7", b"[]"):
            connection.request("POST", "/publish", body)
            response = read_response(connection)
            assert response.status in (200, 400, 422)
            assert connection.sock is not None and not has_ended(connection.sock)


def test_slow_request_is_read(sidecar):
    answer = sidecar.raw(b"POST /pub", b"lish HT", b"TP/1.1\r\nHo", b"st: x\r\nConnection: close\r\nContent-Len",
                         b"gth: 2\r", b"\n\r", b"\n[", b"]")
    assert status_of(answer) == 200


def test_client_that_sends_too_much_can_still_read_why_it_was_refused(sidecar):
    response = sidecar.post(b" " * (64 << 20))
    assert (response.status, response.headers["Connection"]) == (413, "close")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "application/x-ndjson"])
def test_what_a_browser_sends_for_a_page_of_another_origin(sidecar, site, content_type):
    headers = {"Sec-Fetch-Site": site, "Origin": "https://other.example", "Content-Type": content_type}
    response = sidecar.post(event("t", "a"), headers)
    assert (response.status, response.problem_type) == (403, "foreign-page")
    for own in ("same-origin", "none"):
        assert sidecar.post([], {"Sec-Fetch-Site": own}).status == 200
