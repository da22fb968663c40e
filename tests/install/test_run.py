"""./run as a newcomer sees it: what it prints, that it serves, how it ends."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import urllib.request

import pytest

from tests.support.broker import wait_until
from tests.support.ports import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGIN = pathlib.Path(os.environ.get("DEDUP_PLUGIN") or ROOT / "build" / "plugin" / "mosquitto_dedup.so")

pytestmark = pytest.mark.skipif(PLUGIN != ROOT / "build" / "plugin" / "mosquitto_dedup.so",
                                reason="./run would build the plugin that is not under test")


class Run:
    def __init__(self, directory):
        self.mqtt_port, self.http_port = free_port(), free_port()
        self.data_dir = directory / "data"
        self._log = directory / "log"
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                [ROOT / "run"], cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "MQTT_PORT": str(self.mqtt_port), "HTTP_PORT": str(self.http_port),
                     "DATA_DIR": str(self.data_dir)})

    def printed(self):
        return self._log.read_text()

    def wait_serving(self):
        wait_until(lambda: "\nRunning, with its data in " in self.printed() or self.process.poll() is not None,
                   "./run serves or ends", timeout_s=300)
        assert self.process.poll() is None, self.printed()

    def stats(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/stats", timeout=10) as answer:
            return json.load(answer)

    def pid_of(self, program):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        pid, = [int(pid) for pid in children if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == program]
        return pid

    def stop(self):
        """Ctrl-C."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def run():
    with tempfile.TemporaryDirectory(prefix="dedup-run-") as name:
        os.chmod(name, 0o755)  # root starts the broker as another user
        run = Run(pathlib.Path(name))
        try:
            yield run
        finally:
            run.stop()


def test_first_run_looks_well(run):
    run.wait_serving()
    publish = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(run.mqtt_port), "-t", "sensor/1", "-m", '{"event_id":"a"}', "-q", "1"]
    for _ in range(2):
        subprocess.run(publish, check=True)
    assert (run.stats()["unique_processed"], run.stats()["duplicate_dropped"]) == (1, 1)
    assert run.stop() == 0
    printed = run.printed()
    assert not re.findall(r"(?i)^.*(?:error|warning|refused|cannot|can't|fail|denied|no such).*$", printed, re.MULTILINE)
    # Times are for people.
    assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d: mosquitto version \S+ running$", printed, re.MULTILINE)
    assert not re.search(r"^\d{9}", printed, re.MULTILINE)


@pytest.mark.parametrize("program, called", [("mosquitto", "the broker"), ("mosquitto-dedup", "the HTTP sidecar")])
def test_end_of_a_part_is_told_and_ends_the_other(run, program, called):
    run.wait_serving()
    os.kill(run.pid_of(program), signal.SIGKILL)
    assert run.process.wait(30) == 1
    assert f"./run: {called} has stopped" in run.printed()
    with pytest.raises(OSError):
        run.stats()
