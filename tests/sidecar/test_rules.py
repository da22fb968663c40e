"""POST /publish on topics that a rule governs: the plugin's verdict counts, however the key is made."""

import csv
import io
import json

import pytest

from tests.support.broker import wait_until
from tests.support.receipts import Receipts
from tests.support.sidecar import event
from tests.support.watcher import Watcher

READINGS = {"name": "readings", "topics": ["plant/+/reading"], "ignore_levels": [2], "key": ["/payload/device", "/payload/n"],
            "window": "10m"}
SAME = {"name": "same", "topics": ["same/#"], "key": ["payload"], "ignore": ["/event_id", "/timestamp"], "window": "10m"}
CE = {"name": "ce", "topics": ["doors/#"], "ignore_levels": "all", "key": ["property:source|/source", "property:id|/id"],
      "window": "24h"}
LONG = {"name": "long", "topics": ["long/#"], "key": ["/source", "/payload"], "window": "10m"}


class RulesFile:
    def __init__(self, path):
        self.path = path

    def write(self, *rules, **others):
        self.path.write_text(json.dumps({"rules": rules, **others}))
        return self


@pytest.fixture
def rules_file(tmp_path):
    tmp_path.chmod(0o755)
    return RulesFile(tmp_path / "rules.json").write(READINGS, SAME, CE, LONG)


@pytest.fixture
def stack(park, rules_file):
    return park.start(options={"rules_file": rules_file.path})


def reading(device, n, event_id, room="a"):
    return event(f"plant/{room}/reading", event_id, payload={"device": device, "n": n})


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_the_rule_decides_which_events_are_the_same(stack, qos):
    _, sidecar = stack
    batch = [reading("d1", 1, "x"), reading("d1", 1, "y"), reading("d1", 2, "x"), reading("d2", 1, "x", room="b"),
             reading("d2", 1, "z")]
    answer = sidecar.post(batch, query=f"?qos={qos}&results=full").json
    assert (answer["processed"], answer["duplicates"]) == (["x", "x", "x"], 2)
    assert [(result["event_id"], result["verdict"], result["seq"]) for result in answer["results"]] == [
        ("x", "processed", 1), ("y", "duplicate", 1), ("x", "processed", 2), ("x", "processed", 3), ("z", "duplicate", 3)]
    assert [row["topic"] for row in sidecar.events()] == ["plant/a/reading", "plant/a/reading", "plant/b/reading"]
    assert sidecar.post(batch).json["duplicates"] == 5
    # Elsewhere the event_id is the id.
    assert sidecar.publish([event("other", "x"), event("other", "x"), event("other", "y")])["processed"] == ["x", "y"]


def test_mqtt_and_http_share_the_key(stack):
    broker, sidecar = stack
    broker.connect().publish("plant/a/reading", b'{"payload":{"n":1,"device":"d1"}}')
    result, = sidecar.post(reading("d1", 1, "x"), query="?results=full").json["results"]
    assert (result["verdict"], result["seq"]) == ("conflict", 1)
    assert sidecar.events()[0]["payload"] == {"n": 1, "device": "d1"}


def test_a_key_of_all_bytes_and_a_large_batch(stack):
    _, sidecar = stack
    batch = [event("same/t", str(number), payload={"v": number % 100}) for number in range(5000)]
    answer = sidecar.publish(batch)
    assert answer["processed"] == [str(number) for number in range(100)]
    assert answer["duplicates"] == 4900


def test_long_and_odd_keys_break_no_receipt(stack):
    _, sidecar = stack
    values = ["\0", '"', "\\", "|", "\u00e9" * 300, "\U0001f600" * 5000, "\x7f\x85\ufffe"]
    batch = [event("long/t", "x", source=value, payload=value) for value in values]
    assert sidecar.publish(batch + batch)["processed"] == ["x"] * len(values)
    assert [row["source"] for row in sidecar.events()] == values


def test_cloud_events_by_http_and_by_mqtt_are_one(stack):
    broker, sidecar = stack
    client = broker.connect(version=5)
    structured = {"specversion": "1.0", "type": "t", "source": "/plant/1", "id": "42", "data": 1}

    def by_http(topic, **changes):
        return sidecar.post({**structured, "topic": topic, **changes}, {"Content-Type": "application/cloudevents+json"}).json

    assert by_http("doors/1")["processed"] == ["42"]
    client.publish("doors/2", b"bytes", properties=[("user_property", ("source", "/plant/1")), ("user_property", ("id", "42"))])
    client.publish("doors/3", json.dumps(structured).encode())
    assert by_http("doors/4")["duplicates"] == 1
    assert by_http("doors/1", source="/plant/2")["processed"] == ["42"]
    client.publish("doors/1", b"bytes", properties=[("user_property", ("source", "/plant/3")), ("user_property", ("id", "42"))])
    assert by_http("doors/2", source="/plant/3")["duplicates"] == 1
    assert [(row["topic"], row["event_id"], row["key"]) for row in sidecar.events()] == [
        ("doors/1", "42", "/plant/1|42"), ("doors/1", "42", "/plant/2|42"), ("doors/1", None, "/plant/3|42")]


