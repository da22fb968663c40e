"""An id is remembered for the window, and forgotten after it: in the index, in the store, and in memory."""

import itertools
import os
import time

import pytest

from tests.support import mqtt_client
from tests.support.broker import wait_until
from tests.support.events import event
from tests.support.mqtt_client import V311
from tests.support.observer import Observer
from tests.support.receipts import Receipts
from tests.support.store import Store

# The writer forgets in small batches, some time after the window has ended.
LAG_S = 5.0


def verdict(receipts, payload, topic="t"):
    receipts.client.publish(topic, payload)
    return receipts.wait(1)[0]["verdict"]


def ask(broker):
    receipts = Receipts(broker.connect())
    receipts.enable()
    return receipts


def test_duplicate_inside_the_window_and_new_event_after_it(park, qos):
    broker = park.start_broker(options={"window": "600ms"})
    observer = Observer(broker)
    publisher = broker.connect()
    first = time.monotonic()
    publisher.publish("t", event("a", copy=1), qos)
    while time.monotonic() < first + 0.5:
        publisher.publish("t", event("a", copy=2), qos)
        time.sleep(0.05)
    inside = observer.payloads()
    if time.monotonic() < first + 0.6:  # else this machine stood still, and nothing can be said
        assert inside == [event("a", copy=1)]
    # The duplicates did not extend the window.
    Store(broker).wait_count(0)
    assert time.monotonic() < first + 0.6 + LAG_S
    wait_until(lambda: publisher.publish("t", event("a", copy=3), qos) or observer.payloads() == [event("a", copy=3)],
               "it is an event again", LAG_S)
    publisher.publish("t", event("a", copy=4), qos)
    assert observer.payloads() == []


def test_long_window_forgets_nothing(park):
    broker = park.start_broker(options={"window": "1h"})
    receipts = ask(broker)
    assert verdict(receipts, event("a")) == "processed"
    Store(broker).wait_ids(["a"])
    for _ in range(10):
        time.sleep(0.05)
        assert verdict(receipts, event("a")) == "duplicate"
    assert Store(broker).ids() == ["a"]


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_new_event_when_the_window_ended_while_the_broker_was_down(park, end):
    broker = park.start_broker(options={"window": "500ms"})
    for event_id in ("a", "b"):
        broker.connect().publish("t", event(event_id))
    broker.settle()
    getattr(broker, end)()
    time.sleep(0.6)
    broker.start()
    receipts = ask(broker)
    assert wait_until(lambda: verdict(receipts, event("a")) == "processed", "it is an event again", LAG_S)
    assert verdict(receipts, event("a")) == "duplicate"


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_duplicate_when_the_window_goes_on_over_a_restart(park, end):
    broker = park.start_broker(options={"window": "1h"})
    broker.connect().publish("t", event("a"))
    broker.settle()
    getattr(broker, end)()
    broker.start()
    assert verdict(ask(broker), event("a")) == "duplicate"


def test_longer_window_after_a_restart_keeps_what_is_still_there(park):
    broker = park.start_broker(options={"window": "2s"})
    broker.connect().publish("t", event("a"))
    broker.settle()
    broker.terminate()
    broker.options["window"] = "1h"
    time.sleep(2)  # the old window's end
    broker.start()
    assert verdict(ask(broker), event("a")) == "duplicate"


def test_shorter_window_after_a_restart_forgets_what_is_older(park):
    broker = park.start_broker()
    broker.connect().publish("t", event("a"))
    broker.settle()
    broker.terminate()
    broker.options["window"] = "100ms"
    broker.start()
    receipts = ask(broker)
    assert wait_until(lambda: verdict(receipts, event("a")) == "processed", "it is an event again", LAG_S)


def test_rows_are_kept_for_a_longer_retention(park):
    """The id is an event again, and both are stored."""
    broker = park.start_broker(options={"window": "300ms", "retention": "1h"})
    receipts = ask(broker)
    assert verdict(receipts, event("a", copy=1)) == "processed"
    wait_until(lambda: verdict(receipts, event("a", copy=2)) == "processed", "it is an event again", LAG_S)
    store = Store(broker)
    store.wait_ids(["a", "a"])
    assert [row.payload for row in store.rows()] == [event("a", copy=1), event("a", copy=2)]
    # Over a restart the younger is the one that is remembered.
    broker.settle()
    broker.terminate()
    broker.options["window"] = "1h"
    broker.start()
    assert verdict(ask(broker), event("a", copy=3)) == "duplicate"
    assert len(Store(broker).rows()) == 2


def test_rows_are_deleted_after_the_retention(park):
    broker = park.start_broker(options={"window": "200ms", "retention": "1s"})
    broker.connect().publish("t", event("a"))
    store = Store(broker)
    store.wait_ids(["a"])
    store.wait_ids([])


