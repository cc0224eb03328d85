"""Merges that move records otherwise than `mlver resolve` does: history tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from mlver.document import codec
from mlver.features.checking.verify import verify_versions
from mlver.project.history.stage_history import read_history
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.project.stages.promote import promote_version
from mlver.project.stages.rollback import roll_back_stage
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from tests.conftest import Repository
from tests.features.merging.merges import judge_version, resolve_merge, run_git, write_record

KIM = "Kim <kim@example.org>"


def forged(apart: Repository, files: Sequence[tuple[str, str]]) -> None:
    """A merge of topic that says what a person made up."""
    run_git(apart, "merge", "--quiet", "--no-commit", "-s", "ours", "topic")
    for path, text in files:
        apart.write(path, text)
    apart.commit("Forged merge")


def test_a_merge_that_edits_what_it_moves_is_still_told(apart: Repository) -> None:
    side = RecordRegistry(
        CommittedRecords.at_commit(Project.open_existing(apart.path).repository, "refs/heads/topic")
    )
    mains, topics = (
        layout.version_path("m", "1.1.0"),
        side.read_file(layout.version_path("m", "1.1.0")),
    )
    assert topics is not None
    lost = (apart.path / mains).read_text()
    moved = lost.replace('version: "1.1.0"', 'version: "1.3.0"').replace(
        "message: main", "message: better"
    )
    forged(apart, [(mains, topics.decode()), (layout.version_path("m", "1.3.0"), moved)])
    broken = verify_versions(Project.open_existing(apart.path), everything=True).broken
    assert any(link.kind == "history" and link.subject == mains for link in broken)


def chained(apart: Repository, history: Sequence[PromotionRecord]) -> None:
    """Write a stage's history anew, so that the chain itself holds, and commit it as the merge
    under way.
    """
    for path in (apart.path / layout.stage_folder("m", "production")).iterdir():
        path.unlink()
    previous, prior = None, None
    for sequence, record in enumerate(history, start=1):
        new = replace(record, sequence=sequence, previous=previous, prior=prior)
        prior = write_record(
            apart,
            layout.promotion_path("m", "production", sequence),
            codec.encode_document("promotion", new.to_document()),
        )
        previous = new.version
    apart.commit("Forged merge")
    assert read_history(Project.open_existing(apart.path), "m", "production")[1] == ()


def merged(apart: Repository) -> list[PromotionRecord]:
    assert run_git(apart, "merge", "--quiet", "topic") == 1
    resolve_merge(apart)
    return [
        record
        for record, _ in Project.open_existing(apart.path).registry.read_history("m", "production")
    ]


def reported(apart: Repository) -> set[str]:
    broken = verify_versions(Project.open_existing(apart.path), everything=True).broken
    return {link.subject for link in broken if link.kind == "history"}


@pytest.mark.parametrize("action", ["promote", "rollback"])
def test_a_merge_that_leaves_out_what_went_back_is_told(apart: Repository, action: str) -> None:
    """That the version had been promoted before is no reason to leave out that the stage went back
    to it.
    """
    project = Project.open_existing(apart.path)
    if action == "rollback":
        roll_back_stage(project, "m", stage="production", message="back")
    else:
        promote_version(project, "m@1.0.0", to="production", message="back")
    history = merged(apart)
    assert [record.version for record in history] == ["1.0.0", "1.1.0", "1.0.0", "1.2.0", "1.2.1"]
    chained(apart, [*history[:2], *history[3:]])
    assert layout.promotion_path("m", "production", 3) in reported(apart)


@pytest.mark.parametrize(("sequence", "version"), [(1, "1.1.0"), (2, "1.0.0")])
def test_a_merge_that_says_another_version_was_promoted_is_told(
    apart: Repository, sequence: int, version: str
) -> None:
    """One that both branches had, and one of main's own."""
    history = merged(apart)
    digest = Project.open_existing(apart.path).registry.read_version_digest("m", version)
    assert digest is not None
    history[sequence - 1] = replace(history[sequence - 1], version=version, record=digest)
    chained(apart, history)
    assert layout.promotion_path("m", "production", sequence) in reported(apart)


def test_a_merge_does_not_move_what_both_branches_had(apart: Repository) -> None:
    path = layout.version_path("m", "1.0.0")
    text = (apart.path / path).read_text()
    run_git(apart, "merge", "--quiet", "--no-commit", "-s", "ours", "topic")
    (apart.path / path).unlink()
    apart.write(
        layout.version_path("m", "1.5.0"), text.replace('version: "1.0.0"', 'version: "1.5.0"')
    )
    apart.commit("Forged merge")
    assert path in reported(apart)


def test_a_merge_that_says_another_version_is_the_parent_is_told(apart: Repository) -> None:
    path = layout.version_path("m", "1.1.0")
    merged(apart)
    apart.write(
        path, (apart.path / path).read_text().replace('previous: "1.0.0"', "previous: null")
    )
    apart.commit("Forged merge")
    assert path in reported(apart)


def test_a_merge_that_gives_an_evaluation_to_another_version_is_told(apart: Repository) -> None:
    apart.git("switch", "--quiet", "topic")
    judge_version(apart, "1.1.1", KIM)
    apart.git("switch", "--quiet", "main")
    judge_version(apart, "1.0.0", KIM)
    old, new = layout.evaluation_path("m", "1.0.0", 1), layout.evaluation_path("m", "1.1.0", 1)
    registry = Project.open_existing(apart.path).registry
    digest = registry.read_version_digest("m", "1.1.0")
    assert digest is not None
    evaluation, _ = registry.read_evaluation("m", "1.0.0", 1)
    moved = replace(evaluation, version="1.1.0", record=digest)
    run_git(apart, "merge", "--quiet", "--no-commit", "-s", "ours", "topic")
    (apart.path / old).unlink()
    apart.write(new, codec.encode_document("evaluation", moved.to_document()))
    apart.commit("Forged merge")
    assert old in reported(apart)
