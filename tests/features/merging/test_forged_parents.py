"""Records that a forged merge replaced, deleted or renumbered, whatever the shape of the merge."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.project.history import renumbered
from mlver.project.project import Project
from mlver.project.registry.registry import decode_promotion
from mlver.records import layout
from mlver.records.references import Renumbering
from tests.conftest import Repository

SECOND = layout.promotion_path("m", "production", 2)
THIRD = layout.promotion_path("m", "production", 3)
VERSION = layout.version_path("m", "1.1.0")
ALICE = "Alice Auditor <alice@example.org>"


def show(ground: Repository, commit: str, path: str) -> bytes:
    return subprocess.run(
        ["git", "show", f"{commit}:{path}"], cwd=ground.path, capture_output=True, check=True
    ).stdout


def write_branch(ground: Repository, name: str, start: str, files: Mapping[str, bytes]) -> None:
    """A branch whose one commit writes these files."""
    ground.git("switch", "--quiet", "-c", name, start)
    for path, data in files.items():
        ground.write(path, data)
    ground.write(f"{name}.py", name)
    ground.commit(name)
    ground.git("switch", "--quiet", "main")


def write_merge(
    ground: Repository, parents: Sequence[str], files: Mapping[str, bytes | None]
) -> str:
    """Move main to a merge of `parents` that has main's files, but for these (None: deleted)."""
    for path, data in files.items():
        if data is None:
            (ground.path / path).unlink(missing_ok=True)
        else:
            ground.write(path, data)
    ground.git("add", "--force", "--all", ".mlver")
    tree = ground.git("write-tree")
    named = [word for parent in parents for word in ("-p", parent)]
    commit = ground.git("commit-tree", tree, *named, "-m", "Merge branch")
    ground.git("update-ref", "refs/heads/main", commit)
    ground.git("reset", "--quiet", "--hard", "main")
    return commit


def forge_promotion(ground: Repository, **changes: object) -> bytes:
    """Main's second promotion, as it never was."""
    record = decode_promotion(show(ground, "main", SECOND), SECOND)
    told = {"author": ALICE, "message": "reviewed by the board", **changes}
    forged = replace(record, **told)  # type: ignore[arg-type]
    return codec.encode_document("promotion", forged.to_document())


def list_damage(ground: Repository) -> set[str]:
    report = renumbered.examine_history(Project.open_existing(ground.path))
    return {change.path for change in report.tampering}


SHAPES = {
    "ordinary": ("main", "side"),
    "swapped": ("side", "main"),
    "octopus": ("main", "other", "side"),
    "swapped octopus": ("other", "side", "main"),
    "twice": ("side", "main", "again"),
}
shapes = pytest.mark.parametrize("parents", SHAPES.values(), ids=SHAPES)


def fork_branches(ground: Repository, files: Mapping[str, bytes]) -> None:
    write_branch(ground, "side", "start", files)
    write_branch(ground, "again", "start", files)
    write_branch(ground, "other", "start", {})


@shapes
def test_a_promotion_that_a_branch_replaces_is_named(
    apart: Repository, parents: Sequence[str]
) -> None:
    """It moves the stage to the same version, so nothing but its words is lost."""
    forged = forge_promotion(apart, forced=False)
    fork_branches(apart, {SECOND: forged})
    write_merge(apart, parents, {SECOND: forged})
    assert list_damage(apart) == {SECOND}
    shown = apart.mlver("verify", "--all")
    assert shown.code == 1
    assert f"{SECOND} was replaced in the merge" in shown.out


@shapes
def test_a_whole_history_that_a_branch_replaces_is_named(
    apart: Repository, parents: Sequence[str]
) -> None:
    digest = Project.open_existing(apart.path).registry.read_version_digest("m", "1.0.0")
    forged = forge_promotion(apart, version="1.0.0", record=digest)
    fork_branches(apart, {SECOND: forged, THIRD: forge_promotion(apart, sequence=3)})
    write_merge(apart, parents, {SECOND: forged, VERSION: None})
    assert {SECOND, VERSION} <= list_damage(apart)


@shapes
def test_a_version_that_a_branch_replaces_is_named(
    apart: Repository, parents: Sequence[str]
) -> None:
    forged = show(apart, "main", VERSION).replace(b"message: main", b"message: backdoored")
    fork_branches(apart, {VERSION: forged})
    write_merge(apart, parents, {VERSION: forged})
    assert list_damage(apart) == {VERSION}


@shapes
@pytest.mark.parametrize("content", [b"neither\n", None], ids=["edited", "deleted"])
def test_what_a_merge_alone_changes_is_named(
    apart: Repository, parents: Sequence[str], content: bytes | None
) -> None:
    """No parent holds what the merge says."""
    fork_branches(apart, {})
    write_merge(apart, parents, {SECOND: content})
    assert list_damage(apart) == {SECOND}


