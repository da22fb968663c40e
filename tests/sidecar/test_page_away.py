"""The dashboard, in a real browser, when somebody is away or may not see all: nothing old looks new, and nothing hidden looks like none."""

import re
import signal

import pytest

from tests.sidecar.test_page import Page, browser, fresh, give_token, guarded  # noqa: F401 - fixtures
from tests.support.broker import wait_until
from tests.support.sidecar import event
from tests.support.tokens import TokenFile

CLOCK = r"\d\d:\d\d:\d\d"


def is_stale(page, name):
    """Whether all that shows these figures is grey, with their time in words."""
    return page.browser.run("""
        return [...document.querySelectorAll(`[data-of~="${arguments[0]}"]:has(.as-of)`)].map(
            (part) => part.classList.contains('stale') && /^As of \\d\\d:\\d\\d:\\d\\d$/.test(part.querySelector('.as-of').innerText));""", name)


def color(page, name):
    return page.browser.run("return getComputedStyle(document.getElementById(arguments[0])).color", name)


def axis_end(page):
    return page.browser.run("return [...document.querySelectorAll('#chart text')].filter((text) => /now|:/.test(text.textContent)).map("
                            "(text) => text.textContent)")


def wait_stale(page):
    for name, count in (("figures", 1), ("history", 1), ("top", 2), ("rules", 1), ("duplicates", 1)):
        wait_until(lambda: is_stale(page, name) == [True] * count, f"all of {name} is grey", 30)  # noqa: B023


def wait_all_of_now(page):
    wait_until(lambda: page.browser.run("return document.querySelectorAll('.stale').length") == 0, "nothing is grey", 60)


def wait_shown(page, sidecar):
    wait_until(lambda: sidecar.get("/history").json["known"]["seconds"] > 0, "the history begins", 30)
    sidecar.publish([event("t", "1"), event("t", "1"), event("t", "2")])
    page.wait_text("received", "^3 in all")
    wait_until(lambda: axis_end(page) == ["now"] and page.top("top-sources") and page.top("rules"), "all is shown", 30)
    wait_all_of_now(page)


def assert_all_is_old(page):
    wait_stale(page)
    assert page["banner"].is_displayed()
    assert "bad" in page["state"].get_attribute("class")
    assert color(page, "received") == color(page, "event-rate") == color(page, "no-rows")
    assert len(axis_end(page)) == 1 and re.fullmatch(CLOCK, axis_end(page)[0])
    assert page.number("received") == 3


def assert_all_is_new(page):
    page.wait_connected()
    wait_all_of_now(page)
    assert not page["banner"].is_displayed() and not page["figures-as-of"].is_displayed()
    wait_until(lambda: axis_end(page) == ["now"], "the axis ends now", 30)
    assert color(page, "event-rate") != color(page, "no-rows")
    page.browser.complaints()  # the browser notes what was not answered


def test_without_the_sidecar_nothing_looks_new(fresh):  # noqa: F811
    page, _, sidecar = fresh
    wait_shown(page, sidecar)
    port = sidecar.port
    sidecar.kill()
    page.wait_text("banner", rf"^The sidecar does not answer\. Its last answer came at {CLOCK}\.")
    assert_all_is_old(page)
    assert page.browser.driver.title == "The sidecar does not answer – mosquitto-dedup"
    sidecar._arguments = ["--http-port", str(port)]
    sidecar.start()
    assert_all_is_new(page)
    assert page.browser.driver.title == "mosquitto-dedup"


def test_nor_while_the_sidecar_is_frozen(fresh):  # noqa: F811
    page, _, sidecar = fresh
    wait_shown(page, sidecar)
    sidecar.signal(signal.SIGSTOP)
    try:
        page.wait_text("banner", "^The sidecar does not answer")
        assert_all_is_old(page)
    finally:
        sidecar.signal(signal.SIGCONT)
    assert_all_is_new(page)


