"""What must be true of every page. Each check returns its complaints, `page:line: what is wrong`."""

import functools
import os
import pathlib
import posixpath
import re

from tests.docs.markdown import Page

CELL_CHARACTERS_MAX = 120
SENTENCE_WORDS_MAX = 29
LINES_MAX = {"README.md": 120, "ARCHITECTURE.md": 145, "CONTRIBUTING.md": 60}
# Its lines stay as they were written.
NOT_OUR_STYLE_TODAY = {"CHANGELOG.md"}

_SOURCE = r"(?:cpp|h|c|py|js|awk|json)"
# A file, perhaps with a function: `core/deduplicator.cpp:OnPublish`. What begins with a slash is a path in a URL.
_FILE = re.compile(rf"(?<![\w./~:-])((?:[\w-]+/)*[\w-]+\.{_SOURCE})(?![\w.])(?::(~?[A-Za-z]\w*))?")
_FOLDER = re.compile(r"(?<![\w./~:-])((?:plugin|http_sidecar|tests|packaging|docs|cmake)/[\w./*-]*[\w*/])")
_MEMBER = re.compile(r"(?<![\w:])([A-Z]\w+)::([A-Z]\w+)")
_MADE = ("build", "node_modules", "data")


class Root:
    """The checkout, or a stand-in for it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    @functools.cached_property
    def files(self):
        found = []
        for folder, folders, names in os.walk(self.path):
            folders[:] = [name for name in folders if not name.startswith((".", *_MADE))]
            found += [pathlib.Path(folder, name).relative_to(self.path).as_posix() for name in names]
        return sorted(found)

    def text(self, path):
        return (self.path / path).read_text(errors="replace")

    def page(self, path):
        return Page(path, self.text(path))

    def pages(self):
        return [self.page(path) for path in self.files if path.endswith(".md")]

    def named(self, path):
        """The files that a page may mean by a path, of which it may leave the beginning out."""
        return [path] if path in self.files else [file for file in self.files if file.endswith("/" + path)]


def broken_links(page, root):
    for line, target in page.links():
        if re.match(r"[a-z]+:", target):
            continue
        path, _, name = target.partition("#")
        full = posixpath.normpath(posixpath.join(page.path.parent, path)) if path else str(page.path)
        is_own = full == str(page.path)
        if not is_own and not (root.path / full).exists():
            yield f"{page.path}:{line}: {target}: there is no {full}"
        elif name and name not in (page if is_own else root.page(full)).anchors():
            yield f"{page.path}:{line}: {target}: {full} has no heading #{name}"


def _declares(text, path, name):
    """Whether the text of a source file declares or defines a function, a type or a constant of that name."""
    escaped = re.escape(name)
    if path.endswith(".py"):
        return re.search(rf"^ *(?:def|class) {escaped}\b|^{escaped} =", text, re.MULTILINE)
    if path.endswith(".js"):
        return re.search(rf"\bfunction\*? {escaped}\(|\b(?:const|let|class) {escaped}\b", text)
    type_before = r"(?!return|throw|else|delete|case|co_)[\w:<>,&*~\[\]]+(?: [\w:<>,&*~\[\]]+)*[ &*]+"
    return re.search(rf"\b(?:class|struct|enum class|using) {escaped}\b"
                     rf"|\b{escaped}\[\] = "
                     rf"|^(?:\w+(?:<\w*>)?::)+{escaped}\("  # a constructor
                     rf"|^ *(?:explicit )?{escaped}\([^;]*\)[^;]*[:{{]$"
                     rf"|^ *{type_before}(?:\w+(?:<\w*>)?::)*{escaped}\(", text, re.MULTILINE)


def missing_references(page, root):
    """Files, folders and functions that a page names and that are not there."""
    for line, code in page.code():
        for path, name in _FILE.findall(code):
            found = root.named(path)
            if not found:
                yield f"{page.path}:{line}: there is no {path}"
            elif name and len(found) > 1:
                yield f"{page.path}:{line}: {path} may be each of {' '.join(found)}"
            elif name and not _declares(root.text(found[0]), path, name):
                yield f"{page.path}:{line}: {found[0]} has no {name}"
        for path in _FOLDER.findall(code):
            if not _FILE.fullmatch(path) and not any(root.path.glob(path)):
                yield f"{page.path}:{line}: there is no {path}"
        for owner, name in _MEMBER.findall(code):
            if not any(re.search(rf"\b(?:class|struct) {owner}\b", root.text(path)) and
                       re.search(rf"\b{name}\b", root.text(path)) for path in root.files if path.endswith((".h", ".cpp"))):
                yield f"{page.path}:{line}: there is no {owner}::{name}"


def too_long_pages(page, _root):
    limit = LINES_MAX.get(str(page.path))
    if limit and len(page.lines) > limit:
        yield f"{page.path}: {len(page.lines)} lines, more than {limit}"


def too_long_cells(page, _root):
    for table in page.tables():
        for cell in [*table.head, *(cell for row in table.rows for cell in row)]:
            if len(cell) > CELL_CHARACTERS_MAX:
                yield f"{page.path}:{table.line}: a cell of {len(cell)} characters: {cell[:60]}…"


def too_long_sentences(page, _root):
    if str(page.path) in NOT_OUR_STYLE_TODAY:
        return
    for line, sentence in page.sentences():
        words = len(sentence.split())
        if words > SENTENCE_WORDS_MAX:
            yield f"{page.path}:{line}: a sentence of {words} words: {sentence[:60]}…"


ALL = (broken_links, missing_references, too_long_pages, too_long_cells, too_long_sentences)
