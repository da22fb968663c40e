"""One connection to the broker for all: what one client posts costs nobody else theirs."""

import concurrent.futures
import json
import random
import re
import threading

import pytest

from tests.support.broker import wait_until
from tests.support.sidecar import event

LIMIT = 40_000


def denied_event(rng):
    return event(f"closed/{rng.randrange(100)}", "x")


def large_event(rng):
    # Growing and shrinking: each is another size than all before.
    return event("open/large", "x", payload="x" * rng.randrange(LIMIT, 10 * LIMIT))


def malformed_topic(rng):
    return event(rng.choice(["a/" * 300 + "a", "a\u0001b", "a\ufffeb", "a+b", "#", "a\x7f", "$SYS/x"]), "x")


HARM = {
    "denied by the broker's ACL": ("", denied_event, 403),
    "beyond message_size_limit": (f"message_size_limit {LIMIT}", large_event, 413),
    "beyond max_packet_size": (f"max_packet_size {LIMIT}", large_event, 413),
    "malformed topics": ("", malformed_topic, 422),
}


@pytest.fixture
def start(park, tmp_path):
    def start(limits="", **arguments):
        acl = tmp_path / "acl"
        acl.write_text("topic readwrite open/#\ntopic readwrite $CONTROL/#\ntopic read $SYS/#\n")
        return park.start(config=f"acl_file {acl}", bridge=limits, **arguments)
    return start


def ids_of_sidecar(broker):
    """Of all its connections, from the broker's log, which no client can read."""
    return re.findall(r" as (mosquitto-dedup-http-\w+) ", broker.log())


def connections_of_sidecar(broker):
    return len(ids_of_sidecar(broker))


@pytest.mark.parametrize("limits, make_event, status", HARM.values(), ids=HARM)
def test_events_that_the_broker_does_not_take_harm_only_whoever_posts_them(start, limits, make_event, status):
    broker, sidecar = start(limits)
    over = threading.Event()

    def harm(seed):
        rng = random.Random(seed)
        statuses = set()
        while not over.is_set():
            batch = [event("open/1", "good"), make_event(rng)]
            statuses.add(sidecar.post(rng.choice([batch, batch[1]]), query=f"?qos={rng.choice([0, 1, 1, 2])}").status)
        return statuses

    def work(worker):
        for number in range(50):
            response = sidecar.post([event("open/2", f"{worker}-{number}-{i}") for i in range(3)],
                                    query=f"?qos={number % 3}")
            assert response.status == 200, response.body
            assert response.json["accepted"] == 3

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        attackers = [pool.submit(harm, seed) for seed in range(4)]
        workers = [pool.submit(work, worker) for worker in range(4)]
        try:
            for worker in workers:
                worker.result()
        finally:
            over.set()
        assert {status for attacker in attackers for status in attacker.result()} == {status}
    assert "lost" not in sidecar.log()
    assert connections_of_sidecar(broker) == 1
    assert len(sidecar.ids("open/2")) == 600
    assert sidecar.ids("open/large") == []


def test_nothing_of_a_batch_with_an_event_beyond_the_limit_is_published(start):
    _, sidecar = start(f"message_size_limit {LIMIT}")
    for number, qos in enumerate([1, 0, 2]):
        batch = [event("open/1", "a"), event("open/1", "b", payload="x" * (LIMIT - number))]
        response = sidecar.post(batch, query=f"?qos={qos}")
        assert response.status == 413
        assert response.detail == "events[1]: is larger than the broker takes"
    assert sidecar.events() == []


def test_what_is_just_below_the_limit_gets_through_while_larger_ones_are_refused(start):
    _, sidecar = start(f"message_size_limit {LIMIT}")
    for number in range(5):
        assert sidecar.post(event("open/1", f"large-{number}", payload="x" * (LIMIT - number))).status == 413
        assert sidecar.post(event("open/1", f"small-{number}", payload="x" * (LIMIT - 1000 + number))).status == 200
    assert "lost" not in sidecar.log()


