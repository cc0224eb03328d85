"""Stages as the records tell them, and what their gates look at."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlver.errors import MlverError, UsageError
from mlver.policy.stage_policy import StagePolicy
from mlver.project.history.stage_history import read_rule, require_whole_history
from mlver.project.project import Project
from mlver.project.stages import moves
from mlver.project.stages.promote import promote_version
from mlver.records import layout
from tests.conftest import Repository
from tests.project.helpers import edit_file

FIRST = layout.version_path("m", "1.0.0")


def test_a_whole_history_links_back_to_its_first(story: Project) -> None:
    (first, digest), (second, _) = require_whole_history(story, "m", "production")
    assert (first.prior, first.previous) == (None, None)
    assert (second.prior, second.previous, second.version) == (digest, "1.0.0", "1.1.0")
    assert second.record == story.registry.read_version_digest("m", "1.1.0")
    assert require_whole_history(story, "m", "staging") == []


BREAKS: dict[str, Callable[[Repository], None]] = {
    "an edited promotion": lambda r: edit_file(
        r, layout.promotion_path("m", "production", 1), "better", "best"
    ),
    "a missing promotion": lambda r: (
        r.path / layout.promotion_path("m", "production", 1)
    ).unlink(),
    "an edited version": lambda r: edit_file(r, FIRST, "message: why", "message: because"),
    "a missing version": lambda r: (r.path / FIRST).unlink(),
}


@pytest.mark.parametrize("break_it", BREAKS.values(), ids=BREAKS)
def test_no_promotion_is_built_on_a_broken_one(
    story: Project, promoted_repository: Repository, break_it: Callable[[Repository], None]
) -> None:
    break_it(promoted_repository)
    with pytest.raises(MlverError, match="the history of production is damaged:\n") as refused:
        require_whole_history(story, "m", "production")
    assert refused.value.hint == "mlver verify --all"
    head = promoted_repository.git("rev-parse", "HEAD")
    with pytest.raises(MlverError, match="is damaged"):
        promote_version(story, "m@1.1.0", to="production", message="again", force=True)
    assert promoted_repository.git("rev-parse", "HEAD") == head


def test_a_stage_nobody_named_is_refused(story: Project) -> None:
    with pytest.raises(
        UsageError, match="there is no stage `canary`; there are staging, production"
    ):
        read_rule(story, "canary")


def test_gates_look_at_the_seal_the_stages_before_and_every_byte(
    story: Project, promoted_repository: Repository
) -> None:
    policy = StagePolicy(
        rule={"after": ["production", "staging"], "verified": True, "sealed": True}
    )
    chosen = story.resolve_ref("m@1.1.0")
    assert {
        gate.gate: gate.result for gate in moves.judge_gates(story, chosen, "production", [policy])
    } == {
        "sealed": "pass",
        "after production": "pass",
        "after staging": "fail",
        "verified bytes": "pass",
    }
    promoted_repository.git("tag", "--delete", "m@v1.1.0")
    for pack in (story.state_directory / "packs").iterdir():
        pack.unlink()
    found = {gate.gate: gate for gate in moves.judge_gates(story, chosen, "production", [policy])}
    assert (found["sealed"].result, found["verified bytes"].result) == ("fail", "fail")
    assert "m 1.1.0 weights/a is missing" in str(found["verified bytes"].actual)
