"""A real mosquitto on a free loopback port, with the plugin, in a directory of its own.

The broker's log is a file that is read back for conditions and printed with a failed test. A broker that ends when
nobody asked it to, that aborts, or that a sanitizer complains about fails the test (Broker.close).
"""

import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from tests.support import mqtt_client
from tests.support.ports import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGIN = pathlib.Path(os.environ.get("DEDUP_PLUGIN") or ROOT / "build" / "plugin" / "mosquitto_dedup.so")
START_TIMEOUT_S = 30.0  # a broker under a sanitizer starts slowly
STOP_TIMEOUT_S = 20.0

# The limits of mosquitto.conf, with which no delivery is dropped.
LIMITS = "\n".join(re.findall(r"^max_\w+ \d+$", (ROOT / "mosquitto.conf").read_text(), re.MULTILINE))

# Sanitizers keep freed memory for a while, so that the memory of their programs says nothing.
IS_SANITIZED = PLUGIN.exists() and any(name in PLUGIN.read_bytes() for name in (b"__asan_init", b"__tsan_init"))

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|: runtime error: ")
IS_UNDER_TSAN = "tsan" in os.environ.get("MOSQUITTO_LD_PRELOAD", "")
# A bridge crashes the bare broker then, too: in glibc's getaddrinfo_a.
BRIDGES_CRASH = IS_UNDER_TSAN


def mosquitto_path():
    configured = os.environ.get("MOSQUITTO")
    if configured:
        return configured
    default = "/usr/sbin/mosquitto"
    return default if os.path.exists(default) else shutil.which("mosquitto")