def test_a_limit_that_is_lifted_is_noticed_with_the_next_connection(start):
    broker, sidecar = start(f"message_size_limit {LIMIT}")
    large = event("open/1", "large", payload="x" * LIMIT)
    assert sidecar.post(large).status == 413
    broker.bridge = ""
    broker.restart()
    sidecar.wait_healthy()
    assert sidecar.post(large).status == 200


def test_a_limit_that_is_lowered_costs_one_connection_at_most(start):
    broker, sidecar = start()
    large = event("open/1", "large", payload="x" * LIMIT)
    assert sidecar.post(large).status == 200
    with open(broker.directory / "mosquitto.conf", "a", encoding="utf-8") as configuration:
        configuration.write(f"message_size_limit {LIMIT}\n")
    broker.reload()
    # Later versions of libmosquitto end the connection over such a PUBACK.
    wait_until(lambda: sidecar.post(large).status == 413, "the sidecar has noticed")
    for _ in range(3):
        assert sidecar.post(large).status == 413
        assert sidecar.post(event("open/1", "small")).status == 200
    assert connections_of_sidecar(broker) <= 2


def test_a_command_that_is_larger_than_the_broker_takes_is_413(start):
    broker, sidecar = start(f"max_packet_size {LIMIT}")
    message = b'{"topic":"open/1","payload":"%s"}' % (b"x" * LIMIT)
    response = sidecar.request("POST", "/explain", message)
    assert response.status == 413
    assert response.detail == "the command `explain` is larger than the broker takes"
    assert sidecar.publish(event("open/1", "a"))["processed"] == ["a"]
    assert connections_of_sidecar(broker) == 1


# --- the connection's client id, under which anybody else who connects cuts it ---

RULES = {"rules": [{"name": "seen", "topics": ["open/seen"], "key": ["/n"], "mode": "observe"},
                   {"name": "by-client", "topics": ["open/by-client"], "key": ["client", "/n"]}]}


def test_who_connects_with_every_client_id_that_was_ever_to_be_seen_cuts_nobody(start, tmp_path):
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps(RULES))
    broker, sidecar = start(options={"rules_file": rules})
    spy = broker.connect().subscribe("open/#").subscribe("$SYS/#")
    for copy in range(3):
        sidecar.publish(event("open/seen", "a", n=1, copy=copy))
        sidecar.publish(event("open/1", "a"))
    wait_until(lambda: sidecar.get("/rules/seen").json["observations"]["samples"], "the rule has samples")
    pages = [sidecar.get(path) for path in ("/top", "/rules", "/rules/seen", "/stats", "/metrics", "/healthz", "/readyz",
                                            "/events", "/", "/openapi.json")]
    assert {page.status for page in pages} == {200}
    told = b"".join(page.body for page in pages) + sidecar.log().encode()
    wait_until(lambda: spy.ping() or len(spy.inbox) > 5, "something is to be read")
    told += b"".join(message.topic.encode() + message.payload for message in spy.inbox)
    assert '"client_id":"mosquitto-dedup-http"' in sidecar.get("/top").body.decode()

    broker.restart()
    sidecar.wait_healthy()
    *former_ids, own_id = ids_of_sidecar(broker)
    assert former_ids and own_id not in former_ids
    assert own_id.encode() not in told and not any(former.encode() in told for former in former_ids)
    told_ids = {found.decode() for found in re.findall(rb"mosquitto-dedup-http[\w-]*", told)}
    assert told_ids
    attackers = [broker.connect(client_id=client_id) for client_id in {*told_ids, *former_ids}]
    for number in range(10):
        sidecar.publish(event("open/2", str(number)))
        for attacker in attackers:
            attacker.ping()
    assert sidecar.log().count("lost the broker") == 1  # when it was started anew


def test_a_key_with_the_client_id_is_the_same_on_the_next_connection(start, tmp_path):
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps(RULES))
    broker, sidecar = start(options={"rules_file": rules})
    first = event("open/by-client", "a", n=1)
    assert sidecar.publish(first)["processed"] == ["a"]
    broker.restart()
    sidecar.wait_healthy()
    assert sidecar.publish(first)["duplicates"] == 1
    broker.connect().publish("open/by-client", json.dumps(first).encode())
    wait_until(lambda: len(sidecar.ids("open/by-client")) == 2, "it is an event of its own: another client's")
