"""Rollouts judged again: each forgery is named, also before it lands, and no honest one is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.project.registry.attached import ROLLOUTS
from mlver.project.stages.rollback import roll_back_stage
from mlver.project.stages.rollout import roll_out
from mlver.project.stages.rollout_request import RolloutRequest
from mlver.records import layout
from mlver.records.references import PolicyReference, Renumbering, VersionReference
from mlver.records.rollout import RolloutRecord
from tests.project.audit.forging import Town

PATH = layout.rollout_path("m", "production", 1)


def share(town: Town, percent: float, *, force: bool = False, withdraw: bool = False) -> None:
    request = RolloutRequest(
        stage="production",
        message="try it",
        share=None if withdraw else percent,
        withdraw=withdraw,
        force=force,
    )
    assert roll_out(town.project, "m@1.1.0", request).outcome != "refused"


def read_last(town: Town) -> RolloutRecord:
    return ROLLOUTS.read_digested(town.project.registry, "m", "production")[-1][0]


def rewrite_last(town: Town, **claims: Any) -> None:
    """Let the last commit's rollout make these claims instead."""
    record = read_last(town)
    forged = replace(record, **claims)
    town.repository.git("reset", "--quiet", "--soft", "HEAD~1")
    data = codec.encode_document("rollout", forged.to_document())
    town.repository.write(record.record_path, data)
    town.repository.commit("docs")


@pytest.fixture
def sharing(town: Town) -> Town:
    """The second version, which was in staging, has a tenth of the traffic."""
    town.enter("Kim", day=1)
    town.promote("1.1.0", "staging")
    town.enter("Kim", day=2)
    share(town, 10)
    return town


def _list_findings(town: Town) -> list[tuple[str, str]]:
    done = town.repository.mlver("verify", "--all")
    said = " ".join((done.out + done.err).split())
    return [*town.name_findings(), ("all", said)]


def _claim_digest(record: RolloutRecord) -> PolicyReference:
    assert record.policy is not None
    return replace(record.policy, digest=Digest("ab" * 32))


FORGERIES: dict[str, tuple[Callable[[RolloutRecord], dict[str, Any]], str]] = {
    "no gates": (lambda record: {"gates": ()}, "lacks the gate `after staging`"),
    "a gate that did not pass": (
        lambda record: {"gates": tuple(replace(one, result="fail") for one in record.gates)},
        "did not pass, and was not forced",
    ),
    "no policy": (lambda record: {"policy": None}, "does not say which policy judged it"),
    "another policy": (
        lambda record: {"policy": _claim_digest(record)},
        "names another policy than the one that",
    ),
    "another baseline": (
        lambda record: {"baseline": VersionReference("1.1.0", record.record)},
        "did not hold the stage",
    ),
    "itself as the baseline": (
        lambda record: {"baseline": VersionReference("1.1.0", record.record)},
        "shares the traffic of a version with itself",
    ),
    "a baseline that is not here": (
        lambda record: {"baseline": VersionReference("7.0.0", record.record)},
        "shares with 7.0.0, which has no record",
    ),
    "a share without its strategy": (
        lambda record: {"strategy": "shadow"},
        "a shadow answers nothing",
    ),
    "no share": (lambda record: {"share": 0}, "gives no share, and is no withdrawal"),
    "an end with a share": (
        lambda record: {"action": "withdraw"},
        "withdraws a version, and gives it a share",
    ),
    "a move of nothing": (lambda record: {"action": "move"}, "no rollout was open"),
    "a date before the version": (
        lambda record: {"created": "2025-01-01T00:00:00Z"},
        "before its version was registered",
    ),
    "a date after the commit": (
        lambda record: {"created": "2026-02-01T00:00:00Z"},
        "later than the commit that added it",
    ),
    "one before it that is not there": (
        lambda record: {"prior": Digest("ab" * 32)},
        "is the first, and names one before it",
    ),
    "another record": (
        lambda record: {"record": Digest("ab" * 32)},
        "was given for another record of 1.1.0",
    ),
}


@pytest.mark.parametrize(("claim", "words"), FORGERIES.values(), ids=FORGERIES)
def test_a_rollout_written_by_hand_is_named(
    sharing: Town, claim: Callable[[RolloutRecord], dict[str, Any]], words: str
) -> None:
    assert _list_findings(sharing)[:-1] == []
    base = sharing.repository.git("rev-parse", "HEAD~1")
    rewrite_last(sharing, **claim(read_last(sharing)))
    assert any(words in said for _, said in _list_findings(sharing)), _list_findings(sharing)
    code, said = sharing.check_range(base)
    assert code == 1
    assert PATH in said


