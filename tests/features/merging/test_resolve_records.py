"""What becomes of everything that names a version which gets another number; and of a resolve that
is killed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import MlverError
from mlver.features.checking.verify import verify_versions
from mlver.project.edit import intent
from mlver.project.history.stage_history import read_history
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.project.stages.promote import promote_version
from mlver.project.stages.rollback import roll_back_stage
from mlver.records import layout
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.promotion import ApprovalReference, PromotionRecord
from tests.conftest import NOW, Repository
from tests.features.merging.merges import (
    CHAIN,
    add_remote,
    assert_verifies,
    list_promotions,
    resolve_merge,
    run_git,
    seal_on_topic,
)

KIM = "Kim <kim@example.org>"


def put(apart: Repository, path: str, data: bytes) -> Digest:
    apart.write(path, data)
    return Digest.of_bytes(data)


def judged(apart: Repository, version: str, who: str) -> Digest:
    """An evaluation and an approval of a version, as another mlver may write them; the approval's
    digest.
    """
    pinned, record = Project.open_existing(apart.path).registry.read_version("m", version)
    evaluation = EvaluationRecord(
        model="m",
        version=version,
        sequence=1,
        created=NOW,
        author=who,
        message=who,
        record=record,
        data={"golden": pinned.weights},
        metrics={"accuracy": 0.5},
    )
    put(
        apart,
        layout.evaluation_path("m", version, 1),
        codec.encode_document("evaluation", evaluation.to_document()),
    )
    approval = ApprovalRecord(
        model="m",
        version=version,
        stage="production",
        sequence=1,
        created=NOW,
        author=who,
        message=who,
        record=record,
    )
    path = layout.approval_path("m", version, "production", 1)
    settings = put(apart, path, codec.encode_document("approval", approval.to_document()))
    apart.commit(f"Judge {version}")
    return settings


def test_evaluations_come_along_and_approvals_do_not(apart: Repository) -> None:
    """Bytes that were measured are the same bytes; a yes was said to one record."""
    apart.git("switch", "--quiet", "topic")
    given = judged(apart, "1.1.1", KIM)
    path = layout.promotion_path("m", "production", 3)
    promotion, _ = Project.open_existing(apart.path).registry.read_promotion("m", "production", 3)
    counted = replace(promotion, approvals=(ApprovalReference(approver=KIM, record=given),))
    apart.git("reset", "--quiet", "--soft", "HEAD~2")  # as if it had been promoted with it
    put(apart, path, codec.encode_document("promotion", counted.to_document()))
    apart.commit("Promote with an approval")
    apart.git("switch", "--quiet", "main")
    assert run_git(apart, "merge", "--quiet", "topic") == 1
    result = resolve_merge(apart)
    moved = {record.old: record.new for record in result.rewritten}
    assert moved[layout.evaluation_path("m", "1.1.1", 1)] == layout.evaluation_path("m", "1.2.1", 1)
    assert {record.subject for record in result.dropped} == {
        layout.approval_path("m", "1.1.1", "production", 1),
        path,
    }
    assert all("1.1.1" in record.message and "1.2.1" in record.message for record in result.dropped)
    apart.git("commit", "--quiet", "--no-edit")
    assert list_promotions(apart) == CHAIN[:3]
    assert_verifies(apart)


def test_judgements_of_one_version_by_two_branches_are_counted_on(apart: Repository) -> None:
    for branch in ("mine", "yours"):
        apart.git("switch", "--quiet", "-c", branch, "start")
        judged(apart, "1.0.0", f"{branch} <{branch}@example.org>")
    assert run_git(apart, "merge", "--quiet", "mine") == 1
    result = resolve_merge(apart, "ours")
    assert [(record.old[-9:], record.new[-9:]) for record in result.rewritten] == [
        ("0001.yaml", "0002.yaml")
    ] * 2
    apart.git("commit", "--quiet", "--no-edit")
    authors = [
        record.author
        for record in Project.open_existing(apart.path).registry.read_approvals("m", "1.0.0")
    ]
    assert authors == ["mine <mine@example.org>", "yours <yours@example.org>"]
    assert_verifies(apart)


def test_a_promotion_that_changes_nothing_any_more_is_left_out(apart: Repository) -> None:
    project = Project.open_existing(apart.path)
    for branch in ("mine", "yours"):
        apart.git("switch", "--quiet", "-c", branch, "start")
        promote_version(project, "m@1.0.0", to="staging", message=f"{branch} try")
    assert run_git(apart, "merge", "--quiet", "mine") == 1
    result = resolve_merge(apart, "ours")
    assert [(record.subject, record.message) for record in result.dropped] == [
        (layout.promotion_path("m", "staging", 1), "staging holds 1.0.0 already")
    ]
    apart.git("commit", "--quiet", "--no-edit")
    assert list_promotions(apart, "staging") == [("1.0.0", None)]
    assert_verifies(apart)


def settings(apart: Repository, lines: str) -> None:
    path = layout.settings_path("m")
    apart.write(path, f"{(apart.path / path).read_text()}{lines}")
    apart.commit("Settings")


@pytest.mark.parametrize(
    ("mine", "yours", "clash"),
    [
        ("owner: kim\n", "directions: {loss: lower}\n", None),
        ("owner: kim\n", "owner: lee\n", "both sides set owner"),
        ("directions: {loss: lower}\n", "directions: {accuracy: higher}\n", None),
    ],
)
def test_settings_are_merged_key_by_key_and_a_clash_is_a_persons(
    apart: Repository, mine: str, yours: str, clash: str | None
) -> None:
    for branch, lines in (("mine", mine), ("yours", yours)):
        apart.git("switch", "--quiet", "-c", branch, "start")
        settings(apart, lines)
    assert run_git(apart, "merge", "--quiet", "mine") == 1
    result = resolve_merge(apart, "ours")
    if clash:
        assert (result.exit_code, [record.message for record in result.left], result.settled) == (
            1,
            [clash],
            (),
        )
        assert b"<<<<<<<" in (apart.path / layout.settings_path("m")).read_bytes()
    else:
        assert (result.exit_code, result.left, result.settled) == (
            0,
            (),
            (layout.settings_path("m"),),
        )
        apart.git("commit", "--quiet", "--no-edit")
        found = Project.open_existing(apart.path).registry.read_settings("m")
        assert found is not None
        assert dict(found.directions).keys() <= {"loss", "accuracy"}
        assert found.directions["loss"] == "lower"


def test_settings_that_one_side_deleted_are_a_persons(apart: Repository) -> None:
    path = layout.settings_path("m")
    apart.git("switch", "--quiet", "-c", "mine", "start")
    apart.git("rm", "--quiet", path)
    apart.commit("Delete the settings")
    apart.git("switch", "--quiet", "-c", "yours", "start")
    settings(apart, "owner: kim\n")
    assert run_git(apart, "merge", "--quiet", "mine") == 1
    (left,) = resolve_merge(apart, "ours").left
    assert (left.subject, left.message) == (path, "was deleted by theirs")
    assert left.hints == (f"git add {path}", f"git rm {path}")


def test_what_is_broken_on_main_itself_is_nothing_to_rebase(apart: Repository) -> None:
    apart.git("rm", "--quiet", layout.version_path("m", "1.1.0"))
    apart.commit("Delete a version")
    (left,) = resolve_merge(apart).left
    assert (left.message, left.hints) == (
        "names 1.1.0, which has no record",
        ("mlver verify --all",),
    )


def test_other_conflicts_are_left_alone_and_counted(apart: Repository) -> None:
    for branch in ("topic", "main"):
        apart.git("switch", "--quiet", branch)
        apart.write("code.py", f"{branch}\n")
        apart.commit("Code")
    assert run_git(apart, "merge", "--quiet", "topic") == 1
    result = resolve_merge(apart)
    assert (result.conflicts, result.exit_code) == (1, 0)
    assert apart.git("ls-files", "--unmerged").count("code.py") == 2
    assert "\n1 file of your own still holds both sides: git status\n" in apart.mlver("resolve").out


def test_where_nothing_stopped_there_is_nothing_to_do(apart: Repository) -> None:
    result = resolve_merge(apart)
    assert (result.during, result.rewritten, result.written, result.left) == ("commit", (), (), ())


def test_a_record_that_is_a_symlink_is_not_followed(apart: Repository) -> None:
    apart.git("switch", "--quiet", "topic")
    path = apart.path / layout.version_path("m", "1.1.0")
    path.unlink()
    path.symlink_to("/etc/passwd")
    apart.commit("Hostile")
    apart.git("switch", "--quiet", "main")
    assert run_git(apart, "merge", "--quiet", "topic") == 1
    before = apart.git("status", "--porcelain")
    with pytest.raises(MlverError, match="is a symlink"):
        resolve_merge(apart)
    assert apart.git("status", "--porcelain") == before


# -- killed, and what a person did before the next command -----------------------------------------


def killed(apart: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is staged, and the old seals are deleted; then it is killed, its intent still on the
    disk.
    """
    add_remote(apart)
    seal_on_topic(apart)
    assert run_git(apart, "merge", "--quiet", "origin/main") == 1

    def die(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(intent, "drop_intent", die)
        with pytest.raises(KeyboardInterrupt):
            resolve_merge(apart)
    assert intent.read_pending(Project.open_existing(apart.path).state_directory) is not None


def test_killed_and_then_committed_it_is_completed(
    apart: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(apart, monkeypatch)
    apart.git("commit", "--quiet", "--no-edit")
    assert_verifies(apart)
    assert list_promotions(apart) == CHAIN
    assert apart.git("status", "--porcelain") == ""


def test_killed_and_then_given_up_it_is_undone(
    apart: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(apart, monkeypatch)
    apart.git("merge", "--abort")
    assert_verifies(apart)
    assert list_promotions(apart) == [("1.0.0", None), ("1.1.0", "1.0.0"), ("1.1.1", "1.1.0")]
    assert apart.git("status", "--porcelain") == ""
    assert apart.git("tag", "--list", "m@v1.1.*").split() == ["m@v1.1.0", "m@v1.1.1"]


def test_killed_and_run_again(apart: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(apart, monkeypatch)
    result = resolve_merge(apart)
    assert (len(result.written), result.untagged) == (7, ("m@v1.1.0", "m@v1.1.1"))
    apart.git("commit", "--quiet", "--no-edit")
    assert_verifies(apart)


# -- what history may not do all the same ----------------------------------------------------------


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
        prior = put(
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
    apart.write(path, (apart.path / path).read_text().replace('parent: "1.0.0"', "parent: null"))
    apart.commit("Forged merge")
    assert path in reported(apart)


def test_a_merge_that_gives_an_evaluation_to_another_version_is_told(apart: Repository) -> None:
    apart.git("switch", "--quiet", "topic")
    judged(apart, "1.1.1", KIM)
    apart.git("switch", "--quiet", "main")
    judged(apart, "1.0.0", KIM)
    old, new = layout.evaluation_path("m", "1.0.0", 1), layout.evaluation_path("m", "1.1.0", 1)
    registry = Project.open_existing(apart.path).registry
    digest = registry.read_version_digest("m", "1.1.0")
    assert digest is not None
    moved = replace(registry.read_evaluation("m", "1.0.0", 1), version="1.1.0", record=digest)
    run_git(apart, "merge", "--quiet", "--no-commit", "-s", "ours", "topic")
    (apart.path / old).unlink()
    apart.write(new, codec.encode_document("evaluation", moved.to_document()))
    apart.commit("Forged merge")
    assert old in reported(apart)
