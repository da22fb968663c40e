"""What a rules file would do to messages whose events are known: an evaluator of its own, in none of the product's code."""

import dataclasses
import json
import re

_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_MISSING = object()
_DOUBT = object()


class _Number(str):
    """A number counts by its text."""


@dataclasses.dataclass
class Verdict:
    copies: int = 0
    caught: int = 0
    harmed: list = dataclasses.field(
        default_factory=list
    )  # (message, rule's name): dropped, but its event was never let through

    @property
    def recall(self):
        return self.caught / self.copies if self.copies else 1.0


def seconds(window):
    match = re.fullmatch(r"(\d+)(ms|s|m|h|d)", window)
    return float("inf") if window == "forever" else int(match[1]) * _UNITS_S[match[2]]


def _matches(levels, filter_levels):
    for number, part in enumerate(filter_levels):
        if part == "#":
            return True
        if number >= len(levels) or part not in ("+", levels[number]):
            return False
    return len(levels) == len(filter_levels)


def _resolve(value, pointer):
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        else:
            return _MISSING
    if value is True or value is False:
        return ("bool", value)
    if isinstance(value, _Number):
        return ("number", str(value))
    if isinstance(value, str):
        return ("string", value) if value else _MISSING
    return _MISSING


def _without(value, ignored):
    """The value, hashable, without members at the pointers (as tuples of tokens)."""
    if isinstance(value, dict):
        kept = []
        for name, member in value.items():
            if (name,) not in ignored:
                below = {pointer[1:] for pointer in ignored if pointer[0] == name and len(pointer) > 1}
                kept.append((name, _without(member, below)))
        return ("object", frozenset(kept))
    if isinstance(value, list):
        kept = []
        for number, member in enumerate(value):
            if (str(number),) not in ignored:
                below = {pointer[1:] for pointer in ignored if pointer[0] == str(number) and len(pointer) > 1}
                kept.append((number, _without(member, below)))
        return ("array", tuple(kept))
    if isinstance(value, bool) or value is None:
        return ("literal", value)
    return ("number" if isinstance(value, _Number) else "string", str(value))


def _fields(data):
    """The first occurrence of each field of a protobuf message; None where it is none."""
    found = {}
    position = 0

    def varint():
        nonlocal position
        value = shift = 0
        while True:
            if position >= len(data) or shift > 63:
                raise ValueError
            byte = data[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value & ((1 << 64) - 1)

    try:
        while position < len(data):
            tag = varint()
            number, wire = tag >> 3, tag & 7
            if number == 0:
                return None
            if wire == 0:
                value = varint()
            elif wire in (1, 5):
                size = 8 if wire == 1 else 4
                value = int.from_bytes(data[position : position + size], "little")
                position += size
            elif wire == 2:
                size = varint()
                value = data[position : position + size]
                position += size
            else:
                return None
            if position > len(data):
                return None
            found.setdefault(number, value)
    except ValueError:
        return None
    return found


class Evaluator:
    def __init__(self, rules):
        self.rules = rules["rules"]
        for rule in self.rules:
            assert re.fullmatch(r"[A-Za-z0-9_-]{1,32}", rule["name"]), rule
            assert len(rule["key"]) <= 16 and len(rule.get("ignore", [])) <= 64 and 1 <= len(rule["topics"]) <= 64, rule
            assert "window" in rule, rule
        assert len({rule["name"] for rule in self.rules}) == len(self.rules)
        self._ignored = [
            {
                tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])
                for pointer in rule.get("ignore", [])
            }
            for rule in self.rules
        ]
        self._filters = [[topic.split("/") for topic in rule["topics"]] for rule in self.rules]

    def key(self, message):
        """(number of the rule, key), or None."""
        if message.topic.startswith("$"):
            return None
        levels = message.topic.split("/")
        parsed = []
        for number, rule in enumerate(self.rules):
            if not any(_matches(levels, filter_levels) for filter_levels in self._filters[number]):
                continue
            parts = [self._part(number, rule, part, message, parsed) for part in rule["key"]]
            if any(part is _MISSING or part is _DOUBT for part in parts):
                continue
            ignored = rule.get("ignore_levels", [])
            scope = (
                ()
                if ignored == "all"
                else tuple(
                    "+" if index + 1 in ignored or index - len(levels) in ignored else level
                    for index, level in enumerate(levels)
                )
            )
            return number, (number, scope, tuple(parts))
        return None

    def _part(self, number, rule, part, message, parsed):
        optional = part.startswith("?")
        for source in part.removeprefix("?").split("|"):
            value = self._source(number, rule, source, message, parsed)
            if value is not _MISSING:
                return value
        return ("absent",) if optional else _MISSING

    def _source(self, number, rule, source, message, parsed):
        if source == "client":
            return ("client", message.client) if message.client else _MISSING
        if source.startswith("property:"):
            values = [value for name, value in message.user if name == source[9:]]
            return ("string", values[0]) if values and values[0] else _MISSING
        if source.startswith("pb:"):
            value = message.payload
            for field in source[3:].split("."):
                found = _fields(value) if isinstance(value, bytes) else None
                if not found or int(field) not in found:
                    return _MISSING
                value = found[int(field)]
            return ("field", value) if value != b"" else _MISSING
        if source == "payload" and not self._ignored[number]:
            return ("payload", message.payload)
        if not parsed:
            try:
                parsed.append(json.loads(message.payload.decode(), parse_int=_Number, parse_float=_Number))
            except ValueError:
                parsed.append(_MISSING)
        if parsed[0] is _MISSING:
            return _MISSING
        if source == "payload":
            return ("digest", _without(parsed[0], self._ignored[number]))
        return _resolve(parsed[0], source)


def judge(rules, messages):
    """Applies the rules to messages in order of arrival, as though each dropped."""
    evaluator = Evaluator(rules)
    windows = [seconds(rule["window"]) for rule in evaluator.rules]
    accepted = {}
    let_through = set()
    seen = set()
    verdict = Verdict()
    for message in messages:
        is_copy = message.event in seen
        seen.add(message.event)
        verdict.copies += is_copy
        found = evaluator.key(message)
        if found:
            number, key = found
            if key in accepted and message.t - accepted[key] <= windows[number]:
                if message.event in let_through:
                    verdict.caught += is_copy
                else:
                    verdict.harmed.append((message, evaluator.rules[number]["name"]))
                continue
            accepted[key] = message.t
        let_through.add(message.event)
    return verdict
