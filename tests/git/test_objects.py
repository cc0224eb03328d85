"""Objects from git's store: the same bytes one by one, folder by folder or as their digests."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.git import objects
from mlver.git.process import GitFailed, GitProcess
from mlver.git.repository import GitRepository
from mlver.records import byte_limits
from tests.conftest import Repository as Ground

MANY = 40


@pytest.fixture
def found(repository: Ground) -> GitRepository:
    return GitRepository.find(repository.path)


def test_blobs_come_in_the_order_asked_for(repository: Ground, found: GitRepository) -> None:
    contents = {
        "binary": bytes(range(256)),
        "empty": b"",
        "folder/lines": b"a\n\nb",
        "missing 7": b"x",
    }
    for name, data in contents.items():
        repository.write(name, data)
    commit = repository.commit()
    specs = [f"{commit}:{name}" for name in contents]
    asked = [*specs, f"{commit}:nowhere", f"{commit}:folder", f"{commit}:a\nb", specs[0]]
    assert list(found.blobs(asked)) == [*contents.values(), None, None, None, contents["binary"]]
    assert list(found.blobs([])) == []


def test_blobs_of_names_of_any_bytes(repository: Ground, found: GitRepository) -> None:
    odd = b"\xff.yaml".decode(errors="surrogateescape")
    repository.write(odd, "odd\n")
    repository.commit()
    specs = [
        f"HEAD:{odd}",
        "HEAD:\ud800",
        "HEAD:\ud800\n",
        "HEAD:a\0b",
        "HEAD:a\0\n",
        "HEAD:README.md",
    ]
    assert [blob is not None for blob in found.blobs(specs)] == [
        True,
        False,
        False,
        False,
        False,
        True,
    ]


@pytest.fixture
def crowd(repository: Ground) -> list[str]:
    """Paths of one folder, with what a tree may hold beside files, and what it does not hold."""
    names = [f"file-{number:02d}" for number in range(MANY)]
    names += ["grüße", "two\nlines", " 100644 x", "a", "a.b", "a-b", "file-00\r"]
    if sys.platform != "darwin":  # where names are Unicode
        names.append(os.fsdecode(b"\xff"))
    for name in names:
        repository.write(f"of/them/{name}", f"this is {name!r}\n")
    repository.write("of/them/folder/file", "below\n")
    (repository.path / "of/them/link").symlink_to("file-00")
    repository.commit()
    head = repository.git("rev-parse", "HEAD")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},of/them/module")
    repository.git("commit", "--quiet", "--message", "A submodule")
    return [
        f"of/them/{name}"
        for name in [*names, "folder", "link", "module", "nowhere", "", "file", "\ud800", "a\0"]
    ]


@pytest.mark.parametrize("commit", ["HEAD", "main", "refs/heads/main"])
def test_a_folder_read_at_once_says_what_each_path_says(
    crowd: list[str], found: GitRepository, commit: str
) -> None:
    one_by_one = [next(found.blobs([f"{commit}:{path}"])) for path in crowd]
    assert sum(data is not None for data in one_by_one) >= MANY + 8
    assert list(found.blobs(f"{commit}:{path}" for path in crowd)) == one_by_one
    known = [None if data is None else Digest.of_bytes(data) for data in one_by_one]
    assert list(found.blob_digests(f"{commit}:{path}" for path in crowd)) == known


def test_several_folders_and_commits_at_once(
    repository: Ground, crowd: list[str], found: GitRepository
) -> None:
    before = repository.git("rev-parse", "HEAD")
    for path in crowd[:MANY:2]:
        repository.write(path, "changed\n")
    repository.git("rm", "--quiet", "--cached", crowd[1])
    repository.commit()
    repository.git(
        "rm", "--quiet", "-r", "--cached", "--force", "of/them/folder", *crowd[MANY - 1 : MANY]
    )
    asked = [f"{commit}:{path}" for path in crowd for commit in (before, "HEAD", "")]
    assert list(found.blobs(asked)) == [next(found.blobs([spec])) for spec in asked]
    gone = [f"{'ab' * 20}:{path}" for path in crowd]
    assert list(found.blobs(gone)) == [None] * len(crowd)


@pytest.mark.parametrize("ending", ["\r", "\n", " "])
def test_a_folder_is_not_taken_for_another_whose_name_begins_like_it(
    repository: Ground, found: GitRepository, ending: str
) -> None:
    for number in range(MANY):
        repository.write(f"dir/{number}", "plain")
        repository.write(f"dir{ending}/{number}", "odd")
    repository.write(f"x{ending}", "odd")
    repository.write("x", "plain")
    repository.commit()
    asked = [f"HEAD:dir{ending}/{number}" for number in range(MANY)]
    for few in (asked, asked[:3], [f"HEAD:x{ending}"]):
        assert set(found.blobs(few)) == {b"odd"}
        assert set(found.blob_digests(few)) == {Digest.of_bytes(b"odd")}


def test_what_a_partial_clone_lacks_is_told_and_not_fetched(
    repository: Ground, crowd: list[str], tmp_path: Path
) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
    for kind in ("tree:0", "blob:none"):
        there = Ground(tmp_path / kind.replace(":", "-"))
        repository.git(
            "clone",
            "-q",
            "--no-checkout",
            f"--filter={kind}",
            f"file://{repository.path}",
            str(there.path),
        )
        clone = GitRepository.find(there.path)
        for paths in (crowd[:1], crowd):
            asked = [f"HEAD:{path}" for path in paths]
            with pytest.raises(MlverError, match="this partial clone lacks something"):
                list(clone.blobs(asked))
            with pytest.raises(MlverError, match="this partial clone lacks something"):
                list(clone.blob_digests(asked))


def test_a_folder_of_a_sha256_repository_is_read_as_well(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    made = subprocess.run(
        ["git", "init", "--quiet", "--object-format=sha256"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("this git knows no SHA-256 repositories")
    for number in range(MANY):
        ground.write(f"dir/{number}", f"{number}")
    ground.commit()
    found = GitRepository.find(tmp_path)
    assert list(found.blobs(f"HEAD:dir/{n}" for n in range(MANY))) == [
        b"%d" % n for n in range(MANY)
    ]


def test_a_folder_is_read_once_however_many_are_asked_of_it(
    crowd: list[str], found: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    start = GitProcess._open_reading

    def told(self: GitProcess, args: Sequence[str], stdin: bytes) -> Any:
        asked.extend(stdin.splitlines())
        return start(self, args, stdin)

    monkeypatch.setattr(GitProcess, "_open_reading", told)
    list(found.blobs(f"HEAD:{path}" for path in crowd[:MANY]))
    assert asked.count(b"HEAD:of/them") == 1
    assert not [spec for spec in asked if spec.startswith(b"HEAD:of/them/")]


def test_a_name_that_is_twice_in_a_tree_is_what_git_takes_it_for(
    repository: Ground, found: GitRepository
) -> None:
    ids = [
        repository.git("hash-object", "-w", str(repository.write(f".git/{text}", text)))
        for text in "ab"
    ]
    names = sorted([*(f"n{number:02d}" for number in range(MANY)), "n07"])
    tree = b"".join(
        b"100644 %b\0%b" % (name.encode(), bytes.fromhex(ids[name == names[at - 1]]))
        for at, name in enumerate(names)
    )
    repository.write(".git/tree", tree)
    made = repository.git("hash-object", "-w", "-t", "tree", "--literally", ".git/tree")
    repository.write(".git/outer", b"40000 x\0" + bytes.fromhex(made))
    outer = repository.git("hash-object", "-w", "-t", "tree", "--literally", ".git/outer")
    asked = [f"{outer}:x/{name}" for name in names]
    assert set(found.blobs(asked)) == {b"a"}


def test_of_a_blob_that_is_too_large_only_the_beginning_is_read(
    repository: Ground, found: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(byte_limits, "_BYTE_LIMIT", 1_000)
    monkeypatch.setattr(byte_limits, "_MANIFEST_LIMIT", 2_000)
    manifest = ".mlver/manifests/x.sha256"
    for path in ("large", manifest):
        repository.write(path, b"#" * 5_000_000)
    repository.write("small", "small")
    repository.commit()
    asked = ["HEAD:large", "HEAD:small", f"HEAD:{manifest}"]
    tracemalloc.start()
    sizes = [None if data is None else len(data) for data in found.blobs(asked)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sizes == [1_001, 5, 2_001]
    assert peak < 4_000_000
    assert [len(data or b"") for data in found.whole_blobs(asked)] == [5_000_000, 5, 5_000_000]


def test_a_digest_is_of_all_of_a_large_blob(repository: Ground, found: GitRepository) -> None:
    large = os.urandom(3 * (1 << 20) + 7)
    repository.write("large", large)
    repository.write("empty", b"")
    repository.commit()
    asked = ["HEAD:large", "HEAD:nowhere", "HEAD", "HEAD:empty", "HEAD:large"]
    expected = [Digest.of_bytes(large), None, None, Digest.of_bytes(b""), Digest.of_bytes(large)]
    assert list(found.blob_digests(asked)) == expected


def test_a_git_that_ends_early_is_no_answer(
    found: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    streamed = GitProcess.streamed

    @contextmanager
    def failing(self: GitProcess, args: Sequence[str], *, stdin: bytes = b"") -> Iterator[BinaryIO]:
        with streamed(self, ["cat-file", "--no-such-option"], stdin=stdin) as out:
            yield out

    monkeypatch.setattr(GitProcess, "streamed", failing)
    with pytest.raises(GitFailed, match="no-such-option"):
        list(objects.hash_blobs(found.process, ["HEAD:README.md"]))


def test_a_stream_that_is_left_early_leaves_no_git_behind(
    repository: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write("large", bytes(8 << 20))
    repository.commit()
    process = GitRepository.find(repository.path).process
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    with suppress(LookupError), process.streamed(["cat-file", "blob", "HEAD:large"]) as out:
        raise LookupError(out.read(1))
    (git,) = started
    assert git.returncode is not None
