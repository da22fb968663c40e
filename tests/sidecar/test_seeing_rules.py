"""GET /rules, GET /rules/NAME, POST /explain and the metrics of rules: what the rules of a real broker do."""

import base64
import json

import pytest

from tests.support.broker import wait_until
from tests.support.metrics import read_metrics
from tests.support.tokens import Client, TokenFile

RULES = [
    {"name": "seen", "topics": ["ble/#"], "ignore_levels": [2], "key": ["/n"], "window": "10m", "mode": "observe"},
    {"name": "mesh", "topics": ["msh/#"], "ignore_levels": [-1], "key": ["/from", "/id"], "window": "10m"},
    {"name": "who", "topics": ["who"], "key": ["client", "username|property:u", "payload"], "window": "10m"},
]


@pytest.fixture
def rules_file(tmp_path):
    tmp_path.chmod(0o755)
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"rules": RULES}))
    return path


@pytest.fixture
def parts(park, rules_file):
    return park.start(options={"rules_file": rules_file})


def rules(sidecar):
    response = sidecar.get("/rules")
    assert response.status == 200, response.body
    return {rule["name"]: rule for rule in response.json["rules"]}


def wait_rule(sidecar, name, **expected):
    """An answer may be a second old, and conflicts are found out by and by."""
    wait_until(lambda: rules(sidecar)[name].items() >= expected.items(), f"{name} has {expected}, not {rules(sidecar)[name]}")


def explain(sidecar, **message):
    return sidecar.request("POST", "/explain", json.dumps(message).encode())


def test_rules_are_counted_with_their_conflicts(parts):
    broker, sidecar = parts
    client = broker.connect()
    client.publish("msh/EU/gw1", b'{"from":1,"id":7}')
    client.publish("msh/EU/gw2", b'{"from":1,"id":7}')
    client.publish("msh/EU/gw2", b'{"from":1,"id":7,"text":"another"}')
    client.publish("msh/EU/gw2", b'{"from":1}')
    client.publish("t", b'{"event_id":"a"}')
    wait_rule(sidecar, "mesh", mode="drop", topics=["msh/#"], window_ms=600_000, matched=4, keyed=3, without_key=1,
              processed=1, duplicates=2, compared=2, conflicts=1)
    wait_rule(sidecar, "default", matched=2, keyed=1, processed=1, duplicates=0, window_ms=None)
    assert list(rules(sidecar)) == ["seen", "mesh", "who", "default"]
    metrics = read_metrics(sidecar)
    assert metrics['rule_duplicates_total{rule="mesh"}'] == 2
    assert metrics['rule_conflicts_total{rule="mesh"}'] == 1
    assert metrics['rule_processed_total{rule="default"}'] == 1
    wait_until(lambda: "rule mesh: a duplicate of event 1 has another payload" in broker.log(), "the log says it")


def test_what_a_rule_would_do_is_reported(parts):
    broker, sidecar = parts
    gateways = [broker.connect(client_id=f"gateway-{number}") for number in (1, 2)]
    for n in range(3):
        for number, gateway in enumerate(gateways, 1):
            gateway.publish(f"ble/gw{number}/x", json.dumps({"n": n, "rssi": -70 - number, "t": 21.5}).encode())
    wait_rule(sidecar, "seen", keyed=6, processed=0, duplicates=0)
    report = sidecar.get("/rules/seen").json
    seen = report["observations"]
    assert (report["mode"], seen["firsts"], seen["copies"]) == ("observe", 3, 3)
    assert (seen["same_payload"], seen["other_payload"], seen["other_client"], seen["other_topic"]) == (0, 3, 3, 3)
    assert (seen["clients"], seen["topics"]) == (1, 1)
    assert seen["gap_ms"]["p50"] <= seen["gap_ms"]["p99"] <= seen["gap_ms"]["max"] < 60_000
    assert seen["differences"]["places"][0]["place"] == "/rssi"
    sample = seen["samples"][0]
    assert sample["first"]["client_id"] == "gateway-1" and sample["copy"]["client_id"] == "gateway-2"
    assert json.loads(sample["copy"]["payload"])["rssi"] == -72
    assert sidecar.get("/events").json == [], "to observe touches nothing"
    assert sidecar.get("/rules/mesh").json["observations"] is None


