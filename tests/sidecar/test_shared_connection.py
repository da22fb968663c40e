"""One connection to the broker for all: what one client posts costs nobody else theirs."""

import concurrent.futures
import random
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
    def start(limits=""):
        acl = tmp_path / "acl"
        acl.write_text("topic readwrite open/#\ntopic readwrite $CONTROL/#\n")
        return park.start(config=f"acl_file {acl}", bridge=limits)
    return start


def connections_of_sidecar(broker):
    return broker.log().count(" as mosquitto-dedup-http-")


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
