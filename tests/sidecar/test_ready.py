"""GET /readyz: each part that fails is named, and it is ready again by itself."""

import contextlib
import os
import sqlite3

import pytest

from tests.support.broker import wait_until
from tests.support.disk import SmallDisk


def readiness(sidecar):
    response = sidecar.get("/readyz")
    if response.status == 503:
        assert response.problem_type == "not-ready"
        return response.problem
    assert response.headers["Content-Type"] == "application/json"
    assert (response.status, response.json["status"]) == (200, "ready")
    return response.json


def checks(sidecar):
    return readiness(sidecar)["checks"]


ALL_OK = {"broker": "ok", "store": "ok", "plugin": "ok", "disk": "ok"}


def test_ready(park):
    broker, sidecar = park.start(options={"journal_size": "8M"})
    answer = readiness(sidecar)
    assert answer["status"] == "ready"
    assert answer["checks"] == ALL_OK
    assert answer["disk_free_bytes_min"] == 8 << 20
    usage = os.statvfs(broker.data_dir)
    assert answer["disk_free_bytes"] == pytest.approx(usage.f_bavail * usage.f_frsize, rel=0.1)
    assert "detail" not in answer


def test_broker_is_away(park):
    broker, sidecar = park.start()
    broker.terminate()
    wait_until(lambda: checks(sidecar) == {**ALL_OK, "broker": "failing"}, "the sidecar has noticed")
    assert "broker" in readiness(sidecar)["detail"]
    broker.start()
    wait_until(lambda: checks(sidecar) == ALL_OK, "it is ready again")


def test_broker_without_the_plugin(park):
    broker = park.make_broker(plugin=False).start()
    sidecar = park.make_sidecar(broker).start(connected=False)
    wait_until(lambda: "plugin does not answer" in readiness(sidecar)["detail"], "it says so")
    assert checks(sidecar) == {"broker": "failing", "store": "failing"}


def test_store_is_away(park):
    broker, sidecar = park.start()
    os.rename(broker.data_dir / "events.db", broker.data_dir / "away.db")
    answer = readiness(sidecar)
    assert answer["checks"] == {"broker": "ok", "store": "failing"}
    assert "events.db" in answer["detail"]
    assert "disk_free_bytes" not in answer
    os.rename(broker.data_dir / "away.db", broker.data_dir / "events.db")
    assert checks(sidecar) == ALL_OK


def test_plugin_cannot_store(park):
    broker, sidecar = park.start()
    with contextlib.closing(sqlite3.connect(broker.data_dir / "events.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        broker.connect().publish("t", b'{"event_id":"a"}')
        wait_until(lambda: checks(sidecar) == {**ALL_OK, "plugin": "failing"}, "the plugin gives up waiting", 30)
        assert "cannot store" in readiness(sidecar)["detail"]
        lock.execute("ROLLBACK")
    wait_until(lambda: checks(sidecar) == ALL_OK, "it is ready again", 30)


def test_disk_has_less_room_than_a_full_journal_needs(park):
    broker = park.make_broker(options={"journal_size": "8M"})
    with contextlib.closing(SmallDisk(broker.data_dir, "32m")) as disk:
        broker.start()
        sidecar = park.make_sidecar(broker).start()
        assert checks(sidecar) == ALL_OK
        (broker.data_dir / "ballast").write_bytes(bytes(18 << 20))
        answer = readiness(sidecar)
        assert answer["checks"] == {**ALL_OK, "disk": "failing"}
        assert answer["disk_free_bytes"] < answer["disk_free_bytes_min"] == 8 << 20
        assert f"{answer['disk_free_bytes']} bytes left" in answer["detail"]
        assert sidecar.get("/healthz").status == 200  # events are still taken
        disk.free()
        assert checks(sidecar) == ALL_OK