def test_only_what_is_over_is_forgotten(park):
    broker = park.start_broker(options={"window": "2s"})
    receipts = ask(broker)
    for event_id in ("a", "b"):
        verdict(receipts, event(event_id))
    time.sleep(1.2)
    for event_id in ("c", "d"):
        assert verdict(receipts, event(event_id)) == "processed"
    young = time.monotonic()
    Store(broker).wait_ids(["c", "d"])
    if time.monotonic() < young + 1.5:
        assert verdict(receipts, event("c")) == "duplicate"
    assert verdict(receipts, event("a")) == "processed"


def test_seq_goes_on_when_all_rows_are_gone(park):
    broker = park.start_broker(options={"window": "1s"})
    receipts = ask(broker)
    for event_id in ("a", "b"):
        receipts.client.publish("t", event(event_id))
    assert [receipt["seq"] for receipt in receipts.wait(2)] == [1, 2]
    Store(broker).wait_count(2)
    Store(broker).wait_count(0)
    for end in ("terminate", "kill"):
        broker.settle()
        getattr(broker, end)()
        broker.start()
    receipts = ask(broker)
    receipts.client.publish("t", event("a"))
    assert receipts.wait(1)[0]["seq"] == 3


def test_rows_and_memory_follow_the_window(park):
    """Wave after wave of new ids: what one wave took is there for the next."""
    broker = park.start_broker(options={"window": "200ms", "journal_size": "64M"}, log_types=("error", "warning", "notice",
                                                                                         "information"))
    store, publisher, wave_size, memory = Store(broker), broker.connect(), 30_000, []
    for wave in range(16):
        publisher.send(b"".join(mqtt_client.encode_publish(V311, "t", event(f"{wave}-{number}"), qos=0)
                                for number in range(wave_size)))
        publisher.ping()
        time.sleep(0.2)  # the window's end; before the writer has begun there are no rows either
        wait_until(lambda: store.count() == 0, "the rows are gone", 20)
        memory.append(broker.memory_bytes())
        if os.environ.get("MOSQUITTO_LD_PRELOAD") and wave == 6:
            return  # a sanitizer's allocator gives nothing back
    # The index takes memory in steps, which double: of 8 waves that are all kept, 12 MiB and more. On a busy machine the
    # first ones come further than others before they are forgotten.
    assert memory[15] - memory[7] < 6 << 20, memory


# --- the wall clock jumps ---

@pytest.mark.parametrize("jump_s", [30 * 24 * 3600, -30 * 24 * 3600], ids=["forward", "backward"])
def test_wall_clock_jump_forgets_nothing_early(park, fault_shim, jump_s):
    broker = park.start_broker(options={"window": "15m"}, **fault_shim.broker_arguments)
    receipts = ask(broker)
    assert verdict(receipts, event("a")) == "processed"
    Store(broker).wait_ids(["a"])
    fault_shim.set_clock(jump_s)
    assert verdict(receipts, event("b")) == "processed"
    deadline = time.monotonic() + 1.2  # time for the writer to make the mistake
    while time.monotonic() < deadline:
        assert verdict(receipts, event("a")) == "duplicate"
        time.sleep(0.1)
    fault_shim.set_clock(0)
    assert [verdict(receipts, event(event_id)) for event_id in ("a", "b")] == ["duplicate", "duplicate"]
    assert Store(broker).ids() == ["a", "b"]


@pytest.mark.parametrize("jump_s", [30 * 24 * 3600, -30 * 24 * 3600], ids=["forward", "backward"])
def test_wall_clock_jump_makes_nothing_immortal(park, fault_shim, jump_s):
    broker = park.start_broker(options={"window": "400ms"}, **fault_shim.broker_arguments)
    receipts = ask(broker)
    assert verdict(receipts, event("a")) == "processed"
    fault_shim.set_clock(jump_s)
    assert wait_until(lambda: verdict(receipts, event("a")) == "processed", "it is an event again", LAG_S)
    fault_shim.set_clock(0)
    assert wait_until(lambda: verdict(receipts, event("a")) == "processed", "it is an event again", LAG_S)


@pytest.mark.parametrize("end", ["terminate", "kill"])
@pytest.mark.parametrize("jump_s", [3600, -3600], ids=["forward", "backward"])
def test_duplicate_after_a_restart_with_a_jumped_wall_clock(park, fault_shim, jump_s, end):
    """The machine was not booted meanwhile, so how long the broker was down is known without the wall clock."""
    broker = park.start_broker(options={"window": "15m"}, **fault_shim.broker_arguments)
    broker.connect().publish("t", event("a"))
    broker.settle()
    getattr(broker, end)()
    fault_shim.set_clock(jump_s)
    broker.start()
    assert verdict(ask(broker), event("a")) == "duplicate"
    Store(broker).wait_ids(["a"])
