"""Remarks about a version stay: they are shown, chained, checked, and merge like other records."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.project.corrections.note import note_version
from mlver.project.project import Project
from mlver.records import layout
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.merging.merges import assert_verifies, resolve_merge, run_git

FIRST = layout.note_path("digits", "1.0.0", 1)
SECOND = layout.note_path("digits", "1.0.0", 2)


@pytest.fixture
def noted(second: Repository) -> Repository:
    """With two notes on digits 1.0.0."""
    assert_works(second, "note", "digits@1.0.0", "-m", "confuses 4 and 9")
    assert_works(second, "note", "digits@production", "-m", "retrain before March")
    return second


def test_a_note_is_committed_and_shown(second: Repository) -> None:
    said = assert_works(second, "note", "digits@1.0.0", "-m", "confuses 4 and 9\non photographs")
    assert said == "Noted on digits 1.0.0  (note 1)\n  confuses 4 and 9\n  on photographs\n"
    changed = second.git("show", "--format=%s%n%b", "--name-only", "HEAD").split("\n")
    assert changed[0] == "mlver: note digits 1.0.0"
    assert changed[-1] == FIRST
    shown = assert_works(second, "show", "digits@1.0.0")
    assert shown.endswith(
        "noted 2026-01-02 03:04 by Kim <kim@example.org>\n  confuses 4 and 9\n  on photographs\n"
    )
    logged = assert_works(second, "log", "digits")
    assert "digits 1.0.0  noted" in logged
    assert "confuses 4 and 9" in logged
    assert_works(second, "verify", "--all")


def test_a_dry_run_writes_nothing(second: Repository) -> None:
    head = second.git("rev-parse", "HEAD")
    done = second.mlver("note", "digits@1.0.0", "-m", "slow", "--dry-run", "--json")
    document = read_document(done, "note")
    assert (document["sequence"], document["path"], document["commit"]) == (1, FIRST, None)
    assert (second.git("rev-parse", "HEAD"), second.git("status", "--porcelain")) == (head, "")


def test_the_same_note_again_changes_nothing(noted: Repository) -> None:
    """Whoever was interrupted types the command again."""
    head = noted.git("rev-parse", "HEAD")
    said = assert_works(noted, "note", "digits@1.0.0", "-m", "retrain before March")
    assert said == "note 2 on digits 1.0.0 already says this\n"
    assert noted.git("rev-parse", "HEAD") == head


def test_a_note_without_a_text_is_refused(second: Repository) -> None:
    said = assert_refused(second, "note", "digits@1.0.0", "-m", " ", code=2)
    assert said.startswith("error: a note needs a reason\n")
    assert said.endswith(" note digits@1.0.0 -m WHY\n")


def test_the_word_of_a_hint_is_no_note(second: Repository) -> None:
    head = second.git("rev-parse", "HEAD")
    said = assert_refused(second, "note", "digits@1.0.0", "-m", "WHY", code=2)
    assert said.startswith("error: WHY stands for your own words: a note keeps them for ever\n")
    assert second.git("rev-parse", "HEAD") == head
    assert_works(second, "note", "digits@1.0.0", "-m", "WHY", "--dry-run")


def list_broken(repository: Repository) -> list[tuple[str, str]]:
    done = repository.mlver("verify", "--all", "--json")
    return [(link["kind"], link["subject"]) for link in read_document(done, "verify")["broken"]]


def test_an_edited_note_is_damage(noted: Repository) -> None:
    text = (noted.path / FIRST).read_text()
    noted.write(FIRST, text.replace("confuses 4 and 9", "never confuses anything"))
    assert ("record", FIRST) in list_broken(noted)
    noted.commit("Edit")
    assert {("history", FIRST), ("chain", SECOND)} <= set(list_broken(noted))


def test_a_removed_note_is_damage(noted: Repository) -> None:
    noted.git("rm", "--quiet", FIRST)
    noted.commit("Remove")
    assert {("history", FIRST), ("chain", SECOND)} <= set(list_broken(noted))


def test_a_note_that_was_put_in_is_damage(noted: Repository) -> None:
    """It follows the first as the second does, or nothing."""
    third = layout.note_path("digits", "1.0.0", 3)
    text = (noted.path / SECOND).read_text().replace("sequence: 2", "sequence: 3")
    noted.write(third, text)
    noted.git("add", third)
    done = noted.mlver("hook", "check", "--json")
    assert [link["subject"] for link in read_document(done, "hook")["broken"]] == [third]
    noted.commit("Put in")
    assert list_broken(noted) == [("chain", third)]


def test_swapped_notes_are_damage(noted: Repository) -> None:
    first, second = (noted.path / FIRST).read_text(), (noted.path / SECOND).read_text()
    noted.write(FIRST, second)
    noted.write(SECOND, first)
    assert {("record", FIRST), ("record", SECOND)} <= set(list_broken(noted))


def note_on(ground: Repository, ref: str, *texts: str) -> None:
    for text in texts:
        note_version(Project.open_existing(ground.path), ref, message=text)


def test_notes_of_two_branches_are_counted_on(apart: Repository) -> None:
    for branch in ("mine", "yours"):
        apart.git("switch", "--quiet", "-c", branch, "start")
        note_on(apart, "m@1.0.0", f"{branch} first", f"{branch} second")
    assert run_git(apart, "merge", "--quiet", "mine") == 1
    result = resolve_merge(apart, "theirs")
    moved = {record.old: record.new for record in result.rewritten}
    assert moved == {
        layout.note_path("m", "1.0.0", number): layout.note_path("m", "1.0.0", number + 2)
        for number in (1, 2)
    }
    apart.git("commit", "--quiet", "--no-edit")
    texts = [(apart.path / path).read_text() for path in list_notes(apart.path)]
    told = ("yours first", "yours second", "mine first", "mine second")
    assert all(text in note for text, note in zip(told, texts, strict=True))
    assert_verifies(apart)


def test_notes_follow_a_version_to_its_new_number(apart: Repository) -> None:
    apart.git("switch", "--quiet", "topic")
    note_on(apart, "m@1.1.1", "a remark", "another one")
    apart.git("switch", "--quiet", "main")
    assert run_git(apart, "merge", "--quiet", "topic") == 1
    resolve_merge(apart)
    apart.git("commit", "--quiet", "--no-edit")
    assert list_notes(apart.path) == [layout.note_path("m", "1.2.1", n) for n in (1, 2)]
    assert_verifies(apart)


def list_notes(top: Path) -> list[str]:
    folder = top / layout.model_folder("m") / "notes"
    return sorted(str(path.relative_to(top)) for path in folder.rglob("*.yaml"))


def test_an_author_whom_no_commit_names_is_marked(noted: Repository) -> None:
    assert_works(noted, "retire", "digits@1.1.0", "-m", "slow")
    for command in ("show", "log"):
        assert "(unconfirmed)" not in assert_works(noted, command, "digits")
    document = read_document(noted.mlver("show", "digits@1.0.0", "--json"), "show")
    assert document["unconfirmed_remarks"] == []
    third = layout.note_path("digits", "1.0.0", 3)
    forged = (noted.path / SECOND).read_text().replace("author: Kim <kim@", "author: Eve <eve@")
    noted.write(third, forged.replace("sequence: 2", "sequence: 3"))
    retirement = layout.retirement_path("digits", "1.1.0", 1)
    text = (noted.path / retirement).read_text()
    noted.write(retirement.replace("0001", "0002"), text.replace("author: Kim", "author: Eve"))
    second = (noted.path / retirement.replace("0001", "0002")).read_text()
    noted.write(retirement.replace("0001", "0002"), second.replace("sequence: 1", "sequence: 2"))
    noted.commit("Forge them")
    shown = assert_works(noted, "show", "digits@1.0.0")
    assert shown.count("(unconfirmed)") == 1
    assert " by Eve <eve@example.org> (unconfirmed)\n" in shown
    shown = assert_works(noted, "show", "digits@1.1.0")
    assert " by Eve <kim@example.org> (unconfirmed): slow\n" in shown
    assert assert_works(noted, "log").count("Eve (unconfirmed)") == 2
    document = read_document(noted.mlver("show", "digits@1.0.0", "--json"), "show")
    assert document["unconfirmed_remarks"] == [third]


def test_verify_counts_notes_and_retirements(noted: Repository) -> None:
    assert_works(noted, "retire", "digits@1.1.0", "-m", "slow")
    said = assert_works(noted, "verify", "--all")
    assert ", 1 promotion, 2 notes, 1 retirement, " in said.splitlines()[0]
    document = read_document(noted.mlver("verify", "--all", "--json"), "verify")
    assert (document["noted"], document["retirements"]) == (2, 1)
    # Only with everything else are they looked at.
    assert "note" not in assert_works(noted, "verify").splitlines()[0]
