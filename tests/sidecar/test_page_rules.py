"""The dashboard's rules, in a real browser: the list, the report of one, and the form that explains a message."""

import json

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.sidecar.test_page import Page, browser  # noqa: F401 - a fixture
from tests.support.broker import wait_until
from tests.support.browser import PHONE

RULES = [
    {"name": "ble", "topics": ["ble/#"], "ignore_levels": [2], "key": ["/mac", "/n"], "window": "30s", "mode": "observe"},
    {"name": "mesh", "topics": ["msh/#"], "ignore_levels": [-1], "key": ["/from|pb:1.1", "/id|pb:1.6"], "window": "10m"},
    {"name": "device", "topics": ["plant/#"], "key": ["/device"], "window": "10m"},
]
EVIL = '<img src=x onerror=alert(1)>'


@pytest.fixture
def opened(browser, park, tmp_path):  # noqa: F811
    """The page, and a client of the broker."""
    tmp_path.chmod(0o755)
    rules_file = tmp_path / "rules.json"
    rules_file.write_text(json.dumps({"rules": RULES}))
    broker, sidecar = park.start(options={"rules_file": rules_file})
    page = Page(browser, sidecar.url)
    page.wait_connected()
    yield page, broker
    assert browser.complaints() == []


def publish_all(broker):
    gateways = [broker.connect(client_id=f"gateway-{number}") for number in (1, 2)]
    for n in range(3):
        for number, gateway in enumerate(gateways, 1):
            gateway.publish(f"ble/gw{number}/x", json.dumps({"mac": "A4:C1", "n": n, "rssi": -70 - number, "x": EVIL}).encode())
    for n in range(4):
        gateways[0].publish("msh/EU/gw1", b'{"from":1,"id":7}')
        gateways[0].publish("plant/1", b'{"device":"pump-7","at":%d}' % n)


def listed(page):
    """Cells of the rules, by name."""
    rows = page.browser.run("""return [...document.querySelectorAll('#rules tr:not(.note)')].map(
        (row) => [row.querySelector('button').textContent, ...[...row.children].slice(1).map((cell) => cell.textContent)]);""")
    return {name: cells for name, *cells in rows}


def test_live_events_show_their_rule_and_are_filtered_by_it(opened):
    page, broker = opened
    client = broker.connect()
    client.publish("t", b'{"event_id":"a"}')
    client.publish("msh/EU/gw1", b'{"from":1,"id":7}')
    client.publish("plant/1", b'{"device":"pump-7"}')
    page.wait_rows(["pump-7", "1|7", "a"])

    def tags():
        return page.browser.run("return [...document.querySelectorAll('#rows li')].map((row) => row.querySelector('.rule')?.textContent ?? '')")

    assert tags() == ["device", "mesh", ""]
    page["rows"].find_elements(By.CSS_SELECTOR, ".rule")[1].click()
    page.wait_rows(["1|7"])
    assert page["filter-rule"].get_attribute("value") == "mesh"
    page.filter(rule="default")
    page.wait_rows(["a"])
    page.filter(rule="", key="pump-7")
    page.wait_rows(["pump-7"])
    # By keyboard: from the event's dialog.
    page["tail"].find_element(By.CSS_SELECTOR, "[tabindex='0']").send_keys(Keys.ENTER)
    page.wait_text("detail-members", "(?s)Rule.device.Key.pump-7")
    assert "Event id" not in page.text("detail-members")
    page["detail-rule"].click()
    page.wait_rows(["pump-7"])
    assert (page["filter-rule"].get_attribute("value"), page["filter-key"].get_attribute("value")) == ("device", "")
    assert page.focused() == "tail"
    open_rule(page, "mesh")
    page["rule-events"].click()
    page.wait_rows(["1|7"])
    page.filter(rule="")
    page.wait_rows(["pump-7", "1|7", "a"])
    page["rows"].find_elements(By.CSS_SELECTOR, "li")[2].click()
    page.wait_text("detail-title", "^Event 1$")
    assert not page["detail-rule"].is_displayed()


def open_rule(page, name):
    page.browser.run("""[...document.querySelectorAll('#rules button')].find(
        (button) => button.textContent === arguments[0]).click();""", name)
    page.wait_text("rule-title", f"^Rule {name}$")


