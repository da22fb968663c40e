"""A data directory that the first version's broker left when it was killed, under today's broker and sidecar."""

import pathlib
import shutil

import pytest

from tests.support.events import event
from tests.support.observer import Observer
from tests.support.sidecar import event as http_event

FIRST = pathlib.Path(__file__).parents[1] / "unit" / "fixtures" / "first-data-dir"


@pytest.mark.parametrize("starts_first", ["broker", "sidecar"])
def test_first_data_directory_goes_on(park, starts_first):
    """9 events were stored, 23 more lay in the journal, the last perhaps not handed on; 2 duplicates had come."""
    broker = park.make_broker(options={"recovery_delay": "1h"})
    for path in FIRST.iterdir():
        shutil.copy(path, broker.data_dir)
    sidecar = park.make_sidecar(broker)
    if starts_first == "sidecar":
        sidecar.start(connected=False)
        for path in ("/stats", "/events", "/metrics"):
            assert "18446744" not in sidecar.get(path).body.decode()
        assert "the plugin migrates it when the broker starts" in sidecar.get("/stats").detail
    broker.start()
    if starts_first == "broker":
        sidecar.start()
    sidecar.wait_healthy()

    stats = sidecar.stats()
    assert (stats["received"], stats["unique_processed"], stats["duplicate_dropped"], stats["passed"]) == (34, 32, 2, 2)
    assert stats["journal_used_bytes"] <= stats["journal_size_bytes"]
    observer = Observer(broker)
    publisher = broker.connect()
    for topic, event_id in [("sensor/1", "stored-0"), ("sensor/1", "journal-19"), ("sensor/2", "doubt-2"), ("new", "a")]:
        publisher.publish(topic, event(event_id))
    assert [(message.topic, message.payload) for message in observer.messages() if not message.retain] == [
        ("sensor/2", event("doubt-2")), ("new", event("a"))]
    assert sidecar.publish(http_event("new", "b"))["processed"] == ["b"]
    stats = sidecar.stats()
    assert (stats["unique_processed"], stats["duplicate_dropped"]) == (34, 4)
    assert [stored["event_id"] for stored in sidecar.events()] == [
        *(f"stored-{qos}" for qos in range(3) for _ in range(3)), *(f"journal-{i}" for i in range(20)),
        *(f"doubt-{i}" for i in range(3)), "a", "b"]
    broker.kill_and_restart()
    sidecar.wait_healthy()
    assert sidecar.stats()["unique_processed"] == 34
