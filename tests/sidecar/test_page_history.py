"""The dashboard's chart, its durations, and how often each event came, in a real browser."""

import re

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tests.sidecar.test_page import Page, browser, fresh  # noqa: F401 - fixtures
from tests.support.broker import wait_until
from tests.support.sidecar import event

CLOCK = r"\d\d:\d\d:\d\d"


def label(page):
    return page["chart"].get_attribute("aria-label")


def wait_counting(sidecar):
    """What comes from now on is in the history."""
    wait_until(lambda: sidecar.get("/history").json["known"]["seconds"] > 0, "the history begins", 30)


def ticks(page):
    return page.browser.run("return [...document.querySelectorAll('#chart text')].map((text) => text.textContent)")


def marks(page):
    """{event_id: how often it came} of the live list."""
    return page.browser.run("""return Object.fromEntries([...document.querySelectorAll('#rows [data-seq]')].map(
        (row) => [row.querySelector('.id').textContent, row.querySelector('.times').textContent]));""")


def test_the_range_can_be_chosen(fresh):  # noqa: F811
    page, _, sidecar = fresh
    wait_counting(sidecar)
    sidecar.publish([event("t", str(number)) for number in range(20)] + [event("t", "1")] * 10)
    wait_until(lambda: "30 events, 10 of them duplicates" in label(page), "the chart shows them", 30)
    assert label(page).startswith("In the last 5 minutes")
    assert "−4 min" in ticks(page)
    for text, span, tick in (("last hour", "60 minutes", "−50 min"), ("last 15 minutes", "15 minutes", "−12 min")):
        Select(page["range"]).select_by_visible_text(text)
        wait_until(lambda: label(page).startswith(f"In the last {span}"), f"the chart shows the {text}", 30)  # noqa: B023
        assert "30 events, 10 of them duplicates" in label(page)
        assert tick in ticks(page)
    assert page.browser.complaints() == []


