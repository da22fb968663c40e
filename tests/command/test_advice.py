"""What the program advises for made traffic, judged by what its rules do to other traffic of the same system.

`python3 -m tests.command.survey` does the same for any seeds, and shows what went wrong.
"""

import pytest

from tests.command import survey

SEED = 1  # another one draws other traffic
SHORT_S = 1200
DRAWN = range(100, 140)

SYSTEMS = [(kind, name) for kind in ("systems", "mixes") for name in survey.KINDS[kind]]
NEGATIVES = [("negatives", name) for name in survey.KINDS["negatives"]]


def ids(pair):
    return pair[1]


@pytest.mark.parametrize("pair", SYSTEMS, ids=ids)
def test_copies_of_a_system_are_recognised_and_nothing_else(pair):
    result = survey.survey(*pair, SEED)
    assert result.verdict.copies > 0
    assert result.is_right, str(result)


@pytest.mark.parametrize("pair", NEGATIVES, ids=ids)
def test_what_is_no_copy_is_let_alone(pair):
    result = survey.survey(*pair, SEED)
    assert result.is_harmless, str(result)


@pytest.mark.parametrize("view", ["tenth", "first10", "noclients"])
def test_a_part_of_what_there_is_leads_to_no_harm(view):
    results = [survey.survey(*pair, SEED, view, SHORT_S) for pair in SYSTEMS + NEGATIVES]
    assert any(result.advice["rules"] for result in results)
    assert not [str(result) for result in results if not result.is_harmless]


def test_without_copies_nothing_is_proposed():
    results = [survey.survey(*pair, SEED, "none", SHORT_S) for pair in SYSTEMS]
    assert not [str(result) for result in results if result.advice["rules"]]


def test_nothing_is_passed_over_in_silence():
    for pair in [*SYSTEMS[:20], *NEGATIVES]:
        advice = survey.survey(*pair, SEED, "whole", SHORT_S).advice
        told = sum(rule["evidence"]["messages"] for rule in advice["rules"]) + sum(group["messages"] for group in advice["groups"])
        assert told == advice["watched"]["messages"], pair
        assert all(group["text"] and group["reason"] for group in advice["groups"]), pair


def test_systems_that_nobody_built_are_recognised_as_a_rule():
    results = [survey.survey("drawn", str(number), number, seconds=2400) for number in DRAWN]
    assert not [str(result) for result in results if not result.is_harmless]
    wrong = [str(result) for result in results if not result.is_right]
    assert len(wrong) <= len(results) / 5, "\n".join(wrong)


def test_strangers_that_nobody_built_are_let_alone():
    results = [survey.survey("drawn_negatives", str(number), number, seconds=2400) for number in DRAWN]
    assert not [str(result) for result in results if not result.is_harmless]
