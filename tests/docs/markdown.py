"""The parts of a Markdown page that the checks look at. Reads what our own pages use of it, no more."""

import dataclasses
import functools
import pathlib
import re

_FENCE = re.compile(r"^ *```")
_HEADING = re.compile(r"^(#+) +(.*)$")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")
_ITEM = re.compile(r"^ *(?:[-*]|\d+\.) +")
# Where a sentence ends: not behind "e.g" or within a number.
_SENTENCE_END = re.compile(r"(?<=[.!?])[)\"*]* +(?=[A-Z0-9\"(*`$])")


def anchor(heading):
    """The name by which GitHub leads to a heading."""
    text = re.sub(r"[`*]|!?\[([^\]]*)\]\([^)]*\)", lambda match: match[1] or "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


@dataclasses.dataclass
class Table:
    line: int  # of its head
    head: list
    rows: list

    def column(self, name):
        """The cells of a column; its name is the head's."""
        return [row[self.head.index(name)] for row in self.rows]


class Page:
    """`path` is relative to the root, as in every complaint. Line numbers begin with 1."""

    def __init__(self, path, text):
        self.path = pathlib.PurePosixPath(path)
        self.lines = text.splitlines()

    @functools.cached_property
    def _is_block(self):
        """For each line, whether it belongs to a block of code."""
        inside, answers = False, []
        for line in self.lines:
            is_fence = bool(_FENCE.match(line))
            answers.append(inside or is_fence)
            inside ^= is_fence
        return answers

    def _prose(self):
        """The lines that are no blocks of code."""
        return [(number, line) for number, (line, is_block) in enumerate(zip(self.lines, self._is_block), 1) if not is_block]

    def anchors(self):
        names = []
        for _, line in self._prose():
            if heading := _HEADING.match(line):
                name = anchor(heading[2])
                names.append(name + (f"-{names.count(name)}" if name in names else ""))
        return set(names)

    def links(self):
        return [(number, target) for number, line in self._prose() for target in _LINK.findall(re.sub(_CODE, "`", line))]

    def code(self):
        """What stands in backquotes, and the lines of blocks."""
        spans = [(number, span) for number, line in self._prose() for span in _CODE.findall(line)]
        blocks = [(number, line) for number, (line, is_block) in enumerate(zip(self.lines, self._is_block), 1)
                  if is_block and not _FENCE.match(line)]
        return sorted(spans + blocks)

    def tables(self):
        tables, table = [], None
        for number, line in self._prose():
            if not line.lstrip().startswith("|"):
                table = None
                continue
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
            if table is None:
                table = Table(number, cells, [])
                tables.append(table)
            elif not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                table.rows.append(cells)
        return tables

    def table(self, *head):
        """The one table whose head begins with these cells."""
        found = [table for table in self.tables() if table.head[:len(head)] == list(head)]
        assert len(found) == 1, f"{self.path}: {len(found)} tables begin with {head}"
        return found[0]

    def sentences(self):
        """Of paragraphs and list items; a piece of code counts as one word."""
        paragraphs, current = [], None
        for number, line in self._prose():
            is_text = bool(line.strip()) and not line.lstrip().startswith(("|", "#", "<"))
            if current is not None and (not is_text or _ITEM.match(line)):
                current = None
            if not is_text:
                continue
            if current is None:
                current = (number, [])
                paragraphs.append(current)
            current[1].append(_ITEM.sub("", line).strip())
        return [(number, sentence) for number, lines in paragraphs
                for sentence in _SENTENCE_END.split(_CODE.sub("`code`", _LINK.sub("link", " ".join(lines))))]
