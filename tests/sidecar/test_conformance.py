"""What HTTP's standards want of every server (docs/internals/http-conformance.md lists the clauses and their tests)."""

import contextlib
import email.utils
import gzip
import http.client
import json
import re
import socket
import time
import urllib.parse

import pytest

from tests.support.prefix_proxy import PrefixProxy
from tests.support.sidecar import event, parse_response, read_response, status_of


@pytest.mark.parametrize("request_bytes", [
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"HEAD /events HTTP/1.0\r\n\r\n", b"nonsense\r\n\r\n",
    b"GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"GET /events HTTP/1.0\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"], ids=lambda data: repr(data[:14]))
def test_every_answer_has_a_date(sidecar, request_bytes):
    head = sidecar.raw(request_bytes, hang_up=True).partition(b"\r\n\r\n")[0].decode()
    (date,) = re.findall(r"^Date: (\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT)\r?$", head, re.MULTILINE)
    assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) < 60


def test_a_target_may_name_the_host(sidecar):
    answer = sidecar.raw(b"GET http://localhost:1/events?topic=nobody HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n")
    assert parse_response(answer).json == []


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "X-GZIP"])
def test_gzip_by_both_its_names_and_in_several_members(sidecar, topic, coding):
    text = json.dumps([event(topic, "a"), event(topic, "b")]).encode()
    body = gzip.compress(text[:20]) + gzip.compress(b"") + gzip.compress(text[20:])
    assert sidecar.post(body, {"Content-Encoding": coding}).json["processed"] == ["a", "b"]
    for broken in (body[:-1], body + b"x", body[:-5] + b"\0\0\0\0\0"):
        response = sidecar.post(broken, {"Content-Encoding": coding})
        assert (response.status, response.problem_type) == (400, "malformed-request")


def test_a_415_says_which_codings_are_taken(sidecar):
    assert sidecar.post([], {"Content-Encoding": "br"}).headers["Accept-Encoding"] == "gzip"


def test_a_client_that_waits_for_100_gets_it(sidecar, topic):
    body = json.dumps(event(topic, "a")).encode()
    with contextlib.closing(sidecar.connect()) as connection:
        connection.connect()
        head = b"POST /publish HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: %d\r\n\r\n" % len(body)
        connection.sock.sendall(head)
        assert connection.sock.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sock.sendall(body)
        assert status_of(connection.sock.recv(1 << 16)) == 200
        # And the last answer at once where its body is not wanted.
        connection.sock.sendall(head.replace(b"/publish", b"/nope"))
        assert status_of(connection.sock.recv(1 << 16)) == 404


def test_links_lead_on_behind_a_proxy_that_strips_a_prefix(sidecar, topic):
    sidecar.publish([event(topic, str(number)) for number in range(5)])
    with PrefixProxy(sidecar.port, "/dedup/") as proxy:
        url = urllib.parse.urljoin(proxy.url, f"events?topic={topic}&limit=2")
        seen = []
        while url:
            parts = urllib.parse.urlsplit(url)
            with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=60)) as connection:
                connection.request("GET", f"{parts.path}?{parts.query}")
                response = read_response(connection)
            assert response.status == 200
            seen += [found["event_id"] for found in response.json]
            link = response.headers.get("Link")
            url = urllib.parse.urljoin(url, re.fullmatch(r'<(.*)>; rel="next"', link)[1]) if link else None
    assert seen == list("01234")


def test_a_client_may_send_all_its_lines_before_it_reads(park):
    """Most HTTP libraries do."""
    count = 120_000  # whose results are more than two kernels keep
    _, sidecar = park.start()
    body = b"".join(b'{"topic":"t","event_id":"%d","timestamp":"2024-01-02"}\n' % number for number in range(count))
    with contextlib.closing(sidecar.connect(300)) as connection:
        connection.sock = socket.socket()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sock.settimeout(300)
        connection.sock.connect(("127.0.0.1", sidecar.port))
        connection.request("POST", "/publish", body, {"Content-Type": "application/x-ndjson"})
        response = read_response(connection)
    assert response.status == 200
    lines = response.body.splitlines()
    assert len(lines) == count
    assert [json.loads(lines[at]) for at in (0, count - 1)] == [
        {"event_id": "0", "verdict": "processed", "seq": 1}, {"event_id": str(count - 1), "verdict": "processed", "seq": count}]
    response = sidecar.request("POST", "/publish?results=summary", body[:body.index(b"\n", 5000) + 1] + b"nonsense\n",
                               {"Content-Type": "application/x-ndjson"})
    invalid, summary = map(json.loads, response.body.splitlines())
    assert invalid["verdict"] == "invalid"
    duplicates = summary["summary"]["duplicates"]
    assert duplicates > 50
    assert summary == {"summary": {"total_received": duplicates + 1, "processed": 0, "duplicates": duplicates, "passed": 0,
                                   "invalid": 1, "failed": 0}}
