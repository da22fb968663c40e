"""./run, ./test, ./bench and the scripts under tests as a person types them: --help, what they do not take, a checkout that
was moved. On a small project in the place of ours, which is built in a moment; nothing is installed."""

import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("DEDUP_PLUGIN") or ROOT / "build" / "plugin" / "mosquitto_dedup.so").parents[1]
SCRIPTS = ["run", "test", "bench", "tests/sanitizers/run", "tests/brokers/run", "tests/brokers/fetch", "tests/suites/run",
           "tests/suites/enter", "tests/openapi/lint", "tests/transparency/run"]

# What ./run starts, ./test tests and ./bench calls.
PROJECT = r"""
cmake_minimum_required(VERSION 3.25)
project(small NONE)
enable_testing()
add_test(NAME small COMMAND ${CMAKE_COMMAND} -E true)
add_custom_target(product ALL
  COMMAND ${CMAKE_COMMAND} -E make_directory plugin http_sidecar
  COMMAND ${CMAKE_COMMAND} -E touch plugin/mosquitto_dedup.so http_sidecar/mosquitto-dedup-http)
file(WRITE ${CMAKE_BINARY_DIR}/tests/bench/dedup_bench "#!/bin/sh\necho called with \"$@\"\n")
file(CHMOD ${CMAKE_BINARY_DIR}/tests/bench/dedup_bench PERMISSIONS OWNER_READ OWNER_EXECUTE)
add_custom_target(dedup_bench)
"""


class Checkout:
    """The scripts, in a directory of their own, with programs in front of the machine's that only note that they ran."""

    def __init__(self, directory):
        self.directory = directory / "checkout"
        self._programs = directory / "programs"
        self._calls = directory / "calls"
        self._programs.mkdir()
        self._calls.touch()
        self._calls.chmod(0o666)
        for name in [*SCRIPTS, "cmake/checkout.bash", "tests/support/debian.sh", "CMakePresets.json", "mosquitto.conf"]:
            (self.directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.directory / name)
        (self.directory / "CMakeLists.txt").write_text(PROJECT)
        self._note(self.directory / "packaging" / "install-packages")

    def _note(self, path, then=""):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "{path.name} $*" >>{self._calls}\n{then}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    def replace(self, program, then):
        """`then`: shell commands that it is from now on, behind its note."""
        self._note(self._programs / program, then)

    def calls(self):
        return self._calls.read_text().splitlines()

    def type(self, script, *arguments, **environment):
        data = self.directory.parent / "data"
        return subprocess.run([self.directory / script, *arguments], text=True, capture_output=True, timeout=120,
                              stdin=subprocess.DEVNULL, cwd="/",
                              env={**os.environ, "PATH": f"{self._programs}:{os.environ['PATH']}", "DATA_DIR": str(data),
                                   **environment})

    def move(self, to):
        old = self.directory
        self.directory = old.with_name(to)
        old.rename(self.directory)
        return old


@pytest.fixture
def checkout():
    with tempfile.TemporaryDirectory(prefix="dedup-") as name:
        os.chmod(name, 0o755)  # ./run starts the broker as another user
        yield Checkout(pathlib.Path(name))


@pytest.fixture
def idle_checkout(checkout):
    """One in which nothing must be built or started."""
    for program in ("cmake", "ninja", "ctest", "mosquitto", "apt-get", "python3"):
        checkout.replace(program, "exit 1")
    return checkout


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_all_that_happens(idle_checkout, script, flag):
    asked = idle_checkout.type(script, flag)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert len(asked.stdout.splitlines()) >= 2
    assert "set -e" not in asked.stdout and "#!" not in asked.stdout
    assert idle_checkout.calls() == []


