"""What is installed and what README shows, in the broker of Debian's package with its own mosquitto.conf and conf.d."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest

from tests.support import mqtt_client
from tests.support.broker import LIMITS, mosquitto_path, wait_until
from tests.support.observer import Observer
from tests.support.ports import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGIN = pathlib.Path(os.environ.get("DEDUP_PLUGIN") or ROOT / "build" / "plugin" / "mosquitto_dedup.so")
DEBIANS = pathlib.Path("/etc/mosquitto/mosquitto.conf")

# Without them an accepted event may be dropped by the broker: mosquitto.conf says how.
WANTED = set(LIMITS.splitlines())


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """What a user copies to /etc/mosquitto/conf.d."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["cmake", "--install", PLUGIN.parents[1]], env={**os.environ, "DESTDIR": str(root)}, check=True,
                   stdout=subprocess.DEVNULL)
    path, = root.glob("**/dedup.conf")
    plugin, = root.glob("**/mosquitto_dedup.so")
    named = re.search(r"^plugin (.+)$", path.read_text(), re.MULTILINE)[1]
    assert plugin == root / named.lstrip("/"), "it names what was installed"
    return path.read_text().replace(named, str(plugin))


def shown_in_the_docs():
    """Every configuration there that loads the plugin."""
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")]:
        for block in re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            if re.search(r"^plugin \S+mosquitto_dedup\.so$", block, re.MULTILINE):
                yield pytest.param(re.sub(r"^plugin .*", f"plugin {PLUGIN}", block, flags=re.MULTILINE), id=page.name)


class DebiansBroker:
    """Debian's mosquitto.conf, whose paths lead below `directory`, with the files of conf.d."""

    def __init__(self, directory):
        self._directory = directory
        self.port = free_port()
        text = DEBIANS.read_text()
        for path in re.findall(r"^(?:pid_file|persistence_location|log_dest file|include_dir) (/.+)$", text, re.MULTILINE):
            (directory / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            text = text.replace(path, f"{directory}{path}")
        self._conf = directory / "mosquitto.conf"
        self._conf.write_text(text)
        for made in ("etc/mosquitto/conf.d", "var/lib/mosquitto", "var/log/mosquitto"):
            (directory / made).mkdir(parents=True, exist_ok=True)
        # Ports and users are the owner's to set; this is what he may have there.
        self.add("default.conf", f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\n")

    def add(self, name, text):
        text = text.replace("/var/lib/mosquitto", f"{self._directory}/var/lib/mosquitto")
        (self._directory / "etc/mosquitto/conf.d" / name).write_text(text)

    def log(self):
        with contextlib.suppress(FileNotFoundError):
            return (self._directory / "var/log/mosquitto/mosquitto.log").read_text()
        return ""

    @contextlib.contextmanager
    def running(self):
        with subprocess.Popen([mosquitto_path(), "-c", self._conf], text=True, cwd=self._directory,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                wait_until(lambda: " running" in self.log() or process.poll() is not None, "the broker serves or ends")
                assert process.poll() is None, process.stdout.read() + self.log()
                yield
            finally:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
        assert process.returncode == 0

    def connect(self, client_id=None, **options):
        return mqtt_client.Client(self.port, client_id, **options)

    def assert_deduplicates(self):
        payload = json.dumps({"event_id": "a"}).encode()
        observer = Observer(self)
        for _ in range(2):
            self.connect().publish("t", payload)
        assert observer.payloads() == [payload]


@pytest.fixture
def broker(tmp_path):
    if not DEBIANS.exists():
        pytest.skip("no broker of Debian's here")
    return DebiansBroker(tmp_path)


def test_installed_configuration_is_a_file_of_conf_d(broker, installed):
    broker.add("dedup.conf", installed)
    with broker.running():
        broker.assert_deduplicates()
    assert not re.search(r"[Ee]rror|[Ww]arning", broker.log())


def test_installed_configuration_leaves_to_the_owner_what_is_his(broker, installed):
    """It comes behind his own files, so what it said of listeners, users and persistence would count in their place."""
    settings = {line.split()[0] for line in installed.splitlines() if line and not line.startswith("#")}
    assert {name for name in settings if not name.startswith("plugin_opt_")} == {
        "max_queued_messages", "max_inflight_messages", "set_tcp_nodelay", "plugin"}
    broker.add("default.conf", f"listener {broker.port} 127.0.0.1\nallow_anonymous false\nuser root\n")
    broker.add("dedup.conf", installed)
    with broker.running(), pytest.raises(mqtt_client.ConnectionCut):
        broker.connect()


def test_installed_configuration_has_all_that_the_checkouts_says_of_the_plugin(installed):
    text = (ROOT / "mosquitto.conf").read_text()
    own = text[text.index("# --- What the plugin asks"):].splitlines()
    assert len(set(own) - set(installed.splitlines())) == 2, "the two paths"
    assert WANTED <= set(installed.splitlines())


def test_man_page_shows_the_same_limits():
    assert WANTED <= set((ROOT / "packaging" / "man" / "mosquitto-dedup.5.in").read_text().splitlines())


@pytest.mark.parametrize("shown", shown_in_the_docs())
def test_configuration_in_the_docs_is_enough(broker, shown):
    assert WANTED <= set(shown.splitlines())
    broker.add("dedup.conf", shown)
    with broker.running():
        broker.assert_deduplicates()
