"""The program mosquitto-dedup as a person runs it."""

import os
import pathlib
import signal
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("DEDUP_COMMAND") or ROOT / "build" / "command" / "mosquitto-dedup")
TIMEOUT_S = 60


def run(*arguments, stdin=""):
    """Runs it to its end; the answer has returncode, stdout and stderr."""
    words = [argument if isinstance(argument, bytes) else str(argument) for argument in arguments]
    return subprocess.run([PROGRAM, *words], input=stdin, text=True, errors="backslashreplace",
                          capture_output=True, timeout=TIMEOUT_S, check=False)


def succeed(*arguments, stdin=""):
    """What it prints, when all goes well."""
    done = run(*arguments, stdin=stdin)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def complaint(*arguments, stdin="", code=1):
    """What it says on standard error when it cannot do what it is asked to; it prints nothing then."""
    done = run(*arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (code, ""), done
    return done.stderr


class Listening:
    """`advise` at work on a broker, until it is ended or its time is over."""

    def __init__(self, port, *arguments):
        self._process = subprocess.Popen([PROGRAM, "advise", "-h", "127.0.0.1", "-p", str(port), *map(str, arguments)],
                                         text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    @property
    def pid(self):
        return self._process.pid

    def interrupt(self):
        """Ctrl-C; returns its answer."""
        self._process.send_signal(signal.SIGINT)
        return self.finish()

    def finish(self):
        """Waits for its end; returns what it printed. `stderr` is what it told meanwhile."""
        try:
            printed, self.stderr = self._process.communicate(timeout=TIMEOUT_S)
        finally:
            self._process.kill()
        assert self._process.returncode == 0, self.stderr
        return printed