def _die_with_parent():
    """No broker outlives the tests, also when they are killed."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def mosquitto_version():
    """As in (2, 0, 11)."""
    usage = subprocess.run([mosquitto_path(), "-h"], capture_output=True, text=True, check=False).stdout
    return tuple(map(int, re.search(r"mosquitto version (\d+)\.(\d+)\.(\d+)", usage).groups()))


def wait_until(condition, what, timeout_s=mqtt_client.TIMEOUT_S):
    """Polls until the condition is truthy; returns what it returned."""
    deadline = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.01)


class Broker:
    """Starts, stops, kills and restarts one broker on one directory.

    `options` are the plugin's own (`plugin_opt_*`), `config` and `bridge` are further mosquitto.conf text for its
    beginning and end, `log_types` are the broker's. With plugin=False it is the bare broker.
    """

    def __init__(self, directory, *, plugin=True, options=None, config="", bridge="", log_types=("all",), preload=(),
                 environment=None, user="root", port=None):
        self.directory = pathlib.Path(directory)
        self.data_dir = self.directory / "data"
        self.log_path = self.directory / "broker.log"
        self.plugin = plugin
        # The default journal is large; many short-lived brokers need not write that much.
        self.options = {"data_dir": self.data_dir, "journal_size": "8M", **(options or {})}
        self.config = config
        self.bridge = bridge
        self.log_types = log_types
        self.preload = list(preload)
        self.environment = environment or {}
        # Else the broker, started as root, becomes the user mosquitto, who may not write to the test's directory.
        self.user = user
        self.port = port or free_port()
        self._process = None
        self._clients = []
        self._reachable = None
        self.directory.mkdir(parents=True, exist_ok=True)
        self.data_dir.mkdir(exist_ok=True)
        self.log_path.touch()

    # --- configuration ---

    def _write_config(self):
        lines = [f"user {self.user}", f"listener {self.port} 127.0.0.1", "allow_anonymous true",
                 "log_dest stderr", "log_timestamp false", f"persistence_location {self.directory}/",
                 "set_tcp_nodelay true",
                 "max_packet_size 100000000"]  # from 2.1 on there is a default of two million bytes
        lines += [f"log_type {log_type}" for log_type in self.log_types]
        if self.plugin:
            lines.append(f"plugin {self._plugin_path()}")
            lines += [f"plugin_opt_{name} {value}" for name, value in self.options.items() if value is not None]
        path = self.directory / "mosquitto.conf"
        # Some of a test's own lines (per_listener_settings) must come before any listener.
        path.write_text("\n".join([self.config, *lines, self.bridge, ""]))
        return path

    def _plugin_path(self):
        """The plugin where the broker's user can read it: not every user reaches the checkout, under /root say."""
        if self.user == "root":
            return PLUGIN
        if self._reachable is None:
            self._reachable = tempfile.TemporaryDirectory(prefix="dedup-plugin-")
            os.chmod(self._reachable.name, 0o755)
            shutil.copy(PLUGIN, self._reachable.name)
        return pathlib.Path(self._reachable.name) / PLUGIN.name

    def _command(self):
        return [mosquitto_path(), "-c", self._write_config()]

    def _spawn(self):
        environment = {**os.environ, **self.environment}
        preload = [part for part in [os.environ.get("MOSQUITTO_LD_PRELOAD"), *self.preload] if part]
        if preload:
            environment["LD_PRELOAD"] = ":".join(map(str, preload))
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                             env=environment, cwd=self.directory, preexec_fn=_die_with_parent)

    # --- life ---

    @property
    def pid(self):
        return self._process.pid

    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def start(self):
        """Starts the broker and waits until it serves."""
        if self.plugin and not PLUGIN.exists():
            raise AssertionError(f"no plugin at {PLUGIN}: build it, or set DEDUP_PLUGIN")
        offset = self.log_path.stat().st_size
        self._spawn()
        self._wait_serving_or_ended(offset)
        if self.is_running():
            return self
        raise AssertionError(f"the broker did not start (exit {self._process.returncode}):\n{self.log(offset)}")

    def _wait_serving_or_ended(self, offset):
        wait_until(lambda: not self.is_running() or re.search(r"mosquitto version \S+ running", self.log(offset)),
                   "the broker serves or ends", START_TIMEOUT_S)

    def start_refused(self):
        """Starts a broker that must end by itself, not by a crash; returns what it logged."""
        offset = self.log_path.stat().st_size
        self._spawn()
        self._wait_serving_or_ended(offset)
        if self.is_running():
            self.terminate()
            raise AssertionError(f"the broker started all the same:\n{self.log(offset)}")
        code, self._process = self._process.returncode, None
        assert code > 0, f"exit code {code}:\n{self.log(offset)}"
        return self.log(offset)

    def terminate(self):
        """SIGTERM and the wait for a clean end."""
        deadline = time.monotonic() + STOP_TIMEOUT_S
        # Mosquitto logs that it is running and only then sets the flag that SIGTERM clears, so one in between is lost.
        while self.is_running() and time.monotonic() < deadline:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
        self.wait_ended(0)

    def wait_ended(self, expected_code):
        """Waits for an end that was asked for; a negative code is the signal that the broker died of."""
        process, self._process = self._process, None
        try:
            code = process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("the broker did not end") from None
        assert code == expected_code, f"the broker's exit code is {code}, not {expected_code}"

    def kill(self):
        """kill -9: no callback, no flush."""
        assert self.is_running(), "the broker is dead already"
        self._process.kill()
        self.wait_ended(-signal.SIGKILL)

    def reload(self):
        """SIGHUP: the broker reads its configuration again."""
        self._process.send_signal(signal.SIGHUP)

    @contextlib.contextmanager
    def frozen(self):
        """The broker stands (SIGSTOP) inside the block, so all that is sent there is read in one turn of its loop."""
        self._process.send_signal(signal.SIGSTOP)
        tasks = pathlib.Path(f"/proc/{self.pid}/task")
        wait_until(lambda: all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T"
                               for task in tasks.iterdir()), "the broker stands")
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def restart(self):
        self.terminate()
        return self.start()

    def kill_and_restart(self):
        self.kill()
        return self.start()

    def settle(self):
        """Lets the loop turn until nothing that was accepted before is in doubt any more.

        What the plugin knows to be handed on cannot be seen from outside: it takes two ticks. In Mosquitto 2.0 one
        comes with every turn of the loop, so with every ping; from 2.1 on the plugin gets one each 100 ms when idle.
        """
        client = self.connect()
        for _ in range(4):
            client.ping()
        if "mosquitto version 2.0." not in self.log():
            time.sleep(0.3)
        client.disconnect()

    def connect(self, client_id=None, **options):
        """A client of this broker; close() ends it."""
        client = mqtt_client.Client(self.port, client_id, **options)
        self._clients.append(client)
        return client

    def disconnect_all(self):
        """Ends all connections, politely, so that no will goes out."""
        while self._clients:
            self._clients.pop().disconnect()

    def close(self):
        """Ends the broker; AssertionError if it had ended by itself, crashed, or a sanitizer found something."""
        self.disconnect_all()
        if self._reachable is not None:
            self._reachable.cleanup()
            self._reachable = None
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                self._process.send_signal(signal.SIGCONT)
                self.terminate()
            else:
                self._process = None
                raise AssertionError(f"the broker had ended by itself, exit code {code}")
        assert not _SANITIZER.search(self.log()), "a sanitizer complains"

    # --- what can be seen from outside ---

    def log(self, offset=0):
        with open(self.log_path, "rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")

    def memory_bytes(self):
        """The memory that is the process's own (RssAnon): mapped files do not count."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) * 1024
