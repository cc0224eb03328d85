"""What lies below a folder that is held open is never reached through a symlink."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlver.system import folders
from mlver.system.folders import FolderTree, walk_folder

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


@pytest.fixture
def top(tmp_path: Path) -> str:
    (tmp_path / "top/a/b").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    return str(tmp_path / "top")


@pytest.fixture
def tree(top: str) -> Iterator[FolderTree]:
    with FolderTree.open_top(top) as opened:
        yield opened


def write(tree: FolderTree, path: str, text: str) -> None:
    descriptor = tree.open_file(path, NEW)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def test_files_are_written_renamed_and_removed(tree: FolderTree, top: str) -> None:
    write(tree, f"{top}/a/b/new", "text")
    assert tree.make_folder(f"{top}/c/d") == [top, f"{top}/c"]
    assert tree.make_folder(f"{top}/c/d") == []
    tree.replace_file(f"{top}/a/b/new", f"{top}/c/d/file")
    assert Path(top, "c/d/file").read_text() == "text"
    tree.make_link("file", f"{top}/c/d/link")
    assert sorted(tree.list_folder(f"{top}/c/d")) == [("file", False), ("link", False)]
    assert sorted(tree.list_folder(top)) == [("a", True), ("c", True)]
    for _ in range(2):
        tree.remove_file(f"{top}/c/d/file")
    tree.remove_file(f"{top}/c/d/link")
    tree.remove_folder(f"{top}/c/d")
    assert not tree.read_mode(f"{top}/c/d/file")
    assert tree.is_folder(f"{top}/c")
    assert tree.is_folder(top)


@pytest.mark.parametrize("replaced", ["a", "a/b"])
@pytest.mark.parametrize("known", [True, False])
def test_a_folder_that_became_a_link_leads_nowhere(
    tree: FolderTree, top: str, tmp_path: Path, replaced: str, known: bool
) -> None:
    """What was opened before is written to as it was, wherever it is now; the link never is."""
    (tmp_path / "outside/b").mkdir()
    write(tree, f"{top}/source", "text")
    if known:
        assert tree.is_folder(f"{top}/a/b/none") is False
    folder = Path(top, replaced)
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "outside")
    if not known:
        attempts: list[Callable[[], object]] = [
            lambda: write(tree, f"{top}/a/b/new", "text"),
            lambda: tree.replace_file(f"{top}/source", f"{top}/a/b/new"),
            lambda: tree.make_link("x", f"{top}/a/b/new"),
            lambda: tree.remove_folder(f"{top}/a/b/c"),
        ]
        for attempt in attempts:
            with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
                attempt()
        assert not tree.is_folder(f"{top}/a/b/c")
    else:
        write(tree, f"{top}/a/b/new", "text")
        assert list((tmp_path / "moved").rglob("new"))
        tree.forget_folders()
        with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
            tree.replace_file(f"{top}/source", f"{top}/a/b/new")
    assert [path.name for path in (tmp_path / "outside").rglob("*")] == ["b"]


def test_an_error_names_the_whole_path(tree: FolderTree, top: str) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        tree.open_file(f"{top}/a/none", os.O_RDONLY)
    assert raised.value.filename == f"{top}/a/none"
    with pytest.raises(FileNotFoundError) as raised:
        tree.replace_file(f"{top}/a/none", f"{top}/a/b/to")
    assert (raised.value.filename, raised.value.filename2) == (f"{top}/a/none", f"{top}/a/b/to")


def test_nothing_beside_the_folder_is_reached(tree: FolderTree, top: str, tmp_path: Path) -> None:
    for folder in (f"{tmp_path}/outside", f"{top}/../outside", f"{top}/none/../../outside"):
        with pytest.raises(OSError, match="it does not lie in"):
            write(tree, f"{folder}/new", "text")
        with pytest.raises(OSError, match="it does not lie in"):
            tree.replace_file(f"{folder}/kept", f"{top}/taken")


def test_a_folder_that_is_held_stands_in_a_links_place(
    tree: FolderTree, top: str, tmp_path: Path
) -> None:
    (tmp_path / "top/link").symlink_to("nowhere")
    tree.hold_folder(f"{top}/link", folders.open_real(str(tmp_path / "outside")))
    assert tree.is_folder(f"{top}/link")
    assert tree.make_folder(f"{top}/link/sub") == [f"{top}/link"]
    write(tree, f"{top}/link/sub/new", "text")
    tree.forget_folders()
    tree.replace_file(f"{top}/link/sub/new", f"{top}/link/file")
    assert (tmp_path / "outside/file").read_text() == "text"
    assert sorted(tree.list_folder(f"{top}/link")) == [("file", False), ("sub", True)]
    with pytest.raises(OSError, match="link"):
        tree.remove_folder(f"{top}/link")
    assert (tmp_path / "top/link").is_symlink()


def test_a_folder_is_opened_by_its_real_path_only(tmp_path: Path) -> None:
    (tmp_path / "real/inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    os.close(folders.open_real(str(tmp_path / "real/inner")))
    os.close(folders.open_real("/"))
    for path in ("link", "link/inner", "real/none"):
        with pytest.raises(OSError, match=path):
            folders.open_real(str(tmp_path / path))


def test_more_folders_than_are_kept_open(
    tree: FolderTree, top: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_MOST_OPEN", 3)
    before = len(os.listdir("/dev/fd"))
    deep = f"{top}/" + "/".join("abcdefgh")
    tree.make_folder(deep)
    for number in range(9):
        tree.make_folder(f"{top}/n{number}")
        write(tree, f"{deep}/{number}", "text")
        tree.replace_file(f"{deep}/{number}", f"{top}/n{number}/file")
    assert len(os.listdir("/dev/fd")) <= before + 3
    assert [Path(top, f"n{number}/file").read_text() for number in range(9)] == ["text"] * 9


def test_folders_deeper_than_a_recursion_may_be_are_listed_and_made(
    tree: FolderTree, top: str
) -> None:
    deep = f"{top}/" + "/".join(["d"] * 1_500)
    assert len(tree.make_folder(deep)) == 1_500
    write(tree, f"{deep}/file", "text")
    walked = list(walk_folder(f"{top}/d"))
    assert len(walked) == 1_500
    assert [entry.name for entry in walked[-1][1]] == ["file"]
    folder = deep
    tree.remove_file(f"{deep}/file")
    while folder != top:
        tree.remove_folder(folder)
        folder = folder.rpartition("/")[0]
