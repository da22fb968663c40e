"""GET /top: which topics have the most events, and which clients send duplicates, as the plugin counts them."""

import datetime
import threading

from tests.support.broker import wait_until
from tests.support.sidecar import event


def top(sidecar):
    response = sidecar.get("/top")
    assert response.status == 200, response.body
    return response.json


def wait_top(sidecar, **expected):
    """An answer may be a second old."""
    wait_until(lambda: top(sidecar).items() >= expected.items(), f"the top lists are {expected}, not {top(sidecar)}")


def test_topics_and_clients_are_counted_whatever_the_qos(park):
    broker, sidecar = park.start()
    empty = top(sidecar)
    assert (empty["topics"], empty["duplicate_clients"]) == ([], [])
    since = datetime.datetime.fromisoformat(empty["since"])
    assert datetime.timedelta(0) <= datetime.datetime.now(datetime.timezone.utc) - since < datetime.timedelta(minutes=1)

    north = broker.connect(client_id="gateway-north")
    south = broker.connect(client_id="gateway-south")
    for qos in (0, 1, 2):
        payload = b'{"event_id":"%d"}' % qos
        north.publish("a", payload, qos)
        south.publish("a", payload, qos)
    north.publish("b", b'{"event_id":"0"}')
    north.publish("b", b'{"event_id":"0"}')
    north.publish("c", b"no event")
    wait_top(sidecar, since=empty["since"],
             topics=[{"topic": "a", "events": 6, "duplicates": 3, "error": 0},
                     {"topic": "b", "events": 2, "duplicates": 1, "error": 0}],
             duplicate_clients=[{"client_id": "gateway-south", "duplicates": 3, "error": 0},
                                {"client_id": "gateway-north", "duplicates": 1, "error": 0}])


def test_counting_begins_anew_with_the_broker(park):
    broker, sidecar = park.start()
    sidecar.publish([event("t", "1"), event("t", "1")])
    wait_top(sidecar, topics=[{"topic": "t", "events": 2, "duplicates": 1, "error": 0}])
    broker.restart()
    sidecar.wait_healthy()
    wait_top(sidecar, topics=[], duplicate_clients=[])


def test_many_who_ask_cost_the_plugin_one_question_a_second(park):
    broker, sidecar = park.start()
    offset = len(broker.log())
    threads = [threading.Thread(target=lambda: [top(sidecar) for _ in range(25)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    questions = broker.log()[offset:].count("'$CONTROL/dedup/v1', ")
    assert 1 <= questions <= 20  # 200 answers


def test_without_an_answer_it_is_503(park):
    broker, sidecar = park.start()
    with broker.frozen():
        assert sidecar.get("/top").detail == "the broker's plugin did not answer the command `top`"
    sidecar.wait_healthy()
    wait_until(lambda: sidecar.get("/top").status == 200, "the top lists are told again")
    broker.kill()
    # An answer may be a second old, and the sidecar must notice first.
    wait_until(lambda: sidecar.get("/top").status == 503, "nothing is told any more")
    assert "broker" in sidecar.get("/top").detail
    broker.start()