def test_events_of_a_rule_are_told_apart_and_found(stack):
    broker, sidecar = stack
    sidecar.publish([event("other", "a"), reading("d1", 1, "x"), event("same/t", "y", payload="p"), reading("d2", 2, "z")])
    broker.connect().publish("plant/a/reading", b'{"payload":{"device":"d3","n":3}}')

    def found(query, accept="application/json"):
        response = sidecar.request("GET", f"/events?{query}", headers={"Accept": accept})
        assert response.status == 200
        return response

    rows = found("").json
    assert list(rows[0]) == ["topic", "event_id", "timestamp", "source", "payload", "seq", "received_at"]
    assert list(rows[1]) == ["topic", "event_id", "timestamp", "source", "payload", "rule", "key", "seq", "received_at"]
    assert [(row["event_id"], row.get("rule"), row.get("key")) for row in rows if row.get("rule") != "same"] == [
        ("a", None, None), ("x", "readings", "d1|1"), ("z", "readings", "d2|2"), (None, "readings", "d3|3")]
    assert found("rule=readings").json == [rows[1], rows[3], rows[4]]
    assert found("rule=readings&order=desc&limit=1").json == [rows[4]]
    assert found("rule=default").json == [rows[0]]
    assert found("rule=same&topic=same/%23").json == [rows[2]]
    assert found("rule=same&topic=plant/%23").json == found("rule=unheard-of").json == []
    assert found("rule=readings&key=d2%7C2").json == found("key=d2%7C2").json == [rows[3]]
    assert found("event_id=a").json == [rows[0]]
    assert found("event_id=x").json == found("event_id=d2%7C2").json == [], "with a rule that is no id that counts"
    lines = found("rule=readings", "application/x-ndjson").body.splitlines()
    assert [json.loads(line) for line in lines] == [rows[1], rows[3], rows[4]]
    table = list(csv.DictReader(io.StringIO(found("", "text/csv").body.decode())))
    assert [(row["event_id"], row["rule"], row["key"]) for row in table] == [
        (row["event_id"] or "", row.get("rule", ""), row.get("key", "")) for row in rows]
    assert sidecar.get("/events/2").json == rows[1]
    with Watcher(sidecar, "?rule=readings&after_seq=0") as watcher:
        assert [watcher.event() for _ in range(3)] == [rows[1], rows[3], rows[4]]
        sidecar.publish([event("other", "b"), reading("d4", 4, "w")])
        assert watcher.event()["key"] == "d4|4"


def test_an_event_posted_without_a_payload_is_no_conflict_with_itself(stack):
    _, sidecar = stack
    for expected in ("processed", "duplicate"):
        result, = sidecar.post(event("same/t", "x"), query="?results=full").json["results"]
        assert result["verdict"] == expected


def test_an_event_that_no_rule_takes_is_passed_and_one_on_another_topic_refused(park, rules_file):
    rules_file.write(READINGS, default=False)
    broker, sidecar = park.start(options={"rules_file": rules_file.path})
    subscriber = broker.connect().subscribe("#")
    result, = sidecar.post(event("plant/a/reading", "x"), query="?results=full").json["results"]
    assert (result["verdict"], "seq" in result) == ("passed", False)
    assert sidecar.publish([event("plant/a/reading", "x"), reading("d1", 1, "y")])["processed"] == ["x", "y"]
    refused = sidecar.post([reading("d1", 2, "y"), event("other", "x")])
    assert refused.status == 422 and refused.detail.startswith("events[1].topic: is none of the topics")
    assert len(subscriber.wait_messages(3)) == 3
    assert len(sidecar.events()) == 1


def test_rules_that_are_read_again_hold_for_the_sidecar_too(park, rules_file):
    rule = {name: value for name, value in READINGS.items() if name != "ignore_levels"}
    rules_file.write({**rule, "topics": ["a/#"]}, default=False)
    broker, sidecar = park.start(options={"rules_file": rules_file.path})
    payload = {"device": "d", "n": 1}
    assert sidecar.post(event("b/1", "x", payload=payload)).status == 422
    assert sidecar.publish(event("a/1", "x", payload=payload))["processed"] == ["x"]
    rules_file.write({**rule, "topics": ["b/#", "a/#"]}, default=False)
    broker.reload()
    wait_until(lambda: sidecar.post(event("b/1", "x", payload=payload)).status == 200, "the sidecar knows the new topics")
    assert sidecar.publish(event("a/1", "z", payload=payload))["duplicates"] == 1
    assert "lost" not in sidecar.log()


def test_only_who_has_numbered_receipts_is_told_of_new_rules(park, rules_file):
    broker = park.start_broker(options={"rules_file": rules_file.path})
    plain, numbered = Receipts(broker.connect()), Receipts(broker.connect(version=5))
    assert plain.enable()["topics"] == ["plant/+/reading", "same/#", "doors/#", "long/#", "#"]
    numbered.command("receipts", enable=True, numbered=True)
    numbered.client.publish("t", b"x")
    rules_file.write(SAME, default=False)
    broker.reload()
    numbered.client.wait_until(lambda inbox: any(message.topic.endswith("/response") for message in inbox))
    message, = [message for message in numbered.client.inbox if message.topic.endswith("/response")]
    response, = json.loads(message.payload)["responses"]
    assert response == {"command": "receipts", "enable": True, "numbered": True, "id_member": "event_id",
                        "id_property": "event_id", "topics": ["same/#"]}
    numbered.client.publish("t", b"x")
    assert [receipt["number"] for receipt in numbered.wait(2)] == [1, 2]
    plain.client.ping()
    assert plain.client.inbox == []
