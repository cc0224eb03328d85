from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.hashing.walk import LinkBounds, find_middle, walk_files
from mlver.system import durable

names = (
    st.text(st.sampled_from("ab-./0\udcff"), min_size=1, max_size=4)
    .map(lambda name: name.replace("/", "x"))
    .filter(lambda name: name not in (".", ".."))
)


def found(top: Path) -> tuple[list[bytes], list[str]]:
    """What the walk finds; from any path on it finds what comes from there on.

    Of many paths some forty are tried.
    """
    faults: list[str] = []
    ignored: list[str] = []
    paths = [path for path, _ in walk_files(os.fsencode(top), faults.append)]
    some = paths[:: max(1, len(paths) // 40)]
    for start in (*some, find_middle(os.fsencode(top), len(paths)), b"a", b"a/", b"b-"):
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


def test_links_lead_no_further_than_they_may(tmp_path: Path) -> None:
    top = tmp_path / "work"
    for name in (
        "model/own",
        "shared/file",
        ".git/config",
        "sub/.GIT/config",
        ".mlver/config.yaml",
    ):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).touch()
    (tmp_path / "work-beside").mkdir()
    (tmp_path / "work-beside/secret").touch()
    for number, target in enumerate(
        (
            "../shared/file",
            "../shared",
            f"{tmp_path}/work-beside/secret",
            "../../work-beside",
            "../.git",
            "../.git/config",
            "../sub/.GIT/config",
            "../.mlver/config.yaml",
            "..",
            "nowhere",
        )
    ):
        (top / "model" / f"link{number}").symlink_to(target)
    (top / "shared/out").symlink_to(tmp_path / "work-beside/secret")
    faults: list[str] = []
    bounds = LinkBounds.of_folder(top, ".mlver")
    walked = walk_files(os.fsencode(top / "model"), faults.append, bounds=bounds)
    assert [path for path, _ in walked] == [b"link0", b"link1/file", b"own"]
    outside = "which lies outside of the work tree"
    reserved = "which belongs to git or mlver itself"
    assert faults == [
        f"link1/out is a symlink to {tmp_path}/work-beside/secret, {outside}",
        f"link2 is a symlink to {tmp_path}/work-beside/secret, {outside}",
        f"link3 is a symlink to {tmp_path}/work-beside, {outside}",
        f"link4 is a symlink to {top}/.git, {reserved}",
        f"link5 is a symlink to {top}/.git/config, {reserved}",
        f"link6 is a symlink to {top}/sub/.GIT/config, {reserved}",
        f"link7 is a symlink to {top}/.mlver/config.yaml, {reserved}",
        f"link8 is a symlink to {top}, {outside}",
        "link9 is a symlink to nowhere, which does not exist",
    ]


def test_the_work_tree_itself_may_be_reached_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "real/model").mkdir(parents=True)
    (tmp_path / "real/file").touch()
    (tmp_path / "real/model/link").symlink_to("../file")
    (tmp_path / "alias").symlink_to("real")
    faults: list[str] = []
    bounds = LinkBounds.of_folder(tmp_path / "alias", ".mlver")
    walked = walk_files(os.fsencode(tmp_path / "alias/model"), faults.append, bounds=bounds)
    assert [path for path, _ in walked] == [b"link"]
    assert faults == []


_DIG = """
import os
for _ in range(5_000):
    os.mkdir("d")
    os.chdir("d")
open("file", "x").close()
"""


def test_folders_that_no_path_is_long_enough_for_are_a_fault(tmp_path: Path) -> None:
    """They were made one below the other, each from the one above it."""
    subprocess.run([sys.executable, "-c", _DIG], cwd=tmp_path, check=True)
    (tmp_path / "d/kept").touch()
    faults: list[str] = []
    walked = [path for path, _ in walk_files(os.fsencode(tmp_path), faults.append)]
    subprocess.run(["rm", "-rf", "d"], cwd=tmp_path, check=True)
    assert walked == [b"d/kept"]
    (fault,) = faults
    assert fault.endswith(" cannot be listed: File name too long")
