"""`mosquitto-dedup top`: on a terminal and without one."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

import pytest

from tests.support import command, native
from tests.support.broker import wait_until

ENTER, LEAVE = "\033[?1049h", "\033[?1049l"


class OnTerminal:
    """`top` on a terminal of its own; `shown` is all that it wrote."""

    def __init__(self, broker, environment=None):
        self._master, self._slave = pty.openpty()
        self._before = termios.tcgetattr(self._slave)
        self._process = subprocess.Popen([command.PROGRAM, "top", "-h", "127.0.0.1", "-p", str(broker.port)], stdin=self._slave,
                                         stdout=self._slave, stderr=self._slave, start_new_session=True, env={**os.environ, **(environment or {})},
                                         preexec_fn=lambda: os.ttyname(0) and os.close(os.open(os.ttyname(0), os.O_RDWR)))
        self.shown = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._master)
        os.close(self._slave)

    def wait_for(self, text):
        wait_until(lambda: self._read() and text in self.shown, f"{text!r} is shown", command.TIMEOUT_S)

    def press(self, keys):
        os.write(self._master, keys)

    def finish(self):
        """Waits for its end; returns the exit code."""
        wait_until(lambda: self._read() and self._process.poll() is not None, "it ends", command.TIMEOUT_S)
        self._read()
        return self._process.returncode

    def is_terminal_as_before(self):
        return termios.tcgetattr(self._slave) == self._before

    def _read(self):
        while select.select([self._master], [], [], 0)[0]:
            with contextlib.suppress(OSError):
                self.shown += os.read(self._master, 65536).decode(errors="replace")
        return True


class WithoutTerminal:
    """`top` whose lines are read one by one."""

    def __init__(self, broker):
        self._process = subprocess.Popen([command.PROGRAM, "top", "-h", "127.0.0.1", "-p", str(broker.port)], text=True,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    def line(self):
        return self._process.stdout.readline()

    def complaint(self):
        return self._process.stderr.readline()

    def end_by(self, number):
        self._process.send_signal(number)
        return self._process.wait(command.TIMEOUT_S)

    def close_output(self):
        self._process.stdout.close()
        code = self._process.wait(command.TIMEOUT_S)
        return code, self._process.stderr.read()


@pytest.fixture
def broker(park):
    return park.start_broker()


def publish_until(client, condition):
    """Each event twice, again and again."""
    deadline = time.monotonic() + command.TIMEOUT_S
    number = 0
    while not condition():
        assert time.monotonic() < deadline
        for _ in range(2):
            client.publish("sensor/1", b'{"event_id":"%d"}' % number, qos=1)
        number += 1


def test_a_line_each_second_without_a_terminal(broker):
    with WithoutTerminal(broker) as top:
        assert re.fullmatch(r"\d\d:\d\d:\d\d received 0/s, duplicates 0/s, passed 0/s, refused 0/s, journal \S+ % full\n", top.line())
        client = broker.connect()
        lines = []

        def is_shown():
            if select.select([top._process.stdout], [], [], 0)[0]:
                lines.append(top.line())
            return lines and "most of topic sensor/1" in lines[-1]

        publish_until(client, is_shown)
        assert "most of rule default" in lines[-1]
        assert top.end_by(signal.SIGINT) == 0


def test_sigterm_ends_it_too(broker):
    with WithoutTerminal(broker) as top:
        top.line()
        assert top.end_by(signal.SIGTERM) == 0


def test_it_ends_when_nobody_reads(broker):
    with WithoutTerminal(broker) as top:
        top.line()
        assert top.close_output() == (-signal.SIGPIPE, "")


def test_a_broker_that_goes_and_comes_again(broker):
    with WithoutTerminal(broker) as top:
        top.line()
        broker.terminate()
        assert f"broker 127.0.0.1:{broker.port}: " in top.complaint()
        broker.start()
        assert wait_until(top.line, "it goes on")
        assert top.end_by(signal.SIGINT) == 0


@pytest.mark.parametrize("keys", [b"q", b"\x03"], ids=["q", "ctrl-c"])
def test_a_page_on_a_terminal_that_is_given_back(broker, keys):
    client = broker.connect("gateway")
    for _ in range(3):
        client.publish("sensor/1", b'{"event_id":"1"}', qos=1)
    with OnTerminal(broker) as top:
        top.wait_for("sensor/1")
        top.wait_for("gateway")
        assert f"top of 127.0.0.1:{broker.port}" in top.shown and "duplicates/s" in top.shown and "default" in top.shown
        assert not top.is_terminal_as_before()
        top.press(b"x")
        top.press(keys)
        assert top.finish() == 0
        assert top.is_terminal_as_before()
        assert top.shown.startswith(ENTER) and top.shown.endswith(LEAVE)


def test_a_second_ctrl_c_gives_the_terminal_back_too(broker, tmp_path):
    """While it is held up and cannot see the first one."""
    hold = tmp_path / "hold"
    library = native.build("hold_lookup", tmp_path)
    with OnTerminal(broker, {"LD_PRELOAD": str(library), "HOLD_LOOKUP": str(hold)}) as top:
        top.wait_for(ENTER)
        hold.touch()
        broker.terminate()
        wait_until(lambda: top._read() and (tmp_path / "hold.held").exists(), "it looks the broker up", command.TIMEOUT_S)
        for _ in range(20):
            if top._process.poll() is not None:
                break
            top.press(b"\x03")
            time.sleep(0.05)
        assert top.finish() == -signal.SIGINT
        assert top.is_terminal_as_before()
        assert top.shown.endswith(LEAVE)


def test_an_error_leaves_a_terminal_alone(park):
    broker = park.start_broker()
    broker.terminate()
    with OnTerminal(broker) as top:
        assert top.finish() == 1
        assert "Connection refused" in top.shown and ENTER not in top.shown and top.is_terminal_as_before()
