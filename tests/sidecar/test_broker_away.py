"""What the sidecar says while its broker, the plugin or the store is away, and that it comes back by itself."""

import concurrent.futures
import contextlib
import os
import socket
import sqlite3
import threading
import time

import pytest

from tests.support.broker import wait_until
from tests.support.ports import free_port
from tests.support.sidecar import event


def assert_unavailable(sidecar, within_s=5):
    started = time.monotonic()
    response = sidecar.post(event("t", "refused"))
    assert response.status == 503
    assert response.detail
    assert time.monotonic() - started < within_s
    return response.detail


def test_broker_stops_and_comes_back(park):
    broker, sidecar = park.start()
    sidecar.publish(event("t", "a"))
    broker.terminate()
    assert "broker" in assert_unavailable(sidecar)
    health = sidecar.get("/healthz")
    assert health.status == 503
    assert health.json["status"] != "ok"
    assert "broker" in health.detail
    broker.start()
    sidecar.wait_healthy()
    assert sidecar.publish([event("t", "a"), event("t", "b")])["processed"] == ["b"]


def test_events_and_stats_are_still_read_while_the_broker_is_away(park):
    broker, sidecar = park.start()
    sidecar.publish([event("t", "a"), event("t", "b")])
    # So that all is in the store: a broker that stops leaves what its writer has not done to its next start.
    assert sidecar.ids("t") == ["a", "b"]
    broker.terminate()
    assert sidecar.ids("t") == ["a", "b"]
    assert sidecar.stats()["unique_processed"] == 2


def test_sidecar_starts_before_its_broker(park):
    broker = park.make_broker()
    sidecar = park.make_sidecar(broker).start(connected=False)
    assert_unavailable(sidecar)
    for path in ("/events", "/stats", "/healthz"):
        response = sidecar.get(path)
        assert response.status == 503
        assert response.detail
    assert sidecar.get("/").status == 200
    broker.start()
    sidecar.wait_healthy()
    assert sidecar.publish(event("t", "a"))["processed"] == ["a"]
    assert sidecar.ids("t") == ["a"]


def test_request_that_waits_is_served_as_soon_as_the_broker_is_back(park):
    broker, sidecar = park.start()
    broker.terminate()
    wait_until(lambda: sidecar.get("/healthz").status == 503, "the sidecar has noticed")
    broker.start()
    # The connection may still be away, but one attempt is due at once.
    assert sidecar.publish(event("t", "a"))["processed"] == ["a"]


def test_broker_dies_under_load_and_retrying_the_same_bodies_is_safe(park):
    broker, sidecar = park.start()
    stop = threading.Event()
    unavailable = []

    def publish(worker):
        published, number = [], 0
        while not stop.is_set():
            number += 1
            batch = [event("t", f"{worker}-{number}-{i}") for i in range(20)]
            while (response := sidecar.post(batch)).status == 503 and not stop.is_set():
                unavailable.append(response.detail)
            if response.status != 503:
                assert response.status == 200, response.body
                assert response.json["accepted"] == 20
                published += [found["event_id"] for found in batch]
        return published

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        workers = [pool.submit(publish, worker) for worker in range(8)]
        for _ in range(3):
            time.sleep(0.5)
            broker.kill_and_restart()
        time.sleep(1)
        stop.set()
        published = {event_id for worker in workers for event_id in worker.result(60)}
    assert unavailable
    stored = sidecar.ids("t")
    assert len(stored) == len(set(stored))
    assert published <= set(stored)
    assert sidecar.stats()["unique_processed"] == len(stored)


def test_frozen_broker_is_503_in_bounded_time_and_then_all_is_well(park):
    broker, sidecar = park.start()
    with broker.frozen():
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            responses = list(pool.map(lambda i: sidecar.post(event("t", f"e{i}")), range(4)))
        assert {response.status for response in responses} == {503}
        assert time.monotonic() - started < 20
        assert_unavailable(sidecar)
        assert sidecar.get("/healthz").status == 503
    sidecar.wait_healthy()
    answer = sidecar.publish([event("t", f"e{i}") for i in range(4)])
    assert answer["accepted"] == 4
    assert sorted(sidecar.ids("t")) == ["e0", "e1", "e2", "e3"]


