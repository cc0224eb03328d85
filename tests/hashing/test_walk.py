from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.hashing.walk import find_middle, walk_files
from mlver.system import durable

names = (
    st.text(st.sampled_from("ab-./0\udcff"), min_size=1, max_size=4)
    .map(lambda name: name.replace("/", "x"))
    .filter(lambda name: name not in (".", ".."))
)


def found(top: Path) -> tuple[list[bytes], list[str]]:
    """What the walk finds; from any path on it finds what comes from there on."""
    faults: list[str] = []
    ignored: list[str] = []
    paths = [path for path, _ in walk_files(os.fsencode(top), faults.append)]
    for start in (*paths, find_middle(os.fsencode(top), len(paths)), b"a", b"a/", b"b-"):
        assert [path for path, _ in walk_files(os.fsencode(top), ignored.append, start=start)] == [
            p for p in paths if p >= start
        ]
    return paths, faults


@given(st.lists(st.lists(names, min_size=1, max_size=3).map("/".join), min_size=1, max_size=12))
def test_files_come_in_the_order_of_their_full_paths(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str]
) -> None:
    top = tmp_path_factory.mktemp("walk")
    kept = set()
    for path in paths:
        try:
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).open("xb").close()
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
        kept.add(os.fsencode(path))
    assert found(top) == (sorted(kept), [])


@pytest.mark.parametrize("loose", [0, 1, 70])
@pytest.mark.parametrize(
    "shape", ["{0}", "only/deep/{0}", "{0}/in/a", "a/b{0}", "{1}/{0}", "{1}/in/{0}", "p/{1}/{0}"]
)
def test_the_middle_is_about_there_wherever_the_files_are(
    tmp_path: Path, shape: str, loose: int
) -> None:
    for number in range(300):
        path = tmp_path / shape.format(f"{number:03d}", number % 3)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for number in range(loose):
        (tmp_path / f"notes-{number}").touch()
    paths, _ = found(tmp_path)
    start = find_middle(os.fsencode(tmp_path), len(paths))
    assert abs(sum(path < start for path in paths) - len(paths) / 2) <= 2


def test_symlinks_are_followed_and_empty_directories_are_not_kept(tmp_path: Path) -> None:
    (tmp_path / "outside/deep").mkdir(parents=True)
    (tmp_path / "outside/deep/file").touch()
    top = tmp_path / "top"
    (top / "empty/er").mkdir(parents=True)
    (top / "directory").symlink_to("../outside")
    (top / "twice").symlink_to("../outside")
    (top / "file").symlink_to("../outside/deep/file")
    assert found(top) == ([b"directory/deep/file", b"file", b"twice/deep/file"], [])


def test_all_that_cannot_be_kept_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good").touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/dangling").symlink_to("nowhere")
    (tmp_path / "sub/up").symlink_to("..")
    (tmp_path / "self").symlink_to("self")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "sub/.GIT").mkdir()
    (tmp_path / "device").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    paths, faults = found(tmp_path)
    assert paths == [b"good"]
    assert sorted(faults) == [
        "device is a device, which has no content to keep",
        "fifo is a FIFO, which has no content to keep",
        "self cannot be looked at: Too many levels of symbolic links",
        "socket is a socket, which has no content to keep",
        "sub/.GIT belongs to git: move it out of the artifact",
        "sub/dangling is a symlink to nowhere, which does not exist",
        "sub/up is a symlink to a directory that contains it",
    ]


def test_temporaries_of_ours_are_no_part_of_an_artifact(tmp_path: Path) -> None:
    for name in (durable.temporary_name(), ".hidden"):
        (tmp_path / name).touch()
    assert found(tmp_path) == ([b".hidden"], [])


def test_a_hostile_name_stays_on_its_line(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J\nb").symlink_to("nowhere")
    (fault,) = found(tmp_path)[1]
    assert fault.isprintable()
