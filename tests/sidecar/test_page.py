"""The dashboard, in a real browser: what it shows of a broker at work, by hand, by keyboard, on a phone, without a network."""

import contextlib
import json
import re
import sqlite3
import time

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.support.broker import wait_until
from tests.support.browser import DESK, PHONE, Browser
from tests.support.mqtt_client import V5
from tests.support.prefix_proxy import PrefixProxy
from tests.support.sidecar import ROOT, event
from tests.support.tokens import Client, TokenFile

LONG_TOPIC = "plant/" + "a-level-with-a-long-name/" * 10 + "end"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("browser") / "chromedriver.log")
    yield browser
    browser.close()


class Page:
    """The open dashboard, in the words of somebody who looks at it."""

    def __init__(self, browser, url):
        self.browser = browser
        self.url = url
        browser.open(self.url)

    def __getitem__(self, name):
        return self.browser.driver.find_element(By.ID, name)

    def text(self, name):
        return self[name].text

    def call(self, module, function, *arguments):
        """What one of the page's functions returns."""
        return self.browser.driver.execute_async_script("""
            const [module, name, values, done] = arguments;
            import(new URL(`page/${module}.js`, document.baseURI)).then((loaded) => loaded[name](...values)).then(done);""",
                                                        module, function, arguments)

    def number(self, name):
        """The first one in a text, 1,234 without the comma."""
        found = re.search(r"\d[\d,.]*", self.text(name))
        return float(found[0].replace(",", "")) if found else None

    def rows(self):
        """(topic, id, payload) of each live event, newest first."""
        with contextlib.suppress(StaleElementReferenceException):
            return [tuple(row) for row in self.browser.run("""
                return [...document.querySelectorAll('#rows button:not(.rule)')].map(
                    (row) => ['topic', 'id', 'payload'].map((name) => row.querySelector('.' + name).textContent));""")]
        return []

    def wait_text(self, name, pattern):
        wait_until(lambda: re.search(pattern, self.text(name)), f"{name} shows {pattern}", 20)

    def wait_rows(self, expected_ids):
        wait_until(lambda: [row[1] for row in self.rows()] == expected_ids, f"the events {expected_ids} are shown", 20)

    def fill(self, **fields):
        for name, value in fields.items():
            field = self[name.replace("_", "-")]
            field.clear()
            field.send_keys(value)

    def publish(self, topic, event_id, payload='{"v": 1}'):
        self.fill(publish_topic=topic, publish_id=event_id, publish_payload=payload)
        self.browser.run("document.getElementById('verdict').textContent = ''")
        self["publish-form"].find_element(By.CSS_SELECTOR, ".main").click()

    def filter(self, **fields):
        self.fill(**{f"filter_{name}": value for name, value in fields.items()})
        self["filter-topic"].send_keys(Keys.ENTER)

    def press(self, *keys):
        for key in keys:
            self.browser.driver.switch_to.active_element.send_keys(key)

    def focused(self):
        return self.browser.run("return document.activeElement.id || document.activeElement.textContent")

    def top(self, name):
        """Cells of a top list, row by row."""
        return self.browser.run(f"""return [...document.querySelectorAll('#{name} tr')].map(
            (row) => [...row.children].map((cell) => cell.textContent));""")

    def wait_connected(self):
        self.wait_text("tail-state", "^Connected$")
        self.wait_text("state-text", "^Running$")


@pytest.fixture
def page(browser, sidecar):
    """Of the broker that this module's tests share. In the end nothing may have complained."""
    page = Page(browser, sidecar.url)
    page.wait_connected()
    yield page
    assert browser.complaints() == []


@pytest.fixture
def fresh(browser, park):
    """A page of a broker and a sidecar of the test's own, with both."""
    broker, sidecar = park.start()
    page = Page(browser, sidecar.url)
    page.wait_connected()
    return page, broker, sidecar


@contextlib.contextmanager
def loaded_before_the_page(browser, script):
    loaded = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
    try:
        yield
    finally:
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", loaded)


def test_an_event_that_comes_between_list_and_stream_is_shown_once(park, browser):
    _, sidecar = park.start()
    # Of the two requests the later one is held up.
    with loaded_before_the_page(browser, """
            const send = window.fetch;
            let count = 0;
            window.fetch = async (path, options) => {
              if (/^events(\\?|\\/stream)/.test(path) && ++count === 2) await new Promise((goOn) => { window.goOn = goOn; });
              return send(path, options);
            };"""):
        page = Page(browser, sidecar.url)
        wait_until(lambda: browser.run("return window.goOn !== undefined"), "the later request is held up")
        sidecar.publish(event("t", "between"))
        browser.run("window.goOn()")
        page.wait_rows(["between"])
        sidecar.publish(event("t", "behind"))
        page.wait_rows(["behind", "between"])