def test_there_is_no_such_rule(parts):
    _, sidecar = parts
    response = sidecar.get("/rules/other")
    assert (response.status, response.problem["type"].rpartition(":")[2]) == (404, "not-found")
    assert "there is no rule with the name 'other'" in response.detail
    for path in ("/rules/%FF", "/rules/a%20b", "/rules/%22"):
        assert sidecar.get(path).status == 404


def test_a_message_is_explained_and_nothing_changes(parts):
    broker, sidecar = parts
    message = {"topic": "msh/EU/gw1", "payload": {"from": 1, "id": 7}}
    for _ in range(2):
        answer = explain(sidecar, **message)
        assert answer.status == 200, answer.body
        assert {name: answer.json[name] for name in ("verdict", "seq", "rule", "key")} == {
            "verdict": "processed", "seq": None, "rule": "mesh", "key": "1|7"}
    broker.connect().publish("msh/EU/gw9", b'{"id":7,"from":1}')
    answer = explain(sidecar, **message).json
    assert (answer["verdict"], answer["seq"]) == ("duplicate", 1)
    asked, = answer["asked"]
    assert asked["scope"] == "msh/EU/+"
    assert asked["parts"] == [{"part": "/from", "source": "/from", "found": "number", "text": "1"},
                              {"part": "/id", "source": "/id", "found": "number", "text": "7"}]
    wait_rule(sidecar, "mesh", matched=1)


def test_who_publishes_counts_too(parts):
    _, sidecar = parts
    bytes_ = base64.b64encode(b"\x00\xff").decode()
    answer = explain(sidecar, topic="who", payload_base64=bytes_, client_id="c", properties=[["u", "x"]]).json
    assert answer["rule"] == "who" and answer["key"].startswith("c|x|#")
    named = explain(sidecar, topic="who", payload_base64=bytes_, client_id="c", username="y", properties={"u": "x"}).json
    assert named["key"].startswith("c|y|#")
    without = explain(sidecar, topic="who", payload="", client_id="c", username="y").json
    assert without["verdict"] == "passed" and "payload" in without["asked"][0]["why_not"]


@pytest.mark.parametrize("body, status, kind, detail", [
    (b" ", 400, "invalid-json", ""),
    (b"{", 400, "invalid-json", ""),
    (b'{"topic":"a"', 400, "invalid-json", ""),
    (b"[]", 422, "invalid-message", "the body is to be a JSON object"),
    (b"{}", 422, "invalid-message", "topic is missing"),
    (b'{"topic":"a/#"}', 422, "invalid-message", "without wildcards"),
    (b'{"topic":"a","qos":1}', 422, "invalid-message", "unknown member 'qos'"),
    (b'{"topic":"a","command":"receipts"}', 422, "invalid-message", 'a message has no member "command"'),
    (b'{"topic":"a","payload":"' + b"x" * 70_000 + b'"}', 413, "too-large", "at most 65280 bytes"),
])
def test_what_cannot_be_explained(parts, body, status, kind, detail):
    response = parts[1].request("POST", "/explain", body)
    assert (response.status, response.problem["type"].rpartition(":")[2]) == (status, kind)
    assert detail in response.detail


def test_the_largest_message_is_explained(parts):
    body = b'{"topic":"a","payload":"' + b"x" * (65_280 - 26) + b'"}'
    assert parts[1].request("POST", "/explain", body).json["verdict"] == "passed"


def test_rules_are_for_those_who_may_read_everything(park, rules_file):
    broker = park.start_broker(options={"rules_file": rules_file})
    file = TokenFile(broker.directory / "tokens", "all read:#", "fleet read:fleet/#")
    sidecar = park.make_sidecar(broker, arguments=["--tokens", file.path]).start()
    everything, fleet = (Client(sidecar, token) for token in file.tokens.values())
    body = b'{"topic":"fleet/1"}'
    for method, path, sent in (("GET", "/rules", None), ("GET", "/rules/mesh", None), ("POST", "/explain", body)):
        assert everything.request(method, path, sent).status == 200
        assert fleet.request(method, path, sent).status == 403
        assert Client(sidecar, None).request(method, path, sent).status == 401
