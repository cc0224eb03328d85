"""What the gates are told of a version: its stage's holder, and since when it holds stages."""

from __future__ import annotations

import pytest

from mlver.policy.gates.gate import HeldStage
from mlver.policy.stage_policy import StagePolicy
from mlver.project.project import Project
from mlver.project.stages import moves
from mlver.project.stages.candidate import describe_candidate
from mlver.project.stages.empty import empty_stage
from mlver.project.stages.promote import promote_version
from mlver.records.promotion import GateResult
from tests.conftest import Repository

HOLD = StagePolicy(rule={"after": ["staging"], "hold": "48h"})
HOUR = 3_600


def _find_hold(project: Project, version: str) -> HeldStage:
    chosen = project.resolve_ref(f"m@{version}")
    return describe_candidate(project, chosen, "production", [HOLD]).holds["staging"]


def test_the_holder_is_the_baseline_and_the_last_one_of_an_emptied_stage(story: Project) -> None:
    chosen = story.resolve_ref("m@1.0.0")
    stage = describe_candidate(story, chosen, "production", []).stage
    assert stage is not None
    assert stage.holder is not None
    assert (stage.holder.record.version, stage.is_held) == ("1.1.0", True)
    empty_stage(story, "m", stage="production", message="broken")
    emptied = describe_candidate(story, chosen, "production", []).stage
    assert emptied is not None
    assert (emptied.holder, emptied.is_held) == (stage.holder, False)
    never = describe_candidate(story, chosen, "staging", []).stage
    assert never is not None
    assert (never.holder, never.is_held) == (None, False)


def test_it_holds_a_stage_since_its_promotion_landed(
    story: Project, promoted_repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote_version(story, "m@1.1.0", to="staging", message="try it")
    landed = int(promoted_repository.git("log", "-1", "--format=%ct"))
    held = _find_hold(story, "1.1.0")
    assert (held.is_held, held.since, held.latest, held.fault) == (True, landed, landed, None)
    assert _find_hold(story, "1.0.0") == HeldStage(is_held=False)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(landed + 48 * HOUR))
    assert _judge_hold(story).result == "pass"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(landed + 48 * HOUR - 1))
    assert _judge_hold(story).result == "fail"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(landed - 1))
    assert _judge_hold(story).result == "inconclusive"


def _judge_hold(project: Project) -> GateResult:
    chosen = project.resolve_ref("m@1.1.0")
    return moves.judge_gates(project, chosen, "production", [HOLD])[-1]


def test_another_version_in_between_is_a_break(story: Project) -> None:
    for version in ("1.1.0", "1.0.0"):
        promote_version(story, f"m@{version}", to="staging", message="try it")
    assert _find_hold(story, "1.1.0") == HeldStage(is_held=False)
    empty_stage(story, "m", stage="staging", message="stop")
    assert _find_hold(story, "1.0.0") == HeldStage(is_held=False)


def test_an_unsealed_promotion_opens_no_hold(
    story: Project, promoted_repository: Repository
) -> None:
    promote_version(story, "m@1.1.0", to="staging", message="try it")
    promoted_repository.git("tag", "--delete", "m@staging.1")
    assert _find_hold(story, "1.1.0") == HeldStage(is_held=True)
    assert _judge_hold(story).result == "fail"


def test_what_has_not_landed_on_the_main_branch_holds_nothing(
    story: Project, promoted_repository: Repository
) -> None:
    promoted_repository.git("checkout", "--quiet", "-b", "work")
    promote_version(story, "m@1.1.0", to="staging", message="try it")
    held = _find_hold(story, "1.1.0")
    assert held.fault == "its promotion to staging has not landed on main"
    promoted_repository.git("checkout", "--quiet", "main")
    promoted_repository.git("merge", "--quiet", "--no-ff", "--no-edit", "work")
    landed = int(promoted_repository.git("log", "-1", "--format=%ct"))
    assert _find_hold(story, "1.1.0").since == landed
