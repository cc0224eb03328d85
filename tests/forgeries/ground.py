"""The honest repository that forgers attack, and records of mlver's own for them to edit."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.document import emit, strict
from mlver.policy.policy_digest import build_policy, digest_policy
from mlver.records import layout
from mlver.records.config import ProjectConfig
from tests.cli.conftest import assert_works, copy_repository
from tests.conftest import Repository
from tests.forgeries.commits import KIM, Identity

# 2026-01-05 09:00 UTC, in seconds; every step of the story is an hour later than the one before.
_BEGIN = 1767603600
HOUR = 3600
STORE = ".git/mlver"
TRAINING = ("train.py", "params.yaml", "metrics.json")
_SETTINGS = """\
schema: mlver/config/1
stages:
  staging:
    verified: true
  production:
    after: [staging]
    verified: true
"""
WEAK_SETTINGS = _SETTINGS.replace("    after: [staging]\n", "").encode()


@dataclass(frozen=True, slots=True)
class Ground:
    """`repository` has `main` and every byte, `remote` what was pushed of it.

    `points` names commits of main, and `other`: a branch that touches no record. `now` is when the
    last of them was made, in seconds since 1970. `samples` holds records that mlver made in copies,
    by a name: promotions that would follow the last ones here.
    """

    repository: Repository
    remote: Repository
    points: Mapping[str, str]
    now: int
    samples: Mapping[str, bytes]

    @property
    def tip(self) -> str:
        return self.points["tip"]

    def read_file(self, path: str) -> bytes:
        """Read a record as the last commit of main has it."""
        return (self.repository.path / path).read_bytes()


def promotion_path(stage: str, sequence: int) -> str:
    return layout.promotion_path("digits", stage, sequence)


def version_path(version: str) -> str:
    return layout.version_path("digits", version)


def edit_record(data: bytes, **changes: Any) -> bytes:
    """Change keys of a record, and write it as mlver would."""
    document = dict(strict.load_document(data, "a record").value)
    document.update(changes)
    return emit.dump_document(document, "a record")


def read_record(data: bytes) -> dict[str, Any]:
    document: dict[str, Any] = strict.load_document(data, "a record").value
    return document


def name_digest(data: bytes) -> str:
    return str(Digest.of_bytes(data))


def describe_policy(
    repository: Repository, commit: str, like: Mapping[str, object]
) -> dict[str, object]:
    """Describe production's policy at a commit, in the way a record does."""
    settings = repository.git("show", f"{commit}:{layout.CONFIG}").encode()
    config = ProjectConfig.from_document(strict.load_document(settings, "settings").value)
    policy = build_policy(config, "production")
    assert policy is not None
    return {**like, "commit": commit, "digest": str(digest_policy(policy))}


