"""GET /events/stream: every event once and in order, whoever joins when; filters; many watchers, slow ones, gone ones."""

import contextlib
import json
import threading
import time

import pytest

from tests.support.broker import wait_until
from tests.support.sidecar import IS_UNDER_TSAN, MemoryWatch, event
from tests.support.watcher import Watcher


def newest_seq(sidecar):
    newest = sidecar.get("/events?order=desc&limit=1").json
    return newest[0]["seq"] if newest else 0


def test_events_come_as_they_are_listed(broker, sidecar, topic):
    sidecar.publish(event(topic, "before"))
    with Watcher(sidecar) as watcher:
        assert watcher.status == 200
        assert watcher.headers["Content-Type"] == "text/event-stream"
        assert watcher.headers["Cache-Control"] == "no-cache"
        assert watcher.headers["Connection"] == "close"
        sidecar.publish([event(topic, "a", payload={"v": 1.50}), event(topic, "b"), event(topic, "a")])
        broker.connect().publish(topic, b'{"event_id":"c",\r\n\n "payload":"x\\ny"}')
        seen = [watcher.event() for _ in range(3)]
        assert seen == sidecar.events(topic)[1:]


def test_an_event_comes_soon(sidecar, topic):
    delays_s = []
    with Watcher(sidecar) as watcher:
        for number in range(20):
            begin = time.monotonic()
            sidecar.publish(event(topic, str(number)))
            watcher.event()
            delays_s.append(time.monotonic() - begin)
    assert sorted(delays_s)[10] < 0.5


@pytest.mark.parametrize("query, expected", [
    ("?topic=%s/a/temp", "1"), ("?topic=%s/+/temp", "12"), ("?topic=%s/%%23", "1234"), ("?topic=%s/%%23&source=s", "23"),
    ("?topic=%s/%%23&event_id=4", "4"),
])
def test_filters(sidecar, topic, query, expected):
    with Watcher(sidecar, query % topic) as watcher:
        sidecar.publish([event(f"{topic}/a/temp", "1"), event(f"{topic}/b/temp", "2", source="s"),
                         event(f"{topic}/b", "3", source="s"), event(f"{topic}/c", "4")])
        assert watcher.ids(len(expected)) == list(expected)


def test_the_past_first_where_it_is_asked_for(sidecar, topic):
    sidecar.publish([event(topic, str(number)) for number in range(5)])
    first = sidecar.events(topic)[0]["seq"]
    for query, headers, expected in [
            (f"&after_seq={first}", {}, "1234"), ("&since=10m", {}, "01234"), ("&after_seq=0", {}, "01234"),
            ("", {"Last-Event-ID": first + 2}, "34"), (f"&after_seq={first}", {"Last-Event-ID": first + 3}, "4"),
            ("", {"Last-Event-ID": 2**60}, "01234")]:  # of another store
        with Watcher(sidecar, f"?topic={topic}{query}", headers) as watcher:
            assert watcher.ids(len(expected)) == list(expected), query
    for headers in ({}, {"Last-Event-ID": ""}):
        with Watcher(sidecar, f"?topic={topic}", headers) as watcher:
            sidecar.publish(event(topic, f"new {headers}"))
            assert watcher.ids(1) == [f"new {headers}"]


