"""Two branches opened rollouts side by side: one of them follows the other."""

from __future__ import annotations

from mlver.project.project import Project
from mlver.project.registry.attached import ROLLOUTS
from mlver.project.rollouts.open_rollouts import find_open_rollout
from mlver.project.stages.promote import promote_version
from mlver.project.stages.rollout import roll_out
from mlver.project.stages.rollout_request import RolloutRequest
from tests.conftest import Repository
from tests.features.merging.merges import (
    assert_verifies,
    register_next_version,
    resolve_merge,
    run_git,
)


def share(project: Project, ref: str, percent: float) -> None:
    request = RolloutRequest(stage="production", message=ref, share=percent)
    assert roll_out(project, ref, request).outcome == "opened"


def part_with_rollouts(ground: Repository) -> Project:
    """On `mine` and `yours`, each registers a 1.1.0 and gives it a share of production."""
    project = Project.open_existing(ground.path)
    ground.git("tag", "--delete", "m@v1.1.0", "m@production.2")
    for branch, percent in (("mine", 10), ("yours", 20)):
        ground.git("switch", "--quiet", "-c", branch, "start")
        register_next_version(project, branch, stage=None)
        share(project, "m@1.1.0", percent)
        ground.git("tag", "--delete", "m@v1.1.0")
    return project


def test_the_own_one_follows_with_the_number_of_its_version(apart: Repository) -> None:
    project = part_with_rollouts(apart)
    assert run_git(apart, "merge", "--quiet", "mine") == 1
    resolve_merge(apart, "theirs")
    apart.git("commit", "--quiet", "--no-edit")
    (kept, digest), (own, _) = ROLLOUTS.read_digested(project.registry, "m", "production")
    assert (kept.version, kept.share, kept.renumbered) == ("1.1.0", 20, None)
    assert (own.version, own.share, own.prior) == ("1.2.0", 10, digest)
    assert own.renumbered is not None
    assert own.renumbered.number == 1
    assert find_open_rollout(project.registry, "m", "production") == own
    assert_verifies(apart)
    assert apart.mlver("verify", "--all").code == 0


def test_the_promotion_that_closed_it_names_what_it_is_now(apart: Repository) -> None:
    project = part_with_rollouts(apart)
    promote_version(project, "m@1.1.0", to="production", message="better", force=True)
    apart.git("tag", "--delete", "m@production.2")
    assert run_git(apart, "merge", "--quiet", "mine") == 1
    resolve_merge(apart, "ours")
    apart.git("commit", "--quiet", "--no-edit")
    _, (own, digest) = ROLLOUTS.read_digested(project.registry, "m", "production")
    promotion, _ = project.registry.read_promotion("m", "production", 2)
    assert (own.version, promotion.version, promotion.rollout) == ("1.2.0", "1.2.0", digest)
    assert find_open_rollout(project.registry, "m", "production") is None
    assert_verifies(apart)


def test_a_rollout_that_a_merge_drops_is_named(apart: Repository) -> None:
    part_with_rollouts(apart)
    assert run_git(apart, "merge", "--quiet", "mine") == 1
    apart.git("checkout", "--quiet", "--ours", ".")
    apart.git("add", "--all")
    apart.git("commit", "--quiet", "--no-edit", "--no-verify")
    done = apart.mlver("verify", "--all")
    assert done.code == 1
    assert ".mlver/models/m/rollouts/production/0001.yaml was replaced" in " ".join(
        (done.out + done.err).split()
    )
