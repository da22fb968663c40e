"""/openapi.json says what the sidecar does: every path, method, parameter and problem, and every example is true."""

import concurrent.futures
import contextlib
import gzip
import json
import re
import urllib.parse

import jsonschema
import pytest

from tests.support.broker import wait_until
from tests.support.loss import lose_an_event
from tests.support.openapi import Description
from tests.support.sidecar import ROOT, Response, event
from tests.support.tokens import Client, TokenFile

SOURCES = ROOT / "http_sidecar"
# What depends on the machine and the moment; of these an example tells only the type.
VOLATILE = {"uptime", "uptime_seconds", "journal_used_bytes", "disk_free_bytes", "since", "lost_at", "client_id", "known", "publish", "fsync",
            "events_per_s", "duplicates_per_s", "refused_per_s"}
# Of HTTP itself.
COMMON_HEADERS = {"connection", "content-length", "content-type", "date", "keep-alive", "transfer-encoding",
                  "x-content-type-options"}


@pytest.fixture(scope="module")
def description(shared_park):
    return Description(shared_park.parts[1].get("/openapi.json").json)


def test_it_is_the_file_with_the_version_in_it(sidecar):
    version = sidecar.get("/").json["version"]
    response = sidecar.get("/openapi.json")
    assert response.headers["Content-Type"] == "application/json"
    assert response.body.decode() == (SOURCES / "endpoints" / "openapi.json").read_text().replace("@PROJECT_VERSION@", version)


def test_paths_and_methods_are_those_that_there_are(sidecar, description):
    endpoints = ["/", *sidecar.get("/").json["available_endpoints"]]
    allowed = {path: {method for method in sidecar.request("OPTIONS", path).headers["Allow"].split(", ")} for path in endpoints}
    described = {}
    for operation in description.operations():
        methods = described.setdefault(operation.path, {"OPTIONS"})
        methods |= {"GET", "HEAD"} if operation.method == "GET" else {operation.method}
    assert described == allowed


def test_parameters_are_those_that_the_code_knows(sidecar, description):
    code = "\n".join(path.read_text() for path in SOURCES.rglob("*.cpp"))
    parameters = [parameter for operation in description.operations() for parameter in operation.parameters()]

    def described(place):
        return {parameter["name"] for parameter in parameters if parameter["in"] == place}

    for operation in description.operations():
        answer = sidecar.request(operation.method, f"{operation.path}?no-such=1", b"[]" if operation.method == "POST" else None)
        names = {parameter["name"] for parameter in operation.parameters() if parameter["in"] == "query"}
        if answer.status == 400:
            assert set(answer.detail.partition("expected ")[2].split(", ")) == (names or {"none"})
        else:
            assert not names
    attributes = {name for name in described("header") if name.startswith("ce-")}
    # The type of a body or an answer is not described as a parameter, by OpenAPI's rules, nor are credentials.
    assert described("header") - attributes == {
        *re.findall(r'request\.header\("([\w-]+)"\)', code), "Content-Encoding"} - {"Accept", "ce-id"}


def test_limits_of_parameters_are_those_of_the_code(sidecar, description):
    tried = 0
    for operation in description.operations():
        body = b"[]" if operation.method == "POST" else None
        for parameter in operation.parameters():
            schema = description.resolve(parameter["schema"])
            good, bad = values_at_the_limits(schema)
            if parameter["in"] != "query" or not bad:
                continue
            tried += 1

            def ask(value):
                query = urllib.parse.urlencode({parameter["name"]: value})
                return sidecar.request(operation.method, f"{operation.path}?{query}", body)

            for value in good if operation.path != "/events/stream" else []:
                assert ask(value).status == 200, (str(operation), parameter["name"], value)
            for value in bad:
                assert ask(value).detail.startswith(f"{parameter['name']} takes "), (str(operation), value)
    assert tried >= 10


def values_at_the_limits(schema):
    """(accepted, refused)"""
    if "enum" in schema:
        return schema["enum"], ["nonsense", ""]
    if schema.get("type") == "boolean":
        return ["true", "false"], ["1", ""]
    if schema.get("type") == "integer":
        limits = [schema[name] for name in ("minimum", "maximum") if name in schema]
        return limits, ["x", "", schema["minimum"] - 1, *([schema["maximum"] + 1] if "maximum" in schema else [])]
    if schema.get("type") == "string" and ("pattern" in schema or "minLength" in schema):
        return [], [""]
    return [], []


def test_problem_types_are_those_of_the_code(description):
    described = {(kind["const"].rpartition(":")[2], int(kind["description"][:3]))
                 for kind in description.document["components"]["schemas"]["Problem"]["properties"]["type"]["oneOf"]}
    in_code = {(name, int(status)) for status, name in
               re.findall(r'ProblemType k\w+\{\s*(\d+),\s*"([\w-]+)"', (SOURCES / "base" / "problem.h").read_text())}
    assert len(in_code) >= 20
    assert described == in_code


