from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.hashing import MeasuredArtifact, StatCache, measure_artifact, unchanged
from mlver.hashing import cache as cache_module
from mlver.hashing.cache import is_racy, stat_signature
from mlver.hashing.walk import walk_files
from mlver.system.state import StateDatabase

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("changed", "later", "racy"),
    [(SECOND + 5, 5_000_000, True), (SECOND + 5, 30_000_000, False), (SECOND, 30_000_000, True),
     (SECOND, 1_900_000_000, True), (SECOND, 2_100_000_000, False), (SECOND + 5, -50, True)],
)  # fmt: skip
def test_a_file_changed_moments_ago_is_racy(changed: int, later: int, racy: bool) -> None:
    signed = cache_module._SIGNATURE.pack(7, 1, 5, SECOND // 2, changed)
    assert is_racy(signed, changed + later) is racy


def test_a_modification_time_in_the_future_is_racy() -> None:
    assert is_racy(cache_module._SIGNATURE.pack(7, 1, 5, 9 * SECOND, SECOND + 1), 2 * SECOND)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    top = tmp_path / "data"
    for name in ("a", "b/c", "b-d"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    return top


def settle() -> None:
    """Let the files become older than the racy window."""
    time.sleep(0.05)


def kept(state: StateDatabase, worktree: str = "w", key: bytes = b"data") -> list[bytes]:
    return [path for path, _ in state.read_files(worktree, key)]


def test_fresh_files_are_not_kept_and_settled_ones_are(
    tmp_path: Path, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = StateDatabase(tmp_path / "state/state.db")
    written_ns = (top / "a").stat().st_ctime_ns
    monkeypatch.setattr(time, "time_ns", lambda: written_ns + 5_000_000)
    measure_artifact(top, key="data", cache=StatCache(state, "w"))
    assert kept(state) == []
    monkeypatch.setattr(time, "time_ns", lambda: written_ns + 9 * SECOND)
    measure_artifact(top, key="data", cache=StatCache(state, "w"), keep_manifest=False)
    assert kept(state) == [b"data/a", b"data/b-d", b"data/b/c"]


def test_what_vanished_is_dropped_and_neighbours_stay(tmp_path: Path, top: Path) -> None:
    state = StateDatabase(tmp_path / "state/state.db")
    settle()
    state.keep_files("w", [(b"data-other", b"x"), (b"data/b/z", b"x"), (b"data/zz", b"x")], [])
    measure_artifact(top, key="data", cache=StatCache(state, "w"))
    (top / "a").unlink()
    (top / "b/c").unlink()
    measure_artifact(top, key="data", cache=StatCache(state, "w"))
    assert kept(state) == [b"data/b-d"]
    assert kept(state, key=b"data-other") == [b"data-other"]


def test_however_many_vanished_few_are_remembered(
    tmp_path: Path, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "_VANISHED_PATHS", 3)
    state = StateDatabase(tmp_path / "state/state.db")
    settle()
    vanished = [(b"data/" + bytes([letter]), b"x") for letter in b"ABCDEFGHIJKcdefghijkl"]
    state.keep_files("w", vanished, [])
    longest = 0
    cache = StatCache(state, "w")
    for _ in cache.match_files(b"data", walk_files(os.fsencode(top), pytest.fail)):
        longest = max(longest, len(cache._vanished))
    assert 0 < longest < 3
    cache.drop_vanished()
    assert kept(state) == []


def test_worktrees_do_not_share_entries(tmp_path: Path, top: Path) -> None:
    state = StateDatabase(tmp_path / "state/state.db")
    settle()
    measure_artifact(top, key="data", cache=StatCache(state, "w"))
    assert kept(state, "other") == []


def test_another_disk_mounted_over_the_artifact_is_seen(
    tmp_path: Path, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files may have the same inodes, sizes and times, as those of a copied image have."""
    state = StateDatabase(tmp_path / "state/state.db")
    settle()
    found = (top / "a").stat()
    measure_artifact(top, key="data", cache=StatCache(state, "w"))
    fields = list(found)
    fields[2] += 1
    times = {name: getattr(found, name) for name in ("st_mtime_ns", "st_ctime_ns")}
    elsewhere = os.stat_result(fields, times)
    for status, is_known in ((found, True), (elsewhere, False)):
        ((_, _, digest),) = StatCache(state, "w").match_files(b"data/a", [(b"", status)])
        assert (digest is not None) is is_known


@pytest.mark.parametrize("change", ["content", "restored times", "replaced", "size"])
def test_every_change_is_seen(tmp_path: Path, top: Path, change: str) -> None:
    cache = StatCache(StateDatabase(tmp_path / "state/state.db"), "w")
    settle()
    old = measure_artifact(top, key="data", cache=cache)
    before = (top / "a").stat()
    if change == "replaced":
        (tmp_path / "x").write_text("A")
        (tmp_path / "x").replace(top / "a")
    else:
        (top / "a").write_text("AA" if change == "size" else "A")
    if change != "content":
        os.utime(top / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    new = measure_artifact(top, key="data", cache=cache)
    assert new.digest != old.digest
    assert new == measure_artifact(top, key="data")


def test_a_signature_tells_device_inode_size_and_both_times(top: Path) -> None:
    found = (top / "a").stat()
    assert stat_signature(found) == cache_module._SIGNATURE.pack(
        found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    )
    assert cache_module.signed_size(stat_signature(found)) == found.st_size == 1
    assert cache_module.total_size([stat_signature(found)] * 3) == 3
    assert cache_module.total_size([]) == 0


# -- all files of a directory at once ---------------------------------------------------------


def measured(top: Path, state: StateDatabase) -> MeasuredArtifact:
    return measure_artifact(top, key="data", cache=StatCache(state, "w"), keep_manifest=False)


@pytest.fixture(params=[1, 2], ids=["one process", "two processes"])
def processes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchanged, "SHARED_FILES", 10_000 if request.param == 1 else 0)


@pytest.fixture
def settled(tmp_path: Path, top: Path, processes: None) -> StateDatabase:
    """A cache that knows the directory as a whole."""
    for path in top.rglob("*"):
        if path.is_file():
            path.chmod(0o755)
            os.utime(path, ns=(SECOND, SECOND))
    state = StateDatabase(tmp_path / "state/state.db")
    later = time.time_ns() + 3 * SECOND
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: later)
        measured(top, state)
    assert StatCache(state, "w").find_directory(b"data") is not None
    return state


def test_an_unchanged_directory_asks_for_no_file_of_it(
    settled: StateDatabase, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = measure_artifact(top, key="data", keep_manifest=False)
    assert len(plain.executable or ()) == plain.files
    monkeypatch.setattr(StatCache, "match_files", None)
    assert measured(top, settled) == plain


def test_a_directory_just_written_is_not_known_as_a_whole(
    tmp_path: Path, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = StateDatabase(tmp_path / "state/state.db")
    written_ns = (top / "a").stat().st_ctime_ns
    monkeypatch.setattr(time, "time_ns", lambda: written_ns + SECOND)
    measured(top, state)
    assert kept(state) == [b"data/a", b"data/b-d", b"data/b/c"]
    assert StatCache(state, "w").find_directory(b"data") is None


@pytest.mark.parametrize(
    "change", ["content", "restored times", "added", "removed", "renamed", "swapped", "dangling"]
)
def test_no_change_hides_behind_the_whole(settled: StateDatabase, top: Path, change: str) -> None:
    old = measured(top, settled)
    path = top / "a"
    before = path.stat()
    if change in ("content", "restored times"):
        path.write_text("A")
    if change == "restored times":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    if change == "added":
        (top / "b/d").write_text("")
    if change == "removed":
        path.unlink()
    if change == "renamed":
        path.rename(top / "a2")
    if change == "swapped":
        path.rename(top / "x")
        (top / "b/c").rename(path)
        (top / "x").rename(top / "b/c")
    if change == "dangling":
        (top / "link").symlink_to("nowhere")
        with pytest.raises(MlverError, match="does not exist"):
            measured(top, settled)
        return
    new = measured(top, settled)
    assert new == measure_artifact(top, key="data", keep_manifest=False)
    assert new != old


def test_a_whole_that_is_no_entry_of_ours_is_not_believed(
    settled: StateDatabase, top: Path
) -> None:
    settled.keep_files("w", [(b"data/", b"short")], [])
    assert measured(top, settled) == measure_artifact(top, key="data", keep_manifest=False)
