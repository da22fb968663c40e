"""docker-compose.yml as its users meet it: real images, published ports, restarts, kill -9. Needs a Docker engine."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import pytest

from tests.support.ports import free_port

CHECKOUT = pathlib.Path(__file__).parents[2]
SERVICES = ("broker", "http")


def run(*command, timeout=60):
    done = subprocess.run(command, cwd=CHECKOUT, text=True, capture_output=True, timeout=timeout)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def wait_until(what, is_so, seconds=120):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def compose_command():
    has_v2 = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
    return ("docker", "compose") if has_v2 else ("docker-compose",)


class Stack:
    """Both containers, under a project name of their own and on free ports."""

    def __init__(self):
        self.mqtt_port, self.http_port = str(free_port()), str(free_port())
        os.environ.update(
            COMPOSE_PROJECT_NAME="dedup-test", MQTT_PORT=self.mqtt_port, HTTP_PORT=self.http_port,
            BIND_ADDRESS="127.0.0.1")
        self.compose_command = compose_command()

    def compose(self, *arguments, timeout=120):
        return run(*self.compose_command, *arguments, timeout=timeout)

    def container(self, service):
        return self.compose("ps", "--all", "--quiet", service)

    def inspect(self, service):
        return json.loads(run("docker", "inspect", self.container(service)))[0]

    def execute(self, service, shell_command):
        return run("docker", "exec", self.container(service), "sh", "-c", shell_command)

    def logs(self):
        return self.compose("logs", "--no-color", "--tail", "50")

    def up(self):
        self.compose("up", "--detach")
        self.wait_until_healthy()

    def wait_until_healthy(self):
        for service in SERVICES:
            wait_until(f"{service} is healthy", lambda: self.inspect(service)["State"]["Health"]["Status"] == "healthy")
        wait_until("the sidecar has reached the broker", self.answers)

    def publish(self, topic, payload, *options):
        run("mosquitto_pub", "-p", self.mqtt_port, "-t", topic, "-m", payload, *options)

    def http(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", data, timeout=10) as answer:
            return json.load(answer)

    def answers(self):
        with contextlib.suppress(OSError):  # refused, or an HTTP error
            return self.http("/healthz")["status"] == "ok"

    @contextlib.contextmanager
    def deliveries(self):
        """Within it a subscriber listens to all topics; after it, the list given holds the payloads that it got."""
        command = f"stdbuf --output=L mosquitto_sub -d -p {self.mqtt_port} -t # -W 60 -F".split() + ["got %p"]
        with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as subscriber:
            try:
                assert any(line.startswith("Subscribed") for line in subscriber.stdout)
                payloads = []
                yield payloads
                self.publish("end", "of story")  # no event, so it arrives, after all that came before it
                for line in iter(subscriber.stdout.readline, "got of story\n"):
                    assert line, "the subscriber got no end of the story"
                    if line.startswith("got "):
                        payloads.append(line[4:-1])
            finally:
                subscriber.kill()


@pytest.fixture(scope="module")
def stack():
    stack = Stack()
    stack.compose("down", "--volumes")  # what a killed run may have left
    stack.compose("build", timeout=900)
    try:
        stack.up()
        yield stack
    finally:
        print(stack.logs())  # shown when it did not come up
        stack.compose("down", "--volumes")


@pytest.fixture(autouse=True)
def logs_of_a_failed_test(stack, request):
    failed_before = request.session.testsfailed
    yield
    if request.session.testsfailed > failed_before:
        print(stack.logs())


def event(event_id, **members):
    return {"topic": "sensor/1", "event_id": event_id, "timestamp": "2025-01-01T00:00:00Z", **members}


def counters(stack):
    return {name: stack.http("/stats")[name] for name in ("received", "unique_processed", "duplicate_dropped")}


def assert_known(stack, event_id):
    """The event is a duplicate on both ways in, and is listed once."""
    before = counters(stack)
    with stack.deliveries() as payloads:
        stack.publish("sensor/1", json.dumps(event(event_id)), "-q", "1")
        answer = stack.http("/publish", event(event_id))
    assert payloads == []
    assert (answer["processed"], answer["duplicates"]) == ([], 1)
    assert [row["event_id"] for row in stack.http("/events?topic=sensor/1")].count(event_id) == 1
    assert counters(stack) == {**before, "received": before["received"] + 2,
                               "duplicate_dropped": before["duplicate_dropped"] + 2}


def test_an_event_published_three_times_arrives_once(stack):
    payload = json.dumps(event("three times"))
    with stack.deliveries() as payloads:
        for qos in "012":
            stack.publish("sensor/1", payload, "-q", qos)
    assert payloads == [payload]
    assert_known(stack, "three times")


def test_an_event_posted_arrives_by_mqtt(stack):
    with stack.deliveries() as payloads:
        answer = stack.http("/publish", [event("posted"), event("posted"), event("posted too")])
    assert (answer["processed"], answer["duplicates"]) == (["posted", "posted too"], 1)
    assert [json.loads(payload)["event_id"] for payload in payloads] == ["posted", "posted too"]
    assert_known(stack, "posted")


def test_browsers_get_the_dashboard(stack):
    url = f"http://127.0.0.1:{stack.http_port}/"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": "text/html"}), timeout=10) as answer:
        page = answer.read().decode()
    for path in re.findall(r'(?:href|src)="(page/[^"]+)"', page):
        with urllib.request.urlopen(url + path, timeout=10) as answer:
            assert answer.status == 200
    assert "page/dashboard.js" in page


def test_new_containers_on_the_old_volume_go_on(stack):
    stack.http("/publish", event("before the restart"))
    before = counters(stack)
    start = time.monotonic()
    stack.compose("stop")
    assert time.monotonic() - start < 15
    assert {service: stack.inspect(service)["State"]["ExitCode"] for service in SERVICES} == {"broker": 0, "http": 0}
    stack.compose("down")
    stack.up()
    assert counters(stack) == before
    assert_known(stack, "before the restart")


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_container_comes_back_and_goes_on(stack, service):
    stack.http("/publish", event(f"before {service} was killed"))
    before = counters(stack)
    pid = stack.inspect(service)["State"]["Pid"]
    # From a container that sees all processes: `docker kill` would count as the operator's wish, and end it for good.
    run("docker", "run", "--rm", "--pid=host", "debian:bookworm-slim", "sh", "-c", f"kill -9 {pid}")
    wait_until(f"{service} runs again", lambda: stack.inspect(service)["RestartCount"] == 1)
    stack.wait_until_healthy()
    assert counters(stack) == before
    assert_known(stack, f"before {service} was killed")


@pytest.mark.parametrize("service", SERVICES)
def test_containers_can_do_no_more_than_they_need(stack, service):
    assert stack.execute(service, "id -u") == "1883"
    assert stack.execute(service, "touch /etc/x 2>&1 || true").endswith("Read-only file system")
    status = dict(line.split(":\t") for line in stack.execute(service, "cat /proc/1/status").splitlines())
    assert int(status["CapBnd"], 16) == 0 and status["NoNewPrivs"] == "1"
    bindings = stack.inspect(service)["NetworkSettings"]["Ports"].values()
    assert [binding["HostIp"] for binding, in bindings] == ["127.0.0.1"]


def test_beyond_this_machine_the_sidecar_wants_tokens(stack, tmp_path):
    image = stack.inspect("http")["Image"]

    def start(*options):
        return subprocess.run(["docker", "run", "--rm", *options, image, "--http-port", "0"], timeout=60, text=True,
                              capture_output=True)

    for options in ([], ["--env", "BIND_ADDRESS=0.0.0.0"]):
        refused = start(*options)
        assert refused.returncode == 2
        assert "--tokens FILE" in refused.stderr
    tokens = tmp_path / "tokens"
    tokens.write_text("nonsense\n")
    refused = start("--env", "BIND_ADDRESS=127.0.0.1", "--volume", f"{tokens}:/run/tokens:ro")
    assert refused.returncode == 1
    assert "/run/tokens:1:" in refused.stderr
    # What docker makes of a file that is not there.
    missing = tmp_path / "missing"
    missing.mkdir()
    refused = start("--env", "BIND_ADDRESS=127.0.0.1", "--volume", f"{missing}:/run/tokens:ro")
    assert refused.returncode == 1
    assert "cannot read the token file /run/tokens" in refused.stderr


@pytest.fixture
def tokens_variable():
    yield lambda path: os.environ.update(TOKENS=path)
    os.environ.pop("TOKENS", None)


def make_tokens(stack, path):
    """Writes a token file that everybody may read; returns the token."""
    made = subprocess.run(["docker", "run", "--rm", stack.inspect("http")["Image"], "--new-token", "me"], timeout=60,
                          text=True, capture_output=True, check=True)
    path.write_text(made.stdout)
    path.chmod(0o644)
    return made.stderr.split()[-1]


def assert_token_is_asked_for(stack, token):
    with pytest.raises(urllib.error.HTTPError, match="401"):
        stack.http("/events")
    request = urllib.request.Request(f"http://127.0.0.1:{stack.http_port}/events",
                                     headers={"Authorization": "Bearer " + token})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def test_tokens_come_from_a_file(stack, tmp_path, tokens_variable):
    token = make_tokens(stack, tmp_path / "tokens")
    tmp_path.chmod(0o755)
    tokens_variable(str(tmp_path / "tokens"))
    try:
        stack.up()
        assert_token_is_asked_for(stack, token)
    finally:
        tokens_variable("")
        stack.up()


def test_tokens_file_beside_the_compose_file_needs_no_slash(stack, tokens_variable):
    """Or, where compose wants the whole path, it says so; it is not taken for the name of a volume."""
    with tempfile.NamedTemporaryFile(dir=CHECKOUT, prefix="tokens-of-a-test-") as file:
        path = pathlib.Path(file.name)
        token = make_tokens(stack, path)
        tokens_variable(path.name)
        try:
            if stack.compose_command == ("docker-compose",):  # version 1
                with pytest.raises(AssertionError, match=f"(?s){path.name}.*must be absolute"):
                    stack.compose("up", "--detach", "http")
                tokens_variable(f"./{path.name}")
            stack.up()
            assert_token_is_asked_for(stack, token)
        finally:
            tokens_variable("")
            stack.up()


def test_tokens_file_that_is_not_there_is_told(stack, tmp_path, tokens_variable):
    """It is not made, as an empty directory."""
    tokens_variable(str(tmp_path / "none"))
    try:
        with pytest.raises(AssertionError, match=f"{tmp_path}/none"):
            stack.compose("up", "--detach", "http")
        assert not (tmp_path / "none").exists()
    finally:
        tokens_variable("")
        stack.up()


def test_options_of_the_plugin_come_from_the_environment(stack):
    image = stack.inspect("broker")["Image"]
    broker = subprocess.run(["docker", "run", "--rm", "--env", "DEDUP_WINDOW=soon", image], timeout=60, text=True,
                            capture_output=True)
    assert broker.returncode != 0
    assert "window" in broker.stderr and "soon" in broker.stderr


def test_without_a_variable_what_mosquitto_conf_says_counts(stack):
    assert "DEDUP_" not in stack.execute("broker", "env")
