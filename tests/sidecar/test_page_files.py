"""GET / and the page's files, as programs and browsers ask for them. What the page does: test_page.py."""

import pytest

from tests.support.sidecar import ROOT

SCRIPTS = sorted((ROOT / "http_sidecar" / "page").glob("*.js"))
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}, {"Accept": "application/json"}])
def test_programs_get_json(sidecar, headers):
    response = sidecar.request("GET", "/", headers=headers)
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Vary"] == "Accept"
    assert response.json["status"] == "running"


@pytest.mark.parametrize("path, content_type", [
    ("/", "text/html; charset=utf-8"), ("/page/index.html", "text/html; charset=utf-8"),
    ("/page/dashboard.css", "text/css; charset=utf-8"),
    *((f"/page/{script.name}", "text/javascript; charset=utf-8") for script in SCRIPTS),
])
def test_browsers_get_files_under_a_strict_policy(sidecar, path, content_type):
    response = sidecar.request("GET", path, headers=BROWSER)
    assert (response.status, response.headers["Content-Type"]) == (200, content_type)
    policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert b"<script>" not in response.body and b"style=" not in response.body


def test_files_are_not_sent_again_to_those_who_have_them(sidecar):
    tags = set()
    for path in ("/", "/page/dashboard.css", "/page/dashboard.js"):
        first = sidecar.request("GET", path, headers=BROWSER)
        assert first.headers["Cache-Control"] == "no-cache"
        tags.add(first.headers["ETag"])
        again = sidecar.request("GET", path, headers={**BROWSER, "If-None-Match": first.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")
        assert sidecar.request("GET", path, headers={**BROWSER, "If-None-Match": '"other"'}).body == first.body
        assert sidecar.request("HEAD", path, headers=BROWSER).headers["Content-Length"] == str(len(first.body))
    assert len(tags) == 3


@pytest.mark.parametrize("path", ["/page/other.js", "/page/", "/page", "/page/..%2Findex.html", "/page/dashboard.js/x"])
def test_other_files_are_not_there(sidecar, path):
    assert sidecar.get(path).status == 404
