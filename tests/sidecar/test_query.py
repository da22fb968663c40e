"""GET /events with filters, in pages, in other forms; GET /events/{seq}; what is asked for wrongly."""

import csv
import datetime
import io
import json
import re
import time
import urllib.parse

import pytest

from tests.support.sidecar import event, parse_response


def get(sidecar, path, headers=None, status=200):
    response = sidecar.request("GET", path, headers=headers or {})
    assert response.status == status, f"{response.status} {response.body[:1000]}"
    return response


def ids(sidecar, query):
    return [found["event_id"] for found in get(sidecar, f"/events?{query}").json]


def next_path(response):
    link = response.headers["Link"]
    return "/events" + re.fullmatch(r'<(\?[^>]*)>; rel="next"', link)[1] if link else None


@pytest.fixture(scope="module")
def house(shared_park):
    """A few events on topics of their own."""
    sidecar = shared_park.parts[1]
    sidecar.publish([
        event("house/kitchen/temp", "1", source="gateway a"), event("house/bath/temp", "2", source="b"),
        event("house/kitchen/light", "3", source="b"), event("house", "4"), event("house/ /temp", "5", source=None),
        event("house/kitchen/temp", "6", source="b")])
    return "house"


@pytest.mark.parametrize("query, expected", [
    ("topic=house/kitchen/temp", "16"), ("topic=house", "4"), ("topic=house/", ""), ("topic=house/%23", "123456"),
    ("topic=house/%2B/temp", "1256"), ("topic=house/+/temp", "1256"), ("topic=house/%20/temp", "5"),
    ("topic=house/kitchen/%23", "136"), ("topic=%2B/kitchen/temp", "16"), ("topic=%2B", "4"),
    ("topic=house/%23&source=b", "236"), ("topic=house/%23&source=gateway+a", "1"), ("topic=house/%23&source=", ""),
    ("topic=house/%23&source=nobody", ""), ("topic=house/%23&event_id=3", "3"), ("topic=house/bath/temp&event_id=3", ""),
    ("topic=house/%23&order=desc", "654321"), ("topic=house/%23&order=asc&limit=2", "12"),
    ("topic=house/%23&order=desc&limit=2&source=b", "63"),
])
def test_filters(sidecar, house, query, expected):
    assert ids(sidecar, query) == list(expected)


def test_source_is_one_that_came_by_mqtt_too(broker, sidecar, topic):
    client = broker.connect(version=5)
    client.publish(topic, b'{"event_id":"a","source":"caf\\u00e9"}')
    client.publish(topic, b'{"event_id":"b","source":["caf\\u00e9"]}')
    client.publish(topic, b"no JSON", properties=(("user_property", ("event_id", "c")),))
    assert ids(sidecar, f"topic={topic}&source=caf%C3%A9") == ["a"]


def test_event_id_on_any_topic(sidecar, topic):
    sidecar.publish([event(topic, "same id"), event(f"{topic}/b", "same id"), event(topic, "other")])
    found = get(sidecar, "/events?event_id=same+id").json
    assert [row["topic"] for row in found] == [topic, f"{topic}/b"]


def test_seqs_bound_a_list_at_either_end(sidecar, topic):
    sidecar.publish([event(topic, str(number)) for number in range(5)])
    seqs = [row["seq"] for row in sidecar.events(topic)]
    assert ids(sidecar, f"topic={topic}&after_seq={seqs[1]}") == ["2", "3", "4"]
    assert ids(sidecar, f"topic={topic}&before_seq={seqs[2]}") == ["0", "1"]
    assert ids(sidecar, f"topic={topic}&after_seq={seqs[0]}&before_seq={seqs[4]}&order=desc") == ["3", "2", "1"]
    assert ids(sidecar, f"topic={topic}&after_seq={seqs[4]}") == []
    assert ids(sidecar, f"topic={topic}&before_seq=0") == []