def test_broker_without_the_plugin(park):
    broker = park.make_broker(plugin=False).start()
    sidecar = park.make_sidecar(broker).start(connected=False)
    wait_until(lambda: "plugin does not answer" in sidecar.log(), "the log says so")
    assert "plugin does not answer" in assert_unavailable(sidecar)
    assert "plugin does not answer" in sidecar.get("/healthz").detail


def test_what_listens_is_no_broker(park):
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer():
            server.accept()[0].sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        broker = park.make_broker()
        sidecar = park.make_sidecar(broker, mqtt_port=server.getsockname()[1]).start(connected=False)
        assert_unavailable(sidecar)
        assert sidecar.get("/healthz").status == 503


def test_wrong_data_directory(park, tmp_path):
    broker = park.make_broker().start()
    sidecar = park.make_sidecar(broker, data_dir=tmp_path / "nowhere").start(connected=False)
    for path in ("/events", "/stats", "/healthz"):
        response = sidecar.get(path)
        assert response.status == 503
        assert "nowhere" in response.detail
    assert sidecar.post(event("t", "a")).status == 503
    assert not (tmp_path / "nowhere").exists()


def test_store_goes_away_and_comes_back(park):
    broker, sidecar = park.start()
    sidecar.publish(event("t", "a"))
    assert sidecar.ids("t") == ["a"]
    os.rename(broker.data_dir / "events.db", broker.data_dir / "away.db")
    for path in ("/events", "/stats", "/healthz"):
        assert sidecar.get(path).status == 503
    os.rename(broker.data_dir / "away.db", broker.data_dir / "events.db")
    assert sidecar.ids("t") == ["a"]
    assert sidecar.get("/healthz").status == 200


def test_event_that_is_larger_than_the_whole_journal_is_413(park):
    broker, sidecar = park.start(options={"journal_size": "1M"})
    response = sidecar.post([event("t", "small"), event("t", "big", payload="x" * (2 << 20))])
    assert response.status == 413
    assert response.detail.startswith("events[1]: ")
    assert sidecar.events() == []
    assert sidecar.publish(event("t", "small"))["processed"] == ["small"]
    assert "lost" not in sidecar.log()


