"""Commits made without a work tree: any shape, any author and any date, one git process a case."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.conftest import Repository

# What a commit does to files: new bytes, or None for a file that it removes.
FileChanges = Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who writes a commit or a tag."""

    name: str
    address: str

    @property
    def author(self) -> str:
        """As records and commits spell it."""
        return f"{self.name} <{self.address}>"


KIM = Identity("Kim", "kim@example.org")
MALLORY = Identity("Mallory", "mallory@example.org")
ALICE = Identity("Alice Auditor", "alice@example.org")
FORGE = Identity("Forge", "noreply@forge.example")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCommit:
    """A commit to be made: `changes` against its first parent.

    A parent is a commit's id or the name of an earlier plan; times are seconds since 1970.
    """

    name: str
    parents: Sequence[str]
    changes: FileChanges = field(default_factory=dict)
    message: str = "More work"
    author: Identity = MALLORY
    committer: Identity = MALLORY
    authored: int
    committed: int


@dataclass(frozen=True, slots=True)
class PlannedSeal:
    """An annotated tag to be made on a planned commit (or a commit's id)."""

    name: str
    target: str
    message: str
    tagger: Identity
    tagged: int


def write_commits(
    repository: Repository,
    commits: Sequence[PlannedCommit],
    seals: Sequence[PlannedSeal] = (),
    *,
    branch: str,
) -> None:
    """Make the commits and the tags; `branch` becomes the last commit."""
    marks = {commit.name: f":{number}" for number, commit in enumerate(commits, start=1)}
    stream = bytearray()
    for commit in commits:
        stream += _describe_commit(commit, marks)
    for seal in seals:
        stream += _describe_seal(seal, marks)
    stream += f"reset {branch}\nfrom {marks[commits[-1].name]}\n\n".encode()
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force"],
        cwd=repository.path,
        input=bytes(stream),
        check=True,
    )


def _describe_commit(commit: PlannedCommit, marks: Mapping[str, str]) -> bytes:
    lines = [
        "commit refs/made/commits",
        f"mark {marks[commit.name]}",
        f"author {commit.author.author} {commit.authored} +0000",
        f"committer {commit.committer.author} {commit.committed} +0000",
    ]
    text = bytearray("\n".join(lines).encode() + b"\n" + _describe_data(commit.message.encode()))
    word = "from"
    for parent in commit.parents:
        text += f"{word} {marks.get(parent, parent)}\n".encode()
        word = "merge"
    for path, data in commit.changes.items():
        if data is None:
            text += f"D {path}\n".encode()
        else:
            text += f"M 100644 inline {path}\n".encode() + _describe_data(data)
    return bytes(text) + b"\n"


def _describe_seal(seal: PlannedSeal, marks: Mapping[str, str]) -> bytes:
    lines = [
        f"tag {seal.name}",
        f"from {marks.get(seal.target, seal.target)}",
        f"tagger {seal.tagger.author} {seal.tagged} +0000",
    ]
    return "\n".join(lines).encode() + b"\n" + _describe_data(seal.message.encode())


def _describe_data(data: bytes) -> bytes:
    return f"data {len(data)}\n".encode() + data + b"\n"
