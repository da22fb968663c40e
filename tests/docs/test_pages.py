"""Every page: its links lead somewhere, what it names exists, and it is as short as a page must be."""

import pathlib
import re

import pytest

from tests.docs import checks

ROOT = checks.Root(pathlib.Path(__file__).resolve().parents[2])
PAGES = ROOT.pages()


def test_there_are_pages():
    assert {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/configuration.md"} <= {str(page.path) for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.path))
@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_page(check, page):
    assert not list(check(page, ROOT))


def test_every_page_is_linked_to():
    linked = {(page.path.parent / target.partition("#")[0]) for page in PAGES for _, target in page.links()}
    linked = {pathlib.Path(ROOT.path, path).resolve().relative_to(ROOT.path).as_posix()
              for path in linked if "://" not in str(path)}
    assert {str(page.path) for page in PAGES} - linked <= {"README.md"}


def test_a_page_that_the_code_names_exists():
    named = {(path, page) for path in ROOT.files if not path.endswith((".md", ".png")) and not path.startswith("tests/docs/")
             for page in re.findall(r"\b(?:docs/[\w/-]+|[A-Z]+)\.md\b", ROOT.text(path))}
    assert named and [(path, page) for path, page in named if not (ROOT.path / page).is_file()] == []


# --- Each check finds what it is for. ---

SOURCE = """\
/// Accepted events, on disk.
class Journal {
 public:
  explicit Journal(int file);
  bool Prepare(const Event& event) { return PrepareRecord(event); }
  std::optional<std::uint64_t> Find(const KeyHash& key) const;
};
struct Entry { int seq; };
inline constexpr Endpoint kEndpoints[] = {
    {"/", false},
};
"""
CODE = """\
#include "journal.h"
Journal::Journal(int file)
    : file_(file) {}
std::variant<std::vector<Outcome>, Problem> Publisher::Publish(std::shared_ptr<const Batch> batch) {
  Submit(batch);
  return Await(batch);
}
"""
LONG = "x" * 121
WORDS = " ".join(["Word"] * 29)


@pytest.fixture
def root(tmp_path):
    """A small project: two rooms, a page that is linked to."""
    for path, text in {"plugin/core/journal.h": SOURCE, "http_sidecar/mqtt/publisher.cpp": CODE, "tests/run": "",
                       "docs/other.md": "# Other\n## A heading, with `code`\n## Twice\n## Twice\n"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return checks.Root(tmp_path)


def complaints(root, text, path="page.md"):
    page = checks.Page(path, text)
    return [complaint for check in checks.ALL for complaint in check(page, root)]


@pytest.mark.parametrize("text", [
    "[a](docs/other.md)", "[a](docs/other.md#a-heading-with-code)", "[a](docs/other.md#twice-1)", "# Here\n[a](#here)",
    "[a](https://example.org/none.md)", "`[a](none.md)`", "```\n[a](none.md)\n```",
    "`journal.h:Prepare`", "`core/journal.h:Find`", "`plugin/core/journal.h:Journal`", "`journal.h:Entry`",
    "`journal.h:kEndpoints`", "`publisher.cpp:Publish`", "`Journal::Prepare`", "`plugin/core/`", "`tests/run all`",
    "`GET /none.json`", "`build/tests/none`", "`http_sidecar/*/publisher.cpp`",
    f"| {LONG[1:]} |\n|---|\n| `a\\|b` |", f"{WORDS}. {WORDS}. `{WORDS} {WORDS}`", f"```\n{WORDS} {WORDS}\n```",
])
def test_what_is_right_passes(root, text):
    assert not complaints(root, text)


@pytest.mark.parametrize("text, complaint", [
    ("[a](docs/none.md)", "there is no docs/none.md"),
    ("![a](none.svg)", "there is no none.svg"),
    ("[a](docs/other.md#none)", "has no heading #none"),
    ("[a](docs/other.md#twice-2)", "has no heading #twice-2"),
    ("[a](#none)", "has no heading #none"),
    ("| [a](docs/none.md) |", "there is no docs/none.md"),
    ("`none.cpp`", "there is no none.cpp"),
    ("`mqtt/journal.h`", "there is no mqtt/journal.h"),
    ("```\nnone.cpp:Prepare\n```", "there is no none.cpp"),
    ("`journal.h:None`", "has no None"),
    ("`publisher.cpp:Submit`", "has no Submit"),  # which it calls
    ("`publisher.cpp:Await`", "has no Await"),
    ("`journal.h:PrepareRecord`", "has no PrepareRecord"),
    ("`Journal::None`", "there is no Journal::None"),
    ("`None::Prepare`", "there is no None::Prepare"),
    ("`plugin/broker/`", "there is no plugin/broker/"),
    ("```\npython3 tests/none.py\n```", "there is no tests/none.py"),
    (f"| a |\n|---|\n| {LONG} |", "a cell of 121 characters"),
    (f"{WORDS} more.", "a sentence of 30 words"),
    (f"- {WORDS}\n  more\n", "a sentence of 30 words"),
])
def test_what_is_wrong_is_found(root, text, complaint):
    found = complaints(root, text)
    assert len(found) == 1 and found[0].startswith("page.md:") and complaint in found[0], found


@pytest.mark.parametrize("name, limit", checks.LINES_MAX.items())
def test_a_page_that_is_too_long_is_found(root, name, limit):
    assert not complaints(root, "\n" * limit, name)
    assert complaints(root, "\n" * (limit + 1), name) == [f"{name}: {limit + 1} lines, more than {limit}"]


def test_a_name_that_may_be_two_files_is_found(root):
    (root.path / "http_sidecar" / "journal.h").write_text(SOURCE)
    assert complaints(root, "`journal.h:Find`") == [
        "page.md:1: journal.h may be each of http_sidecar/journal.h plugin/core/journal.h"]