def test_no_gap_and_no_repeat_for_those_who_join_under_load(broker, sidecar, topic):
    count, batch = 20_000, 100
    before = newest_seq(sidecar)

    def publish():
        for begin in range(0, count, batch):
            sidecar.publish([event(f"{topic}/{i % 2}", str(i)) for i in range(begin, begin + batch)])

    failures = []

    def watch(number):
        try:
            time.sleep(number * 0.05)
            wanted = [str(i) for i in range(count) if number % 3 or i % 2 == 0]
            query = f"?topic={topic}/" + ("%23" if number % 3 else "0")
            seen, last = [], before
            while len(seen) < len(wanted):
                # Cut off every now and then, and come back.
                with Watcher(sidecar, query, {"Last-Event-ID": last}) as watcher:
                    for _ in range(min(len(wanted) - len(seen), 3000 + 500 * number)):
                        found = watcher.event()
                        last = found["seq"]
                        seen.append(found["event_id"])
            assert seen == wanted
        except Exception as error:  # noqa: BLE001 - told by the main thread
            failures.append(repr(error)[:2000])

    threads = [threading.Thread(target=publish), *(threading.Thread(target=watch, args=(i,)) for i in range(8))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.parametrize("query", ["until=10m", "before_seq=9", "limit=5", "order=desc", "since=x", "topic=a%23"])
def test_what_a_stream_cannot_do_is_a_400(sidecar, query):
    response = sidecar.get(f"/events/stream?{query}")
    assert response.status == 400
    assert query.split("=")[0] in response.detail


def test_a_last_event_id_that_is_none_is_a_400(sidecar):
    for last in ("x", "-1", "1.0", "5, 6"):
        response = sidecar.request("GET", "/events/stream", headers={"Last-Event-ID": last})
        assert (response.status, response.problem_type) == (400, "invalid-parameter")
        assert response.detail.startswith("Last-Event-ID takes ")


def test_head_is_answered_and_the_connection_goes_on(sidecar):
    with contextlib.closing(sidecar.connect()) as connection:
        for _ in range(2):
            connection.request("HEAD", "/events/stream")
            response = connection.getresponse()
            assert (response.status, response.getheader("Content-Type")) == (200, "text/event-stream")
            response.read()


def test_a_heartbeat_tells_how_far_was_looked(sidecar, topic):
    with Watcher(sidecar, "?topic=nobody") as watcher:
        sidecar.publish(event(topic, "a"))
        newest = newest_seq(sidecar)
        begin = time.monotonic()
        assert watcher.frame() == (newest, None)
        assert 10 < time.monotonic() - begin < 40


@pytest.mark.skipif(IS_UNDER_TSAN, reason="too slow for the time limits that it tests")
def test_who_reads_slowly_gets_all_and_who_stalls_is_dropped(sidecar, topic):
    """Both without the sidecar keeping for them what they have not read."""
    count, size = 60, 1 << 20
    memory = MemoryWatch(sidecar)
    with contextlib.ExitStack() as watchers:
        slow, *stalled = [watchers.enter_context(Watcher(sidecar, f"?topic={topic}", receive_buffer=4096))
                          for _ in range(9)]
        other = watchers.enter_context(Watcher(sidecar, f"?topic={topic}/after"))
        for number in range(count):
            sidecar.publish(event(topic, str(number), payload="x" * size))
            memory.look()
        sidecar.publish(event(f"{topic}/after", "after"))
        assert other.ids(1) == ["after"]  # whom they do not hold up
        time.sleep(5)
        for number in range(count):
            assert slow.event()["event_id"] == str(number)
            memory.look()
        time.sleep(20)
        for watcher in stalled:
            with pytest.raises((EOFError, ConnectionError)):
                watcher.ids(count)
    # They have not read 480 MiB; the posted bodies take some 45.
    memory.assert_below(100 << 20)


def test_watchers_who_go_away_make_room(sidecar, topic):
    watchers = []
    try:
        while len(watchers) < 1000:
            watchers.append(Watcher(sidecar, f"?topic={topic}"))
            assert watchers[-1].status == 200, len(watchers)
        refused = sidecar.get("/events/stream")
        assert (refused.status, refused.problem_type) == (503, "too-many-watchers")
        watchers.pop().close()

        def is_let_in():
            with Watcher(sidecar, f"?topic={topic}") as watcher:
                return watcher.status == 200

        wait_until(is_let_in, "there is room again")
    finally:
        for watcher in watchers:
            watcher.close()


def test_500_watchers_see_all_and_hold_nobody_up(sidecar, topic):
    memory = MemoryWatch(sidecar)
    with contextlib.ExitStack() as watchers:
        everyone = [watchers.enter_context(Watcher(sidecar, f"?topic={topic}/%23")) for _ in range(500)]
        memory.look()
        sidecar.publish([event(f"{topic}/{i}", str(i)) for i in range(20)])
        assert sidecar.get("/healthz").status == 200
        for watcher in everyone:
            assert watcher.ids(20) == [str(i) for i in range(20)]
        memory.look()
    memory.assert_below(20 << 20)


def test_the_sidecar_stops_while_it_is_watched(park):
    broker, sidecar = park.start()
    with Watcher(sidecar) as watcher:
        sidecar.publish(event("t", "a"))
        watcher.event()
        begin = time.monotonic()
        sidecar.terminate()
        assert time.monotonic() - begin < 5
        with pytest.raises(EOFError):
            watcher.frame()


def test_watching_goes_on_through_a_restart_of_the_broker(park):
    broker, sidecar = park.start()
    with Watcher(sidecar) as watcher:
        sidecar.publish(event("t", "a"))
        broker.kill()
        broker.start()
        sidecar.wait_healthy()
        sidecar.publish(event("t", "b"))
        assert watcher.ids(2) == ["a", "b"]


def test_the_store_away_for_a_while(park):
    broker, sidecar = park.start()
    with Watcher(sidecar) as watcher:
        path = broker.data_dir / "events.db"
        away = path.with_suffix(".away")
        path.rename(away)
        wait_until(lambda: "watchers wait" in sidecar.log(), "it is told")
        away.rename(path)
        sidecar.publish(event("t", "a"))
        assert watcher.ids(1) == ["a"]
