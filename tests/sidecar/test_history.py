"""GET /history: what came in the last hour, as the sidecar has seen it."""

import datetime

import pytest

from tests.support.broker import wait_until
from tests.support.sidecar import event
from tests.support.tokens import Client, TokenFile


def history(client, span=None):
    response = client.get("/history" + (f"?range={span}" if span else ""))
    assert response.status == 200, response.body
    return response.json


def total(answer, name):
    """Of the rates, in events."""
    return sum(rate for rate in answer[name] if rate is not None) * answer["step_s"]


def test_what_comes_is_in_the_last_steps(park):
    _, sidecar = park.start()
    wait_until(lambda: history(sidecar)["known"]["seconds"] > 0, "the history begins")
    for number in range(5):
        sidecar.publish([event("t", f"{number}-{i}") for i in range(10)] + [event("t", f"{number}-0")] * 10)
    for span, step_s in (("5m", 1), ("15m", 3), ("1h", 12), (None, 1)):
        wait_until(lambda: history(sidecar, span)["known"]["events"] == 100, "all is counted")  # noqa: B023
        answer = history(sidecar, span)
        assert answer["step_s"] == step_s
        assert [len(answer[name]) for name in ("events_per_s", "duplicates_per_s", "refused_per_s")] == [300] * 3
        assert answer["known"]["duplicates"] == 50 and answer["known"]["refused"] == 0
        # A step that is known in part tells the rate of that part.
        assert total(answer, "events_per_s") >= 99
        assert abs(total(answer, "duplicates_per_s") * 2 - total(answer, "events_per_s")) < 1
        until = datetime.datetime.fromisoformat(answer["until"])
        assert abs((datetime.datetime.now(datetime.timezone.utc) - until).total_seconds()) < 60
        assert answer["events_per_s"][0] is None, "nothing is known of before the start"
    assert history(sidecar)["publish"]["count"] == 5
    assert 0 < history(sidecar)["publish"]["p50_ms"] <= history(sidecar)["publish"]["p99_ms"]
    wait_until(lambda: history(sidecar)["fsync"]["count"] > 0, "the journal is synced")


def test_without_the_broker_nothing_is_known(park):
    broker, sidecar = park.start()
    wait_until(lambda: history(sidecar)["known"]["seconds"] > 0, "the history begins")
    broker.kill()
    wait_until(lambda: history(sidecar)["events_per_s"][-3:] == [None] * 3, "nothing is known")
    broker.start()
    sidecar.wait_healthy()
    wait_until(lambda: None in (rates := [rate for rate in history(sidecar)["events_per_s"]])[rates.index(0):]
               and rates[-2] is not None, "there is a gap between what is known")


def test_without_a_post_there_is_no_duration(park):
    _, sidecar = park.start()
    assert history(sidecar)["publish"] == {"count": 0, "p50_ms": None, "p99_ms": None}


@pytest.mark.parametrize("span", ["", "2h", "5", "5M", "1h1"])
def test_other_ranges_are_refused(sidecar, span):
    response = sidecar.get(f"/history?range={span}")
    assert (response.status, response.problem_type) == (400, "invalid-parameter")
    assert response.detail == "range takes 5m, 15m or 1h"


def test_it_takes_a_token_that_may_read_everything(park, tmp_path):
    tokens = TokenFile(tmp_path / "tokens", "all", "hall read:hall/#")
    broker = park.make_broker().start()
    sidecar = park.make_sidecar(broker, arguments=["--tokens", tokens.path]).start()
    history(Client(sidecar, tokens.tokens["all"]))
    assert Client(sidecar, tokens.tokens["hall"]).get("/history").problem_type == "scope-missing"
    assert Client(sidecar, None).get("/history").problem_type == "token-missing"
