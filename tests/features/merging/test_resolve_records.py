"""What becomes of everything that names a version which gets another number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlver.document import codec
from mlver.errors import MlverError
from mlver.project.project import Project
from mlver.project.stages.promote import promote_version
from mlver.records import layout
from mlver.records.promotion import ApprovalReference
from tests.conftest import Repository
from tests.features.merging.merges import (
    CHAIN,
    assert_verifies,
    judge_version,
    list_promotions,
    resolve_merge,
    run_git,
    write_record,
)

KIM = "Kim <kim@example.org>"


def test_evaluations_come_along_and_approvals_do_not(apart: Repository) -> None:
    """Bytes that were measured are the same bytes; a yes was said to one record."""
    apart.git("switch", "--quiet", "topic")
    given = judge_version(apart, "1.1.1", KIM)
    path = layout.promotion_path("m", "production", 3)
    promotion, _ = Project.open_existing(apart.path).registry.read_promotion("m", "production", 3)
    counted = replace(promotion, approvals=(ApprovalReference(approver=KIM, record=given),))
    apart.git("reset", "--quiet", "--soft", "HEAD~2")  # as if it had been promoted with it
    write_record(apart, path, codec.encode_document("promotion", counted.to_document()))
    apart.commit("Promote with an approval")
    apart.git("switch", "--quiet", "main")
    assert run_git(apart, "merge", "--quiet", "topic") == 1
    result = resolve_merge(apart)
    moved = {record.old: record.new for record in result.rewritten}
    assert moved[layout.evaluation_path("m", "1.1.1", 1)] == layout.evaluation_path("m", "1.2.1", 1)
    (dropped,) = result.dropped
    assert dropped.subject == layout.approval_path("m", "1.1.1", "production", 1)
    assert "1.1.1" in dropped.message
    assert "1.2.1" in dropped.message
    apart.git("commit", "--quiet", "--no-edit")
    # The promotion happened, and says by which approval.
    assert list_promotions(apart) == CHAIN
    kept, _ = Project.open_existing(apart.path).registry.read_promotion("m", "production", 4)
    assert kept.approvals == counted.approvals
    assert_verifies(apart)


def test_judgements_of_one_version_by_two_branches_are_counted_on(apart: Repository) -> None:
    for branch in ("mine", "yours"):
        apart.git("switch", "--quiet", "-c", branch, "start")
        judge_version(apart, "1.0.0", f"{branch} <{branch}@example.org>")
    assert run_git(apart, "merge", "--quiet", "mine") == 1
    result = resolve_merge(apart, "ours")
    assert [(record.old[-9:], record.new[-9:]) for record in result.rewritten] == [
        ("0001.yaml", "0002.yaml")
    ] * 2
    apart.git("commit", "--quiet", "--no-edit")
    authors = [
        record.author
        for record, _ in Project.open_existing(apart.path).registry.read_approvals("m", "1.0.0")
    ]
    assert authors == ["mine <mine@example.org>", "yours <yours@example.org>"]
    assert_verifies(apart)


def test_a_promotion_that_changes_nothing_any_more_is_kept(apart: Repository) -> None:
    project = Project.open_existing(apart.path)
    for branch in ("mine", "yours"):
        apart.git("switch", "--quiet", "-c", branch, "start")
        promote_version(project, "m@1.0.0", to="staging", message=f"{branch} try")
        if branch == "mine":
            apart.git("tag", "--delete", "m@staging.1")
    assert run_git(apart, "merge", "--quiet", "mine") == 1
    result = resolve_merge(apart, "ours")
    assert result.dropped == ()
    assert [(record.old, record.new) for record in result.rewritten] == [
        tuple(layout.promotion_path("m", "staging", number) for number in (1, 2))
    ]
    apart.git("commit", "--quiet", "--no-edit")
    assert list_promotions(apart, "staging") == [("1.0.0", None), ("1.0.0", "1.0.0")]
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