def test_an_empty_page_that_is_not_the_last_is_followed(park, browser):
    """As of a filter that few of many events meet."""
    _, sidecar = park.start()
    sidecar.publish([event("t", "older"), event("t", "newer")])
    with loaded_before_the_page(browser, """
            const send = window.fetch;
            let count = 0;
            window.fetch = async (path, options) => (/^events\\?/.test(path) && ++count === 1 ?
                new Response('[]', {headers: {Link: '<?limit=100&order=desc&before_seq=2>; rel="next"'}}) : send(path, options));"""):
        Page(browser, sidecar.url).wait_rows(["older"])


def test_nothing_yet(fresh):
    page, _, _ = fresh
    page.wait_text("event-rate", "^0$")
    assert (page.text("received"), page.text("duplicates")) == ("0 in all", "0 in all")
    assert page.text("journal-fill") == "0 %"
    assert page.text("share") == "–"
    page.wait_text("no-rows", r"^No events yet\.$")
    page.wait_text("no-topics", r"^No events yet\.$")
    page.wait_text("no-sources", r"^No duplicates yet\.$")
    assert page.browser.complaints() == []


def test_publish_see_it_arrive_and_its_duplicate_counted(fresh):
    page, broker, _ = fresh
    page.publish("hall/door", "a", '{"open": true, "n": 1.50}')
    page.wait_text("verdict", "^Processed: handed on and stored as event 1")
    page.wait_rows(["a"])
    assert page.rows() == [("hall/door", "a", '{"open":true,"n":1.50}')]
    page.wait_text("received", "^1 in all")

    page.publish("hall/door", "a", '{"open": true, "n": 1.50}')
    page.wait_text("verdict", "^Duplicate of event 1 received .*; not handed on")
    page.publish("hall/door", "a", '{"open": false}')
    page.wait_text("verdict", "^Conflict: its id is that of event 1")
    client = broker.connect(client_id="gateway-7")
    for _ in range(3):
        client.publish("hall/door", b'{"event_id":"a"}')
    page.wait_text("duplicates", "^5 in all")
    assert page.text("received") == "6 in all"
    assert page.text("share-of-all") == "now; 83 % in all"
    page.wait_rows(["a"])
    wait_until(lambda: page.top("top-topics") == [["hall/door", "6", "5", "83 %"]], "the topic is counted", 20)
    wait_until(lambda: ["gateway-7", "3"] in page.top("top-sources"), "the source is counted", 20)
    assert [count for _, count in page.top("top-sources")] == ["3", "2"]
    assert page.browser.complaints() == []


def test_rates_and_chart_follow_the_traffic(fresh):
    page, _, sidecar = fresh
    page.wait_text("event-rate", "^0$")
    for number in range(20):
        sidecar.publish([event("t", f"{number}-{i}") for i in range(50)] + [event("t", f"{number}-0")] * 50)
    wait_until(lambda: (page.number("event-rate") or 0) >= 100, "the rate rises", 20)
    page.wait_text("duplicate-rate", "[1-9]")
    page.wait_text("share", "^50 %$")
    page.wait_text("received", "^2,000 in all")
    page.wait_text("store-events", "^1,000 events; .* free$")
    assert page.browser.run("return document.querySelectorAll('#chart path.events, #chart path.duplicates').length") == 2
    wait_until(lambda: "2,000 events, 1,000 of them duplicates" in page["chart"].get_attribute("aria-label"), "the chart shows them", 20)


def test_big_numbers_and_many_events_stay_readable(fresh):
    page, _, sidecar = fresh
    sidecar.publish([event(f"t/{number % 100}", str(number)) for number in range(50_000)])
    page.wait_text("received", "^50,000 in all")
    wait_until(lambda: page.rows() and page.rows()[0][1] == "49999", "the newest event is shown", 20)
    assert len(page.rows()) == 100
    assert page.call("format", "formatCount", 1234567) == "1.23M"
    assert page.call("format", "formatBytes", 98765432109) == "98.8 GB"
    assert page.call("format", "formatRate", 0.25) == "0.3"
    wait_until(lambda: len(page.top("top-topics")) == 8, "the top list is filled", 20)
    # A hundred topics share 64 rows: counts are lower bounds then, and said to be.
    assert all(row[1].startswith("≥ ") for row in page.top("top-topics"))
    assert "≥: at least" in page.browser.run("return document.querySelector('.top-note').textContent")


