"""Results of gates that promotions record are judged again by the evaluations that had landed."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.project.stages.rollback import roll_back_stage
from tests.project.audit.forging import Town
from tests.project.audit.measuring import evaluate, pin_golden
from tests.project.helpers import register_one, write_artifact

OTHER = Digest.of_bytes(b"easier rows")
RULE = """\
  production:
    after: [staging]
    gates:
      - {metric: accuracy, on: golden, min: 0.9, max_drop: 0.05}
      - {metric: loss, max: 0.5}
"""
MIN = "metric accuracy on golden, min"
DROP = "metric accuracy on golden, max_drop"


@pytest.fixture
def measured(town: Town) -> Town:
    """1.0.0 holds production; 1.1.0 and 1.2.0 are in staging, and all of them were measured."""
    town.enter("Kim", day=1)
    write_artifact(town.repository, "w", {"a": "1.2.0"})
    register_one(town.project, version="1.2.0", metrics=("loss=0.4",))
    pin_golden(town)
    town.edit_rule("  production:\n    after: [staging]\n", RULE)
    for number, accuracy in (("1.0.0", 0.93), ("1.2.0", 0.91)):
        evaluate(town, number, accuracy)
    town.repository.commit("Measure them")
    town.promote("1.2.0", "staging")
    return town


def forge(town: Town, gate: str, **changes: Any) -> list[tuple[str, str]]:
    """Promote 1.2.0 honestly, but commit the record with other words about one gate; judge it."""
    town.promote("1.2.0", "production")
    record = town.read_last()
    gates = [replace(each, **changes) if each.gate == gate else each for each in record.gates]
    town.rewrite_last(gates=tuple(gates))
    return town.name_findings()


def test_what_was_measured_is_no_alarm(measured: Town) -> None:
    measured.promote("1.2.0", "production")
    assert {MIN, DROP} < {gate.gate for gate in measured.read_last().gates}
    assert measured.name_findings() == []


@pytest.mark.parametrize(
    ("gate", "changes", "words"),
    [
        (MIN, {"actual": 0.97}, "passed with 0.97; its evidence says 0.91"),
        ("metric loss, max", {"actual": 0.1}, "passed with 0.1; its evidence says 0.4"),
        (MIN, {"data": OTHER}, "its evidence says 0.91, on the data set that its rule pins"),
        (MIN, {"evidence": OTHER}, "passed, by an evaluation that is not here"),
        (MIN, {"evidence": None}, "passed, by an evaluation that is not here"),
        (MIN, {"expected": "at least 0.5"}, "asked for at least 0.5; its rule asks for at least"),
        (MIN, {"baseline": 0.5}, "passed beside 0.5 in the version that held the stage"),
        (MIN, {"actual": "0.91 (the last of 9 evaluations; before: 0.9)"}, "evidence says 0.91,"),
        (DROP, {"baseline": 0.9}, "beside 0.9 in the version that held the stage, which has 0.93"),
        (DROP, {"expected": "at least 0"}, "asked for at least 0; its rule asks for at least 0.88"),
        ("metric loss, max", {"evidence": OTHER}, "which is not what it was judged by"),
        ("after staging", {"expected": "nothing"}, "asked for nothing; its rule asks for the"),
        ("sealed", {"data": OTHER}, "gate `sealed` measured something, which none does"),
    ],
    ids=[
        *("value", "registered value", "data", "evidence", "no evidence", "bound"),
        *("baseline of none", "history", "baseline", "drop", "registered evidence"),
        *("other gate", "other gate's data"),
    ],
)
def test_what_nobody_measured_is_named(
    measured: Town, gate: str, changes: dict[str, Any], words: str
) -> None:
    ((kind, found),) = forge(measured, gate, **changes)
    assert kind == "gate"
    assert words in found


def test_what_was_measured_before_cannot_be_left_out(measured: Town) -> None:
    measured.enter("Kim", day=2)
    evaluate(measured, "1.2.0", 0.95, number=2)
    measured.repository.commit("Measure it again, until it fits")
    measured.enter("Kim", day=3)
    ((_, found),) = forge(measured, MIN, actual=0.95)
    assert "passed with 0.95; its evidence says 0.95 (the last of 2 evaluations" in found


def test_an_evaluation_that_came_later_changes_nothing(measured: Town) -> None:
    measured.promote("1.2.0", "production")
    measured.enter("Kim", day=2)
    for number in ("1.0.0", "1.2.0"):
        evaluate(measured, number, 0.2, number=2)
    measured.repository.commit("Measure both again")
    assert measured.name_findings() == []


def test_an_evaluation_that_came_later_proves_nothing(measured: Town) -> None:
    """Who promotes first cannot measure something that fits afterwards."""
    ((_, message),) = forge(measured, MIN, actual=0.97)
    measured.enter("Kim", day=2)
    evaluate(measured, "1.2.0", 0.97, number=2)
    measured.repository.commit("Measure it again")
    assert message in [found for _, found in measured.name_findings()]


def test_one_commit_may_bring_what_was_measured_after_it(measured: Town) -> None:
    """A squash merge brings all at once, a day later."""
    measured.promote("1.2.0", "production")
    measured.enter("Kim", day=2)
    evaluate(measured, "1.2.0", 0.2, number=2)
    measured.repository.commit("Measure it again")
    measured.repository.git("reset", "--quiet", "--soft", "HEAD~2")
    measured.enter("Bob", day=3)
    measured.repository.commit("Promote and measure")
    assert measured.name_findings() == []


def test_a_rebase_puts_it_behind_what_it_has_not_seen(measured: Town) -> None:
    git = measured.repository.git
    git("switch", "--quiet", "--create", "release")
    measured.enter("Kim", day=2)
    measured.promote("1.2.0", "production")
    git("switch", "--quiet", "main")
    measured.enter("Bob", day=1, second=60)
    evaluate(measured, "1.2.0", 0.2, number=2)
    measured.repository.commit("Measure it again")
    measured.enter("Kim", day=3)
    git("rebase", "--quiet", "main", "release")
    assert measured.name_findings() == []


def test_the_rollback_and_the_way_back_are_honest(measured: Town) -> None:
    measured.promote("1.2.0", "production")
    measured.enter("Kim", day=2)
    roll_back_stage(measured.project, "m", stage="production", message="it was worse")
    measured.enter("Kim", day=3)
    measured.promote("1.2.0", "production")
    assert measured.read_last().sequence == 4
    assert measured.name_findings() == []


def test_a_range_that_invents_a_value_is_refused(measured: Town) -> None:
    base = measured.repository.git("rev-parse", "HEAD")
    forge(measured, MIN, actual=0.97)
    code, said = measured.check_range(base)
    assert code == 1
    assert "passed with 0.97; its evidence says 0.91" in said


def test_a_range_of_evaluations_and_promotions_passes(measured: Town) -> None:
    """What comes later in it is not what the promotion was judged by."""
    base = measured.repository.git("rev-parse", "HEAD")
    measured.enter("Kim", day=2)
    for accuracy in (0.95, 0.92):
        last = evaluate(measured, "1.2.0", accuracy, number=2 if accuracy == 0.95 else 3)
        measured.repository.commit("Measure it again")
        if last.sequence == 2:
            measured.promote("1.2.0", "production")
    assert measured.check_range(base)[0] == 0
    assert measured.name_findings() == []


@pytest.mark.parametrize(("here", "there"), [("main", "release"), ("release", "main")])
def test_a_promotion_that_a_merge_numbers_anew_keeps_what_it_saw(
    measured: Town, here: str, there: str
) -> None:
    """Both branches measured and promoted 1.2.0; one of them gives way."""
    git = measured.repository.git
    git("switch", "--quiet", "--create", "release")
    measured.enter("Kim", day=2)
    evaluate(measured, "1.2.0", 0.92, number=2)
    measured.repository.commit("Measure it again")
    measured.promote("1.2.0", "production")
    git("switch", "--quiet", "main")
    git("tag", "--delete", "m@production.2")  # another clone does not have it yet
    measured.enter("Bob", day=3)
    evaluate(measured, "1.2.0", 0.95, number=2)
    measured.repository.commit("Measure it, too")
    measured.promote("1.1.0", "production", force=True)
    measured.enter("Kim", day=4)
    git("switch", "--quiet", here)
    command = ["git", "merge", "--quiet", there]
    subprocess.run(command, cwd=measured.repository.path, check=False)
    resolved = measured.repository.mlver("resolve")
    assert resolved.code == 0, resolved
    git("commit", "--quiet", "--no-edit", "--allow-empty")
    assert measured.name_findings() == []
    assert len(measured.project.registry.read_evaluations("m", "1.2.0")) == 3


def test_a_range_cannot_measure_after_it_promoted(measured: Town) -> None:
    base = measured.repository.git("rev-parse", "HEAD")
    forge(measured, MIN, actual=0.97)
    measured.enter("Kim", day=2)
    later = evaluate(measured, "1.2.0", 0.97, number=2)
    data = codec.encode_document("evaluation", later.to_document())
    (measured.repository.path / later.record_path).unlink()
    gates = []
    for gate in measured.read_last().gates:
        named = replace(gate, evidence=Digest.of_bytes(data))
        gates.append(named if gate.gate in (MIN, DROP) else gate)
    measured.repository.git("tag", f"m@production.{measured.read_last().sequence}")
    measured.rewrite_last(gates=tuple(gates))
    measured.repository.write(later.record_path, data)
    measured.repository.commit("Measure it, as it had been")
    code, said = measured.check_range(base)
    assert code == 1
    assert "passed, by an evaluation that is not here" in said


def test_what_landed_before_a_range_was_known_in_it(measured: Town) -> None:
    """A worse evaluation that main had already is not left out."""
    measured.promote("1.2.0", "production")
    good = measured.read_last()
    measured.repository.git("tag", "--delete", "m@production.2")
    measured.repository.git("reset", "--quiet", "--hard", "HEAD~1")
    measured.enter("Kim", day=2)
    evaluate(measured, "1.2.0", 0.2, number=2)
    base = measured.repository.commit("Measure it again")
    measured.enter("Kim", day=3)
    forged = replace(good, created=measured.project.record_time)
    data = codec.encode_document("promotion", forged.to_document())
    measured.repository.write(forged.record_path, data)
    measured.repository.commit("Promote it")
    code, said = measured.check_range(base)
    assert code == 1
    assert "found is 0.2" in said


def let_main_promote(town: Town) -> None:
    """Another promotion takes the number on main, and the branch that is here comes in."""
    git = town.repository.git
    git("switch", "--quiet", "main")
    town.enter("Bob", day=3)
    town.promote("1.1.0", "production", force=True)
    town.enter("Kim", day=4)
    git("switch", "--quiet", "release")
    subprocess.run(["git", "merge", "--quiet", "main"], cwd=town.repository.path, check=False)
    assert town.repository.mlver("resolve").code == 0
    git("commit", "--quiet", "--no-edit", "--allow-empty")
    assert town.read_last().renumbered is not None


@pytest.mark.parametrize(
    ("gate", "changes", "words"),
    [
        (MIN, {"actual": 0.97}, "passed with 0.97; its evidence says 0.91"),
        (DROP, {"baseline": 0.5}, "passed beside 0.5 in the version that held the stage"),
        ("metric loss, max", {"actual": 0.1}, "passed with 0.1; its evidence says 0.4"),
    ],
    ids=["value", "baseline", "registered"],
)
def test_a_merge_that_numbers_anew_hides_nothing(
    measured: Town, gate: str, changes: dict[str, Any], words: str
) -> None:
    measured.repository.git("switch", "--quiet", "--create", "release")
    measured.enter("Kim", day=2)
    forge(measured, gate, **changes)
    let_main_promote(measured)
    assert [words in found for _, found in measured.name_findings()].count(True) == 1


def test_a_merge_that_numbers_anew_hides_no_worse_measurement(measured: Town) -> None:
    measured.repository.git("switch", "--quiet", "--create", "release")
    measured.enter("Kim", day=2)
    evaluate(measured, "1.2.0", 0.2, number=2)
    measured.repository.commit("Measure it again")
    measured.enter("Kim", day=3)
    measured.force_through("1.2.0")
    let_main_promote(measured)
    assert any("found is 0.2" in found for _, found in measured.name_findings())
