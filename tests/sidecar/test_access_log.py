"""--access-log: a line of JSON for each request."""

import datetime
import json

import pytest

from tests.support.broker import wait_until
from tests.support.sidecar import event, parse_response


@pytest.fixture
def sidecar(park):
    return park.make_sidecar(park.make_broker().start(), arguments=["--access-log"]).start()


def lines(sidecar, offset, count):
    """The requests since `offset`, once there are so many, for an answer goes out before its line; but for those that
    only asked whether the sidecar has started."""
    def found():
        entries = [json.loads(line) for line in sidecar.log(offset).splitlines() if line.startswith("{")]
        entries = [entry for entry in entries if entry["path"] != "/healthz"]
        return entries if len(entries) >= count else None
    return wait_until(found, f"{count} lines of the access log")


def log_size(sidecar):
    return sidecar.log_path.stat().st_size


def test_a_request_is_a_line(sidecar):
    offset = log_size(sidecar)
    answer = sidecar.post(event("access/1", "a"), headers={"X-Request-Id": "from-a-proxy-17"})
    listed = sidecar.get("/events?topic=access/1&token=secret")
    published, read = lines(sidecar, offset, 2)
    assert (published["method"], published["path"], published["status"]) == ("POST", "/publish", 200)
    assert published["request_id"] == "from-a-proxy-17" == answer.headers["X-Request-Id"]
    assert published["client"].startswith("127.0.0.1:")
    assert 0 < published["duration_ms"] < 60_000
    assert datetime.datetime.fromisoformat(published["time"].replace("Z", "+00:00")).tzinfo is not None
    assert (read["method"], read["path"]) == ("GET", "/events")
    assert read["request_id"] == listed.headers["X-Request-Id"] != "from-a-proxy-17"
    assert len(listed.body) < read["bytes"] < len(listed.body) + 1000
    assert "secret" not in sidecar.log(offset)


def test_requests_of_one_connection_are_counted_apart(sidecar):
    offset = log_size(sidecar)
    sidecar.raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    first, second = lines(sidecar, offset, 2)
    assert (first["path"], first["status"]) == ("/", 200)
    assert (second["path"], second["status"]) == ("/none", 404)
    assert first["client"] == second["client"]
    assert first["bytes"] < 1000 and second["bytes"] < 1000


def test_what_is_no_request_is_a_line_too(sidecar):
    offset = log_size(sidecar)
    answer = parse_response(sidecar.raw(b"nonsense\r\n\r\n"))
    (line,) = lines(sidecar, offset, 1)
    assert line["status"] == answer.status == 400
    assert line["request_id"] == answer.headers["X-Request-Id"]


def test_nobody_is_logged_unasked(park):
    _, quiet = park.start()
    assert "X-Request-Id" not in quiet.get("/healthz").headers
    assert "{" not in quiet.log()