def test_live_events_are_filtered(broker, sidecar, page, topic):
    sidecar.publish([event(f"{topic}/a/temp", "1", source="s"), event(f"{topic}/b/temp", "2"), event(f"{topic}/b", "3")])
    page.filter(topic=f"{topic}/+/temp")
    page.wait_rows(["2", "1"])
    sidecar.publish([event(f"{topic}/c/temp", "4", source="s"), event(topic, "5")])
    page.wait_rows(["4", "2", "1"])
    page.filter(topic=f"{topic}/#", source="s")
    page.wait_rows(["4", "1"])
    page.filter(topic=f"{topic}/#", source="", id="3")
    page.wait_rows(["3"])
    page.filter(topic=f"{topic}/#", source="nobody", id="")
    page.wait_rows([])
    page.wait_text("no-rows", r"^No event matches\.$")
    page.filter(topic=f"{topic}/#/x", source="")
    page.wait_text("tail-state", "topic")  # the sidecar's words
    assert "error" in page["tail-state"].get_attribute("class")
    page.browser.complaints()  # the browser notes the 400
    page.filter(topic="", source="")
    page.wait_text("tail-state", "^Connected$")


def test_paused_events_wait(sidecar, page, topic):
    page.filter(topic=topic)
    page.wait_text("tail-state", "^Connected$")
    sidecar.publish(event(topic, "1"))
    page.wait_rows(["1"])
    page["pause"].click()
    page.wait_text("tail-state", "^Paused$")
    page.wait_text("pause", "^Go on$")
    sidecar.publish([event(topic, "2"), event(topic, "3")])
    page.wait_text("received", f"^{sidecar.stats()['received']:,} in all")  # so the page has had its time
    assert len(page.rows()) == 1
    page["pause"].click()
    page.wait_rows(["3", "2", "1"])
    page.wait_text("pause", "^Pause$")


@pytest.mark.parametrize("payload, preview, title, shown", [
    (b'{"event_id":"x","payload":{"n":12345678901234567890,"f":1.50,"html":"<b>&"},"source":"gw","timestamp":"now"}',
     '{"n":12345678901234567890,"f":1.50,"html":"<b>&"}', "Payload",
     '{\n  "n": 12345678901234567890,\n  "f": 1.50,\n  "html": "<b>&"\n}'),
    ("grüß <i>dich</i>".encode(), "grüß <i>dich</i>", "The whole message, no JSON: 18 bytes", "grüß <i>dich</i>"),
    (b'{"event_id":"x","celsius":21.50}', '{"event_id":"x","celsius":21.50}', "Payload",
     '{\n  "event_id": "x",\n  "celsius": 21.50\n}'),
    (bytes(range(20)), "20 bytes", "The whole message, no JSON: 20 bytes",
     "000000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f  ................\n"
     "000010  10 11 12 13" + " " * 38 + "...."),
])
def test_detail_of_an_event(broker, page, topic, payload, preview, title, shown):
    page.filter(topic=topic)
    page.wait_text("tail-state", "^Connected$")
    broker.connect(version=V5).publish(topic, payload, properties=[("user_property", ("event_id", "x"))])
    page.wait_rows(["x"])
    assert page.rows() == [(topic, "x", preview)]
    page["rows"].find_element(By.TAG_NAME, "button").click()
    page.wait_text("detail-title", r"^Event \d+$")
    assert page.text("detail-payload-title") == title
    assert page.browser.run("return document.getElementById('detail-payload').textContent") == shown
    members = page.text("detail-members").split("\n")
    assert members[:4] == ["Topic", topic, "Event id", "x"]
    assert ("Source" in members) == (b"source" in payload)
    assert page["detail-message"].is_displayed() == payload.startswith(b"{")
    page["detail-close"].click()
    assert not page["detail"].is_displayed()


def test_the_message_as_published(broker, page, topic):
    page.filter(topic=topic)
    page.wait_text("tail-state", "^Connected$")
    payload = b'{ "event_id":"x",  "payload":1,"again":2,"again":3 }'
    broker.connect().publish(topic, payload)
    page.wait_rows(["x"])
    page["rows"].find_element(By.TAG_NAME, "button").click()
    page.wait_text("detail-title", r"^Event \d+$")
    assert page.text("detail-payload") == "1"
    assert not page["detail-message-bytes"].is_displayed()
    page["detail-message-title"].click()
    page.wait_text("detail-message-title", f"^The message as published: {len(payload)} bytes$")
    assert page.browser.run("return document.getElementById('detail-message-bytes').textContent") == payload.decode()
    page["detail-close"].click()