@pytest.mark.parametrize("script, arguments", [
    ("run", ["now"]), ("run", ["--port=1"]), ("test", ["unit"]), ("test", ["--nonsense"]), ("test", ["-L", "unit", "more"]),
    ("bench", ["fast"]), ("bench", ["--nonsense"]), ("bench", ["--case", "a", "b"]),
    ("tests/sanitizers/run", ["msan"]), ("tests/brokers/run", ["--nonsense"]), ("tests/transparency/run", ["--nonsense"]),
    ("tests/suites/run", ["buster"]), ("tests/suites/run", [""]), ("tests/brokers/fetch", ["--nonsense"]),
    ("tests/brokers/fetch", ["../sid"]), ("tests/brokers/fetch", ["sid", "more"]), ("tests/suites/enter", ["--nonsense"]),
    ("tests/openapi/lint", ["now"]),
], ids=lambda value: value if isinstance(value, str) else " ".join(value))
def test_what_is_unknown_is_refused_before_anything_happens(idle_checkout, script, arguments):
    refused = idle_checkout.type(script, *arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    line, = refused.stderr.splitlines()
    assert f"'{arguments[-1]}'" in line and "--help" in line
    assert idle_checkout.calls() == []


@pytest.mark.parametrize("script, arguments, wanted", [
    ("tests/suites/run", [], "bookworm, trixie, sid or arm64"), ("tests/brokers/fetch", [], "a Debian suite"),
    ("tests/suites/enter", [], "the root's directory and a command"),
    ("tests/suites/enter", ["/"], "the root's directory and a command"),
])
def test_arguments_that_are_missing_are_asked_for(idle_checkout, script, arguments, wanted):
    refused = idle_checkout.type(script, *arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == f"{script}: takes {wanted}; {script} --help says more\n"
    assert idle_checkout.calls() == []


@pytest.fixture
def installer(idle_checkout):
    """A checkout with the true packaging/install-packages, on a machine that has no package."""
    shutil.copy(ROOT / "packaging" / "install-packages", idle_checkout.directory / "packaging" / "install-packages")
    for program in ("dpkg-query", "sudo"):
        idle_checkout.replace(program, "exit 1")
    return idle_checkout


GROUPS = "build compose lint run suites test"


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_of_the_installer_names_the_groups(installer, flag):
    asked = installer.type("packaging/install-packages", flag)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert "Usage: packaging/install-packages" in asked.stdout
    assert asked.stdout.splitlines()[-1] == f"Groups: {GROUPS}"
    assert installer.calls() == []


@pytest.mark.parametrize("arguments, why", [
    ([], "takes one or more groups"), (["--list"], "takes one or more groups"), (["nonsense"], "unknown group 'nonsense'"),
    (["build", "nonsense"], "unknown group 'nonsense'"), (["--list", "build", "nonsense"], "unknown group 'nonsense'"),
    ([""], "unknown group ''"), (["@"], "unknown group '@'"), (["--nonsense"], "unknown group '--nonsense'"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_installer_refuses_what_is_no_group(installer, arguments, why):
    refused = installer.type("packaging/install-packages", *arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == f"install-packages: {why}; groups: {GROUPS}\n"
    assert installer.calls() == []


def test_installer_lists_the_packages_of_groups(installer):
    asked = installer.type("packaging/install-packages", "--list", "lint", "suites")
    assert (asked.returncode, asked.stdout.split()) == (0, ["npm", "debootstrap", "git"])
    assert installer.calls() == []


@pytest.mark.parametrize("script, option", [("test", "-R"), ("bench", "--case")])
def test_value_that_is_missing_is_asked_for(idle_checkout, script, option):
    refused = idle_checkout.type(script, option)
    assert refused.returncode == 2
    assert f"{option} takes a value" in refused.stderr
    assert idle_checkout.calls() == []


def test_options_of_ctest_reach_it(checkout):
    checkout.replace("ctest", "exit 3")
    assert checkout.type("test", "-L", "^unit$", "-j4", "--repeat", "until-fail:2").returncode == 3
    assert checkout.calls()[-1].endswith(" -L ^unit$ -j4 --repeat until-fail:2")


@pytest.mark.parametrize("alone, returns", [(0, 0), (8, 8)], ids=["passes alone", "fails alone too"])
def test_what_failed_beside_others_runs_once_more_alone(checkout, alone, returns):
    checkout.replace("ctest", f'case "$*" in *--rerun-failed) exit {alone} ;; esac; exit 8')
    typed = checkout.type("test")
    assert typed.returncode == returns
    assert "failed beside others" in typed.stderr
    beside_others, again = [call for call in checkout.calls() if call.startswith("ctest ")]
    assert "--parallel" in beside_others and "--parallel" not in again


def test_what_was_asked_for_runs_once(checkout):
    checkout.replace("ctest", "exit 8")
    assert checkout.type("test", "-R", "one").returncode == 8
    assert len([call for call in checkout.calls() if call.startswith("ctest ")]) == 1


def test_options_of_the_bench_reach_it(checkout):
    asked = checkout.type("bench", "--quick", "--case", "mqtt.qos*", "--list")
    assert asked.stdout.splitlines()[-1].endswith(" --scale 0.1 --case mqtt.qos* --list"), asked


@pytest.mark.parametrize("script, ends_with", [("run", 1), ("test", 0), ("bench", 0)])
@pytest.mark.parametrize("old_place", ["gone", "there"])
def test_checkout_that_was_moved_is_built_where_it_is(checkout, script, ends_with, old_place):
    checkout.replace("mosquitto", "exit 1")  # what ./run ends with
    checkout.type(script)
    old = checkout.move("moved")
    if old_place == "there":
        shutil.copytree(checkout.directory, old, symlinks=True)  # it was copied
    (checkout.directory / "build" / "plugin" / "mosquitto_dedup.so").unlink()
    typed = checkout.type(script)
    assert typed.returncode == ends_with, typed
    assert f"build was made for {old}; making it anew" in typed.stdout
    assert (checkout.directory / "build" / "plugin" / "mosquitto_dedup.so").exists()
    assert old.exists() == (old_place == "there")
    again = checkout.type(script)
    assert "anew" not in again.stdout and again.returncode == ends_with


def test_build_folder_of_another_generator_is_made_anew(checkout):
    subprocess.run(["cmake", "-S", checkout.directory, "-B", checkout.directory / "build", "-G", "Ninja Multi-Config"],
                   check=True, capture_output=True)
    typed = checkout.type("test")
    assert typed.returncode == 0, typed
    assert "build was made for the generator Ninja Multi-Config; making it anew" in typed.stdout


def test_build_folder_of_another_name_is_made_anew(checkout):
    checkout.type("test")
    old = checkout.directory / "build"
    cache = old / "CMakeCache.txt"
    cache.write_text(cache.read_text().replace(f"CMAKE_CACHEFILE_DIR:INTERNAL={old}", f"CMAKE_CACHEFILE_DIR:INTERNAL={old}2"))
    typed = checkout.type("test")
    assert typed.returncode == 0, typed
    assert f"build was made for the folder {old}2; making it anew" in typed.stdout


def test_configuration_that_failed_is_done_again(checkout):
    """For want of a package, say: then cmake leaves a cache and no build.ninja."""
    lists = checkout.directory / "CMakeLists.txt"
    good = lists.read_text()
    lists.write_text(good + 'message(FATAL_ERROR "a package is missing")\n')
    assert checkout.type("test").returncode != 0
    lists.write_text(good)
    typed = checkout.type("test")
    assert typed.returncode == 0 and "anew" not in typed.stdout, typed


def built_files_to_install(script=BUILD / "cmake_install.cmake"):
    text = script.read_text()
    files = {pathlib.Path(path) for paths in re.findall(r'^ *file\(INSTALL .* FILES((?:\s+"[^"]+")+)', text, re.MULTILINE)
             for path in re.findall(r'"([^"]+)"', paths)}
    for included in re.findall(r'^ *include\("([^"]+)"\)', text, re.MULTILINE):
        files |= built_files_to_install(pathlib.Path(included))
    return {path for path in files if BUILD in path.parents and path != BUILD / "dedup.conf"}


@pytest.mark.parametrize("script", ["run", "bench"])
def test_what_a_script_builds_can_be_installed(checkout, script):
    """README: ./run, then cmake --install."""
    checkout.replace("cmake", '[ "$1" != --build ]')
    checkout.type(script)
    build, = [call for call in checkout.calls() if " --build " in call]
    targets = re.search(r" --target (.*)", build)[1].split()
    graph = subprocess.run(["ninja", "-C", BUILD, "-t", "graph", *targets], check=True, capture_output=True, text=True)
    wanted = built_files_to_install()
    assert {path.name for path in wanted} == {"mosquitto_dedup.so", "mosquitto-dedup-http", "mosquitto-dedup",
                                              "mosquitto-dedup.5", "mosquitto-dedup.1", "mosquitto-dedup-http.1"}
    assert wanted <= {BUILD / path for path in re.findall(r'label="([^"]+)"', graph.stdout)}
