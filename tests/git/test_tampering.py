"""Which records a history changed, replaced or deleted, whatever the shape of its merges."""

from __future__ import annotations

import pytest

from mlver.git.history import find_tampering
from mlver.git.repository import GitRepository
from tests.conftest import Repository as Ground
from tests.git.histories import FIRST, RECORDS, SECOND, listed, merge, side_branch, tampered


def test_a_history_that_only_adds_is_clean(repository: Ground, found: GitRepository) -> None:
    repository.write(FIRST, "one\n")
    repository.commit()
    repository.write("code.py", "x\n")
    repository.commit()
    repository.write("code.py", "y\n")
    repository.write(SECOND, "two\n")
    repository.commit()
    assert listed(found) == []


def test_a_changed_and_a_deleted_record_are_told_with_their_commit(
    repository: Ground, found: GitRepository
) -> None:
    repository.write(FIRST, "one\n")
    repository.write(SECOND, "two\n")
    repository.commit()
    repository.write(FIRST, "edited\n")
    edited = repository.commit()
    repository.write(FIRST, "one\n")
    back = repository.commit("put back, which undoes no deed")
    (repository.path / SECOND).unlink()
    deleted = repository.commit()
    assert listed(found) == [
        (deleted, "D", SECOND),
        (back, "M", FIRST),
        (edited, "M", FIRST),
    ]


def test_a_record_swapped_for_a_symlink_was_changed(
    repository: Ground, found: GitRepository
) -> None:
    repository.write(FIRST, "one\n")
    repository.commit()
    (repository.path / FIRST).unlink()
    (repository.path / FIRST).symlink_to("other.yaml")
    swapped = repository.commit()
    assert listed(found) == [(swapped, "M", FIRST)]


def test_a_moved_record_is_a_deleted_one(repository: Ground, found: GitRepository) -> None:
    repository.write(FIRST, "one\n" * 20)
    repository.commit()
    repository.git("mv", FIRST, SECOND)
    moved = repository.commit()
    assert listed(found) == [(moved, "D", FIRST)]


def test_a_merge_that_drops_a_record_of_its_branch_is_told(
    repository: Ground, found: GitRepository
) -> None:
    repository.write(FIRST, "one\n")
    repository.commit()
    side_branch(repository, SECOND, "two\n")
    merge(repository, "-s", "ours", "--no-edit", "side")
    assert tampered(found) == {(found.head().commit, "D", SECOND)}


def test_a_merge_that_drops_what_the_range_begins_with_is_told(
    repository: Ground, found: GitRepository
) -> None:
    """It has all that its other parent has, and the commits before are not looked at."""
    side_branch(repository, SECOND, "two\n")
    repository.write(FIRST, "one\n")
    repository.commit()
    repository.git("switch", "--quiet", "side")
    merge(repository, "-s", "ours", "--no-edit", "main")
    repository.git("switch", "--quiet", "main")
    repository.write("code.py", "more work\n")
    landed = repository.commit()
    repository.git("switch", "--quiet", "side")
    changes = find_tampering(found, RECORDS, without=[landed])
    assert [(change.commit, change.kind, change.path) for change in changes] == [
        (found.head().commit, "D", FIRST)
    ]


def test_branches_that_add_different_records_merge_cleanly(
    repository: Ground, found: GitRepository
) -> None:
    side_branch(repository, SECOND, "two\n")
    repository.write(FIRST, "one\n")
    repository.commit()
    merge(repository, "--no-edit", "side")
    assert len(found.files_at("HEAD", RECORDS)) == 2
    assert listed(found) == []


def both_claim(ground: Ground, settled: str) -> str:
    """Two branches register one version with different records; return the merge's commit."""
    side_branch(ground, SECOND, "theirs\n")
    ground.write(SECOND, "ours\n")
    ground.commit("ours")
    merge(ground, "--no-edit", "side")
    assert "<<<<<<<" in (ground.path / SECOND).read_text()
    ground.write(SECOND, settled)
    return ground.commit("settled")


@pytest.mark.parametrize("settled", ["ours\n", "theirs\n"])
def test_a_conflict_settled_for_one_side_loses_the_others_record(
    repository: Ground, found: GitRepository, settled: str
) -> None:
    """Which of them had landed, the order of parents does not say: who merges chooses it."""
    merged = both_claim(repository, settled)
    lost = "theirs" if settled == "ours\n" else "ours"
    (change,) = find_tampering(found, RECORDS)
    assert (change.commit, change.kind, change.path) == (merged, "R", SECOND)
    assert change.yielded
    assert list(found.blobs([change.before])) == [f"{lost}\n".encode()]