def test_times(sidecar, topic):
    sidecar.publish(event(topic, "a"))
    time.sleep(0.3)
    sidecar.publish(event(topic, "b"))
    first, second = (row["received_at"] for row in sidecar.events(topic))
    assert ids(sidecar, f"topic={topic}&since={second}") == ["b"]
    assert ids(sidecar, f"topic={topic}&until={second}") == ["a"]
    assert ids(sidecar, f"topic={topic}&since={first}&until={first}") == []
    assert ids(sidecar, f"topic={topic}&since=10m") == ["a", "b"]
    assert ids(sidecar, f"topic={topic}&until=10m") == []
    assert ids(sidecar, f"topic={topic}&since=200ms") in (["b"], [])  # a slow machine
    east = datetime.datetime.fromisoformat(second.replace("Z", "+00:00")).astimezone(
        datetime.timezone(datetime.timedelta(hours=2))).isoformat()
    assert east.endswith("+02:00")
    for zone in ("+", "%2B"):
        assert ids(sidecar, f"topic={topic}&since={east.replace('+', zone)}") == ["b"]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_lead_to_each_other(sidecar, topic, order):
    sidecar.publish([event(f"{topic}/{number % 3}", str(number), source="s") for number in range(25)])
    path, pages = f"/events?limit=10&topic={topic}/%2B&order={order}&source=s", []
    while path:
        response = get(sidecar, path)
        pages.append([int(row["event_id"]) for row in response.json])
        path = next_path(response)
    expected = list(range(25)) if order == "asc" else list(range(24, -1, -1))
    assert pages == [expected[:10], expected[10:20], expected[20:]]


def test_the_last_page_leads_nowhere(sidecar, topic):
    sidecar.publish([event(topic, str(number)) for number in range(10)])
    assert next_path(get(sidecar, f"/events?topic={topic}&limit=10")) is None
    assert next_path(get(sidecar, f"/events?topic={topic}")) is None
    assert next_path(get(sidecar, f"/events?topic={topic}&limit=9"))


def test_pages_of_a_time_ago_are_of_one_time(sidecar, topic):
    sidecar.publish([event(topic, str(number)) for number in range(3)])
    path = next_path(get(sidecar, f"/events?since=1s&topic={topic}&limit=1"))
    assert "since=1s" not in path
    time.sleep(1.1)
    assert [row["event_id"] for row in get(sidecar, path).json] == ["1"]


def test_a_page_of_big_events_is_cut_short_and_says_where_it_goes_on(sidecar, topic):
    for number in range(20):
        sidecar.publish(event(topic, str(number), payload="x" * (2 << 20)))
    path, pages = f"/events?topic={topic}&limit=20", []
    while path:
        response = get(sidecar, path)
        assert len(response.body) < 20 << 20
        pages.append([row["event_id"] for row in response.json])
        path = next_path(response)
    assert len(pages) > 1
    assert sum(pages, []) == [str(number) for number in range(20)]


@pytest.mark.parametrize("query, parameter", [
    ("topic=a%23", "topic"), ("topic=a/%23/b", "topic"), ("topic=a%2Bb", "topic"),
    ("event_id=", "event_id"), ("event_id=" + "a" * 257, "event_id"), ("source=" + "a" * 257, "source"),
    ("since=", "since"), ("since=yesterday", "since"), ("until=2026-13-01", "until"), ("since=10", "since"),
    ("since=-10m", "since"), ("until=2026-01-31T12:00:00Z01", "until"),
    ("after_seq=", "after_seq"), ("after_seq=-1", "after_seq"), ("after_seq=1.0", "after_seq"),
    ("before_seq=x", "before_seq"), ("after_seq=99999999999999999999", "after_seq"),
    ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=ten", "limit"), ("limit=", "limit"), ("limit=5x", "limit"),
    ("order=down", "order"), ("order=", "order"), ("order=DESC", "order"),
    ("topic=%FF", "topic"), ("topic=a%00", "topic"), ("event_id=%FF", "event_id"), ("source=%C3", "source"),
    ("rule=", "rule"), ("rule=a.b", "rule"), ("rule=a%00", "rule"), ("rule=" + "a" * 33, "rule"),
    ("key=", "key"), ("key=%FF", "key"), ("key=" + "a" * 257, "key"),
])
def test_a_wrong_parameter_is_named_with_what_it_takes(sidecar, query, parameter):
    response = get(sidecar, f"/events?{query}", status=400)
    assert response.detail.startswith(f"{parameter} takes ")


@pytest.mark.parametrize("path, query, flaw", [
    ("/events", "topics=a", 'there is no parameter "topics" here; expected topic, source, event_id, '),
    ("/events", "Topic=a", 'there is no parameter "Topic" here'), ("/events", "%00=a", "there is no parameter"),
    ("/events", "%FF", "there is no parameter"), ("/events", "topic=a&topic=b", "topic stands there more than once"),
    ("/events", "limit=1&l%69mit=1", "limit stands there more than once"),
    ("/events/stream", "until=10m", 'there is no parameter "until" here'),
    ("/events/stream", "since=1s&since=1s", "since stands there more than once"),
    ("/events/1", "x", 'there is no parameter "x" here; expected none'),
    ("/top", "n=5", "expected none"), ("/top", "%FF=5", 'no parameter "%FF" here'), ("/rules", "rule=a", "expected none"),
    ("/rules/a", "x=1", "expected none"), ("/publish", "QoS=1", "expected qos, retain, results, topic"),
    ("/publish", "qos=1&qos=2", "qos stands there more than once"), ("/explain", "x=1", "expected none"),
])
def test_a_name_that_is_unknown_or_stands_there_twice_is_named(sidecar, path, query, flaw):
    body = b"[]" if path in ("/publish", "/explain") else None
    response = sidecar.request("POST" if body else "GET", f"{path}?{query}", body)
    assert (response.status, response.problem_type) == (400, "invalid-parameter")
    assert flaw in response.detail


