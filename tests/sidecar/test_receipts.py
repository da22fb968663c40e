"""What the sidecar makes of the plugin's receipts: the verdict of each event, by the order of publishing alone."""

import concurrent.futures
import random

import pytest

from tests.support.broker import wait_until
from tests.support.scripted_broker import ScriptedBroker
from tests.support.sidecar import event

SETTINGS = {"command": "receipts", "enable": True, "numbered": True, "id_member": "event_id", "id_property": "event_id",
            "topics": ["#"]}


@pytest.fixture
def guarded(park, tmp_path):
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite open/#\ntopic readwrite $CONTROL/#\n")
    return park.start(config=f"acl_file {acl}")


@pytest.mark.parametrize("seed", range(3))
def test_each_request_learns_what_became_of_its_own_events(guarded, seed):
    """Requests of all QoS at once, of which the broker does not let some events pass."""
    print(f"seed {seed}")
    _, sidecar = guarded
    rng = random.Random(seed)
    requests = []
    for number in range(60):
        batch = [event(f"{'closed' if rng.random() < 0.1 else 'open'}/{rng.randrange(3)}", f"{number}-{i}",
                       payload="x" * rng.randrange(2000)) for i in range(rng.randrange(1, 40))]
        requests.append((rng.choice([0, 1, 2]), batch))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(
            lambda request: sidecar.post(request[1], query=f"?qos={request[0]}&results=full"), requests))
    stored = {(found["topic"], found["event_id"]): found["seq"] for found in sidecar.events()}
    for (_, batch), answer in zip(requests, answers):
        closed = [index for index, sent in enumerate(batch) if sent["topic"].startswith("closed")]
        if closed:
            assert answer.status == 403 and answer.detail.startswith(f"events[{closed[0]}]: "), answer.body
        else:
            assert answer.status == 200, answer.body
            assert answer.json["processed"] == [sent["event_id"] for sent in batch]
            assert [result["seq"] for result in answer.json["results"]] == [
                stored[sent["topic"], sent["event_id"]] for sent in batch]
    assert stored.keys() == {(sent["topic"], sent["event_id"]) for _, batch in requests for sent in batch
                             if sent["topic"].startswith("open")}
    assert "lost" not in sidecar.log()


def test_at_qos_0_the_one_that_was_too_large_is_told_from_the_next_of_its_topic(park):
    """The broker drops it without a word, where its limit was lowered while the sidecar was connected."""
    broker, sidecar = park.start()
    small, large = event("t", "small"), event("t", "large", payload="x" * 100_000)
    assert sidecar.post(large, query="?qos=0").status == 200
    with open(broker.directory / "mosquitto.conf", "a", encoding="utf-8") as configuration:
        configuration.write("message_size_limit 100000\n")
    broker.reload()
    wait_until(lambda: sidecar.post(large, query="?qos=0").status == 403, "the new limit holds")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for number in range(5):
            first = pool.submit(sidecar.post, large, query="?qos=0")
            second = pool.submit(sidecar.post, {**small, "event_id": str(number)}, query="?qos=0")
            assert (first.result().status, second.result().status) == (403, 200)
    assert sidecar.ids("t") == ["large", "0", "1", "2", "3", "4"]


def test_a_plugin_that_does_not_number_them_is_older(park, tmp_path):
    with ScriptedBroker({name: value for name, value in SETTINGS.items() if name != "numbered"}) as broker:
        sidecar = park.make_sidecar(data_dir=tmp_path, mqtt_port=broker.port).start(connected=False)
        wait_until(lambda: "is older than this sidecar" in sidecar.get("/healthz").detail, "it says so")
        assert sidecar.post(event("t", "a")).status == 503


@pytest.mark.parametrize("response", [None, {"command": "receipts", "error": "out of order"}, {"command": "dance"}])
def test_a_plugin_that_turns_no_receipts_on(park, tmp_path, response):
    words = {None: "does not answer", "receipts": "out of order", "dance": "malformed"}
    with ScriptedBroker(response) as broker:
        sidecar = park.make_sidecar(data_dir=tmp_path, mqtt_port=broker.port).start(connected=False)
        word = words[response and response["command"]]
        wait_until(lambda: word in sidecar.get("/healthz").detail, "it says so")


def test_settings_that_the_plugin_changes_while_it_runs_hold_from_then_on(park, tmp_path):
    with ScriptedBroker({**SETTINGS, "topics": ["a/#"]}) as broker:
        sidecar = park.make_sidecar(data_dir=tmp_path, mqtt_port=broker.port).start(connected=False)
        refused = "is none of the topics"
        wait_until(lambda: refused in sidecar.post(event("b", "1")).detail, "the settings are known")
        broker.say({**SETTINGS, "topics": ["c/#"]})
        wait_until(lambda: refused in sidecar.post(event("a/1", "1")).detail, "the new settings are known")
        assert "lost" not in sidecar.log()
