"""A drill restores what a rollback would, leaves nothing behind, and names what is in the way."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

from mlver.errors import refusal_error
from mlver.project.drilling import drill
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.note import DrillReport
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

DRILL = ("drill", "digits", "--stage", "production")


@pytest.fixture
def moved(second: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """With digits 1.1.0 in production after 1.0.0; temporary files go to a folder of their own."""
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(scratch))
    return second


def list_scratch() -> list[str]:
    return os.listdir(tempfile.gettempdir())


def snapshot(repository: Repository) -> tuple[str, str]:
    return repository.git("rev-parse", "HEAD"), repository.git("status", "--porcelain")


def test_a_drill_restores_everything_and_leaves_nothing(moved: Repository) -> None:
    before = snapshot(moved)
    document = read_document(moved.mlver(*DRILL, "--json"), "drill")
    assert (document["ok"], document["holder"], document["version"]) == (True, "1.1.0", "1.0.0")
    record, _ = Project.open_existing(moved.path).registry.read_version("digits", "1.0.0")
    artifacts = record.named_artifacts().values()
    assert document["files"] == sum(artifact.files for artifact in artifacts)
    assert document["bytes"] == sum(artifact.size for artifact in artifacts)
    assert document["seconds"] > 0
    assert (snapshot(moved), list_scratch()) == (before, [])
    said = assert_works(moved, *DRILL).splitlines()
    assert said[0] == "A rollback of production to digits 1.0.0 would work"
    assert said[1].endswith(" s and removed again")


def test_the_holder_can_be_tried_as_well(moved: Repository) -> None:
    for target in ("1.1.0", "production"):
        document = read_document(moved.mlver(*DRILL, "--to", target, "--json"), "drill")
        assert (document["version"], document["obstacles"]) == ("1.1.0", [])


def test_each_step_is_timed_and_too_long_is_an_obstacle(moved: Repository) -> None:
    document = read_document(moved.mlver(*DRILL, "--json"), "drill")
    assert [step["name"] for step in document["steps"]] == ["choose", "restore", "prove signatures"]
    assert document["steps"][1]["seconds"] >= document["seconds"] - 0.001
    done = moved.mlver(*DRILL, "--within", "0s")
    assert done.code == 1
    assert "to drill, and there are 0 s for it" in done.out
    assert_refused(moved, *DRILL, "--within", "soon", code=2)


def list_obstacles(repository: Repository, *options: str) -> list[tuple[str, str]]:
    done = repository.mlver(*DRILL, *options, "--json")
    document = read_document(done, "drill")
    assert done.code == int(bool(document["obstacles"]))
    assert list_scratch() == []
    return [(finding["subject"], finding["message"]) for finding in document["obstacles"]]


def test_all_missing_bytes_are_named(moved: Repository) -> None:
    for folder in ("objects", "packs"):
        shutil.rmtree(moved.path / ".git/mlver" / folder)
    for folder in ("model", "data", "w", "weights"):
        shutil.rmtree(moved.path / folder, ignore_errors=True)
    obstacles = list_obstacles(moved)
    assert obstacles
    assert all("is missing" in message for _, message in obstacles)
    done = moved.mlver(*DRILL)
    assert (done.code, "No rollback of production is possible now" in done.out) == (1, True)


def test_a_damaged_object_is_named(moved: Repository) -> None:
    for folder in ("objects", "packs"):
        for path in (moved.path / ".git/mlver" / folder).rglob("*"):
            if path.is_file():
                path.chmod(0o644)
                path.write_bytes(b"x" * path.stat().st_size)
    assert list_obstacles(moved)


def test_a_retired_version_is_in_the_way(moved: Repository) -> None:
    assert_works(moved, "retire", "digits@1.0.0", "-m", "Old")
    ((subject, message),) = list_obstacles(moved)
    assert subject == "digits production"
    assert message.startswith("cannot be rolled back: there is nothing to go back to")
    ((subject, message),) = list_obstacles(moved, "--to", "1.0.0")
    assert (subject, "is retired" in message) == ("digits 1.0.0", True)
    assert_works(moved, "retire", "digits@1.1.0", "-m", "Old, too")
    assert list_obstacles(moved, "--to", "1.1.0") == [("digits 1.1.0", "is retired: Old, too")]


def test_an_edited_record_is_in_the_way(moved: Repository) -> None:
    path = layout.version_path("digits", "1.0.0")
    moved.write(path, (moved.path / path).read_text().replace("Kim", "Eve"))
    obstacles = list_obstacles(moved, "--to", "1.0.0")
    assert [subject for subject, _ in obstacles[:1]] == ["digits 1.0.0"]


def test_a_stage_without_a_past_has_no_way_back(second: Repository) -> None:
    done = second.mlver(*DRILL)
    assert (done.code, "production has held only digits 1.0.0" in done.out) == (1, True)
    done = second.mlver("drill", "digits", "--stage", "staging")
    assert (done.code, "no version of digits holds staging" in done.out) == (1, True)


def test_a_drill_is_kept_as_a_note_on_request(
    moved: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = assert_works(moved, *DRILL, "--record")
    assert said.endswith("  recorded as note 1 on it\n")
    # Whoever was interrupted types the command again; later it is another drill.
    again = read_document(moved.mlver(*DRILL, "--record", "--json"), "drill")
    assert (again["note"], again["commit"]) == (1, None)
    later = str(int(os.environ["SOURCE_DATE_EPOCH"]) + 600)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", later)
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"@{later} +0000")
    document = read_document(moved.mlver(*DRILL, "--record", "--json"), "drill")
    assert (document["note"], len(document["commit"])) == (2, 40)
    assert "drill: a rollback of production to 1.0.0" in assert_works(moved, "show", "digits@1.0.0")
    text = (moved.path / layout.note_path("digits", "1.0.0", 1)).read_text()
    assert text.startswith("schema: mlver/note/2\n")
    assert "drill:\n  stage: production\n" in text
    assert_works(moved, "verify", "--all")


def test_a_drill_that_fails_is_not_kept(moved: Repository) -> None:
    assert_works(moved, "retire", "digits@1.0.0", "-m", "Old")
    before = snapshot(moved)
    assert moved.mlver(*DRILL, "--record").code == 1
    assert snapshot(moved) == before


def test_a_drill_needs_a_folder_outside_with_room(
    moved: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(moved.path))
    said = assert_refused(moved, *DRILL)
    assert said.startswith(f"error: {moved.path}, where temporary files go, lies in the repository")


def test_a_disk_that_fails_says_nothing_of_the_version(
    moved: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_disk(*_: object) -> NoReturn:
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise refusal_error("checking out digits 1.0.0", error) from error

    monkeypatch.setattr(drill, "check_out", fill_disk)
    assert "No space left on device" in assert_refused(moved, *DRILL)
    assert list_scratch() == []


def test_a_drill_without_a_stage_of_that_name_is_refused(moved: Repository) -> None:
    assert_refused(moved, "drill", "digits", "--stage", "moon", code=2)
    assert_refused(moved, "drill", "moon", "--stage", "production")
    assert_refused(moved, *DRILL, "--to", "9.9.9")


def test_a_report_reads_as_it_was_written() -> None:
    report = DrillReport(stage="production", holder="1.0.0", files=1, bytes=2, seconds=5)
    assert DrillReport.from_document(report.to_document()) == report
    assert DrillReport.from_document(None) is None


def test_a_rule_that_asks_for_signatures_stops_the_drill_as_it_stops_the_rollback(
    moved: Repository,
) -> None:
    name = "stages.production.requires.signed"
    assert_works(moved, "config", "set", name, "true")
    moved.commit("Ask for signatures")
    said = assert_refused(moved, "rollback", "digits", "--stage", "production", "-m", "Back")
    drilled = moved.mlver(*DRILL)
    assert drilled.code == 1
    for text in (said, drilled.out):
        assert "digits 1.0.0 may not have production again: the rule asks for signatures" in text
        assert "hint: git config tag.gpgSign true" in text
