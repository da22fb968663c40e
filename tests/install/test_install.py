"""cmake --install: what arrives where, and that the man pages are clean and say all that there is."""

import os
import pathlib
import re
import subprocess

import pytest

from tests.docs import checks

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("DEDUP_PLUGIN") or ROOT / "build" / "plugin" / "mosquitto_dedup.so").parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The root of a file system that it was installed into."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["cmake", "--install", BUILD], env={**os.environ, "DESTDIR": str(root)}, check=True,
                   stdout=subprocess.DEVNULL)
    return root


def only(installed, pattern):
    found = list(installed.glob(f"**/{pattern}"))
    assert len(found) == 1, (pattern, found)
    return found[0]


def plain(page):
    """A man page as it is read."""
    shown = subprocess.run(["man", "--no-hyphenation", "--no-justification", "--local-file", page],
                           capture_output=True, check=True, env={**os.environ, "MANWIDTH": "1000", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
    return re.sub(".\b", "", shown.stdout.decode())


def test_all_of_it_arrives(installed):
    doc_directory = only(installed, "mosquitto-dedup/README.md").parent / "docs"
    names = {path.name for path in installed.glob("**/*") if path.is_file() and doc_directory not in path.parents}
    docs = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").glob("**/*") if path.is_file()}
    assert names == {"mosquitto_dedup.so", "mosquitto-dedup-http", "mosquitto-dedup", "mosquitto-dedup.5",
                            "mosquitto-dedup.1", "mosquitto-dedup-http.1", "dedup.conf", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"}
    assert {path.relative_to(doc_directory) for path in doc_directory.glob("**/*") if path.is_file()} == \
        docs - {pathlib.Path("bench.json")}


def test_links_of_the_installed_docs_lead_somewhere(installed):
    root = checks.Root(only(installed, "mosquitto-dedup/README.md").parent)
    assert len(root.pages()) > 10
    assert not [complaint for page in root.pages() for complaint in checks.broken_links(page, root)]


@pytest.mark.parametrize("name", ["mosquitto-dedup-http", "mosquitto-dedup"])
def test_program_runs_from_there(installed, name):
    program = only(installed, f"bin/{name}")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(name + r" \d+\.\d+\.\d+\n", version)


@pytest.mark.parametrize("name", ["mosquitto-dedup.5", "mosquitto-dedup.1", "mosquitto-dedup-http.1"])
def test_man_page_is_clean(installed, name):
    checked = subprocess.run(["man", "--warnings", "--encoding=UTF-8", "--ditroff", "--local-file", only(installed, name)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                             env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert (checked.returncode, checked.stderr) == (0, "")


def test_man_page_has_every_option_of_the_plugin(installed):
    # The broker's own complaint about an unknown option names those that there are.
    options = re.findall(r'^    \{"(\w+)",', (ROOT / "plugin" / "core" / "options.cpp").read_text(), re.MULTILINE)
    assert len(options) >= 11
    page = plain(only(installed, "mosquitto-dedup.5"))
    assert re.findall(r"^ +plugin_opt_(\w+)(?: \S+)?$", page.partition("OPTIONS")[2], re.MULTILINE) == options


def help_of(program, *verb):
    return subprocess.run([program, *verb, "--help"], capture_output=True, text=True, check=True).stdout


def check_flags(shown, page):
    """Each flag that --help shows, and its text, stands in the page."""
    flags = re.findall(r"^  (-\S.*?|[A-Z_]+)(?:  +|\n +)(\S.*)$", shown, re.MULTILINE)
    assert flags
    for names, text in flags:
        assert re.search(re.escape(names) + r"\s+" + re.escape(text), page), (names, text)
    for heading in re.findall(r"^(\w[\w ]*):$", shown, re.MULTILINE):
        assert re.search(rf"^ +{heading}$", page, re.MULTILINE)
    return flags


def test_man_page_has_every_flag_with_its_text(installed):
    shown = help_of(only(installed, "bin/mosquitto-dedup-http"))
    assert len(check_flags(shown, plain(only(installed, "mosquitto-dedup-http.1")))) >= 10


def test_man_page_has_every_verb_with_its_flags(installed):
    program = only(installed, "bin/mosquitto-dedup")
    page = plain(only(installed, "mosquitto-dedup.1"))
    verbs = re.findall(r"^  ([a-z]+)  ", help_of(program), re.MULTILINE)
    assert len(verbs) >= 3
    for verb in verbs:
        section = page.partition(f"\n{verb.upper()}\n")[2]
        check_flags(help_of(program, verb), section)