def test_a_record_that_was_added_and_deleted_on_a_merged_branch_is_named(
    apart: Repository,
) -> None:
    path = layout.version_path("m", "7.0.0")
    apart.git("switch", "--quiet", "-c", "side", "start")
    apart.write(path, "version\n")
    apart.commit("Add")
    (apart.path / path).unlink()
    apart.commit("Delete")
    apart.git("switch", "--quiet", "main")
    apart.git("merge", "--quiet", "--no-edit", "side")
    assert list_damage(apart) == {path}


def test_what_a_merge_of_unrelated_histories_replaces_is_named(apart: Repository) -> None:
    forged = forge_promotion(apart)
    apart.git("switch", "--quiet", "--orphan", "side")
    apart.write(SECOND, forged)
    apart.commit("Root")
    apart.git("switch", "--quiet", "main")
    write_merge(apart, ["side", "main"], {SECOND: forged})
    assert list_damage(apart) == {SECOND}


# -- what only says that it was renumbered ---------------------------------------------------------


def claim(ground: Repository, **changes: object) -> bytes:
    """Main's second promotion, which says that it is the third now."""
    held = show(ground, "main", SECOND)
    former = Renumbering(number=2, record=Digest.of_bytes(held))
    told = {"sequence": 3, "renumbered": former, **changes}
    moved = replace(decode_promotion(held, SECOND), **told)  # type: ignore[arg-type]
    return codec.encode_document("promotion", moved.to_document())


def examine(ground: Repository) -> tuple[set[str], set[str]]:
    report = renumbered.examine_history(Project.open_existing(ground.path))
    damage = {change.path for change in report.tampering}
    return damage, {finding.subject for finding in report.unconfirmed}


def test_a_commit_that_is_no_merge_renumbers_nothing(apart: Repository) -> None:
    moved = claim(apart)
    apart.write(SECOND, forge_promotion(apart))
    apart.write(THIRD, moved)
    apart.commit("Renumber")
    assert examine(apart) == ({SECOND}, {THIRD})


def test_a_merge_renumbers_nothing_that_both_sides_have(apart: Repository) -> None:
    moved = claim(apart)
    write_branch(apart, "side", "main", {})
    write_merge(apart, ["main", "side"], {SECOND: forge_promotion(apart), THIRD: moved})
    assert examine(apart) == ({SECOND}, {THIRD})


@pytest.mark.parametrize(
    "changes",
    [
        {"author": ALICE},
        {"message": "reviewed"},
        {"forced": True},
        {"created": "2026-01-01T00:00:00Z"},
        {"version": "1.0.0", "record": Digest("0" * 64)},
        {"baseline": None},
        {"action": "rollback"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_record_that_changes_with_its_number_is_named(
    apart: Repository, changes: Mapping[str, object]
) -> None:
    moved = claim(apart, **changes)
    write_branch(apart, "side", "start", {SECOND: forge_promotion(apart)})
    write_merge(apart, ["main", "side"], {SECOND: show(apart, "side", SECOND), THIRD: moved})
    assert examine(apart) == ({SECOND}, {THIRD})


def test_a_second_copy_of_a_renumbered_record_is_unconfirmed(apart: Repository) -> None:
    fourth = layout.promotion_path("m", "production", 4)
    copies = {THIRD: claim(apart), fourth: claim(apart, sequence=4)}
    write_branch(apart, "side", "start", {SECOND: forge_promotion(apart)})
    write_merge(apart, ["main", "side"], {SECOND: show(apart, "side", SECOND), **copies})
    assert examine(apart) == (set(), {fourth})


def test_a_version_that_says_another_parent_is_named(apart: Repository) -> None:
    held = show(apart, "main", VERSION)
    former = f'renumbered:\n  from: "1.1.0"\n  record: {Digest.of_bytes(held)}\n'
    text = held.decode().replace('version: "1.1.0"', 'version: "1.5.0"')
    moved = text.replace('previous: "1.0.0"', "previous: null") + former
    path = layout.version_path("m", "1.5.0")
    forged = held.replace(b"message: main", b"message: backdoored")
    write_branch(apart, "side", "start", {VERSION: forged})
    write_merge(apart, ["main", "side"], {VERSION: forged, path: moved.encode()})
    assert examine(apart) == ({VERSION}, {path})


def test_a_claim_without_any_merge_is_a_note(apart: Repository) -> None:
    """As after a rebase, where nothing is left of what the number was."""
    former = Renumbering(number=9, record=Digest("1" * 64))
    record = decode_promotion(show(apart, "main", SECOND), SECOND)
    apart.git("reset", "--quiet", "--hard", "HEAD~1")
    moved = replace(record, renumbered=former)
    apart.write(SECOND, codec.encode_document("promotion", moved.to_document()))
    apart.commit("Promote")
    assert examine(apart) == (set(), {SECOND})
    shown = apart.mlver("verify", "--all")
    assert f"{SECOND} says that it was 9 before a merge, and no merge here shows it" in shown.out
