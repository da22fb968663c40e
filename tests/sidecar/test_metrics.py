"""GET /metrics, as Prometheus reads it."""

import contextlib
import os
import re
import sqlite3
import subprocess
import time

import pytest

from tests.support import native
from tests.support.broker import wait_until
from tests.support.fault_shim import FaultShim
from tests.support.metrics import read_metrics
from tests.support.sidecar import event, status_of


def assert_well_formed(text):
    """In the eyes of Prometheus's own tool, which also knows its conventions."""
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=60)
    assert checked.returncode == 0 and not checked.stderr, checked.stderr.decode()


def test_counters_are_those_of_the_plugin(park):
    broker, sidecar = park.start(options={"journal_size": "8M"})
    client = broker.connect()
    client.publish("t", b"no event")
    client.publish("t", b'{"event_id":""}')
    sidecar.publish([event("t", "a"), event("t", "b"), event("t", "c"), event("t", "a")])
    assert len(sidecar.events()) == 3  # so that all are stored
    samples = read_metrics(sidecar)
    assert {name: samples[name] for name in (
        "events_received_total", "duplicates_total", "passed_total", "refused_total", "unstored_total",
        "invalid_ids_total", "journal_size_bytes", "store_events", "store_failing", "journal_failing",
        "store_readable", "publisher_connected", "watchers", "conflicts_total")} == {
            "events_received_total": 4, "duplicates_total": 1, "passed_total": 2, "refused_total": 0,
            "unstored_total": 0, "invalid_ids_total": 1, "journal_size_bytes": 8 << 20, "store_events": 3,
            "store_failing": 0, "journal_failing": 0, "store_readable": 1, "publisher_connected": 1, "watchers": 0,
            "conflicts_total": 0}
    version = re.search(r"\S+$", sidecar.get("/").json["version"])[0]
    assert samples[f'build_info{{version="{version}"}}'] == 1
    usage = os.statvfs(broker.data_dir)
    assert samples["disk_free_bytes"] == pytest.approx(usage.f_bavail * usage.f_frsize, rel=0.1)
    assert not any("topic" in name for name in samples)


def test_promtool_finds_nothing_wrong(park):
    broker, sidecar = park.start()
    sidecar.publish(event("t", "a"))
    sidecar.get("/events/1")
    sidecar.get("/nope")
    response = sidecar.get("/metrics")
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert_well_formed(response.body)
    broker.terminate()
    os.rename(broker.data_dir / "events.db", broker.data_dir / "away.db")
    assert_well_formed(sidecar.get("/metrics").body)


def test_promtool_would_find_it():
    with pytest.raises(AssertionError):
        assert_well_formed(b"# TYPE a counter\na 1\n")


def count_of(samples, route, status):
    return samples.get(f'http_request_duration_seconds_count{{route="{route}",status="{status}"}}', 0)


def test_durations_of_requests_by_route_and_class_of_status(park):
    _, sidecar = park.start()
    before = read_metrics(sidecar)
    sidecar.publish([event("t", "a")])
    sidecar.publish([event("t", "b")])
    sidecar.post(b"nonsense")
    sidecar.get("/events/1")
    sidecar.get("/events/2")
    sidecar.get("/events/77")
    sidecar.get("/events?topic=t")
    sidecar.get("/nope/1")
    sidecar.get("/nope/2?a=b")
    assert status_of(sidecar.raw(b"nonsense\r\n\r\n")) == 400

    def grown():
        after = read_metrics(sidecar)
        return {(route, status): count_of(after, route, status) - count_of(before, route, status)
                for route in ("/publish", "/events", "/events/{seq}", "other") for status in ("2xx", "4xx", "5xx")}

    expected = {("/publish", "2xx"): 2, ("/publish", "4xx"): 1, ("/publish", "5xx"): 0,
                ("/events", "2xx"): 1, ("/events", "4xx"): 0, ("/events", "5xx"): 0,
                ("/events/{seq}", "2xx"): 2, ("/events/{seq}", "4xx"): 1, ("/events/{seq}", "5xx"): 0,
                ("other", "2xx"): 0, ("other", "4xx"): 3, ("other", "5xx"): 0}
    # A request's duration is known only when its client may have the answer already.
    wait_until(lambda: grown() == expected, "all are counted")
    # However many paths were asked for.
    routes = {match[1] for match in (re.search(r'route="(.*?)"', name) for name in read_metrics(sidecar)) if match}
    assert routes == {"/publish", "/events", "/events/{seq}", "other", "/metrics", "/healthz"}