def test_a_dead_broker_does_not_look_like_quiet(fresh):  # noqa: F811
    page, broker, sidecar = fresh
    wait_shown(page, sidecar)
    broker.kill()
    page.wait_text("banner", rf"^No connection to the broker since {CLOCK}: .*What came since is not known here\.$")
    page.wait_text("state-text", "^No connection to the broker$")
    assert_all_is_old(page)
    assert page.text("tail-state") == "Nothing comes while there is no connection to the broker"
    assert "error" in page["tail-state"].get_attribute("class")
    assert len(page.rows()) == 2
    broker.start()
    assert_all_is_new(page)
    assert page.text("tail-state") == "Connected"


def test_a_page_that_is_opened_while_the_broker_is_dead(browser, park):  # noqa: F811
    broker, sidecar = park.start()
    sidecar.publish([event("t", "1"), event("t", "1")])
    sidecar.get("/events")  # so they are stored
    broker.kill()
    wait_until(lambda: sidecar.get("/healthz").status == 503, "the sidecar has noticed", 30)
    page = Page(browser, sidecar.url)
    page.wait_text("banner", rf"^No connection to the broker since {CLOCK} or earlier: ")
    page.wait_text("figures-as-of", "^As the broker left them$")
    page.wait_text("received", "^2 in all")
    assert page.text("event-rate") == "–", "no rate was ever seen"
    page.wait_text("no-topics", "^Not known: ")
    page.wait_text("no-sources", "^Not known: ")
    page.wait_text("no-rules", "^Not known: ")
    page.wait_rows(["1"])
    broker.start()
    assert_all_is_new(page)
    page.wait_text("no-topics", "^No events yet")  # since its start
    page.wait_text("no-sources", "^No duplicates yet")


def test_full_disk_and_the_like_are_said_with_figures_of_now(fresh):  # noqa: F811
    page, broker, sidecar = fresh
    wait_shown(page, sidecar)
    broker.data_dir.joinpath("events.journal").rename(broker.data_dir / "moved")
    page.wait_text("banner", rf"^Trouble since {CLOCK}: ")
    page.wait_text("state-text", "^Trouble$")
    broker.data_dir.joinpath("moved").rename(broker.data_dir / "events.journal")
    assert_all_is_new(page)


def test_none_is_not_said_for_not_allowed(guarded):  # noqa: F811
    page, tokens = guarded
    for name in ("no-rows", "no-topics", "no-sources", "no-rules"):
        page.wait_text(name, "^Not shown: this takes a token")
    give_token(page, tokens["hall"])
    page.wait_rows(["h1"])
    for name in ("no-topics", "no-sources", "no-rules"):
        page.wait_text(name, "^Not shown, whether there are any or none: the token .*read")
    page.wait_text("figures-as-of", "^Not shown without the right token$")
    assert page.text("event-rate") == "–"
    page.filter(topic="hall/none")
    page.wait_text("no-rows", "^No events that the token in use may read match; there may be others")
    page.filter(topic="+/door", id="v1")  # there is one
    page.wait_text("no-rows", "^No events that the token in use may read match; there may be others")
    page.filter(topic="vault/door", id="")
    page.wait_text("no-rows", "^Not shown, whether there are any or none: .*vault/door")
    assert page.rows() == []
    page["token-forget"].click()
    page.wait_text("no-rows", "^Not shown: this takes a token")
    page.filter(topic="")
    give_token(page, tokens["all"])
    page.wait_connected()
    page.wait_rows(["v1", "h1"])
    wait_until(lambda: page.top("top-topics") and page.top("rules"), "all is shown to a token that may read all", 30)
    wait_all_of_now(page)
    page.browser.complaints()


@pytest.mark.parametrize("scope", ["read:hall/#", "publish:#"])
def test_a_lesser_token_sees_who_is_away(browser, park, tmp_path, scope):  # noqa: F811
    tokens = TokenFile(tmp_path / "tokens", f"some {scope}")
    broker = park.make_broker().start()
    page = Page(browser, park.make_sidecar(broker, arguments=["--tokens", tokens.path]).start().url)
    page.wait_text("token-text", "^This server asks for a token")
    give_token(page, tokens.tokens["some"])
    page.wait_text("no-rows", "^No events that the token" if scope.startswith("read") else "^Not shown, whether")
    page.wait_text("state-text", "^Running$")
    broker.kill()
    page.wait_text("banner", "^No connection to the broker since")
    page.browser.complaints()
