"""What rules do is told by MQTT: commands on $CONTROL/dedup/v1, topics below $SYS/broker/dedup/rules/, the log."""

import json

import pytest

from tests.support.broker import wait_until

SYS = "$SYS/broker/dedup/rules/"
MESH = {"name": "mesh", "topics": ["msh/#"], "ignore_levels": [-1], "key": ["/from", "/id"], "window": "10m"}
SEEN = {"name": "seen", "topics": ["msh/#"], "key": ["/id"], "window": "10m", "mode": "observe"}


@pytest.fixture
def rules_file(tmp_path):
    tmp_path.chmod(0o755)
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"rules": [SEEN, MESH]}))
    return path


@pytest.fixture
def broker(park, rules_file):
    return park.start_broker(options={"rules_file": rules_file, "sys_interval": "200ms"})


def carry_out(client, **command):
    client.clear()
    client.publish("$CONTROL/dedup/v1", json.dumps({"commands": [command]}).encode())
    message, = client.wait_messages(1)
    response, = json.loads(message.payload)["responses"]
    return response


def values(broker):
    subscriber = broker.connect().subscribe(SYS + "#", qos=0)
    subscriber.ping()
    messages = [message for message in subscriber.clear() if message.retain]
    subscriber.disconnect()
    return {message.topic.removeprefix(SYS): int(message.payload) for message in messages}


def test_commands_tell_reload_and_explain(broker, rules_file):
    client = broker.connect()
    client.publish("msh/a/1", b'{"from":1,"id":7}')
    response = carry_out(client, command="rules", correlationData="x")
    assert (response["command"], response["correlationData"]) == ("rules", "x")
    assert [rule["name"] for rule in response["rules"]] == ["seen", "mesh", "default"]
    assert carry_out(client, command="rule", name="mesh")["processed"] == 1
    explained = carry_out(client, command="explain", topic="msh/a/2", payload={"from": 1, "id": 7})
    assert (explained["verdict"], explained["seq"], explained["rule"]) == ("duplicate", 1, "mesh")

    rules_file.write_text(json.dumps({"rules": [MESH]}))
    assert carry_out(client, command="reloadRules") == {"command": "reloadRules", "rules": 1, "warnings": []}
    assert "there is no rule" in carry_out(client, command="rule", name="seen")["error"]
    rules_file.write_text(json.dumps({"rules": [{**MESH, "keys": []}]}))
    error = carry_out(client, command="reloadRules")["error"]
    assert "rule 'mesh'" in error and "keys" in error and "the rules stay as they were" in error
    assert carry_out(client, command="rule", name="mesh")["processed"] == 1


def test_counters_are_retained_topics_and_go_with_their_rule(broker, rules_file):
    client = broker.connect()
    for _ in range(3):
        client.publish("msh/a/1", b'{"from":1,"id":7}')
    expected = {"mesh/processed": 1, "mesh/duplicates": 2, "mesh/conflicts": 0, "seen/keyed": 3, "seen/processed": 0,
                "default/matched": 0}
    wait_until(lambda: values(broker).items() >= expected.items(), f"the topics say {expected}")
    rules_file.write_text(json.dumps({"rules": [MESH]}))
    broker.reload()
    wait_until(lambda: not any(name.startswith("seen/") for name in values(broker)), "the topics of the rule are gone")
    assert values(broker)["mesh/duplicates"] == 2


def test_a_key_that_names_a_device_is_warned_of(broker, rules_file):
    rules_file.write_text(json.dumps({"rules": [{"name": "wrong", "topics": ["plant/#"], "key": ["/device"], "window": "10m"}]}))
    broker.reload()
    client = broker.connect()

    def publish():
        client.publish("plant/1", b'{"device":"pump-7","at":%d}' % publish.count)
        publish.count += 1
        return "messages on plant/1 have the key pump-7; a key that names a device" in broker.log()

    publish.count = 0
    wait_until(publish, "the log warns of the key", 60)
    wait_until(lambda: "rule wrong: a duplicate of event" in broker.log(), "the log warns of the conflicts")