def test_duration_lasts_from_the_first_byte_to_the_last(park):
    _, sidecar = park.start()
    with contextlib.closing(sidecar.connect()) as connection:
        connection.connect()
        time.sleep(0.4)  # idle: not yet a request
        connection.sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n")
        time.sleep(0.3)
        connection.sock.sendall(b"Connection: close\r\n\r\n")
        while connection.sock.recv(4096):
            pass
    series = 'http_request_duration_seconds_%s{route="/events",status="2xx"}'
    wait_until(lambda: series % "count" in read_metrics(sidecar), "it is counted")
    samples = read_metrics(sidecar)
    took_s = samples[series % "sum"]
    assert took_s >= 0.2  # on a busy machine the sidecar notices the first byte late
    assert samples[series % "count"] == 1
    buckets = {float(bound): count for bound, count in (
        (re.search(r'le="(.*)"', name)[1], count) for name, count in samples.items()
        if name.startswith('http_request_duration_seconds_bucket{route="/events",'))}
    assert buckets[float("inf")] == 1
    assert buckets == {bound: float(took_s <= bound) for bound in buckets}
    assert buckets[0.25] == 0


def test_a_slow_disk_is_seen(park, tmp_path):
    shim = FaultShim(native.build("fault_shim", tmp_path), tmp_path / "shim")
    broker = park.make_broker(options={"fsync_interval": "10ms"}, **shim.broker_arguments).start()
    sidecar = park.make_sidecar(broker).start()
    sidecar.publish(event("t", "a"))
    wait_until(lambda: read_metrics(sidecar)["fsync_seconds_count"] > 0, "the journal is synced")
    shim.slow_down_disk(sync_ms=300, write_us=0)

    def slow_ones():
        samples = read_metrics(sidecar)
        return samples["fsync_seconds_count"] - samples['fsync_seconds_bucket{le="0.25"}']
    before = slow_ones()
    sidecar.publish(event("t", "b"))
    wait_until(lambda: slow_ones() > before, "a slow sync is counted")
    assert read_metrics(sidecar)["fsync_seconds_sum"] >= 0.3
    assert_well_formed(sidecar.get("/metrics").body)


def test_a_watcher_is_counted_while_it_watches(park):
    _, sidecar = park.start()
    with contextlib.closing(sidecar.connect()) as connection:
        connection.request("GET", "/events/stream")
        response = connection.getresponse()  # kept, for it is the connection now
        assert response.status == 200
        wait_until(lambda: read_metrics(sidecar)["watchers"] == 1, "the watcher is counted")
        assert count_of(read_metrics(sidecar), "/events/stream", "2xx") == 1


def test_broker_and_store_that_are_away_are_said_so(park):
    broker, sidecar = park.start()
    broker.terminate()
    wait_until(lambda: read_metrics(sidecar)["publisher_connected"] == 0, "the sidecar has noticed")
    assert read_metrics(sidecar)["store_readable"] == 1
    os.rename(broker.data_dir / "events.db", broker.data_dir / "away.db")
    samples = read_metrics(sidecar)
    assert samples["store_readable"] == 0
    assert "events_received_total" not in samples
    os.rename(broker.data_dir / "away.db", broker.data_dir / "events.db")
    assert read_metrics(sidecar)["store_readable"] == 1


def test_store_that_cannot_be_written(park):
    broker, sidecar = park.start()
    with contextlib.closing(sqlite3.connect(broker.data_dir / "events.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        broker.connect().publish("t", b'{"event_id":"a"}')
        wait_until(lambda: read_metrics(sidecar)["store_failing"] == 1, "the plugin gives up waiting", 30)
        samples = read_metrics(sidecar)
        assert samples["journal_bytes"] > 0
        assert samples["store_events"] == 0
        lock.execute("ROLLBACK")
    wait_until(lambda: read_metrics(sidecar)["store_failing"] == 0, "the plugin stores again", 30)
    wait_until(lambda: read_metrics(sidecar)["store_events"] == 1, "the event is stored")


def test_refused_and_unstored_events_are_counted(park):
    broker, sidecar = park.start(options={"on_store_failure": "pass", "journal_size": "1M"})
    broker.connect().publish("t", b'{"event_id":"large","x":"' + b"x" * (2 << 20) + b'"}')
    samples = read_metrics(sidecar)
    assert (samples["unstored_total"], samples["passed_total"], samples["refused_total"]) == (1, 1, 0)
