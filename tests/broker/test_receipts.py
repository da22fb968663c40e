"""Receipts: a publisher that asks is told the verdict on each of its publishes."""

import json

import pytest

from tests.support import mqtt_client
from tests.support.events import event
from tests.support.mqtt_client import V5, V311
from tests.support.observer import Observer
from tests.support.receipts import COMMAND_TOPIC, RECEIPT_TOPIC, Receipts
from tests.support.store import Store


@pytest.fixture
def publisher(broker, version):
    return broker.connect(version=version)


@pytest.fixture
def receipts(publisher):
    receipts = Receipts(publisher)
    receipts.enable()
    return receipts


def seq_of(broker, topic):
    store = Store(broker)
    store.wait_ids(["a"], topic)
    return store.rows(topic)[0].seq


def test_asking_is_answered_with_what_the_plugin_looks_for(park, version):
    broker = park.start_broker()
    response = Receipts(broker.connect(version=version)).command("receipts", enable=True)
    assert response == {"command": "receipts", "enable": True, "id_member": "event_id", "id_property": "event_id",
                        "topics": ["#"]}


def test_answer_shows_the_options_as_set(park):
    broker = park.start_broker(options={"topics": "a/+ b/#", "id_member": "uuid", "id_property": "message-id"})
    response = Receipts(broker.connect()).enable()
    assert (response["id_member"], response["id_property"]) == ("uuid", "message-id")
    assert response["topics"] == ["a/+", "b/#"]


def test_first_and_duplicate_get_the_seq_of_the_first(broker, topic, receipts, qos):
    receipts.client.publish(topic, event("a"), qos)
    first, = receipts.wait(1)
    broker.connect().publish(f"between/{topic}", event("b"))
    receipts.client.publish(topic, event("a"), qos)
    duplicate, = receipts.wait(1)
    seq = seq_of(broker, topic)
    assert first == {"topic": topic, "event_id": "a", "verdict": "processed", "seq": seq}
    assert duplicate == {"topic": topic, "event_id": "a", "verdict": "duplicate", "seq": seq}


def test_duplicate_of_another_publisher_gets_its_seq(broker, topic, receipts, qos):
    broker.connect().publish(topic, event("a"), qos)
    broker.connect().publish(f"between/{topic}", event("b"))
    receipts.client.publish(topic, event("a"), qos=1)
    receipt, = receipts.wait(1)
    assert receipt == {"topic": topic, "event_id": "a", "verdict": "duplicate", "seq": seq_of(broker, topic)}


@pytest.mark.parametrize("payload", [b"", b"text", b'{"event_id":1.5}', b'{"event_id":"cut'])
def test_what_is_no_event_gets_passed_without_id_and_seq(topic, receipts, qos, payload):
    receipts.client.publish(topic, payload, qos)
    receipt, = receipts.wait(1)
    assert receipt == {"topic": topic, "event_id": None, "verdict": "passed", "seq": None}


def test_receipts_come_in_publish_order(topic, receipts):
    publisher = receipts.client
    payloads = [(event(f"id-{number % 23}") if number % 5 else b"none", number % 3) for number in range(60)]
    for payload, qos in payloads:
        publisher.publish(topic, payload, qos)
    answers = receipts.wait(60)
    seen, expected = set(), []
    for payload, _ in payloads:
        event_id = None if payload == b"none" else json.loads(payload)["event_id"]
        verdict = "passed" if event_id is None else "duplicate" if event_id in seen else "processed"
        expected.append((event_id, verdict))
        seen.add(event_id)
    assert [(answer["event_id"], answer["verdict"]) for answer in answers] == expected
    seqs = {answer["event_id"]: answer["seq"] for answer in answers if answer["verdict"] == "processed"}
    assert list(seqs.values()) == list(range(min(seqs.values()), min(seqs.values()) + len(seqs)))
    assert all(answer["seq"] == seqs.get(answer["event_id"]) for answer in answers)


@pytest.mark.parametrize("qos", [0, 1])
def test_a_flood_gets_all_its_receipts(topic, receipts, qos):
    publisher, count = receipts.client, 3000
    publisher.send(b"".join(
        mqtt_client.encode_publish(publisher.version, topic, event(f"id-{number}"), qos=qos, packet_id=number + 1)
        for number in range(count)))
    answers = receipts.wait(count)
    assert [answer["event_id"] for answer in answers] == [f"id-{number}" for number in range(count)]
    assert {answer["verdict"] for answer in answers} == {"processed"}