@pytest.mark.parametrize("method, path, headers", [("PUT", "/events", {"allow"}), ("GET", "/nope", set())])
def test_errors_that_are_of_no_operation(sidecar, description, method, path, headers):
    described = description.document["components"]["responses"]["Problem"]
    response = sidecar.request(method, path)
    description.check(response.problem, described["content"]["application/problem+json"]["schema"])
    assert {name.lower() for name in response.headers} - COMMON_HEADERS == headers
    assert headers <= {name.lower() for name in described["headers"]}


def test_tokens_are_asked_for_where_it_says_so(park, description):
    for operation in description.operations():
        response = without_a_token(park, operation)
        assert (response.status == 401) == (operation.node.get("security") != []), str(operation)


# --- the examples that are requests ---

def mask(value, name=None):
    """Without what differs from one time to another."""
    if name in VOLATILE:
        return type(value).__name__
    if isinstance(value, dict):
        return {key: mask(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [mask(item) for item in value]
    if not isinstance(value, str):
        return value
    value = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME", value)
    value = re.sub(r"127\.0\.0\.1:\d+", "ADDRESS", value)
    value = re.sub(r'^"\w+"$', "ETAG", value)
    return re.sub(r"(/[\w.-]+)+/(?=events\.)", "DIRECTORY/", value)


def send(sidecar, operation, name, accept):
    values, media_type, body = operation.request(name)
    path = operation.path
    for key, value in values["path"].items():
        path = path.replace("{%s}" % key, str(value))
    if values["query"]:
        query = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values["query"].items()}
        path += "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
    headers = {key: str(value) for key, value in values["header"].items()}
    if accept:
        headers["Accept"] = accept
    if media_type:
        headers["Content-Type"] = media_type
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.compress(body)
    if accept != "text/event-stream":
        return sidecar.request(operation.method, path, body, headers)
    with contextlib.closing(sidecar.connect()) as connection:
        connection.request(operation.method, path, headers=headers)
        response = connection.getresponse()
        received = b""
        while received.count(b"\n\n") < 2:
            received += response.fp.readline() or pytest.fail(f"ended after {received}")
        return Response(response.status, response.headers, received)


def check_request(description, operation, name):
    values, media_type, body = operation.request(name)
    for parameter in operation.parameters():
        if parameter["name"] in values[parameter["in"]]:
            description.check(values[parameter["in"]][parameter["name"]], parameter["schema"])
        else:
            assert not parameter.get("required")
    if media_type and "x-itemSchema" not in operation.bodies()[media_type]:
        description.check(body, operation.bodies()[media_type]["schema"])


def check_answer(description, operation, response, name, status, media_type, value):
    assert response.status == status, response.body
    headers = {header.lower(): text for header, text in response.headers.items() if header.lower() not in COMMON_HEADERS}
    described = operation.headers(status)
    assert headers.keys() <= described.keys()
    for header, node in described.items():
        if header in headers:
            description.check(headers[header], node["schema"])
        if name in node.get("examples", {}):
            assert mask(headers[header]) == mask(node["examples"][name]["value"])
    if media_type is None:
        assert response.body == b""
        return
    assert response.headers["Content-Type"] == media_type
    content = operation.response_to(status)["content"][media_type]
    if media_type.endswith("json") and "x-itemSchema" not in content:
        description.check(response.json, content["schema"])
        assert mask(response.json) == mask(value)
        return
    text = response.body.decode()
    if "x-itemSchema" in content:
        for line in text.splitlines():
            description.check(json.loads(line), content["x-itemSchema"])
    if media_type.startswith("text/plain"):
        assert set(value.splitlines()) <= set(text.splitlines())  # an excerpt
    else:
        assert mask(text) == mask(value)


def in_order_of_requests(operation):
    """The bodies' order tells the story where there are some."""
    order = [name for content in operation.bodies().values() for name in content["examples"]]
    return sorted(operation.answers(), key=lambda answer: order.index(answer[0]) if answer[0] in order else len(order))


def test_every_example_of_a_request_gets_the_answer_that_has_its_name(park, description):
    _, sidecar = park.start()
    played, asked = set(), set()
    for operation in description.operations():
        if operation.path == "/rules":
            wait_until(lambda: all(rule["compared"] == rule["duplicates"] for rule in sidecar.get("/rules").json["rules"]),
                       "all duplicates are compared")
        for name, status, media_type, value in in_order_of_requests(operation):
            if name in PROVOKED:
                continue
            played.add(name)
            try:
                check_request(description, operation, name)
                check_answer(description, operation, send(sidecar, operation, name, media_type), name, status, media_type, value)
            except (AssertionError, jsonschema.ValidationError) as error:
                raise AssertionError(f"{operation}, {name}: {error}") from error
        for node in [*operation.parameters(), *operation.bodies().values()]:
            asked |= node.get("examples", {}).keys()
    assert asked <= played, "examples of requests that no answer belongs to"
    assert len(played) >= 20


# --- the examples that take more than a request ---

def gone_broker(park):
    broker, sidecar = park.start()
    broker.terminate()
    wait_until(lambda: b"Connection refused" in sidecar.get("/healthz").body, "the sidecar has tried again")
    return sidecar


def key_in_use(park, _):
    broker, sidecar = park.start()
    sidecar.publish(event("t", "warm"))
    with concurrent.futures.ThreadPoolExecutor() as pool, contextlib.ExitStack() as frozen:
        frozen.enter_context(broker.frozen())
        requests = [pool.submit(sidecar.post, event("t", "a"), {"Idempotency-Key": "k"}) for _ in range(2)]
        return next(concurrent.futures.as_completed(requests)).result()


def forbidden_by_broker(park, _):
    broker = park.make_broker()
    acl = broker.directory / "acl"
    acl.write_text("topic readwrite $CONTROL/#\n")
    broker.config = f"acl_file {acl}"
    return park.make_sidecar(broker.start()).start().post(event("t", "a"))


def with_tokens(park, name_and_scopes):
    """A client whose token has these scopes."""
    broker = park.make_broker().start()
    file = TokenFile(broker.directory / "tokens", name_and_scopes)
    sidecar = park.make_sidecar(broker, arguments=["--tokens", file.path]).start()
    return Client(sidecar, *file.tokens.values())


def without_a_token(park, operation, token=None):
    body = "[]" if operation.method == "POST" else None
    return Client(with_tokens(park, "gateway-7")._sidecar, token).request(
        operation.method, plain(operation.path), body)


def plain(path):
    """With values in place of what stands in braces."""
    return path.replace("{seq}", "1").replace("{name}", "default")


def too_many_watchers(park, _):
    _, sidecar = park.start()
    with contextlib.ExitStack() as watchers:
        for _ in range(1000):
            connection = sidecar.connect()
            connection.request("GET", "/events/stream")
            assert watchers.enter_context(connection.getresponse()).status == 200
        return sidecar.get("/events/stream")


def after_a_loss(park, operation):
    broker, sidecar = park.start()
    lose_an_event(broker, sidecar)
    return sidecar.get(operation.path)


PROVOKED = {
    "invalid-parameter": lambda park, _: park.start()[1].request("POST", "/publish?qos=3", "[]"),
    "invalid-limit": lambda park, _: park.start()[1].get("/events?limit=0"),
    "too-large": lambda park, _: park.start()[1].post(b" " * (17 << 20)),
    "unsupported-encoding": lambda park, _: park.start()[1].post(b"[]", {"Content-Encoding": "br"}),
    "token-missing": without_a_token,
    "token-unknown": lambda park, operation: without_a_token(park, operation, "nonsense"),
    "may-not-read": lambda park, operation: with_tokens(park, "gateway-7 publish:#").get(
        plain(operation.path)),
    "may-not-read-everything": lambda park, operation: with_tokens(park, "gateway-7 read:fleet/#").request(
        operation.method, operation.path, "{}" if operation.method == "POST" else None),
    "may-not-publish": lambda park, _: with_tokens(park, "gateway-7 publish:fleet/#").post(event("doors/1", "a")),
    "foreign-page": lambda park, _: park.start()[1].post(event("t", "a"), {"Sec-Fetch-Site": "cross-site"}),
    "idempotency-key-in-use": key_in_use,
    "forbidden-by-broker": forbidden_by_broker,
    "too-many-watchers": too_many_watchers,
    "broker-unavailable": lambda park, operation: gone_broker(park).request(
        operation.method, plain(operation.path), json.dumps(event("t", "a")) if operation.method == "POST" else None),
    "after-a-loss": after_a_loss,
    "not-ready": lambda park, operation: gone_broker(park).get(operation.path),
    "without-the-broker": lambda park, _: gone_broker(park).get("/readyz"),
    "store-unavailable": lambda park, operation: park.make_sidecar(park.make_broker()).start(connected=False).get(
        plain(operation.path)),
}


@pytest.mark.parametrize("name", PROVOKED)
def test_example_of_what_must_be_provoked_is_what_comes(park, description, name):
    found = [(operation, answer) for operation in description.operations() for answer in operation.answers()
             if answer[0] == name]
    assert found
    for operation, answer in found:
        check_answer(description, operation, PROVOKED[name](park, operation), *answer)