def test_events_that_the_plugin_cannot_store_are_503_and_then_all_is_well(park):
    broker, sidecar = park.start(options={"journal_size": "1M"})
    # More than the journal holds, faster than the store can be written: its writer is stopped by a lock.
    with contextlib.closing(sqlite3.connect(broker.data_dir / "events.db", isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        batch = [event("t", f"e{i}", payload="x" * 100_000) for i in range(30)]
        response = sidecar.post(batch)
        assert response.status == 503
        assert "safe" in response.detail
        lock.execute("ROLLBACK")
    sidecar.wait_healthy()
    wait_until(lambda: sidecar.post(batch).status == 200, "the store has caught up", 30)
    assert sidecar.ids("t") == [f"e{i}" for i in range(30)]


def test_flood_of_big_bodies_waits_for_the_store_instead_of_losing_the_broker(park):
    broker, sidecar = park.start(options={"journal_size": "8M"})

    def publish(worker):
        for number in range(4):
            body = event("t", f"{worker}-{number}", payload="x" * (1 << 20))
            wait_until(lambda: sidecar.post(body).status == 200, "the store has caught up", 60)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(publish, range(16)))
    assert len(sidecar.ids("t")) == 64
    assert "lost" not in sidecar.log()


def test_log_says_what_changes_and_nothing_else(park):
    broker, sidecar = park.start()
    for number in range(20):
        sidecar.publish(event("t", f"e{number}"))
        sidecar.post(b"nonsense")
        sidecar.get("/nope")
    assert len(sidecar.log().splitlines()) == 2
    broker.terminate()
    wait_until(lambda: sidecar.get("/healthz").status == 503, "the sidecar has noticed")
    for _ in range(3):
        assert_unavailable(sidecar)
    broker.start()
    sidecar.wait_healthy()
    lines = sidecar.log().splitlines()
    assert 4 <= len(lines) <= 6, lines
    assert "connected" in lines[-1]


def test_plugin_that_was_told_another_id_member(park):
    broker, sidecar = park.start(options={"id_member": "uuid", "id_property": "dedup-id"})
    subscriber = broker.connect(version=5).subscribe("t")
    answer = sidecar.publish([event("t", "a", uuid="x"), event("t", "b", uuid="x"), event("t", "a")])
    assert answer["processed"] == ["a", "b"]
    messages = subscriber.wait_messages(2)
    assert [message.user_properties for message in messages] == [[("dedup-id", "a")], [("dedup-id", "b")]]
    response = sidecar.post(event("t", "a\0b"))
    assert response.status == 422
    assert response.detail.startswith("events[0].event_id: ")
    assert sidecar.ids("t") == ["a", "b"]


def test_topic_that_the_plugin_was_told_to_leave_alone_is_refused(park):
    broker, sidecar = park.start(options={"topics": "sensors/# meters/+"})
    subscriber = broker.connect().subscribe("#", qos=0)
    response = sidecar.post([event("sensors/1", "a"), event("meters/1/2", "b")])
    assert response.status == 422
    assert response.detail.startswith("events[1].topic: ")
    subscriber.ping()
    assert subscriber.inbox == []
    assert sidecar.publish([event("sensors/1", "a"), event("meters/1", "b")])["processed"] == ["a", "b"]


@pytest.mark.parametrize("limit", ["max_packet_size 100000", "message_size_limit 100000"])
def test_event_that_is_larger_than_the_broker_takes_is_413(park, limit):
    broker, sidecar = park.start(bridge=limit)  # the end of the configuration, where it counts
    for _ in range(3):
        response = sidecar.post([event("t", "small", payload="x"), event("t", "a", payload="x" * 100_000)])
        assert response.status == 413
        assert response.detail.startswith("events[1]: ")
    assert sidecar.publish(event("t", "b", payload="x" * 90_000))["processed"] == ["b"]
    assert "lost" not in sidecar.log()


def test_topic_that_the_broker_does_not_let_us_write_is_403(park, tmp_path):
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite open/#\ntopic readwrite $CONTROL/#\n")
    broker, sidecar = park.start(config=f"acl_file {acl}")
    response = sidecar.post([event("open/1", "a"), event("closed/1", "b"), event("open/1", "c")])
    assert response.status == 403
    assert response.detail.startswith("events[1]: ")
    assert sidecar.publish([event("open/1", "a"), event("open/1", "c"), event("open/1", "d")])["accepted"] == 3
    assert "lost" not in sidecar.log()


def test_two_sidecars_share_a_broker(park):
    broker, first = park.start()
    second = park.make_sidecar(broker).start()
    batch = [event("t", f"e{number}") for number in range(50)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: (first, second)[i % 2].publish(batch), range(16)))
    assert sum(len(answer["processed"]) for answer in answers) == 50
    assert sum(answer["duplicates"] for answer in answers) == 15 * 50
    assert first.events() == second.events()


def test_broker_on_localhost_by_name(park):
    broker = park.make_broker().start()
    sidecar = park.make_sidecar(broker, arguments=["--mqtt-host", "localhost"]).start()
    assert sidecar.publish(event("t", "a"))["processed"] == ["a"]


def test_unknown_host_of_the_broker(park):
    broker = park.make_broker()
    sidecar = park.make_sidecar(broker, mqtt_port=free_port(),
                                 environment={"MQTT_HOST": "no-such-host.invalid"}).start(connected=False)
    wait_until(lambda: "no-such-host.invalid" in sidecar.get("/healthz").detail, "the health says so", 60)