def test_a_message_that_has_gone_meanwhile(fresh):
    page, broker, sidecar = fresh
    sidecar.publish(event("t", "x", payload=1))
    page.wait_rows(["x"])
    page["rows"].find_element(By.TAG_NAME, "button").click()
    page.wait_text("detail-title", "^Event 1$")
    broker.terminate()
    with contextlib.closing(sqlite3.connect(broker.data_dir / "events.db", isolation_level=None)) as database:
        database.execute("DELETE FROM events")
    page["detail-message-title"].click()
    page.wait_text("detail-message-bytes", "^It cannot be shown: there is no event 1$")
    assert page.browser.complaints() != []  # the browser notes the 404


def test_all_of_it_by_keyboard(sidecar, page, topic):
    page.fill(publish_topic=topic, publish_id="k1")
    page.press(Keys.ENTER)
    page.wait_text("verdict", "^Processed")
    sidecar.publish(event(topic, "k2"))
    page["filter-topic"].send_keys(topic, Keys.ENTER)
    page.wait_rows(["k2", "k1"])
    page.press(*[Keys.TAB] * 5)  # the other fields, the button
    page.press(Keys.TAB)  # the list, which is one stop
    assert "k2" in page.focused()
    page.press(Keys.ARROW_DOWN)
    assert "k1" in page.focused()
    page.press(Keys.HOME)
    page.press(Keys.END)
    assert "k1" in page.focused()
    sidecar.publish(event(topic, "k3"))
    page.wait_rows(["k3", "k2", "k1"])
    assert "k1" in page.focused(), "new events must not take the focus away"
    page.press(Keys.ENTER)
    page.wait_text("detail-title", r"^Event \d+$")
    assert "k1" in page.text("detail-members")
    page.press(Keys.ESCAPE)
    wait_until(lambda: not page["detail"].is_displayed(), "Escape closes the detail", 10)
    assert "k1" in page.focused()


