"""What `.mlverignore` leaves out: of no manifest, and never removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlver.errors import MlverError
from mlver.hashing import unchanged
from mlver.project.artifacts import measuring, working_files
from mlver.project.artifacts.ignoring import IgnoredFiles, is_left_out, parse_ignore_file
from mlver.project.project import Project
from tests.conftest import Repository
from tests.project.artifacts.helpers import as_bytes, read_artifact
from tests.project.helpers import Files, read_tree, remove_path, store_version, write_artifact

PATTERNS = ".DS_Store\n*.tmp\ncache/\n"


def list_measured(project: Project, path: str = "w") -> list[bytes]:
    measured = measuring.measure_at(project, path)
    assert measured is not None
    return [name for name, _ in measuring.measured_files(measured, path)]


def test_what_is_left_out_is_in_no_manifest(project: Project, repository: Repository) -> None:
    write_artifact(repository, "w", {"a": "1", "d/b": "2"})
    (repository.path / "w/d/.DS_Store").symlink_to("nowhere")
    repository.write("w/cache/big", "x")
    repository.write(".mlverignore", PATTERNS)
    record = store_version(project, weights="w")
    assert measuring.list_names(project, record.weights) == [b"a", b"d/b"]
    assert list_measured(project) == [b"a", b"d/b"]
    assert list(measuring.find_changed_files(project, record.weights)) == []


@pytest.mark.parametrize("shared", [1, 10_000])
def test_the_stat_cache_knows_a_directory_with_such_files(
    project: Project, repository: Repository, monkeypatch: pytest.MonkeyPatch, shared: int
) -> None:
    monkeypatch.setattr(unchanged, "SHARED_FILES", shared)
    write_artifact(repository, "w", {"a": "1", "b": "2", "c/d": "3", "c/x.tmp": "4"})
    repository.write(".mlverignore", PATTERNS)
    for name in ("a", "b", "c/d"):
        os.utime(repository.path / "w" / name, (1e9, 1e9))
    digests = []
    for content in ("5", "6"):
        repository.write("w/c/x.tmp", content)
        measured = measuring.measure_at(project, "w", keep_manifest=False)
        assert measured is not None
        digests.append((measured.digest, measured.files))
    assert digests[0] == digests[1]
    assert digests[0][1] == 3
    (repository.path / ".mlverignore").unlink()
    measured = measuring.measure_at(project, "w", keep_manifest=False)
    assert measured is not None
    assert measured.files == 4


def test_an_artifact_that_somebody_named_is_kept(project: Project, repository: Repository) -> None:
    repository.write("w.tmp", "weights")
    write_artifact(repository, "cache", {"a": "1", "x.tmp": "2"})
    repository.write(".mlverignore", PATTERNS)
    record = store_version(project, weights="w.tmp", train="cache")
    assert record.weights.files == 1
    assert measuring.list_names(project, record.data["train"]) == [b"a"]


def test_a_directory_of_which_everything_is_left_out_is_refused(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "w", {"a.tmp": "1", "cache/b": "2"})
    repository.write(".mlverignore", PATTERNS)
    with pytest.raises(MlverError, match="leaves out every file of w"):
        store_version(project, weights="w")
    assert measuring.measure_at(project, "w") is None


@pytest.mark.parametrize("to", [None, "elsewhere"])
def test_a_checkout_keeps_them(project: Project, repository: Repository, to: str | None) -> None:
    left_out: Files = {"x.tmp": "own", "d/.DS_Store": "own", "cache/y": "own"}
    write_artifact(repository, "w", {"a": "1", "d/b": "1", "cache/y": "own"})
    repository.write(".mlverignore", PATTERNS)
    first = store_version(project, weights="w")
    write_artifact(repository, "w", {"c": "2", **left_out})
    store_version(project, "2.0.0", weights="w")
    into = None
    if to is not None:
        into = repository.path / to
        into.mkdir()
        (repository.path / "w").rename(into / "w")
    done = working_files.check_out_version(project, first, into=into, force=True)
    assert (done.written, done.removed) == (2, 1)
    assert read_tree((into or repository.path) / "w") == as_bytes(
        {"a": "1", "d/b": "1", **left_out}
    )


def test_the_directory_that_holds_one_stays(project: Project, repository: Repository) -> None:
    write_artifact(repository, "w", {"a": "1"})
    repository.write(".mlverignore", PATTERNS)
    first = store_version(project, weights="w")
    write_artifact(repository, "w", {"a": "1", "d/e/b": "1", "d/e/x.tmp": "own"})
    store_version(project, "2.0.0", weights="w")
    working_files.check_out_version(project, first)
    assert read_artifact(project) == as_bytes({"a": "1", "d/e/x.tmp": "own"})


@pytest.mark.parametrize(
    ("wanted", "present", "obstacle"),
    [
        pytest.param({"d": "1"}, {"d/x.tmp": "own"}, "w/d/x.tmp", id="a folder where a file is"),
        pytest.param({"cache": "1"}, {"cache/y": "own"}, "w/cache", id="a folder left out"),
        pytest.param({"x.tmp/y": "1"}, {"x.tmp": "own"}, "w/x.tmp", id="a file where a folder is"),
        pytest.param(
            "1", {"x.tmp": "own"}, "w/x.tmp", id="the place of an artifact that is a file"
        ),
    ],
)
def test_one_in_the_way_is_named_before_anything_changes(
    project: Project,
    repository: Repository,
    wanted: Files | str,
    present: dict[str, str],
    obstacle: str,
) -> None:
    write_artifact(repository, "w", wanted)
    record = store_version(project, weights="w")
    write_artifact(repository, "w", present)
    repository.write(".mlverignore", PATTERNS)
    with pytest.raises(MlverError, match=f"^{obstacle} stands where the version has") as refused:
        working_files.check_out_version(project, record, force=True)
    assert refused.value.hint == f"ls -ld -- {obstacle}"
    assert read_artifact(project) == as_bytes(present)


def test_what_a_version_pins_is_put_back_whatever_is_left_out_now(
    project: Project, repository: Repository
) -> None:
    files = {"a": "1", ".DS_Store": "pinned", "cache/b": "pinned", "d/x.tmp": "pinned"}
    write_artifact(repository, "w", files)
    record = store_version(project, weights="w")
    repository.write(".mlverignore", PATTERNS)
    assert list_measured(project) == [b"a"]
    assert list(measuring.find_changed_files(project, record.weights)) == []
    write_artifact(repository, "w", {"a": "1"})
    done = working_files.check_out_version(project, record)
    assert (done.written, done.unchanged) == (3, 1)
    assert read_artifact(project) == as_bytes(files)
    repository.write("w/.DS_Store", "other bytes, stored nowhere")
    repository.write("w/cache/own", "own")
    with pytest.raises(MlverError, match=r"w/\.DS_Store"):
        working_files.check_out_version(project, record)
    working_files.check_out_version(project, record, force=True)
    assert read_artifact(project) == as_bytes({**files, "cache/own": "own"})


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"\xff", "line 1 is not UTF-8"), (b"#" * 70_000, "it is larger than 65,536 bytes")],
)
def test_a_file_that_holds_no_patterns_is_refused(
    project: Project, repository: Repository, content: bytes, message: str
) -> None:
    write_artifact(repository, "w", {"a": "1"})
    record = store_version(project, weights="w")
    repository.write(".mlverignore", content)
    for attempt in (
        lambda: measuring.measure_at(project, "w"),
        lambda: store_version(project, "2.0.0", weights="w"),
        lambda: working_files.check_out_version(project, record),
    ):
        with pytest.raises(MlverError, match=f"^.mlverignore cannot be used: {message}") as refused:
            attempt()
        assert refused.value.hint == "cat -n -- .mlverignore"


@pytest.mark.parametrize("kind", ["a symlink", "a FIFO", "a folder"])
def test_one_that_is_no_file_of_its_own_is_refused(
    project: Project, repository: Repository, kind: str
) -> None:
    write_artifact(repository, "w", {"a": "1"})
    place = repository.path / ".mlverignore"
    if kind == "a symlink":
        place.symlink_to("README.md")
    elif kind == "a FIFO":
        os.mkfifo(place)
    else:
        place.mkdir()
    with pytest.raises(MlverError, match=f"^.mlverignore cannot be read: it is {kind}"):
        measuring.measure_at(project, "w")


def test_the_guard_asks_of_one_file() -> None:
    assert not is_left_out(None, "w", "x.tmp")
    matches = parse_ignore_file(PATTERNS.encode())
    assert is_left_out(matches, "w", "x.tmp")
    assert is_left_out(matches, "w", "cache/deep/a")
    assert not is_left_out(matches, "w", "a")
    assert not is_left_out(matches, "cache", "")


# -- any files and any patterns --------------------------------------------------------------------

_NAMES = st.sampled_from(["a", "b", "x.tmp", ".DS_Store", "cache"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_LINES = st.sampled_from([".DS_Store", "*.tmp", "cache/", "!cache/", "w/a", "/w/b/", "!*.tmp"])


def write_all(top: Path, paths: list[str], content: str) -> dict[str, bytes]:
    written = {}
    for path in paths:
        location = top / path
        try:
            location.parent.mkdir(parents=True, exist_ok=True)
            location.write_text(content + path)
        except OSError:  # another file is a folder on its way, or the other way round
            continue
        written[path] = (content + path).encode()
    return written


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    pinned=st.lists(_PATHS, min_size=1, max_size=6),
    present=st.lists(_PATHS, max_size=6),
    lines=st.lists(_LINES, min_size=1, max_size=4),
)
def test_a_checkout_puts_a_version_in_place_and_removes_nothing_that_is_left_out(
    project: Project,
    repository: Repository,
    pinned: list[str],
    present: list[str],
    lines: list[str],
) -> None:
    top = repository.path / "w"
    (repository.path / ".mlverignore").unlink(missing_ok=True)
    remove_path(top)
    wanted = write_all(top, ["first", *pinned], "pinned ")
    record = store_version(project, weights="w")
    remove_path(top)
    own = write_all(top, present, "own ")
    repository.write(".mlverignore", "\n".join(lines))
    matches = parse_ignore_file("\n".join(lines).encode())
    kept = {path for path in own if path not in wanted and is_left_out(matches, "w", path)}
    try:
        working_files.check_out_version(project, record, force=True)
    except MlverError:
        assert read_artifact(project) == own
        return
    expected = {**{path: own[path] for path in kept}, **wanted}
    assert read_artifact(project) == expected


def test_what_stands_in_the_way_is_found_at_any_depth() -> None:
    ignored = IgnoredFiles(b"w/", lambda path: path.endswith(b"tmp"), found={b"a/tmp", b"b/c/"})
    ignored.require_way("w", [b"a/x", b"b/d"])
    for name in (b"a", b"a/tmp/b", b"b/c", b"b"):
        with pytest.raises(MlverError, match="stands where"):
            ignored.require_way("w", [name])
