"""What samples decided is counted again, where the samples are here."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from mlver.records.promotion import PromotionRecord
from tests.project.audit.forging import AFTER, Town
from tests.project.audit.measuring import evaluate, pin_golden

AGREEMENT = "agreement on golden"
CONFIDENCE = "metric accuracy on golden, max_drop with confidence 0.9"
RULE = """\
    gates:
      - {agreement: 0.9, on: golden}
      - {metric: accuracy, on: golden, max_drop: 0.25, confidence: 0.9}
"""
ROWS = 20


def write_samples(wrong: int) -> bytes:
    """One row a line: the first ones wrong, the others right."""
    lines = ["0\tno"] * wrong + ["1\tyes"] * (ROWS - wrong)
    return "".join(f"{line}\n" for line in lines).encode()


def measure(town: Town, wrong: int) -> str:
    """Measure the holder, all right, and 1.1.0; return the commit."""
    for version, errors in (("1.0.0", 0), ("1.1.0", wrong)):
        evaluate(town, version, 1 - errors / ROWS, samples=write_samples(errors))
    return town.repository.commit("Measure them")


@pytest.fixture
def ruled(town: Town) -> Town:
    town.enter("Kim", day=1)
    pin_golden(town)
    town.edit_rule(f"  production:\n{AFTER}", f"  production:\n{AFTER}{RULE}")
    town.promote("1.1.0", "staging")
    return town


def lose_samples(town: Town) -> None:
    for folder in ("objects", "packs"):
        shutil.rmtree(town.repository.path / ".git" / "mlver" / folder, ignore_errors=True)


def claim(town: Town, gate: str, words: str) -> PromotionRecord:
    """Let the last promotion say something else of one gate."""
    gates = [
        replace(each, actual=words) if each.gate == gate else each
        for each in town.read_last().gates
    ]
    return town.rewrite_last(gates=tuple(gates))


def test_what_samples_say_is_no_alarm(ruled: Town) -> None:
    measure(ruled, wrong=1)
    ruled.promote("1.1.0", "production")
    assert {AGREEMENT, CONFIDENCE} < {gate.gate for gate in ruled.read_last().gates}
    report = ruled.judge()
    assert (report.findings, report.unconfirmed) == ((), ())


def test_rows_that_do_not_agree_are_counted_again(ruled: Town) -> None:
    base = measure(ruled, wrong=3)
    ruled.force_through("1.1.0")
    words = "found is 0.85: the same answers in 17 of 20 rows"
    ((kind, message),) = ruled.name_findings()
    assert kind == "gate"
    assert message.endswith(words)
    code, said = ruled.check_range(base)
    assert code == 1
    assert words in said


def test_a_drop_that_is_not_sure_is_measured_again(ruled: Town) -> None:
    measure(ruled, wrong=6)
    ruled.force_through("1.1.0")
    assert [CONFIDENCE in message for _, message in ruled.name_findings()].count(True) == 1


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (AGREEMENT, "1: the same answers in 20 of 20 rows"),
        (CONFIDENCE, "a drop of at most 0.01 (exact, 20 rows)"),
    ],
)
def test_rows_that_nobody_counted_are_named(ruled: Town, gate: str, words: str) -> None:
    measure(ruled, wrong=1)
    ruled.promote("1.1.0", "production")
    claim(ruled, gate, words)
    ((_, message),) = ruled.name_findings()
    assert f"gate `{gate}` passed with {words}; its evidence says " in message


def test_without_the_samples_nobody_can_tell(ruled: Town) -> None:
    base = measure(ruled, wrong=3)
    ruled.force_through("1.1.0")
    lose_samples(ruled)
    report = ruled.judge()
    assert report.findings == ()
    (doubt,) = [one for one in report.unconfirmed if AGREEMENT in one.message]
    assert "which nobody can tell: the samples of 1.1.0 on golden are not here" in doubt.message
    assert ruled.check_range(base)[0] == 0
