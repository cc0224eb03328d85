"""The gate `verdict`: what the last verdict says, as far as its counts bear it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlver.digest import Digest
from mlver.policy.gates.gate import NOBODY, StageCandidate
from mlver.policy.gates.judged import judge_verdict_gate
from mlver.policy.stage_policy import StagePolicy
from mlver.records.sections.verdict import VerdictSettings
from mlver.records.verdict import VerdictRecord
from tests.policy.made_verdicts import BAD, GOOD, make_record, make_settings


def make_candidate(
    verdicts: Sequence[VerdictRecord] | None, settings: VerdictSettings | None = None
) -> StageCandidate:
    asked = (settings or make_settings()).to_document()
    pairs = None
    if verdicts is not None:
        pairs = tuple((one, Digest.of_bytes(str(one.sequence).encode())) for one in verdicts)
    policy = StagePolicy(rule={"verdict": "pass"}, verdict=asked)
    return replace(NOBODY, policy=policy, verdicts=pairs)


def test_the_last_verdict_decides() -> None:
    passed = make_record(GOOD)
    failed = replace(make_record(BAD), sequence=2, created="2026-11-22T03:04:05Z")
    opened = judge_verdict_gate(make_candidate([passed]), "pass")
    assert (opened.gate, opened.result) == ("verdict pass", "pass")
    assert opened.evidence == Digest.of_bytes(b"1")
    shut = judge_verdict_gate(make_candidate([passed, failed]), "pass")
    assert (shut.result, "12.00% of errors" in str(shut.actual)) == ("fail", True)


def test_no_date_decides_which_verdict_on_a_stage_is_the_last() -> None:
    passed = replace(make_record(GOOD), created="2030-01-01T00:00:00Z")
    failed = replace(make_record(BAD), sequence=2)
    assert judge_verdict_gate(make_candidate([passed, failed]), "pass").result == "fail"
    assert judge_verdict_gate(make_candidate([failed, passed]), "pass").result == "fail"


def test_the_worst_of_the_last_verdicts_on_all_stages_decides() -> None:
    passed = replace(make_record(GOOD), created="2030-01-01T00:00:00Z")
    failed = replace(make_record(BAD), stage="staging", sequence=7)
    result = judge_verdict_gate(make_candidate([failed, passed]), "pass")
    assert (result.result, result.evidence) == ("fail", Digest.of_bytes(b"7"))
    again = replace(make_record(GOOD), stage="staging", sequence=8)
    assert judge_verdict_gate(make_candidate([failed, passed, again]), "pass").result == "pass"
    forged = replace(make_record(BAD), stage="canary", answer="pass", sequence=9)
    result = judge_verdict_gate(make_candidate([passed, again, forged]), "pass")
    assert (result.result, result.evidence) == ("inconclusive", Digest.of_bytes(b"9"))


def test_a_verdict_that_cannot_be_of_its_date_opens_nothing() -> None:
    passed = make_record(GOOD)
    candidate = replace(
        make_candidate([passed]), verdict_faults={passed.record_path: "is dated too late"}
    )
    result = judge_verdict_gate(candidate, "pass")
    assert (result.result, result.actual) == (
        "inconclusive",
        "the verdict on production is dated too late",
    )


def test_nothing_recorded_is_no_answer() -> None:
    for verdicts, words in ((None, "nobody looked"), ([], "no verdict on it is recorded")):
        result = judge_verdict_gate(make_candidate(verdicts), "pass")
        assert (result.result, words in str(result.actual)) == ("inconclusive", True)


def test_a_forged_verdict_opens_nothing() -> None:
    forged = replace(make_record(BAD), answer="pass")
    result = judge_verdict_gate(make_candidate([forged]), "pass")
    assert result.result == "inconclusive"
    assert "by its counts it is fail" in str(result.actual)


def test_a_verdict_by_laxer_settings_opens_nothing() -> None:
    result = judge_verdict_gate(make_candidate([make_record(GOOD)], make_settings(0.001)), "pass")
    assert result.result == "inconclusive"
    assert "other settings" in str(result.actual)