def test_several_publishes_in_one_turn_get_one_receipt_each(broker, topic, receipts, qos):
    publisher = receipts.client
    others = [broker.connect() for _ in range(10)]
    with broker.frozen():
        publisher.send_publish(topic, event("a"), qos)
        for other in others:
            other.send_publish(topic, event("a"), qos)
    receipt, = receipts.wait(1)
    assert receipt["event_id"] == "a"


def test_resent_qos2_publish_is_told_the_truth(broker, topic):
    """The publisher that lost a PUBREC learns that its event was processed before."""
    first = broker.connect(topic, clean=False)
    packet_id = first.send_publish(topic, event("a"), qos=2)
    first.wait_for(mqtt_client.PUBREC, packet_id)
    first.cut()
    second = broker.connect(topic, clean=False)
    receipts = Receipts(second)
    receipts.enable()
    second.finish(second.send_publish(topic, event("a"), qos=2, packet_id=packet_id, dup=True), 2)
    receipt, = receipts.wait(1)
    assert (receipt["verdict"], receipt["seq"]) == ("duplicate", seq_of(broker, topic))


def test_receipt_names_the_topic_behind_an_alias(broker, topic):
    publisher = broker.connect(version=V5)
    receipts = Receipts(publisher)
    receipts.enable()
    publisher.publish(topic, event("a"), properties=[("topic_alias", 3)])
    publisher.publish("", event("a"), properties=[("topic_alias", 3)])
    assert [(receipt["topic"], receipt["verdict"]) for receipt in receipts.wait(2)] == [
        (topic, "processed"), (topic, "duplicate")]


def test_ids_and_topics_are_quoted_as_json_needs_it(topic, receipts):
    names = ['"', "\\", "\n", "\0", "\u00e9", "\U0001f600", "</x>", "12"]
    for name in names:
        receipts.client.publish(topic, event(name))
    receipts.client.publish(topic + '/"x"\\', event("a"))
    answers = receipts.wait(len(names) + 1)
    assert [answer["event_id"] for answer in answers] == [*names, "a"]
    assert answers[-1]["topic"] == topic + '/"x"\\'


def test_longest_topic_and_id_get_a_receipt(topic, receipts):
    long_topic = topic + "/" + "x" * (65_535 - len(topic) - 1)
    receipts.client.publish(long_topic, event("\0" * 256))
    receipt, = receipts.wait(1)
    assert (receipt["topic"], receipt["event_id"]) == (long_topic, "\0" * 256)


def test_topics_that_are_not_deduplicated_get_passed(park):
    broker = park.start_broker(options={"topics": "a/#"})
    receipts = Receipts(broker.connect())
    receipts.enable()
    receipts.client.publish("b", event("x"))
    receipts.client.publish("a/b", event("x"))
    assert [(receipt["verdict"], receipt["event_id"]) for receipt in receipts.wait(2)] == [
        ("passed", None), ("processed", "x")]


def test_dollar_topics_get_no_receipt(topic, receipts):
    receipts.client.publish("$x/y", event("a"))
    receipts.client.publish(topic, event("b"))
    assert [receipt["event_id"] for receipt in receipts.wait(1)] == ["b"]


# --- who gets them ---

def test_only_the_client_that_asked_gets_them(broker, topic, receipts):
    curious = broker.connect().subscribe("#").subscribe("$CONTROL/#").subscribe(RECEIPT_TOPIC).subscribe("$x/last")
    silent = broker.connect()
    silent.publish(topic, event("b"))
    receipts.client.publish(topic, event("a"))
    assert [receipt["event_id"] for receipt in receipts.wait(1)] == ["a"]
    broker.connect().publish("$x/last", b"last")
    curious.wait_until(lambda inbox: any(message.topic == "$x/last" for message in inbox))
    assert [message.topic for message in curious.inbox] == [topic, topic, "$x/last"]
    silent.ping()
    assert silent.inbox == []


def test_two_clients_get_their_own(broker, topic):
    clients = [Receipts(broker.connect()) for _ in range(2)]
    for client in clients:
        client.enable()
    for number, client in enumerate(clients):
        client.client.publish(topic, event(f"id-{number}"))
    for number, client in enumerate(clients):
        assert [receipt["event_id"] for receipt in client.wait(1)] == [f"id-{number}"]