def test_values_are_shown_under_the_pointer_and_by_keyboard(fresh):  # noqa: F811
    page, _, sidecar = fresh
    wait_counting(sidecar)
    sidecar.publish([event("t", str(number)) for number in range(20)])
    wait_until(lambda: "20 events" in label(page), "the chart shows them", 30)
    assert page.text("chart-values") == ""
    ActionChains(page.browser.driver).move_to_element(page["chart"]).perform()
    page.wait_text("chart-values", rf"^{CLOCK}: nothing is known$")  # the middle is before the start
    ActionChains(page.browser.driver).move_to_element(page["chart-title"]).perform()
    page.wait_text("chart-values", "^$")
    page["chart"].send_keys(Keys.END, Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    page.wait_text("chart-values", rf"^{CLOCK}: \S+ events/s, \S+ duplicates/s \(.*\)$")
    page["chart"].send_keys(Keys.HOME)
    page.wait_text("chart-values", rf"^{CLOCK}: nothing is known$")
    page["chart"].send_keys(Keys.ESCAPE)
    page.wait_text("chart-values", "^$")
    assert page.browser.complaints() == []


def test_a_page_that_is_opened_later_shows_what_came_before(browser, park):  # noqa: F811
    broker, sidecar = park.start()
    wait_counting(sidecar)
    sidecar.publish([event("t", str(number)) for number in range(20)])
    wait_until(lambda: sidecar.get("/history").json["known"]["events"] == 20, "the sidecar has seen them")
    page = Page(browser, sidecar.url)
    page.wait_connected()
    wait_until(lambda: "20 events" in label(page), "the chart shows them", 30)
    broker.kill()
    wait_until(lambda: sidecar.get("/history").json["events_per_s"][-5:] == [None] * 5, "the sidecar has no broker")
    broker.start()
    page.wait_connected()
    # A gap lies between the two, for nothing is known of it.
    wait_until(lambda: page.browser.run("return document.querySelector('#chart path.events').getAttribute('d').split('M').length") >= 3,
               "the line has a gap", 60)
    assert page.browser.run("return document.querySelectorAll('#chart rect.unknown').length") >= 2


def test_how_long_publishing_and_syncs_take(fresh):  # noqa: F811
    page, _, sidecar = fresh
    wait_counting(sidecar)
    page.wait_text("publish-time-more", "^no POST in this time$")
    assert page.text("publish-time") == "–"
    sidecar.publish(event("t", "1"))
    page.wait_text("publish-time-more", "^99 % of 1 POST; half ≤ ")
    page.wait_text("publish-time", r"^≤ [\d.]+ m?s$")
    page.wait_text("fsync-time", r"^≤ [\d.]+ m?s$")
    page.wait_text("fsync-time-more", "^99 % of [0-9]+ syncs?; half ≤ ")


def test_version_and_start(fresh):  # noqa: F811
    page, _, sidecar = fresh
    version = sidecar.get("/").json["version"]
    page.wait_text("about", rf"^Version {re.escape(version)}, up since .*{CLOCK}$")
    port = sidecar.port
    sidecar.kill()
    page.wait_text("about", "^$")
    sidecar._arguments = ["--http-port", str(port)]
    sidecar.start()
    page.wait_text("about", rf"^Version {re.escape(version)}, up since .*{CLOCK}$")
    page.browser.complaints()


def test_each_event_shows_how_often_it_came(fresh):  # noqa: F811
    page, broker, sidecar = fresh
    sidecar.publish([event("t", "once"), event("t", "thrice")])
    page.wait_rows(["thrice", "once"])
    client = broker.connect(client_id="gateway-7")
    client.publish("t", b'{"event_id":"thrice"}')
    client.publish("t", b'{"event_id":"thrice"}')
    wait_until(lambda: marks(page) == {"once": "", "thrice": "×3"}, f"the duplicates are marked: {marks(page)}", 20)
    page.call("detail", "showDetail", 2)
    page.wait_text("detail-title", "^Event 2$")
    assert "Came\n3 times; 2 duplicates not handed on" in page.text("detail-members")
    page["detail-close"].click()
    page.call("detail", "showDetail", 1)
    page.wait_text("detail-title", "^Event 1$")
    assert "Came\nonce" in page.text("detail-members")
    page["detail-close"].click()
    broker.restart()
    page.wait_connected()
    client = broker.connect()
    client.publish("t", b'{"event_id":"thrice"}')
    wait_until(lambda: marks(page) == {"once": "", "thrice": "≥ ×2"}, f"there may have been more: {marks(page)}", 30)
    page.call("detail", "showDetail", 1)
    page.wait_text("detail-members", "Came\nat least once; no duplicate since the broker’s start")
    page["detail-close"].click()
    page.browser.complaints()


def test_a_click_on_a_topic_filters(fresh):  # noqa: F811
    page, _, sidecar = fresh
    sidecar.publish([event("a/1", "1"), event("a/2", "2"), event("a/2", "3")])
    page.wait_rows(["3", "2", "1"])
    wait_until(lambda: len(page.top("top-topics")) == 2, "the topics are listed", 20)
    page.browser.run("[...document.querySelectorAll('#top-topics button')].find((button) => button.textContent === 'a/1').click()")
    page.wait_rows(["1"])
    assert page["filter-topic"].get_attribute("value") == "a/1"
    page.filter(topic="")
    page.wait_rows(["3", "2", "1"])
    page.call("detail", "showDetail", 3)
    page.wait_text("detail-topic", "^a/2$")
    page["detail-topic"].click()
    page.wait_rows(["3", "2"])
    assert not page["detail"].is_displayed()
    assert page.browser.complaints() == []


def test_the_live_events_scroll_in_a_box_of_their_own(fresh):  # noqa: F811
    page, _, sidecar = fresh
    height = "return document.documentElement.scrollHeight"
    empty = page.browser.run(height)
    sidecar.publish([event("t", str(number)) for number in range(150)])
    wait_until(lambda: len(page.rows()) == 100, "the list is full", 20)
    assert page.browser.run(height) < empty + 900
    assert page.browser.run("const {scrollHeight, clientHeight} = document.getElementById('rows'); return scrollHeight > 2 * clientHeight")
    page["rows"].find_element("tag name", "button").send_keys(Keys.END)
    wait_until(lambda: page.browser.run("""
        const [row, box] = [document.activeElement, document.getElementById('rows')].map((element) => element.getBoundingClientRect());
        return row.bottom <= box.bottom + 1 && row.top >= box.top;"""), "the keyboard reaches the last one in the box", 10)
