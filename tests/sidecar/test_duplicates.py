"""GET /duplicates: how many duplicates came of single events, as the plugin counts them."""

import pytest

from tests.support.broker import wait_until
from tests.support.sidecar import event
from tests.support.tokens import Client, TokenFile


def counts(client, seqs=None):
    """{seq: (duplicates, is_exact)}"""
    response = client.get("/duplicates" + (f"?seqs={','.join(map(str, seqs))}" if seqs else ""))
    assert response.status == 200, response.body
    return {one["seq"]: (one["duplicates"], one["is_exact"]) for one in response.json["events"]}


def wait_counts(client, expected, seqs=None):
    """An answer may be half a second old."""
    wait_until(lambda: counts(client, seqs) == expected, f"the counts are {expected}, not {counts(client, seqs)}")


def test_duplicates_are_counted_whatever_the_qos_and_the_way(park):
    broker, sidecar = park.start()
    assert counts(sidecar) == {}
    sidecar.publish([event("t", "1"), event("t", "2"), event("t", "1")])
    clients = [broker.connect(client_id=f"gateway-{number}") for number in range(2)]
    for qos in (0, 1, 2):
        for client in clients:
            client.publish("t", b'{"event_id":"1"}', qos)
    clients[0].publish("t", b'{"event_id":"3"}', 2)
    wait_counts(sidecar, {1: (7, True), 2: (0, True), 3: (0, True)})
    wait_counts(sidecar, {1: (7, True), 3: (0, True)}, [1, 3, 4])


def test_what_is_asked_about_named_events_is_answered_anew(park):
    broker, sidecar = park.start()
    sidecar.publish(event("t", "1"))
    client = broker.connect()
    for duplicates in range(20):
        assert counts(sidecar, [1]) == {1: (duplicates, True)}
        client.publish("t", b'{"event_id":"1"}', qos=1)


def test_of_events_from_before_the_start_there_may_have_been_more(park):
    broker, sidecar = park.start()
    sidecar.publish([event("t", "1"), event("t", "1"), event("t", "2")])
    broker.restart()
    sidecar.wait_healthy()
    sidecar.publish([event("t", "1"), event("t", "3"), event("t", "3")])
    wait_counts(sidecar, {1: (1, False), 2: (0, False), 3: (1, True)})


def test_without_seqs_it_is_about_the_latest_hundred(park):
    _, sidecar = park.start()
    sidecar.publish([event("t", str(number)) for number in range(250)])
    wait_until(lambda: set(counts(sidecar)) == set(range(151, 251)), "these are the latest")


@pytest.mark.parametrize("seqs", ["", "x", "1,", ",1", "1,,2", "-1", "1.5", "18446744073709551616", ",".join(["1"] * 101)])
def test_anything_else_is_refused(sidecar, seqs):
    response = sidecar.get(f"/duplicates?seqs={seqs}")
    assert (response.status, response.problem_type) == (400, "invalid-parameter")
    assert response.detail == "seqs takes the seqs of 1 to 100 events, with commas between them"
    assert sidecar.get("/duplicates?seqs=" + ",".join(["1"] * 100)).status == 200


def test_a_token_is_told_of_what_it_may_read(park, tmp_path):
    tokens = TokenFile(tmp_path / "tokens", "all", "hall read:hall/#", "writer publish:#")
    broker = park.make_broker().start()
    sidecar = park.make_sidecar(broker, arguments=["--tokens", tokens.path]).start()
    every, hall, writer = (Client(sidecar, tokens.tokens[name]) for name in ("all", "hall", "writer"))
    every.post([event("hall/1", "a"), event("vault/1", "b"), event("vault/1", "b"), event("hall/1", "a")])
    wait_counts(every, {1: (1, True), 2: (1, True)})
    wait_counts(hall, {1: (1, True)})
    wait_counts(hall, {1: (1, True)}, [1, 2])
    assert counts(hall, [2]) == {}
    assert writer.get("/duplicates").problem_type == "scope-missing"
    assert Client(sidecar, None).get("/duplicates").problem_type == "token-missing"


def test_without_the_broker_it_is_503(park):
    broker, sidecar = park.start()
    sidecar.publish(event("t", "1"))
    broker.kill()
    wait_until(lambda: sidecar.get("/duplicates?seqs=1").status == 503, "nothing is told any more")
    assert sidecar.get("/duplicates?seqs=1").problem_type == "broker-unavailable"
