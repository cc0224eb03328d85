"""Ten questions of somebody who regulates, answered by `mlver audit` and `mlver log` alone.

The page `docs/questions.md` asks the same ones, in the same order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.features.auditing.forty_moves import MOVES, build_year

Ask = Callable[..., str]


@pytest.fixture(scope="module")
def ask(town_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Run a command in the year's history, and tell what it printed; each runs once."""
    with pytest.MonkeyPatch.context() as clock:
        folder = tmp_path_factory.mktemp("year") / "town"
        year = build_year(town_path, folder, clock)

        @cache
        def ask_once(*argv: str) -> str:
            done = year.repository.mlver(*argv)
            assert done.code in (0, 1), done.err
            return done.out

        yield ask_once


def test_the_history_has_forty_moves(ask: Ask) -> None:
    counts = re.findall(r"^m (?:staging|production)  (\d+) moves", ask("audit"), re.MULTILINE)
    assert sum(map(int, counts)) == MOVES


def test_1_what_was_in_production_on_that_day_who_put_it_there_and_why(ask: Ask) -> None:
    shown = ask("audit", "--stage", "production", "--at", "2026-03-03")
    assert (
        "m 1.7.0 held production by the records from 2026-02-28 03:04 to 2026-03-08 03:04 UTC;"
        " Ana promoted it in place of 1.6.0 on 2026-02-28 03:04 UTC because “round 7 is good”;"
    ) in shown


def test_2_on_what_evidence(ask: Ask) -> None:
    shown = ask("audit", "--stage", "production", "--at", "2026-03-03")
    assert (
        "Gates: sealed passed (sealed); after staging passed (has held staging);"
        " verified bytes passed (every byte checked)."
    ) in shown


def test_3_under_which_rule_and_who_had_set_it(ask: Ask) -> None:
    shown = ask("audit", "--stage", "production", "--at", "2026-03-03")
    rule = r"Rule: policy sha256:[0-9a-f]{12} as [0-9a-f]{10} has it; last changed by Kim <kim@"
    assert re.search(rule, shown)


def test_4_was_a_gate_ever_overruled_by_whom_and_which(ask: Ask) -> None:
    shown = ask("audit", "--stage", "production")
    (line,) = [line for line in shown.splitlines() if "promoted by force" in line]
    assert "2026-05-02 03:04" in line
    assert line.endswith("1.7.0 → 1.9.0  Kim <kim@example.org>")
    assert "Why: the fair begins" in shown
    assert "after staging FAILED (never held staging" in shown


def test_5_was_a_rule_ever_weakened_and_used(ask: Ask) -> None:
    shown = ask("audit", "--stage", "production")
    rules = shown[shown.index("\nrules\n") :]
    (looser,) = [line for line in rules.splitlines() if "looser" in line]
    assert "2026-05-22 03:04  production  made the rule looser: `after` no longer names" in looser
    assert "Mallory <mallory@example.org>" in looser
    assert re.search(r"DAMAGED: was made under a rule that [0-9a-f]{10} weakened and", shown)
    assert re.search(r"rule changed +production +Mallory .* looser: `after`", ask("log"))


def test_6_was_anything_changed_afterwards(ask: Ask) -> None:
    shown = ask("audit")
    damage = re.findall(r"DAMAGED: (.*)", shown)
    assert damage
    assert not [told for told in damage if "edited" in told or "had been committed" in told]
    assert re.search(r"^audit head sha256:[0-9a-f]{64}$", shown, re.MULTILINE)


def test_7_what_was_taken_back_why_and_how_long_had_it_served(ask: Ask) -> None:
    at = ask("audit", "--stage", "production", "--at", "2026-04-12")
    assert "m 1.8.0 held production by the records from 2026-03-08 03:04 to 2026-04-12 03:04" in at
    assert (
        "Ana rolled back to it in place of 1.8.0 on 2026-04-12 03:04 UTC because"
        " “latency doubled at noon”"
    ) in at
    assert "emptied" in ask("log", "--stage", "staging")


def test_8_which_names_does_nothing_confirm(ask: Ask) -> None:
    shown = ask("audit", "--stage", "production")
    (line,) = [line for line in shown.splitlines() if "(unconfirmed)" in line]
    assert "Ana <ana@example.org> (unconfirmed)" in line
    assert "UNSEALED" in shown
    assert "(unconfirmed)" in ask("log", "--stage", "production")


def test_9_was_anything_trained_on_data_whose_consent_was_withdrawn(ask: Ask) -> None:
    shown = ask("audit", "--data", "m@1.2.0:train")
    assert "it was withdrawn" in shown
    assert re.findall(r"^  m (1\.\d+\.0)", shown, re.MULTILINE) == ["1.2.0", "1.3.0", "1.4.0"]
    assert "data that may not be used any more" in ask("audit")


def test_10_what_changed_between_two_versions_and_who_trained_them(ask: Ask) -> None:
    shown = ask("log", "m", "--params")
    step = shown[shown.index("m 1.5.0") : shown.index("m 1.4.0")]
    assert step.startswith("m 1.5.0  2026-02-11 03:04 UTC  Ana <ana@example.org>")
    assert "    lr  0.004 → 0.005\n    1 unchanged\n" in step
    assert "other data than before" in step


def test_the_answers_say_what_nobody_can_prove(ask: Ask) -> None:
    last = ask("audit").splitlines()[-1]
    assert last.startswith("By the records: nothing in git proves a date, a measurement,")


_QUESTIONS = re.findall(
    r"^## \d+\. (.*?)\n.*?^Ask `mlver ([^`]*)`.*?^```text\n(.*?)^```$",
    (CHECKOUT / "docs/questions.md").read_text(),
    re.MULTILINE | re.DOTALL,
)


def test_the_page_asks_ten_questions() -> None:
    assert len(_QUESTIONS) == 10


@pytest.mark.parametrize(("question", "command", "answer"), _QUESTIONS)
def test_the_page_quotes_what_is_answered(
    ask: Ask, question: str, command: str, answer: str
) -> None:
    shown = ask(*command.split())
    for line in answer.splitlines():
        pattern = ".*".join(map(re.escape, line.split("…")))
        assert re.search(pattern, shown), (question, line)