@pytest.mark.parametrize("path", ["/stats", "/metrics"])
def test_what_old_clients_and_prometheus_read_takes_any_parameter(sidecar, path):
    assert sidecar.request("GET", path + "?_=1764&_=1764&x").status == 200


def test_what_is_open_to_all_looks_at_no_parameter(sidecar):
    for path in ("/", "/healthz", "/health", "/readyz", "/openapi.json", "/page/tail.js"):
        assert sidecar.get(f"{path}?x=1&x=2").status == 200


@pytest.mark.parametrize("headers, flaw", [
    ([("Idempotency-Key", "a"), ("Idempotency-Key", "b")], "Idempotency-Key stands there more than once"),
    ([("Idempotency-Key", "a" * 256)], "Idempotency-Key takes at most 255 bytes"),
    ([("ce-id", "a"), ("CE-Id", "b"), ("ce-source", "s"), ("ce-type", "t"), ("ce-specversion", "1.0")],
     "ce-id stands there more than once"),
    ([("ce-id", "a"), ("ce-source", "%FF"), ("ce-type", "t"), ("ce-specversion", "1.0")], "ce-source takes UTF-8"),
])
def test_a_header_that_is_wrong_or_stands_there_twice_is_named(sidecar, headers, flaw):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    answer = parse_response(sidecar.raw(
        f"POST /publish?topic=t HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}Content-Length: 2\r\n\r\n[]".encode()))
    assert (answer.status, answer.problem_type) == (400, "invalid-parameter")
    assert answer.detail.startswith(flaw)


def test_a_topic_of_cloud_events_is_utf_8(sidecar):
    response = sidecar.post(b"{}", {"Content-Type": "application/cloudevents+json"}, query="?topic=%FF")
    assert (response.status, response.problem_type) == (400, "invalid-parameter")
    assert response.detail.startswith("topic takes ")


def test_lines_of_json(sidecar, house):
    response = get(sidecar, "/events?topic=house/%23", {"Accept": "application/x-ndjson"})
    assert response.headers["Content-Type"] == "application/x-ndjson"
    assert response.headers["Vary"] == "Accept"
    assert response.body.endswith(b"}\n")
    assert [json.loads(line) for line in response.body.splitlines()] == get(sidecar, "/events?topic=house/%23").json
    assert get(sidecar, "/events?topic=nobody", {"Accept": "application/x-ndjson"}).body == b""


def test_a_payload_of_several_lines_is_one_line_of_json(sidecar, topic):
    body = json.dumps(event(topic, "a", payload={"v": ["x\ny"]}), indent=1).replace("\n", "\r\n")
    assert sidecar.post(body).status == 200
    response = get(sidecar, f"/events?topic={topic}", {"Accept": "application/x-ndjson"})
    line, = response.body.splitlines()
    assert json.loads(line)["payload"] == {"v": ["x\ny"]}


def test_csv(broker, sidecar, topic):
    sidecar.publish([event(topic, 'a,"b"', source="line\r\nend", payload={"v": [1.50, "x"]}),
                     event(topic, "\u00e9", payload="text"), event(topic, "n", payload=None)])
    broker.connect(version=5).publish(topic, b"\x00\xff", properties=(("user_property", ("event_id", "binary")),))
    broker.connect().publish(topic, b'{"event_id":"more","payload":1,"v":"a,b"}')
    response = get(sidecar, f"/events?topic={topic}", {"Accept": "text/csv"})
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    rows = list(csv.reader(io.StringIO(response.body.decode(), newline=""), strict=True))
    assert rows[0] == ["seq", "received_at", "topic", "event_id", "timestamp", "source", "payload", "payload_base64",
                       "message", "rule", "key"]
    listed = get(sidecar, f"/events?topic={topic}").json
    assert [row[:2] for row in rows[1:]] == [[str(found["seq"]), found["received_at"]] for found in listed]
    when = "2024-01-02T03:04:05Z"
    assert [row[2:-2] for row in rows[1:]] == [
        [topic, 'a,"b"', when, "line\r\nend", '{"v": [1.5, "x"]}', "", ""], [topic, "\u00e9", when, "", "text", "", ""],
        [topic, "n", when, "", "", "", ""], [topic, "binary", "", "", "", "AP8=", ""],
        [topic, "more", "", "", "1", "", '{"event_id":"more","payload":1,"v":"a,b"}']]
    assert {tuple(row[-2:]) for row in rows[1:]} == {("", "")}, "no rule"
    assert response.body.count(b"\r\n") == 7
    empty = get(sidecar, "/events?topic=nobody", {"Accept": "text/csv"})
    assert empty.body.count(b"\r\n") == 1


