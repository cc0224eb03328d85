"""A version's files where symlinks stand in their places, and in folders beside the work tree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlver.errors import MlverError
from mlver.project.artifacts import working_files
from mlver.project.edit import intent
from mlver.project.project import Project
from mlver.storage.local.catalogue import ObjectCatalogue
from mlver.system import durable
from tests.conftest import Repository
from tests.project.artifacts.helpers import (
    as_bytes,
    read_artifact,
)
from tests.project.helpers import (
    Files,
    read_tree,
    remove_path,
    store_version,
    write_artifact,
)

# -- symlinks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dry_run", [True, False])
def test_nothing_is_written_or_removed_through_a_symlink(
    project: Project, repository: Repository, outside: Path, dry_run: bool
) -> None:
    """All bytes are stored, so that nothing but the link itself stands against it."""
    write_artifact(repository, "models/w", {"a": "1", "extra": "2"})
    store_version(project, "2.0.0", weights="models/w")
    write_artifact(repository, "models/w", {"a": "1"})
    record = store_version(project, weights="models/w")
    remove_path(repository.path / "models")
    (outside / "w").mkdir()
    for name in ("a", "extra"):
        (outside / name).rename(outside / "w" / name)
    (repository.path / "models").symlink_to(outside)
    before = read_tree(outside)
    with pytest.raises(MlverError, match="passes through the symlink 'models'"):
        working_files.check_out_version(project, record, save=True, force=True, dry_run=dry_run)
    assert read_tree(outside) == before


# Each is an artifact as it is to be, and where a link to a folder (a: 1, extra: 2) stands in its
# place.
BEHIND_LINKS: dict[str, tuple[Files | str, str]] = {
    "a folder that differs": ({"a": "1", "b": "2"}, ""),
    "a folder with less": ({"a": "1"}, ""),
    "a file": ("one", ""),
    "a folder inside": ({"sub/a": "1", "sub/b/c": "2", "x": "3"}, "/sub"),
    "a file inside": ({"sub": "1", "x": "3"}, "/sub"),
    "nothing": ({"x": "3"}, "/sub"),
    "deeper": ({"sub/a": "1", "x": "3"}, "/sub/a"),
}


@pytest.mark.parametrize(("files", "link"), BEHIND_LINKS.values(), ids=BEHIND_LINKS)
def test_a_link_to_a_folder_makes_way_for_the_real_thing(
    project: Project, repository: Repository, outside: Path, files: Files | str, link: str
) -> None:
    """Nothing behind it is stored, and nothing behind it is touched: only the link goes."""
    if not link:
        # Out of the work tree, such a link would be refused.
        outside = outside.rename(repository.path / "inside")
    write_artifact(repository, "models/w", files)
    record = store_version(project, weights="models/w")
    remove_path(repository.path / f"models/w{link}")
    (repository.path / f"models/w{link}").parent.mkdir(exist_ok=True)
    (repository.path / f"models/w{link}").symlink_to(outside)
    before, links = read_tree(outside), repository.path / f"models/w{link}"
    told = working_files.check_out_version(project, record, dry_run=True)
    assert links.is_symlink()
    done = working_files.check_out_version(project, record)
    assert (told.written, told.removed) == (done.written, done.removed)
    assert done.removed == (files == {"x": "3"})
    assert read_artifact(project, "models/w") == as_bytes(files)
    assert not links.is_symlink()
    assert read_tree(outside) == before
    assert intent.read_pending(project.state_directory) is None


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("files", [{"a": "1"}, {"a": "2"}, {"a": "1", "extra": "2"}, "one"])
def test_a_link_out_of_the_work_tree_is_never_replaced_in_an_artifacts_place(
    project: Project, repository: Repository, outside: Path, files: Files | str, dry_run: bool
) -> None:
    write_artifact(repository, "models/w", files)
    record = store_version(project, weights="models/w")
    remove_path(repository.path / "models/w")
    (repository.path / "models/w").symlink_to(outside)
    before = read_tree(outside)
    with pytest.raises(MlverError, match=r"models/w is a symlink to .* outside of the work tree"):
        working_files.check_out_version(project, record, save=True, force=True, dry_run=dry_run)
    assert (repository.path / "models/w").is_symlink()
    assert read_tree(outside) == before
    assert intent.read_pending(project.state_directory) is None


def test_a_link_to_a_folder_that_is_right_stays(
    project: Project, repository: Repository, outside: Path
) -> None:
    write_artifact(repository, "w", {"sub/a": "1", "sub/extra": "2", "x": "old"})
    record = store_version(project, weights="w")
    remove_path(repository.path / "w/sub")
    (repository.path / "w/sub").symlink_to(outside)
    (repository.path / "w/x").unlink()
    assert working_files.check_out_version(project, record).written == 1
    assert (repository.path / "w/sub").is_symlink()


def test_links_that_lead_nowhere_or_to_no_file_make_way(
    project: Project, repository: Repository, outside: Path
) -> None:
    write_artifact(repository, "w", {"a/b": "1"})
    record = store_version(project, weights="w")
    remove_path(repository.path / "w")
    (repository.path / "w").symlink_to("nowhere")
    working_files.check_out_version(project, record)
    assert read_artifact(project) == {"a/b": b"1"}
    remove_path(repository.path / "w/a/b")
    (repository.path / "w/a/b").mkdir()
    (outside / "empty").mkdir()
    (repository.path / "w/a/b/c").symlink_to(outside / "empty")
    working_files.check_out_version(project, record)
    assert read_artifact(project) == {"a/b": b"1"}
    assert (outside / "empty").is_dir()


def test_a_symlink_in_a_files_place_is_replaced_and_its_target_left_alone(
    project: Project, repository: Repository, outside: Path
) -> None:
    write_artifact(repository, "w", {"a": "one", "b": "2"})
    record = store_version(project, weights="w")
    for name, target in (("a", "a"), ("c", "extra")):
        (repository.path / "w" / name).unlink(missing_ok=True)
        (repository.path / "w" / name).symlink_to(outside / target)
    before = read_tree(outside)
    working_files.check_out_version(project, record, save=True)
    assert read_artifact(project) == {"a": b"one", "b": b"2"}
    assert not (repository.path / "w/a").is_symlink()
    assert not (repository.path / "w/c").is_symlink()
    assert read_tree(outside) == before


# -- elsewhere -------------------------------------------------------------------------------------


def test_into_another_folder_leaves_the_work_tree_alone(
    project: Project, repository: Repository, tmp_path: Path
) -> None:
    write_artifact(repository, "models/w", {"a": "1", "b": "2"})
    record = store_version(project, weights="models/w")
    write_artifact(repository, "models/w", {"a": "working"})
    into = tmp_path / "elsewhere/deep"
    done = working_files.check_out_version(project, record, into=into)
    assert (done.root, done.written) == (str(into), 2)
    assert read_tree(into) == {"models/w/a": b"1", "models/w/b": b"2"}
    assert read_artifact(project, "models/w") == {"a": b"working"}
    (into / "models/w/a").write_text("precious")
    with pytest.raises(MlverError, match="stored nowhere"):
        working_files.check_out_version(project, record, into=into)
    assert (into / "models/w/a").read_text() == "precious"


def test_a_file_where_the_folder_should_be_is_refused(
    project: Project, repository: Repository, tmp_path: Path
) -> None:
    write_artifact(repository, "w", {"a": "1"})
    record = store_version(project, weights="w")
    (tmp_path / "file").write_text("mine")
    for into in (tmp_path / "file", tmp_path / "file/deep/down"):
        with pytest.raises(MlverError, match="file is no folder"):
            working_files.check_out_version(project, record, into=into)
        assert intent.read_pending(project.state_directory) is None
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_cannot_be_made_leaves_no_plan(
    project: Project, repository: Repository, tmp_path: Path
) -> None:
    write_artifact(repository, "w", {"a": "1"})
    record = store_version(project, weights="w")
    with pytest.raises(MlverError, match="no file was replaced; fix that"):
        working_files.check_out_version(project, record, into=tmp_path / ("x" * 300))
    assert intent.read_pending(project.state_directory) is None


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt(), OSError(5, "bad")])
def test_a_checkout_that_never_began_leaves_neither_plan_nor_folders(
    project: Project,
    repository: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    write_artifact(repository, "w", {"a": "1"})
    record = store_version(project, weights="w")
    (tmp_path / "mine").mkdir()

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("mlver.storage.local.export._prepare_files", fail)
    for into in (tmp_path / "mine", tmp_path / "new/deep"):
        with pytest.raises((type(error), MlverError)):
            working_files.check_out_version(project, record, into=into)
        assert intent.read_pending(project.state_directory) is None
    assert (tmp_path / "mine").is_dir()
    assert not (tmp_path / "new").exists()


# -- folders that become links meanwhile -----------------------------------------------------------


@pytest.mark.parametrize("point", ["locate_with_repair", "sync_files", "replace_group"])
@pytest.mark.parametrize("folder", ["w", "w/sub"])
def test_a_folder_that_becomes_a_link_while_files_are_written_leads_nowhere(
    project: Project,
    repository: Repository,
    outside: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: str,
    point: str,
) -> None:
    """Before the first file is written, once all are, and right before they get their names."""
    write_artifact(repository, "w", {"sub/a": "old", "sub/b": "old"})
    record = store_version(project, weights="w")
    write_artifact(repository, "w", {"sub/a": "new", "sub/extra": "unsaved"})
    (outside / "sub").mkdir()
    (outside / "sub/a").write_text("precious")
    before = read_tree(outside)
    owner = ObjectCatalogue if point == "locate_with_repair" else durable
    real = getattr(owner, point)

    def swap_first(*arguments: Any, **options: Any) -> Any:
        # the objects that are saved first are flushed as well, by their paths
        is_due = point != "sync_files" or "access" in options
        if is_due and not (repository.path / folder).is_symlink():
            (repository.path / folder).rename(repository.path / "moved")
            (repository.path / folder).symlink_to(outside)
        return real(*arguments, **options)

    monkeypatch.setattr(owner, point, swap_first)
    with pytest.raises(MlverError):
        working_files.check_out_version(project, record, save=True)
    assert read_tree(outside) == before
    leftovers = list(repository.path.rglob(f"{durable.TEMPORARY}*"))
    # what lies in a folder that was moved away cannot be found any more
    assert not [path for path in leftovers if "moved" not in path.parts]
