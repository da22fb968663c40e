"""Idempotency-Key at POST /publish: one key, one result."""

import concurrent.futures
import json

import pytest

from tests.support.sidecar import event


def post(sidecar, key, body, query="", status=200, **headers):
    response = sidecar.request("POST", f"/publish{query}", json.dumps(body).encode(), {"Idempotency-Key": key, **headers})
    assert response.status == status, f"{response.status} {response.body[:1000]}"
    return response


def test_a_retry_gets_the_first_answer(sidecar, topic):
    first = post(sidecar, f"{topic}-1", [event(topic, "a"), event(topic, "b")])
    assert first.json["processed"] == ["a", "b"]
    assert first.headers["Idempotency-Replayed"] is None
    again = post(sidecar, f"{topic}-1", [event(topic, "a"), event(topic, "b")])
    assert again.body == first.body
    assert again.headers["Idempotency-Replayed"] == "true"
    other = post(sidecar, f"{topic}-2", [event(topic, "a"), event(topic, "b")])
    assert other.json["duplicates"] == 2


def test_a_key_is_for_one_request(sidecar, topic):
    post(sidecar, topic, event(topic, "a"))
    assert post(sidecar, topic, event(topic, "b"), status=422).detail
    assert post(sidecar, topic, event(topic, "a"), "?qos=2", status=422).detail
    assert sidecar.ids(topic) == ["a"]


def test_an_error_is_not_kept(sidecar, topic):
    post(sidecar, topic, event("", "a"), status=422)
    assert post(sidecar, topic, event(topic, "a")).json["processed"] == ["a"]


def test_while_one_is_served_the_other_is_told_to_wait(park):
    broker, sidecar = park.start()
    sidecar.publish(event("t", "warm"))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        with broker.frozen():
            requests = [pool.submit(sidecar.post, event("t", "a"), {"Idempotency-Key": "k"}) for _ in range(2)]
            refused = next(concurrent.futures.as_completed(requests)).result()
            assert (refused.status, refused.problem_type) == (409, "idempotency-key-in-use")
        answers = [request.result() for request in requests]
    served = next(answer for answer in answers if answer is not refused)
    assert served.status == 200
    assert sidecar.post(event("t", "a"), {"Idempotency-Key": "k"}).body == served.body


@pytest.mark.parametrize("key, headers", [("k" * 256, {}), ("k", {"Content-Type": "application/x-ndjson"})])
def test_what_a_key_cannot_be(sidecar, topic, key, headers):
    assert "Idempotency-Key" in post(sidecar, key, event(topic, "a"), status=400, **headers).detail
    assert sidecar.ids(topic) == []


def test_many_keys_are_forgotten_oldest_first(sidecar, topic):
    connection = sidecar.connect()

    def send(number):
        connection.request("POST", "/publish", json.dumps(event(topic, str(number))), {"Idempotency-Key": f"{topic}{number}"})
        response = connection.getresponse()
        return json.loads(response.read())

    for number in range(10_001):
        send(number)
    assert send(1)["duplicates"] == 0  # as it was answered first
    assert send(0)["duplicates"] == 1
    connection.close()
