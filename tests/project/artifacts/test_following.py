"""A version's files behind a followed link: written through it, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlver.errors import MlverError
from mlver.project import transaction
from mlver.project.artifacts import working_files
from mlver.project.edit import intent
from mlver.project.project import Project
from mlver.project.stages.promote import promote_version
from mlver.project.stages.rollback import roll_back_stage
from mlver.records.version import VersionRecord
from mlver.storage.local.catalogue import ObjectCatalogue
from mlver.system import durable
from tests.conftest import Repository
from tests.copies import copy_folder
from tests.project.helpers import read_tree, register_one

OLD = {"a": b"1", "extra": b"2", "sub/deep/b": b"3"}
NEW = {"a": b"one", "new/c": b"4"}


@pytest.fixture
def linked(project: Project, repository: Repository, outside: Path) -> VersionRecord:
    """`w` is a followed link; version 1.0.0 is `OLD`, and the files are those of 1.0.1."""
    repository.write(".gitignore", "/w\n")
    repository.commit("Ignore")
    (repository.path / "w").symlink_to(outside)
    (outside / "sub/deep").mkdir(parents=True)
    (outside / "sub/deep/b").write_text("3")
    register_one(project, follow=True)
    (outside / "a").write_text("one")
    (outside / "extra").unlink()
    (outside / "sub/deep/b").unlink()
    (outside / "sub/deep").rmdir()
    (outside / "new").mkdir()
    (outside / "new/c").write_text("4")
    register_one(project, bump="patch")
    record, _ = project.registry.read_version("m", "1.0.0")
    return record


def list_temporaries(folder: Path) -> list[Path]:
    return list(folder.rglob(f"{durable.TEMPORARY}*"))


def test_a_checkout_writes_through_the_link(
    project: Project, linked: VersionRecord, outside: Path
) -> None:
    told = working_files.check_out_version(project, linked, dry_run=True)
    assert read_tree(outside) == NEW
    done = working_files.check_out_version(project, linked)
    assert (told.written, told.removed) == (done.written, done.removed) == (3, 1)
    assert (project.top_folder / "w").readlink() == outside
    assert read_tree(outside) == OLD
    assert not (outside / "new").exists()
    assert not list_temporaries(outside)
    assert not list_temporaries(project.top_folder)


def test_bytes_behind_the_link_are_not_lost(
    project: Project, linked: VersionRecord, outside: Path
) -> None:
    (outside / "a").write_text("unsaved")
    with pytest.raises(MlverError, match="stored nowhere"):
        working_files.check_out_version(project, linked)
    assert (outside / "a").read_text() == "unsaved"
    done = working_files.check_out_version(project, linked, save=True)
    assert [path for path, _ in done.saved] == ["w/a"]
    assert read_tree(outside) == OLD


def test_links_inside_the_followed_folder_are_replaced_and_not_followed(
    project: Project, linked: VersionRecord, outside: Path, tmp_path: Path
) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/b").write_text("precious")
    (outside / "sub").rmdir()
    (outside / "sub").symlink_to(tmp_path / "precious")
    (outside / "extra").symlink_to(tmp_path / "precious/b")
    working_files.check_out_version(project, linked, force=True)
    assert read_tree(outside) == OLD
    assert not (outside / "sub").is_symlink()
    assert read_tree(tmp_path / "precious") == {"b": b"precious"}


@pytest.mark.parametrize(
    "point",
    [
        (working_files, "replace_files"),
        (ObjectCatalogue, "locate_with_repair"),
        (durable, "sync_files"),
        (durable, "replace_group"),
    ],
    ids=["plan", "locate", "sync", "replace"],
)
@pytest.mark.parametrize("swapped", ["link", "folder", "inner", "another folder"])
def test_a_swap_while_files_are_written_leads_nowhere(
    project: Project,
    linked: VersionRecord,
    outside: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    point: tuple[Any, str],
    swapped: str,
) -> None:
    """Of the link, of the folder it leads to, and of one in that: from the plan to the writing."""
    precious = tmp_path / "precious"
    (precious / "deep").mkdir(parents=True)
    for name in ("a", "extra", "deep/b"):
        (precious / name).write_text("precious")
    before = read_tree(precious)
    places = {"link": project.top_folder / "w", "inner": outside / "sub"}
    place = places.get(swapped, outside)
    real = getattr(*point)

    def swap_first(*arguments: Any, **options: Any) -> Any:
        if not (tmp_path / "moved").is_symlink() and not (tmp_path / "moved").exists():
            place.rename(tmp_path / "moved")
            if swapped == "another folder":
                precious.rename(place)
            else:
                place.symlink_to(precious)
        return real(*arguments, **options)

    monkeypatch.setattr(*point, swap_first)
    with pytest.raises(MlverError):
        working_files.check_out_version(project, linked)
    if swapped == "another folder":
        precious = place
    assert read_tree(precious) == before
    assert not list_temporaries(precious)


def test_a_version_with_a_file_in_the_links_place_is_refused(
    project: Project, repository: Repository, outside: Path
) -> None:
    repository.write(".gitignore", "/w\n")
    repository.write("w", "a file")
    repository.git("add", ".gitignore")
    repository.git("commit", "--quiet", "-m", "Ignore")
    register_one(project)
    (repository.path / "w").unlink()
    (repository.path / "w").symlink_to(outside)
    register_one(project, bump="patch", follow=True)
    record, _ = project.registry.read_version("m", "1.0.0")
    before = read_tree(outside)
    with pytest.raises(MlverError, match="that version has a file there"):
        working_files.check_out_version(project, record, save=True, force=True)
    assert read_tree(outside) == before
    assert (repository.path / "w").is_symlink()


def test_a_rollback_that_fails_puts_the_files_behind_the_link_back(
    project: Project, linked: VersionRecord, repository: Repository, outside: Path
) -> None:
    for version in ("1.0.0", "1.0.1"):
        promote_version(project, f"m@{version}", to="staging", message="try")
    (outside / "a").write_text("unsaved")
    before = read_tree(outside)
    hook = repository.write(".git/hooks/pre-commit", "#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(MlverError, match="not today"):
        roll_back_stage(project, "m", stage="staging", message="back", checkout=True)
    assert read_tree(outside) == before
    hook.unlink()
    done = roll_back_stage(project, "m", stage="staging", message="back", checkout=True)
    assert done.checkout is not None
    assert read_tree(outside) == OLD
    assert (repository.path / "w").readlink() == outside


def test_a_rollback_through_a_link_that_nobody_agreed_to_is_refused(
    project: Project, linked: VersionRecord, outside: Path
) -> None:
    for version in ("1.0.0", "1.0.1"):
        promote_version(project, f"m@{version}", to="staging", message="try")
    (project.state_directory / "followed.json").unlink()
    for dry_run in (True, False):
        with pytest.raises(MlverError, match="outside of the work tree") as caught:
            roll_back_stage(
                project, "m", stage="staging", message="back", checkout=True, dry_run=dry_run
            )
        assert caught.value.hint == "mlver checkout m@1.0.0 --follow"
    assert read_tree(outside) == NEW
    holder = project.registry.find_holder("m", "staging")
    assert holder is not None
    assert holder.version == "1.0.1"


@pytest.mark.parametrize("leads_elsewhere", [False, True])
def test_what_was_interrupted_is_finished_behind_the_same_link_only(
    project: Project,
    linked: VersionRecord,
    outside: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    leads_elsewhere: bool,
) -> None:
    with monkeypatch.context() as patch:
        # As if it were killed: the plan stays.
        patch.setattr(intent, "drop_intent", lambda _: None)
        working_files.check_out_version(project, linked)
    (outside / "sub/deep" / f"{durable.TEMPORARY}0").write_text("half")
    (outside / "a").write_text("one")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a").write_text("precious")
    if leads_elsewhere:
        (project.top_folder / "w").unlink()
        (project.top_folder / "w").symlink_to(tmp_path / "other")
    transaction.settle_interrupted(project, "doctor")
    assert intent.read_pending(project.state_directory) is None
    assert read_tree(tmp_path / "other") == {"a": b"precious"}
    assert not list_temporaries(outside)
    if leads_elsewhere:
        assert (outside / "a").read_text() == "one"
    else:
        assert read_tree(outside) == OLD


def test_a_copied_plan_removes_nothing_behind_the_link_of_the_original(
    project: Project,
    linked: VersionRecord,
    outside: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The copy lies elsewhere, and its link leads to the same folder."""
    with monkeypatch.context() as patch:
        patch.setattr(intent, "drop_intent", lambda _: None)
        working_files.check_out_version(project, linked)
    left = outside / f"{durable.TEMPORARY}0"
    left.write_text("half")
    (outside / "a").write_text("one")
    copy = Project.open_existing(copy_folder(project.top_folder, tmp_path / "copy"))
    transaction.settle_interrupted(copy, "doctor")
    assert intent.read_pending(copy.state_directory) is None
    assert (outside / "a").read_text() == "one"
    assert left.exists()
    transaction.settle_interrupted(project, "doctor")
    assert read_tree(outside) == OLD
    assert not left.exists()