def test_every_control_is_reached_by_tab_and_has_a_name(page):
    wait_until(lambda: page.browser.run("return document.querySelectorAll('#rules button').length"), "rules are listed", 20)
    page.browser.run("document.activeElement.blur(); document.body.focus()")
    names = []
    for _ in range(40):
        page.press(Keys.TAB)
        if page.browser.run("return document.activeElement === document.body"):
            break
        names.append(page.browser.driver.switch_to.active_element.accessible_name)
        outline = page.browser.run("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", f"{names[-1]} shows no focus"
        if names[-1] == "Filter":
            break
    assert names[0] == "Skip to the events"
    assert names[1] == "Of the last" and names[2].startswith("In the last 5 minutes")
    topics, names = names[3:names.index("default")], names[names.index("default"):]
    assert set(topics) <= {button.accessible_name for button in page["top-topics"].find_elements(By.TAG_NAME, "button")}
    assert names[:2] == ["default", "Which rule takes a message?"]
    assert names[2:] == ["Topic", "Event id", "New id", "Source", "Payload, in JSON", "Publish", "Pause", "Topic", "Source",
                         "Event id", "Rule", "Rule\u2019s key", "Filter"]
    assert page["chart"].aria_role == "image" or page["chart"].get_attribute("role") == "img"
    assert page["journal-meter"].accessible_name == "Journal fill"


# Of each text and what lies behind it: (contrast by WCAG 2, text).
CONTRASTS = """
const parse = (color) => color.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const backgroundOf = (element) => {
  for (; element; element = element.parentElement) {
    const color = parse(getComputedStyle(element).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
return [...document.querySelectorAll('body *')]
    .filter((element) => element.checkVisibility() && ([...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) ||
        element.matches('input, textarea')))
    .map((element) => {
      const style = getComputedStyle(element);
      const color = parse(element.closest('svg') ? style.fill : style.color);
      const [a, b] = [luminance(color), luminance(backgroundOf(element))].sort((a, b) => b - a);
      return [(a + 0.05) / (b + 0.05), element.textContent || element.id];
    });
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_in_both_schemes(fresh, scheme):
    page, broker, sidecar = fresh
    page.browser.set_media(prefers_color_scheme=scheme)
    sidecar.publish([event("t", "1"), event("t", "1")])
    page.wait_rows(["1"])
    wait_until(lambda: page.top("top-sources"), "the top lists are there", 20)
    background = page.browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background)[:3])) > 384) == (scheme == "light")
    page.publish("t", "", "{}")  # the form refuses it
    page.publish("t", "2", "{")
    page.wait_text("verdict", "^The payload is no JSON")
    page.browser.run("document.getElementById('token-text').textContent = 'A token, please.';"
                     "document.getElementById('token-form').hidden = false")
    page["rows"].find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    page.wait_text("detail-title", "^Event 1$")
    contrasts = page.browser.run(CONTRASTS)
    assert len(contrasts) > 50
    assert [text for contrast, text in contrasts if contrast < 4.5] == []


def test_phone_needs_no_scrolling_sideways(fresh):
    page, broker, sidecar = fresh
    page.browser.set_size(PHONE)
    sidecar.publish([event(LONG_TOPIC, "i" * 256, source="s" * 200, payload="p" * 500)] * 2 + [event("t", "1")])
    client = broker.connect(client_id="c" * 23)
    client.publish("t", b'{"event_id":"1"}')
    wait_until(lambda: len(page.rows()) == 2 and len(page.top("top-sources")) == 2, "all is shown", 20)
    page.publish(LONG_TOPIC, "i" * 256)
    page.wait_text("verdict", "^Conflict")
    overflow = "return document.documentElement.scrollWidth"
    assert page.browser.run(overflow) == PHONE[0]
    page.call("detail", "showDetail", 1)
    page.wait_text("detail-title", "^Event 1$")
    assert page.browser.run(overflow) == PHONE[0]
    left, right = page.browser.run("""
        const box = document.getElementById('detail').getBoundingClientRect(); return [box.left, box.right];""")
    assert 0 <= left < right <= PHONE[0]
    # What a finger must hit.
    heights = page.browser.run("return [...document.querySelectorAll('main button')].filter((b) => b.checkVisibility() && b.className !== 'link')"
                               ".map((b) => b.getBoundingClientRect().height)")
    assert min(heights) >= 24


def test_no_motion_for_those_who_want_none(sidecar, page, topic):
    animation = "return getComputedStyle(document.querySelector('#rows li.new')).animationName"
    page.filter(topic=topic)
    page.wait_text("tail-state", "^Connected$")
    sidecar.publish(event(topic, "1"))
    page.wait_rows(["1"])
    assert page.browser.run(animation) == "arrive"
    page.browser.set_media(prefers_reduced_motion="reduce")
    assert page.browser.run(animation) == "none"


def test_many_tabs_do_not_starve_each_other(sidecar, page, topic):
    """Browsers have six connections to a server for all their tabs."""
    driver = page.browser.driver
    first = driver.current_window_handle
    try:
        for _ in range(7):
            driver.switch_to.new_window("tab")
            driver.get(page.url)
            page.wait_connected()
        page.publish(topic, "1")
        page.wait_text("verdict", "^Processed")
    finally:
        for handle in set(driver.window_handles) - {first}:
            driver.switch_to.window(handle)
            driver.close()
        driver.switch_to.window(first)
    page.filter(topic=topic)
    page.wait_rows(["1"])


def test_nobody_else_is_asked(page):
    page.browser.requested_urls()
    page.browser.driver.refresh()
    page.wait_connected()
    urls = page.browser.requested_urls()
    files = {path.name for path in (ROOT / "http_sidecar" / "page").iterdir()} - {"index.html"}
    assert {f"{page.url}page/{name}" for name in files} <= set(urls)
    assert [url for url in urls if not url.startswith((page.url, "data:"))] == []


def test_it_works_below_a_path_of_a_proxy(browser, sidecar, topic):
    with PrefixProxy(sidecar.port, "/tools/dedup/") as proxy:
        page = Page(browser, proxy.url)
        page.wait_connected()
        page.filter(topic=topic)
        page.publish(topic, "a", "{}")
        page.wait_text("verdict", "^Processed")
        page.wait_rows(["a"])
        assert browser.complaints() == []
        assert [url for url in browser.requested_urls() if not url.startswith((proxy.url, "data:"))] == []
        browser.open("about:blank")


def test_the_policy_lets_no_other_script_run(page):
    page.browser.run("""
        const script = document.createElement('script');
        script.textContent = 'window.intruded = true';
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.intruded = true">');""")
    page.wait_text("state-text", "^Running$")
    assert page.browser.run("return window.intruded") is None
    assert any("Content Security Policy" in complaint for complaint in page.browser.complaints())