def test_a_share_of_a_stage_that_nobody_held_is_named(sharing: Town) -> None:
    base = sharing.repository.git("rev-parse", "HEAD")
    forged = replace(read_last(sharing), stage="canary", gates=(), policy=None)
    data = codec.encode_document("rollout", forged.to_document())
    sharing.repository.write(forged.record_path, data)
    sharing.repository.commit("docs")
    words = "shares the traffic of canary, which no version ever held"
    assert words in _list_findings(sharing)[-1][1]
    code, said = sharing.check_range(base)
    assert code == 1
    assert words in said


def test_what_never_passed_its_gates_is_named(town: Town) -> None:
    town.enter("Kim", day=1)
    share(town, 10, force=True)
    assert town.name_findings() == []
    gates = tuple(replace(gate, result="pass") for gate in read_last(town).gates)
    rewrite_last(town, forced=False, gates=gates)
    assert ("gate", "says that 1.1.0 had held staging, which it had not") in town.name_findings()


def test_a_rule_that_is_weakened_for_a_share_is_named(town: Town) -> None:
    town.enter("Kim", day=1)
    town.weaken_rule()
    share(town, 100)
    town.restore_rule()
    assert any("weakened" in words for _, words in town.name_findings()), town.name_findings()


def test_a_claimed_author_is_unconfirmed(sharing: Town) -> None:
    base = sharing.repository.git("rev-parse", "HEAD~1")
    rewrite_last(sharing, author="Alice <alice@example.org>")
    report = sharing.judge()
    assert report.findings == ()
    (doubt,) = report.unconfirmed
    assert doubt.subject == PATH
    assert "Alice <alice@example.org> as its author" in doubt.message
    code, said = sharing.check_range(base)
    assert code == 1
    assert doubt.message in said


def test_a_number_that_no_merge_took_is_unconfirmed(sharing: Town) -> None:
    base = sharing.repository.git("rev-parse", "HEAD~1")
    rewrite_last(sharing, renumbered=Renumbering(number=7, record=Digest("ab" * 32)))
    (doubt,) = sharing.judge().unconfirmed
    assert doubt.message == "says that it was 0007, and nothing shows it"
    code, said = sharing.check_range(base)
    assert code == 1
    assert doubt.message in said


def test_a_share_on_a_day_when_nobody_had_it_is_named(sharing: Town) -> None:
    forged = read_last(sharing)
    sharing.repository.git("reset", "--quiet", "--hard", "HEAD~1")
    sharing.enter("Kim", day=40)
    sharing.promote("1.1.0", "production")
    base = sharing.repository.git("rev-parse", "HEAD")
    data = codec.encode_document("rollout", forged.to_document())
    sharing.repository.write(PATH, data)
    sharing.repository.commit("docs")
    (doubt,) = sharing.judge().unconfirmed
    assert doubt.subject == PATH
    assert "before production/0002 (2026-02-11T03:04:05Z), which was there" in doubt.message
    code, said = sharing.check_range(base)
    assert code == 1
    assert doubt.message in said


def test_a_second_one_beside_an_open_one_is_named(sharing: Town) -> None:
    share(sharing, 20)
    rewrite_last(sharing, action="open")
    assert "was opened while 0001 was open" in _list_findings(sharing)[-1][1]


@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_promotion_that_closes_what_never_was_is_named(sharing: Town, *, withdrawn: bool) -> None:
    claim, message = Digest("ab" * 32), "says that it closed a rollout which is not here"
    if withdrawn:
        share(sharing, 0, withdraw=True)
        ((_, _), (_, claim)) = ROLLOUTS.read_digested(sharing.project.registry, "m", "production")
        message = "says that it closed the rollout 0002, which was not open"
    base = sharing.repository.git("rev-parse", "HEAD")
    sharing.promote("1.1.0", "production")
    assert sharing.name_findings() == []
    sharing.rewrite_last(rollout=claim)
    assert ("chain", message) in sharing.name_findings()
    code, said = sharing.check_range(base)
    assert code == 1
    assert message in said


def test_the_one_before_has_to_be_here(sharing: Town) -> None:
    share(sharing, 20)
    (sharing.repository.path / PATH).unlink()
    sharing.repository.commit("docs")
    said = _list_findings(sharing)[-1][1]
    assert "follows 0001, which is not here" in said
    assert "deleted in commit" in said


def test_a_whole_story_verifies(sharing: Town) -> None:
    """Opened, moved, withdrawn, opened again and promoted; and all within one second."""
    share(sharing, 50)
    share(sharing, 0, withdraw=True)
    share(sharing, 10)
    sharing.promote("1.1.0", "production")
    roll_back_stage(sharing.project, "m", stage="production", message="worse")
    share(sharing, 10)
    roll_back_stage(sharing.project, "m", stage="production", message="worse")
    done = sharing.repository.mlver("verify", "--all")
    assert done.code == 0, done
    report = sharing.judge()
    assert (report.findings, report.unconfirmed) == ((), ())
    audited = sharing.repository.mlver("audit", "m", "--stage", "production", "--strict")
    assert audited.code == 0, audited