def test_client_without_a_name_of_its_own_gets_them(broker, topic):
    receipts = Receipts(broker.connect(""))
    receipts.enable()
    receipts.client.publish(topic, event("a"))
    assert [receipt["verdict"] for receipt in receipts.wait(1)] == ["processed"]


def test_until_it_turns_them_off(topic, receipts):
    assert receipts.enable(False)["enable"] is False
    receipts.client.publish(topic, event("a"))
    receipts.enable()
    receipts.client.publish(topic, event("a"))
    assert [receipt["verdict"] for receipt in receipts.wait(1)] == ["duplicate"]


@pytest.mark.parametrize("how", ["disconnect", "cut", "takeover"])
@pytest.mark.parametrize("clean", [True, False], ids=["clean-session", "kept-session"])
def test_until_it_disconnects(broker, topic, version, clean, how):
    """A client that comes back under the same name has to ask again."""
    first = broker.connect(topic, version=version, clean=clean)
    Receipts(first).enable()
    if how != "takeover":
        getattr(first, how)()
    second = broker.connect(topic, version=version, clean=clean)
    second.publish(topic, event("a"))
    receipts = Receipts(second)
    receipts.enable()
    second.publish(topic, event("b"))
    assert [receipt["event_id"] for receipt in receipts.wait(1)] == ["b"]


def test_asking_twice_gives_them_once(topic, receipts):
    receipts.enable()
    receipts.client.publish(topic, event("a"))
    assert len(receipts.wait(1)) == 1


# --- commands ---

def test_several_commands_in_one_message_are_answered_in_order(receipts):
    responses = receipts.send(json.dumps({"commands": [
        {"command": "receipts", "enable": False, "correlationData": "one"}, {"command": "dance"},
        {"command": "receipts", "enable": True, "correlationData": "two"}]}).encode())
    assert [response.get("correlationData") for response in responses] == ["one", None, "two"]
    assert ["error" in response for response in responses] == [False, True, False]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_correlation_data_comes_back(receipts, qos):
    response = receipts.command("receipts", qos, enable=True, correlationData='a "b" \u00e9')
    assert response["correlationData"] == 'a "b" \u00e9'


@pytest.mark.parametrize("payload", [
    b"", b"\x00\xff", b"{", b"[]", b"12", b'{"commands":12}', b'{"commands":[12]}', b'{"commands":[{}]}',
    b'{"commands":[{"command":12}]}', b'{"commands":[{"command":"dance"}]}', b'{"commands":[{"command":"receipts"}]}',
    b'{"commands":[{"command":"receipts","enable":"yes"}]}', b"[" * 100_000,
    b'{"commands":[{"command":"receipts","enable":true}]', b'{"other":1}'])
def test_command_that_is_none_is_answered_with_an_error(publisher, topic, payload):
    receipts = Receipts(publisher)
    responses = receipts.send(payload)
    assert len(responses) == 1 and isinstance(responses[0]["error"], str) and responses[0]["error"]
    publisher.publish(topic, event("a"))
    receipts.enable()
    publisher.publish(topic, event("b"))  # the first receipt is for this one
    assert [receipt["event_id"] for receipt in receipts.wait(1)] == ["b"]


def test_commands_are_no_events_and_reach_no_subscriber(broker, topic, receipts):
    curious = Observer(broker, "$CONTROL/#")
    for _ in range(2):
        receipts.send(b'{"event_id":"a","commands":[{"command":"receipts","enable":true}]}')
    assert [message for message in curious.messages() if message.topic != COMMAND_TOPIC] == []


# --- over a restart ---

def test_duplicate_after_a_restart_gets_the_seq_of_the_first(park):
    broker = park.start_broker()
    for event_id in ("x", "a", "y"):
        broker.connect(version=V311).publish("t", event(event_id))
    broker.settle()
    broker.kill_and_restart()
    receipts = Receipts(broker.connect())
    receipts.enable()
    receipts.client.publish("t", event("a"))
    receipts.client.publish("t", event("new"))
    duplicate, processed = receipts.wait(2)
    assert (duplicate["verdict"], duplicate["seq"]) == ("duplicate", 2)
    assert (processed["verdict"], processed["seq"]) == ("processed", 4)