def test_an_event_is_text_whatever_it_holds(broker, page, topic):
    page.filter(topic=f"{topic}/#")
    page.wait_text("tail-state", "^Connected$")
    markup = "<img src=x onerror=alert(1)>"
    broker.connect(client_id=f"c{markup}").publish(f"{topic}/{markup}", json.dumps({"event_id": markup, "payload": markup}).encode())
    page.wait_rows([markup])
    assert page.rows() == [(f"{topic}/{markup}", markup, json.dumps(markup))]
    assert page.browser.run("return document.querySelectorAll('main img').length") == 0


def test_sidecar_restarts(fresh):
    page, broker, sidecar = fresh
    sidecar.publish([event("t", str(number)) for number in range(3)])
    page.wait_rows(["2", "1", "0"])
    port = sidecar.port
    sidecar.kill()
    page.wait_text("state-text", "^The sidecar does not answer$")
    page.wait_text("tail-state", "trying again$")
    page.publish("t", "3")
    page.wait_text("verdict", "^Not published: the sidecar does not answer")
    broker.connect().publish("t", b'{"event_id":"meanwhile"}')
    sidecar._arguments = ["--http-port", str(port)]
    sidecar.start()
    page.wait_connected()
    page.wait_rows(["meanwhile", "2", "1", "0"])
    sidecar.publish(event("t", "after"))
    page.wait_rows(["after", "meanwhile", "2", "1", "0"])
    page.wait_text("received", "^5 in all")


def test_broker_away_is_said(fresh):
    page, broker, sidecar = fresh
    broker.kill()
    page.wait_text("state-text", "^No connection to the broker$")
    assert "bad" in page["state"].get_attribute("class")
    page.publish("t", "1")
    page.wait_text("verdict", "broker")
    assert "error" in page["verdict"].get_attribute("class")
    broker.start()
    page.wait_connected()


def test_refusal_is_shown_in_the_sidecars_words(page):
    page.publish("no/+/wildcard", "1")
    page.wait_text("verdict", "topic")
    assert "error" in page["verdict"].get_attribute("class")
    page.browser.complaints()  # the browser notes the 4xx


@pytest.fixture
def guarded(browser, park, tmp_path):
    """A page of a sidecar that asks for tokens, with their file."""
    tokens = TokenFile(tmp_path / "tokens", "all", "hall read:hall/#")
    broker = park.make_broker().start()
    sidecar = park.make_sidecar(broker, arguments=["--tokens", tokens.path]).start()
    Client(sidecar, tokens.tokens["all"]).post([event("hall/door", "h1"), event("vault/door", "v1")])
    return Page(browser, sidecar.url), tokens.tokens


def give_token(page, token):
    page.fill(token=token)
    page.press(Keys.ENTER)


def test_token_is_asked_for_kept_and_forgotten(guarded):
    page, tokens = guarded
    page.wait_text("token-text", "^This server asks for a token")
    assert not page["token-forget"].is_displayed()
    page.browser.complaints()  # the browser notes each 401
    time.sleep(2.5)
    assert page.browser.complaints() == [], "nothing is asked for while there is no token"
    give_token(page, "wrong")
    page.wait_text("token-text", "^The server does not take this token")
    give_token(page, tokens["all"])
    page.wait_connected()
    assert not page["token-form"].is_displayed()
    page.wait_rows(["v1", "h1"])
    page.publish("vault/door", "v2")
    page.wait_text("verdict", "^Processed")
    page.wait_rows(["v2", "v1", "h1"])
    page.browser.driver.refresh()
    page.wait_connected()
    page.wait_rows(["v2", "v1", "h1"])
    page.browser.complaints()
    assert page.browser.run("return document.documentElement.outerHTML").count(tokens["all"]) == 0


def test_token_that_may_not_do_all(guarded):
    page, tokens = guarded
    page.wait_text("token-text", "^This server asks for a token")
    give_token(page, tokens["hall"])
    page.wait_text("token-text", "^The token in use does not allow all of this page: .*read")
    page.wait_text("figures-as-of", "^Not shown without the right token$")
    page.wait_text("tail-state", "^Connected$")
    page.wait_rows(["h1"])
    page.publish("hall/door", "h2")
    page.wait_text("verdict", "publish")
    assert "error" in page["verdict"].get_attribute("class")
    page["token-forget"].click()
    page.wait_text("token-text", "^This server asks for a token")
    page.browser.complaints()


def test_without_tokens_there_is_no_field_for_one(page):
    assert not page["token-form"].is_displayed()
