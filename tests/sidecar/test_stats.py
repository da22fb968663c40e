"""GET /stats, GET /healthz and GET /."""

import datetime
import re
import struct
import time

import pytest

from tests.support.broker import wait_until
from tests.support.loss import lose_an_event
from tests.support.sidecar import event

LOST_MS_AT = 464  # in the journal's header, see docs/internals/disk-format.md


def test_counters_are_the_plugins_so_mqtt_counts_too(park):
    broker, sidecar = park.start()
    client = broker.connect()
    client.publish("b/mqtt", b'{"event_id":"a"}')
    client.publish("b/mqtt", b'{"event_id":"a"}')
    client.publish("c/no/event", b"hello")
    client.publish("c/no/event", b'{"event_id":""}')
    assert sidecar.publish([event("a", "1"), event("a", "2"), event("a", "1")])["received_total"] == 5
    stats = sidecar.stats()
    assert (stats["received"], stats["unique_processed"], stats["duplicate_dropped"]) == (5, 3, 2)
    assert (stats["passed"], stats["refused"], stats["invalid_ids"], stats["unstored"]) == (2, 0, 1, 0)
    assert stats["topics"] == ["a", "b/mqtt"]
    assert 0 <= stats["journal_used_bytes"] < stats["journal_size_bytes"]


def test_topics_are_sorted_and_have_a_stored_event(park):
    _, sidecar = park.start()
    assert sidecar.stats()["topics"] == []
    names = ["b", "a", "caf\u00e9", "A", "a/b", "a\"\\", "\U0001F600"]
    sidecar.publish([event(name, "1") for name in names])
    sidecar.post([event("never", "1"), event("never", "")])
    assert sidecar.stats()["topics"] == sorted(names, key=str.encode)


def test_topic_of_an_acknowledged_event_is_there_at_once(broker, sidecar, topic):
    client = broker.connect()
    for number in range(50):
        name = f"{topic}/{number}"
        if number % 2:
            client.publish(name, b'{"event_id":"a"}')
        else:
            sidecar.publish(event(name, "a"))
        assert name in sidecar.stats()["topics"]


def test_counters_survive_restarts_of_broker_and_sidecar(park):
    broker, sidecar = park.start()
    sidecar.publish([event("t", "1"), event("t", "1"), event("t", "2")])
    broker.settle()
    broker.kill_and_restart()
    sidecar.wait_healthy()
    assert sidecar.publish([event("t", "1"), event("t", "3")])["received_total"] == 5
    broker.restart()
    sidecar.terminate()
    sidecar.start()
    stats = sidecar.stats()
    assert (stats["received"], stats["unique_processed"], stats["duplicate_dropped"]) == (5, 3, 2)
    assert sidecar.ids("t") == ["1", "2", "3"]


def test_uptime_is_the_sidecars(park):
    _, sidecar = park.start()
    first = sidecar.stats()
    assert re.fullmatch(r"0:00:\d\d", first["uptime"])
    assert isinstance(first["uptime_seconds"], float)
    time.sleep(1.1)
    second = sidecar.stats()
    assert second["uptime_seconds"] >= first["uptime_seconds"] + 1
    assert int(second["uptime"][-2:]) == int(second["uptime_seconds"])
    sidecar.terminate()
    sidecar.start()
    assert sidecar.stats()["uptime_seconds"] < second["uptime_seconds"] + 30


@pytest.mark.parametrize("path", ["/healthz", "/health"])
def test_health_is_ok(sidecar, path):
    response = sidecar.get(path)
    assert response.status == 200
    assert response.json["status"] == "ok"


def test_health_tells_of_a_loss_for_a_day(park):
    broker, sidecar = park.start()
    assert sidecar.get("/healthz").json == {"status": "ok"}
    begin = time.time()
    lose_an_event(broker, sidecar)
    health = sidecar.get("/healthz")
    assert health.status == 200, "nothing fails"
    assert health.json == {"lost": sidecar.stats()["lost"], "lost_at": health.json["lost_at"], "status": "ok"}
    assert health.json["lost"] == 1
    assert begin - 1 <= datetime.datetime.fromisoformat(health.json["lost_at"].replace("Z", "+00:00")).timestamp() <= time.time()

    def restart_as_if_lost(ago):
        broker.terminate()
        with open(broker.data_dir / "events.journal", "r+b") as journal:
            journal.seek(LOST_MS_AT)
            journal.write(struct.pack("<q", int((time.time() - ago.total_seconds()) * 1000)))
        broker.start()
        sidecar.wait_healthy()

    restart_as_if_lost(datetime.timedelta(hours=23))
    assert sidecar.get("/healthz").json["lost"] == 1
    broker.terminate()
    wait_until(lambda: sidecar.get("/healthz").status == 503, "the broker is missed")
    failing = sidecar.get("/healthz")
    assert (failing.problem_type, failing.json["lost"]) == ("not-ready", 1)
    broker.start()
    sidecar.wait_healthy()
    restart_as_if_lost(datetime.timedelta(hours=25))
    assert sidecar.get("/healthz").json == {"status": "ok"}
    assert sidecar.stats()["lost"] == 1


def test_root_names_the_service_and_its_endpoints(sidecar):
    response = sidecar.get("/")
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json["service"]
    assert response.json["status"] == "running"
    assert {"/publish", "/events", "/stats", "/health"} <= set(response.json["available_endpoints"])
    for path in response.json["available_endpoints"]:
        assert sidecar.request("OPTIONS", path).status == 200


@pytest.mark.parametrize("path", ["/", "/stats", "/healthz", "/events"])
def test_head_answers_like_get_without_a_body(sidecar, path):
    response = sidecar.request("HEAD", path)
    assert (response.status, response.headers["Content-Type"], response.body) == (200, "application/json", b"")