@pytest.mark.parametrize("how", ["foxtrot", "ours"])
def test_what_the_line_had_landed_may_not_be_replaced_by_a_branch(
    repository: Ground, found: GitRepository, how: str
) -> None:
    if how == "foxtrot":
        # the branch is the first parent of the merge that main is moved to
        side_branch(repository, SECOND, "theirs\n")
        repository.write(SECOND, "ours\n")
        repository.commit("landed")
        repository.git("switch", "--quiet", "side")
        merge(repository, "--no-edit", "main")
        repository.write(SECOND, "theirs\n")
        merged = repository.commit("settled")
        repository.git("switch", "--quiet", "main")
        repository.git("merge", "--quiet", "--ff-only", "side")
    else:
        # nobody saw a conflict: the branch merges main but keeps nothing of it, and main merges it
        side_branch(repository, SECOND, "theirs\n")
        repository.write(SECOND, "ours\n")
        repository.commit("landed")
        repository.git("switch", "--quiet", "side")
        merge(repository, "-s", "ours", "--no-edit", "main")
        merged = repository.git("rev-parse", "HEAD")
        repository.git("switch", "--quiet", "main")
        merge(repository, "--no-ff", "--no-edit", "side")
    assert (merged, "R", SECOND) in listed(found)
    assert {path for _, _, path in listed(found)} == {SECOND}


def test_a_branch_that_gives_its_own_up_for_what_main_has_landed_loses_it(
    repository: Ground, found: GitRepository
) -> None:
    side_branch(repository, SECOND, "side's\n")
    repository.write(SECOND, "main's\n")
    repository.commit("landed")
    repository.git("switch", "--quiet", "side")
    merge(repository, "--no-edit", "main")
    repository.write(SECOND, "main's\n")
    settled = repository.commit("settled")
    repository.git("switch", "--quiet", "main")
    merge(repository, "--no-ff", "--no-edit", "side")
    assert listed(found) == [(settled, "R", SECOND)]


@pytest.mark.parametrize("swapped", [False, True])
def test_a_merge_that_edits_a_record_its_branch_never_had_is_told(
    repository: Ground, found: GitRepository, swapped: bool
) -> None:
    side_branch(repository, "other.py", "x\n")
    repository.write(FIRST, "one\n")
    repository.commit()
    if swapped:
        repository.git("switch", "--quiet", "side")
    merge(repository, "--no-commit", "--no-ff", "main" if swapped else "side")
    repository.write(FIRST, "edited\n")
    merged = repository.commit("merged")
    assert listed(found) == [(merged, "R", FIRST)]


def test_a_graft_hides_nothing(repository: Ground, found: GitRepository) -> None:
    repository.write(FIRST, "one\n")
    before = repository.commit()
    repository.write(FIRST, "edited\n")
    edited = repository.commit()
    start = repository.git("rev-list", "--max-parents=0", "HEAD")
    assert before != start
    (repository.path / ".git/info").mkdir(exist_ok=True)
    (repository.path / ".git/info/grafts").write_text(f"{edited}\n")
    assert listed(found) == [(edited, "M", FIRST)]


def test_a_clone_knows_that_its_history_is_not_whole(
    repository: Ground, found: GitRepository
) -> None:
    assert not found.is_shallow()
    repository.write(FIRST, "one\n")
    (repository.path / ".git/shallow").write_text(f"{repository.commit()}\n")
    assert found.is_shallow()


def test_a_conflict_settled_by_a_third_content_is(repository: Ground, found: GitRepository) -> None:
    merged = both_claim(repository, "neither\n")
    assert listed(found) == [(merged, "M", SECOND)]


@pytest.mark.parametrize("shown", ["first-parent", "off", "dense-combined"])
def test_nor_does_a_setting_for_merges_hide_it(
    repository: Ground, found: GitRepository, shown: str
) -> None:
    merged = both_claim(repository, "neither\n")
    repository.git("config", "log.diffMerges", shown)
    assert listed(found) == [(merged, "M", SECOND)]


def test_no_file_name_hides_a_change_behind_it(repository: Ground, found: GitRepository) -> None:
    """Names that look like the framing of the list they come from, and like a merge of three."""
    for name in ("x", "y"):
        repository.git("switch", "--quiet", "-c", name, "main")
        repository.write(name, name)
        repository.commit(name)
    repository.git("switch", "--quiet", "main")
    merge(repository, "--no-edit", "x", "y")
    octopus = found.head().commit
    decoys = [f"{RECORDS}/m/versions/0{mark}{octopus}" for mark in ("\x01", "\n", ":100644 ")]
    for path in [*decoys, FIRST]:
        repository.write(path, "one\n")
    repository.commit()
    for path in [*decoys, FIRST]:
        repository.write(path, "edited\n")
    edited = repository.commit()
    assert tampered(found) == {(edited, "M", path) for path in [*decoys, FIRST]}