@contextmanager
def at_time(seconds: int, author: Identity = KIM) -> Iterator[None]:
    """Let mlver and git believe that it is `seconds` since 1970, and who sits there."""
    values = {
        "SOURCE_DATE_EPOCH": str(seconds),
        "GIT_AUTHOR_DATE": f"{seconds} +0000",
        "GIT_COMMITTER_DATE": f"{seconds} +0000",
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.address,
        "GIT_COMMITTER_NAME": author.name,
        "GIT_COMMITTER_EMAIL": author.address,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


class StoryTeller:
    """Runs one step after another in a repository, an hour apart."""

    def __init__(self, repository: Repository, now: int = _BEGIN) -> None:
        self.repository = repository
        self.now = now

    def step(self, *words: str, author: Identity = KIM) -> str:
        """Run mlver; return the commit that HEAD is then."""
        self.now += HOUR
        with at_time(self.now, author):
            assert_works_aloud(self.repository, *words)
        return self.repository.git("rev-parse", "HEAD")

    def work(self, run: int, author: Identity = KIM) -> str:
        """Train once more and commit the code of it."""
        self.now += HOUR
        train(self.repository, run)
        with at_time(self.now, author):
            return self.repository.commit(f"Training run {run}")


def assert_works_aloud(repository: Repository, *words: str) -> str:
    """Run a command that has to work and may print notes."""
    outcome = repository.mlver(*words)
    assert outcome.code == 0, (words, outcome)
    return outcome.out


def train(repository: Repository, run: int) -> None:
    repository.write("model.bin", f"weights of run {run}\n" * 100)
    repository.write("train.py", f"print({run})\n")
    repository.write("params.yaml", f"lr: 0.00{run}\n")
    repository.write("metrics.json", json.dumps({"accuracy": 0.9 + run / 100}))


def build_ground(top: Path) -> Ground:
    """Build it below `top`."""
    repository = Repository(top / "repository")
    repository.path.mkdir()
    repository.git("init", "--quiet")
    teller = StoryTeller(repository)
    points = _tell_story(teller)
    remote = Repository(top / "remote.git")
    repository.git("init", "--quiet", "--bare", str(remote.path))
    repository.git("push", "--quiet", str(remote.path), "main", "other", "--tags")
    samples = _make_samples(repository, top, teller.now)
    repository.pack()
    remote.pack()
    return Ground(repository, remote, points, teller.now, samples)


def _tell_story(teller: StoryTeller) -> dict[str, str]:
    repository = teller.repository
    repository.write(".gitignore", "/model.bin\n")
    points = {"root": teller.work(1)}
    with at_time(teller.now):
        assert_works(repository, "init")
    with at_time(teller.now - 30 * 24 * HOUR):
        repository.write(layout.CONFIG, WEAK_SETTINGS)
        points["weak"] = repository.commit("Say what stages there are")
    with at_time(teller.now):
        repository.write(layout.CONFIG, _SETTINGS)
        points["settings"] = repository.commit("Say what production asks for")
    words = ("--weights", "model.bin", "--params", "params.yaml", "--metrics", "metrics.json")
    points["first"] = teller.step("register", "digits", *words, "-m", "First")
    points["staged"] = teller.step("promote", "digits@1.0.0", "--to", "staging", "-m", "Try it")
    teller.step("promote", "digits@1.0.0", "--to", "production", "-m", "Release")
    points["promoted"] = teller.work(2)
    repository.git("branch", "other")
    points["second"] = teller.step("register", "digits", "--bump", "minor", "-m", "Second")
    points["staged again"] = teller.step(
        "promote", "digits@1.1.0", "--to", "staging", "-m", "Try the second"
    )
    teller.step("promote", "digits@1.1.0", "--to", "production", "-m", "Release the second")
    teller.work(3)
    points["third"] = teller.step("register", "digits", "--bump", "minor", "-m", "Third")
    points["noted"] = teller.step("note", "digits@1.1.0", "-m", "Slow on long input")
    points["tip"] = teller.work(4)
    repository.git("switch", "--quiet", "other")
    with at_time(teller.now):
        repository.write("notes.txt", "nothing that mlver knows\n")
        points["other"] = repository.commit("Notes")
    repository.git("switch", "--quiet", "main")
    return points


def _make_samples(repository: Repository, top: Path, now: int) -> dict[str, bytes]:
    """Let mlver make the promotions that forgers begin with, each in a copy of its own."""
    makers: dict[str, Callable[[StoryTeller], str]] = {
        "staging": _promote_honestly,
        "forced": _promote_by_force,
    }
    samples: dict[str, bytes] = {}
    for name, maker in makers.items():
        copy = copy_repository(repository, top / f"copy-{name}")
        path = maker(StoryTeller(copy, now))
        samples[name] = (copy.path / path).read_bytes()
    return samples


def _promote_honestly(teller: StoryTeller) -> str:
    teller.step("promote", "digits@1.2.0", "--to", "staging", "-m", "Try the third")
    return promotion_path("staging", 3)


def _promote_by_force(teller: StoryTeller) -> str:
    teller.step("promote", "digits@1.2.0", "--to", "production", "-m", "Now", "--force")
    return promotion_path("production", 3)


def read_tree(repository: Repository, commit: str) -> dict[str, bytes]:
    """Read every file of a commit."""
    archive = subprocess.run(
        ["git", "archive", "--format=tar", commit],
        cwd=repository.path,
        capture_output=True,
        check=True,
    )
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        for member in tar.getmembers():
            content = tar.extractfile(member)
            if content is not None:
                files[member.name] = content.read()
    return files
