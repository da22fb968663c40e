"""docs/grafana-dashboard.json asks for what GET /metrics has, in words that Prometheus understands."""

import json
import re
import subprocess

from tests.support.metrics import read_metrics
from tests.support.sidecar import ROOT, event

DASHBOARD = json.loads((ROOT / "docs" / "grafana-dashboard.json").read_text())
VARIABLES = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def test_every_metric_is_there_and_shown(park):
    _, sidecar = park.start()
    sidecar.publish(event("t", "a"))
    served = {name.partition("{")[0] for name in read_metrics(sidecar)}
    asked = {name for query in QUERIES for name in re.findall(r"mosquitto_dedup_(\w+)", query)}
    assert asked <= served
    # The sum of the requests' times says nothing beside their buckets.
    assert served - asked == {"build_info", "http_request_duration_seconds_sum"}


def test_every_query_is_one(tmp_path):
    variables = re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD))
    assert set(variables) <= VARIABLES | {"__rate_interval"}
    rules = [{"record": f"query:{number}", "expr": query.replace("$__rate_interval", "1m")}
             for number, query in enumerate(QUERIES)]
    path = tmp_path / "rules.json"  # JSON is YAML
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    checked = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr
    assert f"SUCCESS: {len(QUERIES)} rules found" in checked.stdout


def test_panels_have_numbers_of_their_own_and_do_not_overlap():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [(x, y) for place in (panel["gridPos"] for panel in panels)
             for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
