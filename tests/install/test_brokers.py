"""tests/brokers/run, where what was built here needs newer libraries than another Debian has."""

import os
import pathlib
import platform
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOADER = next(pathlib.Path("/").glob(f"lib*/ld-linux-{platform.machine().replace('_', '-')}.so.*"))


class Suite:
    """A Debian that has this machine's loader and, of a library that plugins need, a version of its own."""

    def __init__(self, directory):
        self._directory = directory
        for name in ("tests/brokers/run", "cmake/checkout.bash", "tests/support/debian.sh"):
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, directory / name)
        self._write("tests/brokers/fetch", f"echo {directory}/mosquitto")
        self._write("mosquitto", "echo mosquitto version 1.2.3")
        self._write("loader", f'exec {LOADER} --library-path {directory} "$@"')

    def _write(self, name, command):
        (self._directory / name).write_text(f"#!/bin/sh\n{command}\n")
        (self._directory / name).chmod(0o755)

    def _link(self, name, source, *options):
        file = self._directory / "source.c"
        file.write_text(source)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self._directory / name, file, *options], check=True)

    def install_library(self, version):
        versions = self._directory / "versions"
        versions.write_text(f"{version} {{ global: answer; }};")
        self._link("libanswer.so", "int answer(void) { return 42; }", "-Wl,-soname,libanswer.so",
                   f"-Wl,--version-script={versions}")

    def build_plugin(self):
        """Against the library that is there now."""
        self._link("plugin.so", "int answer(void); int call(void) { return answer(); }", f"-L{self._directory}", "-lanswer")

    def remove_library(self):
        (self._directory / "libanswer.so").unlink()

    def run(self):
        return subprocess.run([self._directory / "tests/brokers/run", "other", "--version"], text=True, capture_output=True,
                              timeout=60, stdin=subprocess.DEVNULL,
                              env={**os.environ, "DEDUP_PLUGIN": str(self._directory / "plugin.so"),
                                   "DEDUP_HTTP": str(self._directory / "no-sidecar")})


@pytest.fixture
def suite(tmp_path):
    suite = Suite(tmp_path)
    suite.install_library("ANSWER_2")
    suite.build_plugin()
    return suite


def test_plugin_that_can_be_loaded_is_tested(suite):
    tested = suite.run()
    assert tested.returncode == 0, tested
    assert tested.stdout.splitlines()[-1] == "=== Mosquitto 1.2.3: passed"


def test_plugin_that_needs_a_newer_library_is_left_out(suite):
    suite.install_library("ANSWER_1")
    skipped = suite.run()
    assert (skipped.returncode, skipped.stdout) == (77, "")
    line, = skipped.stderr.splitlines()
    assert line.startswith("SKIPPED: plugin.so can't be loaded with the libraries of Debian other: ")
    assert "ANSWER_2" in line and "not found" in line


def test_plugin_that_needs_a_library_which_is_not_there_is_left_out(suite):
    suite.remove_library()
    skipped = suite.run()
    assert (skipped.returncode, skipped.stdout) == (77, "")
    line, = skipped.stderr.splitlines()
    assert line.startswith("SKIPPED: plugin.so can't be loaded with the libraries of Debian other: ")
    assert "libanswer.so: cannot open shared object file" in line