@pytest.mark.parametrize("accept, content_type", [
    ("*/*", "application/json"), ("text/html", "application/json"), ("", "application/json"),
    ("text/csv;q=0.5, application/json", "application/json"), ("text/csv, */*;q=0.1", "text/csv"),
    ("application/json;q=0.1,Text/CSV ; q=0.2", "text/csv"), ("text/csv;q=0", "application/json"),
    ("application/x-ndjson, text/csv", "application/x-ndjson"),
])
def test_accept_chooses_the_form(sidecar, accept, content_type):
    response = get(sidecar, "/events?topic=nobody", {"Accept": accept})
    assert response.headers["Content-Type"].split(";")[0] == content_type


def test_a_large_export_is_streamed(sidecar, topic):
    for number in range(3):
        sidecar.publish([event(topic, f"{number}-{i}", payload="x" * 100) for i in range(10_000)])
    for accept, lines in (("application/x-ndjson", 30_000), ("text/csv", 30_001)):
        response = get(sidecar, f"/events?topic={topic}", {"Accept": accept})
        assert response.headers["Transfer-Encoding"] == "chunked"
        assert len(response.body.splitlines()) == lines


def test_one_event(sidecar, topic):
    sidecar.publish(event(topic, "a", payload=1))
    found, = sidecar.events(topic)
    assert get(sidecar, f"/events/{found['seq']}").json == found
    assert "999999999" in get(sidecar, "/events/999999999", status=404).detail
    for seq in ("x", "1x", "-1", "1.0", "99999999999999999999999"):
        assert "seq" in get(sidecar, f"/events/{seq}", status=400).detail


def test_what_a_client_has_is_not_sent_again(sidecar, topic):
    sidecar.publish(event(topic, "a"))
    seq = sidecar.events(topic)[0]["seq"]
    for path in (f"/events?topic={topic}", f"/events?topic={topic}&limit=5", f"/events/{seq}"):
        response = get(sidecar, path)
        tag = response.headers["ETag"]
        for header in (tag, f'"x", W/{tag}', "*"):
            again = get(sidecar, path, {"If-None-Match": header}, status=304)
            assert (again.body, again.headers["ETag"]) == (b"", tag)
        assert get(sidecar, path, {"If-None-Match": '"other"'}).body == response.body
    old = get(sidecar, f"/events?topic={topic}").headers["ETag"]
    assert get(sidecar, f"/events?topic={topic}", {"Accept": "text/csv", "If-None-Match": old}).body
    sidecar.publish(event(topic, "b"))
    response = get(sidecar, f"/events?topic={topic}", {"If-None-Match": old})
    assert len(response.json) == 2
    assert get(sidecar, f"/events?topic={topic}&since=10m").headers["ETag"] is None
    before = get(sidecar, f"/events?before_seq={seq + 1}").headers["ETag"]
    sidecar.publish(event(topic, "c"))
    assert get(sidecar, f"/events?before_seq={seq + 1}").headers["ETag"] == before


def test_connection_goes_on_after_a_304(sidecar, topic):
    connection = sidecar.connect()
    connection.request("GET", f"/events?topic={topic}")
    response = connection.getresponse()
    response.read()
    for _ in range(2):
        connection.request("GET", f"/events?topic={topic}", headers={"If-None-Match": response.headers["ETag"]})
        again = connection.getresponse()
        assert (again.status, again.read()) == (304, b"")
    connection.close()


def test_topics_are_percent_decoded_but_for_wildcards(sidecar, topic):
    name = f"{topic}/a b%c?d"
    sidecar.publish(event(name, "a"))
    assert ids(sidecar, f"topic={urllib.parse.quote(name, safe='')}") == ["a"]
    assert ids(sidecar, f"topic={topic}/a+b%25c?d") == ["a"]
    assert ids(sidecar, f"topic={topic}/+") == ["a"]
