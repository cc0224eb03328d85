"""Trees of a few bytes that list files without end."""

from __future__ import annotations

import pytest

from mlver.errors import MlverError
from mlver.git import trees
from mlver.git.process import GitProcess
from mlver.git.repository import GitRepository
from tests.conftest import Repository

LIMIT = 1 << 20


@pytest.fixture
def bomb(repository: Repository) -> Repository:
    """A commit whose `.mlver` holds 16 to the power of 12 files, in twelve trees."""
    blob = repository.git("hash-object", "-w", "README.md")
    entry = f"100644 blob {blob}"
    tree = ""
    for _ in range(12):
        repository.write(".git/entries", "".join(f"{entry}\t{name:x}\n" for name in range(16)))
        tree = repository.git("-c", "alias.make=!git mktree <.git/entries", "make")
        entry = f"040000 tree {tree}"
    for folder in ("models", ".mlver"):
        repository.write(".git/entries", f"{entry}\t{folder}\n")
        tree = repository.git("-c", "alias.make=!git mktree <.git/entries", "make")
        entry = f"040000 tree {tree}"
    commit = repository.git("commit-tree", "-p", "HEAD", "-m", "a bomb", tree)
    repository.git("update-ref", "refs/heads/bomb", commit)
    return repository


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    for function in (GitProcess.read, GitProcess.try_read):
        defaults = function.__kwdefaults__
        assert defaults is not None
        monkeypatch.setitem(defaults, "limit", LIMIT)


def test_a_listing_without_end_is_refused(bomb: Repository) -> None:
    with pytest.raises(MlverError, match="`git ls-tree` lists more than 1 MiB here") as refused:
        trees.committed_files(GitRepository.find(bomb.path), "refs/heads/bomb", ".mlver")
    assert refused.value.hint == "git count-objects -vH"


@pytest.mark.parametrize(
    "argv",
    [
        ("hook", "check", "--from", "HEAD", "--to", "bomb"),
        ("hook", "guard", "--from", "HEAD", "--to", "bomb"),
        ("diff", "HEAD...bomb"),
        ("diff", "HEAD...bomb", "--markdown"),
    ],
    ids=" ".join,
)
def test_a_command_that_meets_one_ends(bomb: Repository, argv: tuple[str, ...]) -> None:
    assert bomb.mlver("init").code == 0
    done = bomb.mlver(*argv)
    assert done.code == 3, done
    assert "lists more than 1 MiB here" in done.err


def test_a_long_answer_that_is_no_listing_is_read_whole(repository: Repository) -> None:
    repository.write("large", b"#" * (3 * LIMIT))
    repository.commit()
    (data,) = GitRepository.find(repository.path).whole_blobs(["HEAD:large"])
    assert data == b"#" * (3 * LIMIT)
