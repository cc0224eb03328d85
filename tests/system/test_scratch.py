"""Folders for one piece of work are gone after it, or with the next command that writes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mlver.system.scratch import remove_scratch, scratch_folder, sweep_scratch


def fill_folder(folder: Path) -> None:
    """Files and folders that nobody but root can remove as they are."""
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    (inner / "file").chmod(0o444)
    (folder / "outside").symlink_to(folder.parent.parent)
    for place in (inner, inner.parent):
        place.chmod(0o555)


def test_it_is_removed_in_the_end_whatever_happened_in_it(tmp_path: Path) -> None:
    beside = tmp_path / "scratch"

    def fail_inside() -> None:
        with scratch_folder(beside) as scratch:
            fill_folder(scratch.path)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_have_folders_of_their_own(tmp_path: Path) -> None:
    with scratch_folder(tmp_path / "s") as one:
        with scratch_folder(tmp_path / "s") as other:
            assert one.path != other.path
        assert one.path.is_dir()


def test_what_a_killed_process_left_is_swept_but_not_what_is_in_use(tmp_path: Path) -> None:
    beside = tmp_path / "scratch"
    (beside / "7").mkdir(parents=True)
    fill_folder(beside / "7")
    with scratch_folder(beside) as scratch:
        sweep_scratch(beside)
        assert [path.name for path in beside.iterdir()] == [scratch.path.name]
    sweep_scratch(beside)
    assert not beside.exists()


def test_a_command_that_outlives_mlver_keeps_its_folder(tmp_path: Path) -> None:
    beside = tmp_path / "scratch"
    with scratch_folder(beside) as scratch:
        held = os.dup(scratch.descriptor)
        left = subprocess.Popen(["sleep", "60"], pass_fds=(held,))
        os.close(held)
        kept = beside / "8"
        scratch.path.rename(kept)
    try:
        sweep_scratch(beside)
        assert kept.is_dir()
    finally:
        left.kill()
        left.wait()
    sweep_scratch(beside)
    assert not kept.exists()


def test_only_folders_of_ours_are_swept(tmp_path: Path) -> None:
    beside = tmp_path / "scratch"
    beside.mkdir()
    (beside / "notes").mkdir()
    (tmp_path / "target").mkdir()
    (beside / "3").symlink_to(tmp_path / "target")
    sweep_scratch(beside)
    assert sorted(path.name for path in beside.iterdir()) == ["3", "notes"]
    sweep_scratch(tmp_path / "missing")
    remove_scratch(tmp_path / "missing")
    assert (tmp_path / "target").is_dir()