def explain(page, **fields):
    page.browser.run("document.getElementById('explain').open = true; document.getElementById('explain-verdict').textContent = ''")
    page.fill(**{f"explain_{name}": value for name, value in fields.items() if name != "client_id"})
    if "client_id" in fields:
        page["explain-client_id"].send_keys(fields["client_id"])
    page["explain-form"].find_element(By.CSS_SELECTOR, ".main").click()
    wait_until(lambda: page.text("explain-verdict"), "there is a verdict")


def test_rules_are_listed_with_what_to_beware_of(opened):
    page, broker = opened
    publish_all(broker)
    # Messages, without a key, handed on, duplicates, conflicts.
    wait_until(lambda: listed(page).get("device") == ["4", "0", "1", "3", "3"], f"the rules are counted: {listed(page)}", 20)
    assert listed(page)["mesh"] == ["4", "0", "1", "3", "0"]
    assert listed(page)["ble"] == ["6", "0", "0", "0", "–"]
    assert list(listed(page)) == ["ble", "mesh", "device", "default"]
    assert "only observes" in page.text("rules")
    assert page.text("rules").count("does the key name a device, not an event?") == 1


def test_the_report_of_a_rule(opened):
    page, broker = opened
    publish_all(broker)
    wait_until(lambda: listed(page).get("ble", ["0"])[0] == "6", "the rule has seen all", 20)
    open_rule(page, "ble")
    report = page.text("rule-observations")
    for expected in ("3 of 6 messages (50 %) would not be handed on", "0 the same, 3 another one", "/rssi", "A4:C1|2",
                     "First on ble/gw1/x from gateway-1", "Copy on ble/gw2/x from gateway-2", '"rssi": -72', EVIL):
        assert expected in report, report
    assert "30 s" in page.text("rule-members") and "observe: it touches nothing" in page.text("rule-members")
    page["rule-close"].click()
    open_rule(page, "mesh")
    assert "1 handed on, 3 duplicates not" in page.text("rule-members")
    assert "0 of 3 duplicates compared" in page.text("rule-members")
    assert page.text("rule-observations") == ""
    page["rule-close"].click()


def test_a_message_is_explained(opened):
    page, broker = opened
    explain(page, topic="msh/EU/gw1", payload='{"from":1,"id":7}')
    assert page.text("explain-verdict") == "New: rule mesh makes the key 1|7; it would be handed on."
    publish_all(broker)
    explain(page, topic="msh/EU/gw2", payload='{"from":1,"id":7}')
    assert page.text("explain-verdict").startswith("Duplicate: rule mesh makes the key 1|7, which event 1 has")
    asked = page.text("explain-asked")
    assert "topic as far as it counts: msh/EU/+" in asked
    assert "/from|pb:1.1: number in /from, 1" in asked
    explain(page, topic="other", payload=EVIL)
    assert page.text("explain-verdict").startswith("No event: no rule that decides makes a key")
    assert "default makes no key: property:event_id|/event_id is missing" in page.text("explain-asked")


def test_bytes_properties_and_the_client_are_explained(opened):
    page, _ = opened
    page.browser.run("document.getElementById('explain').open = true")
    page["explain-hex"].click()
    explain(page, topic="msh/EU/gw1", payload="0a 04 08 01 30 07", client_id="c", username="u", properties="event_id: a:b")
    assert page.text("explain-verdict").startswith("New: rule mesh makes the key 1|7")
    explain(page, topic="other", payload="")
    assert page.text("explain-verdict").startswith("New: rule default makes the key a:b")
    explain(page, topic="other", payload="0a0")
    assert page.text("explain-verdict") == "The payload is no hex: two digits for each byte are expected."
    explain(page, topic="other", payload="", properties="nonsense")
    assert "A user property is a line" in page.text("explain-verdict")
    explain(page, topic="a/#", payload="", properties="")
    assert "without wildcards" in page.text("explain-verdict")
    assert len(page.browser.complaints()) == 1, "the browser's, of the answer 422"


def test_on_a_phone_nothing_is_cut_off(opened):
    page, broker = opened
    publish_all(broker)
    wait_until(lambda: listed(page).get("ble", ["0"])[0] == "6", "the rule has seen all", 20)
    page.browser.set_size(PHONE)
    explain(page, topic="msh/EU/" + "gateway-with-a-long-name" * 8, payload=json.dumps({"from": 1, "id": "x" * 300}))
    width = "return Math.max(document.documentElement.scrollWidth, document.getElementById('rule').scrollWidth)"
    assert page.browser.run(width) == PHONE[0]
    open_rule(page, "ble")
    assert page.browser.run(width) == PHONE[0]
    page["rule-close"].click()
