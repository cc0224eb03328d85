"""Readers that race with a switch of links find the old version or the new one, whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlver.project.serving.switching import set_links
from mlver.system.folders import FolderTree

_FILES = ("mlver.json", "a.bin", "b.bin")
# It reads until it is told to end, and prints how often it saw each version; a file that is
# missing, or of another version than the first, ends it.
_READER = """
import json, os, sys
folder, seen = sys.argv[1], {}
def stop(fault):
    print(json.dumps({"fault": fault, "seen": seen}), flush=True)
    sys.exit(1)
print("ready", flush=True)
while not os.path.exists(folder + "/end"):
    try:
        place = folder + "/" + os.readlink(folder + "/stable")
        told = [open(place + "/" + name).read() for name in sys.argv[2:]]
    except OSError as error:
        stop(str(error))
    if len(set(told)) != 1:
        stop(f"mixed: {told}")
    seen[told[0]] = seen.get(told[0], 0) + 1
print(json.dumps({"fault": None, "seen": seen}), flush=True)
"""


def make_versions(folder: Path) -> list[str]:
    places = ["versions/v-1", "versions/v-2"]
    for place in places:
        (folder / place).mkdir(parents=True)
        for name in _FILES:
            (folder / place / name).write_text(place)
    return places


def race(folder: Path, switches: int) -> list[dict[str, object]]:
    """Switch the link so often while two processes read; return what they saw."""
    places = make_versions(folder)
    with FolderTree.open_top(folder) as tree:
        set_links(tree, {"stable": places[0]})
        command = [sys.executable, "-c", _READER, os.fspath(folder), *_FILES]
        readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
        for number in range(switches):
            set_links(tree, {"stable": places[number % 2]})
        (folder / "end").touch()
        return [json.loads(reader.communicate(timeout=60)[0]) for reader in readers]


def assert_whole(told: list[dict[str, object]]) -> None:
    for one in told:
        assert one["fault"] is None
        assert set(one["seen"]) == {"versions/v-1", "versions/v-2"}  # type: ignore[call-overload]


def test_racing_readers_see_no_missing_and_no_mixed_version(tmp_path: Path) -> None:
    assert_whole(race(tmp_path, 600))


@pytest.mark.long
def test_ten_thousand_switches(tmp_path: Path) -> None:
    assert_whole(race(tmp_path, 10_000))


def test_the_readers_notice_a_switch_that_is_none(tmp_path: Path) -> None:
    """What other programs do, unlink and then symlink, leaves moments without a link."""
    places = make_versions(tmp_path)
    (tmp_path / "stable").symlink_to(places[0])
    command = [sys.executable, "-c", _READER, os.fspath(tmp_path), *_FILES]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        while reader.poll() is None:
            (tmp_path / "stable").unlink()
            (tmp_path / "stable").symlink_to(places[0])
        assert "No such file" in json.loads(reader.stdout.read())["fault"]
