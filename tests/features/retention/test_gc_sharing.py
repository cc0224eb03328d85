"""`mlver gc --remote` where several repositories share a remote: whose references are read."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.project.project import Project
from mlver.project.remote.notices import REPOSITORIES
from mlver.project.remote.repositories import (
    SCHEMA,
    SharingRepository,
    announce_repository,
    identify_repository,
    list_git_addresses,
    read_repositories,
)
from mlver.storage.remote.directory import init_directory
from mlver.storage.remote.open import open_blobs
from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import Repository
from tests.features.retention.test_gc_remote import (
    UNNEEDED,
    announce,
    count_fates,
    pass_time,
    send_all,
)


@pytest.fixture
def bucket(second: Repository, tmp_path: Path) -> Path:
    """With all contents of a repository, and one that only another may need, stored long ago."""
    folder = tmp_path / "bucket"
    init_directory(folder)
    send_all(second, folder, UNNEEDED)
    announce(second, folder)
    pass_time(folder)
    return folder


@pytest.fixture
def other(tmp_path: Path) -> Repository:
    """Another repository, which needs that content; its forge is `../forge.git`."""
    repository = Repository(tmp_path / "there" / "other")
    repository.path.mkdir(parents=True)
    repository.git("init", "--quiet")
    assert_works(repository, "init")
    repository.write("big.bin", UNNEEDED)
    assert_works(repository, "register", "big", "--weights", "big.bin", "-m", "one")
    repository.git("clone", "--quiet", "--bare", ".", "../forge.git")
    repository.git("remote", "add", "origin", "../forge.git")
    return repository


def announce_at(bucket: Path, address: str, roots: tuple[str, ...] = ("0" * 40,)) -> str:
    """Write a notice with any address; return the repository's id."""
    own_id = hashlib.sha256("\n".join(roots).encode()).hexdigest()[:32]
    sharing = SharingRepository(own_id, address, roots)
    document = {"schema": SCHEMA, "id": own_id, "address": address, "roots": roots}
    (bucket / sharing.key).write_text(json.dumps(document))
    return own_id


def find_roots(repository: Repository) -> tuple[str, ...]:
    return tuple(repository.git("rev-list", "--max-parents=0", "HEAD").split())


def test_another_repository_keeps_what_it_needs(
    second: Repository, bucket: Path, other: Repository
) -> None:
    forge = other.path.parent / "forge.git"
    (announced,) = announce(other, bucket)
    assert set(count_fates(second, bucket)) == {"kept"}
    forge.rename(forge.with_name("gone.git"))
    said = assert_refused(second, "gc", "--remote", str(bucket), "--yes")
    assert announced.id in said
    assert announced.address in said
    assert f"--forget-repository {announced.name}" in said
    own_id = identify_repository(Project.open_existing(other.path).repository)
    options = ("--forget-repository", own_id)
    assert count_fates(second, bucket, *options)["condemned"] == 1
    assert count_fates(second, bucket, "--yes", *options)["condemned"] == 1
    assert len(read_repositories(open_blobs(str(bucket)))) == 1


def test_a_relative_address_means_the_same_to_all(
    second: Repository, bucket: Path, other: Repository
) -> None:
    second.git("clone", "--quiet", "--bare", ".", "../forge.git")
    second.git("remote", "add", "origin", "../forge.git")
    announce(second, bucket)
    announce(other, bucket)
    assert set(count_fates(second, bucket, "--yes")) == {"kept"}


def test_an_address_is_as_git_resolves_it(other: Repository) -> None:
    forge = other.path.parent / "forge.git"
    other.git("config", "url.../.insteadOf", "near:")
    other.git("remote", "set-url", "origin", "near:forge.git")
    other.git("remote", "add", "second", "git@example.org:a.git")
    other.git("remote", "set-url", "--push", "second", "https://kim:secret@example.org/a.git")
    repository = Project.open_existing(other.path).repository
    assert list_git_addresses(repository) == [
        f"file://{socket.gethostname()}{os.path.realpath(forge)}",
        "git@example.org:a.git",
        "https://example.org/a.git",
    ]


def test_an_address_that_only_a_branch_follows_is_told(other: Repository) -> None:
    other.git("config", "branch.main.remote", "https://example.org/followed.git")
    other.git("config", "branch.mine.remote", ".")
    repository = Project.open_existing(other.path).repository
    assert list_git_addresses(repository) == [
        f"file://{socket.gethostname()}{os.path.realpath(other.path.parent / 'forge.git')}",
        "https://example.org/followed.git",
    ]


def test_where_another_repository_is_it_ends(
    second: Repository, bucket: Path, other: Repository
) -> None:
    (announced,) = announce(other, bucket)
    forge = other.path.parent / "forge.git"
    forge.rename(forge.with_name("gone.git"))
    second.git("clone", "--quiet", "--bare", ".", str(forge))
    said = assert_refused(second, "gc", "--remote", str(bucket), "--yes")
    assert announced.id in said
    assert announced.address in said
    assert f"--forget-repository {announced.name}" in said


def test_a_shallow_place_ends_it(second: Repository, bucket: Path, other: Repository) -> None:
    announce(other, bucket)
    other.git("branch", "old", "HEAD")
    other.git("commit", "--quiet", "--allow-empty", "-m", "two")
    forge = other.path.parent / "forge.git"
    forge.rename(forge.with_name("gone.git"))
    # One branch there has the whole history, and git leaves out the other one without an error.
    source = f"file://{other.path}"
    other.git("clone", "--quiet", "--bare", "--depth=1", source, str(forge))
    other.git("-C", str(forge), "fetch", "--quiet", "--depth=1000", source, "old:old")
    said = assert_refused(second, "gc", "--remote", str(bucket), "--yes")
    assert "shallow" in said


def test_a_path_of_another_computer_ends_it(
    second: Repository, bucket: Path, other: Repository
) -> None:
    forge = other.path.parent / "forge.git"
    announce_at(bucket, f"file://elsewhere{forge}", find_roots(other))
    said = assert_refused(second, "gc", "--remote", str(bucket), "--yes")
    assert "elsewhere" in said
    assert "--forget-repository" in said


def test_a_path_without_a_computer_ends_it(
    second: Repository, bucket: Path, other: Repository
) -> None:
    announce_at(bucket, str(other.path.parent / "forge.git"), find_roots(other))
    assert "--forget-repository" in assert_refused(second, "gc", "--remote", str(bucket))


def test_forks_say_where_they_are_each_for_itself(
    bucket: Path, other: Repository, tmp_path: Path
) -> None:
    fork = Repository(tmp_path / "fork")
    other.git("clone", "--quiet", ".", str(fork.path))
    own_id = announce(other, bucket)[0].id
    written = sorted((bucket / REPOSITORIES).iterdir())
    times = [path.stat().st_mtime_ns for path in written]
    announce(fork, bucket)
    known = read_repositories(open_blobs(str(bucket)))
    assert len([sharing for sharing in known if sharing.id == own_id]) == 2
    announce(fork, bucket)
    assert [path.stat().st_mtime_ns for path in written] == times


def test_one_address_can_be_forgotten(second: Repository, bucket: Path, other: Repository) -> None:
    (kept,) = announce(other, bucket)
    announce_at(bucket, "file://elsewhere/a.git", kept.roots)
    gone = SharingRepository(kept.id, "file://elsewhere/a.git", kept.roots)
    fates = count_fates(second, bucket, "--yes", "--forget-repository", gone.name)
    assert set(fates) == {"kept"}
    assert kept in read_repositories(open_blobs(str(bucket)))
    assert gone not in read_repositories(open_blobs(str(bucket)))


@pytest.mark.parametrize("options", [(), ("--yes",)])
def test_an_unknown_repository_cannot_be_forgotten(
    second: Repository, bucket: Path, options: tuple[str, ...]
) -> None:
    forget = ("--forget-repository", "f" * 32)
    said = assert_refused(second, "gc", "--remote", str(bucket), *forget, *options, code=2)
    assert "f" * 32 in said


def test_nothing_is_forgotten_before_all_was_read(
    second: Repository, bucket: Path, other: Repository
) -> None:
    (announced,) = announce(other, bucket)
    announce_at(bucket, "file://elsewhere/a.git")
    forget = ("--forget-repository", announced.id)
    assert_refused(second, "gc", "--remote", str(bucket), "--yes", *forget)
    assert announced in read_repositories(open_blobs(str(bucket)))


def test_a_shallow_clone_repeats_what_others_said(
    bucket: Path, other: Repository, tmp_path: Path
) -> None:
    forge = other.path.parent / "forge.git"
    clone = Repository(tmp_path / "shallow")
    other.git("clone", "--quiet", "--depth=1", f"file://{forge}", str(clone.path))
    assert "git fetch --unshallow" in _refusal(clone, bucket)
    announced = announce(other, bucket)
    assert announce(clone, bucket) == announced
    clone.git("remote", "add", "fork", "git@example.org:fork.git")
    assert {sharing.id for sharing in announce(clone, bucket)} == {announced[0].id}
    known = [sharing.address for sharing in read_repositories(open_blobs(str(bucket)))]
    assert "git@example.org:fork.git" in known


def _refusal(repository: Repository, bucket: Path) -> list[str]:
    project = Project.open_existing(repository.path)
    with pytest.raises(MlverError) as refused:
        announce_repository(open_blobs(str(bucket)), project.repository)
    return list(refused.value.hints)


@pytest.mark.parametrize(
    "address", ["ext::sh -c 'touch hacked'", "--upload-pack=touch hacked", "gopher://x/y"]
)
def test_an_address_that_runs_a_command_is_refused(
    second: Repository, bucket: Path, address: str
) -> None:
    announce_at(bucket, address)
    assert_refused(second, "gc", "--remote", str(bucket))
    assert not list(second.path.rglob("hacked"))


def test_a_host_that_nobody_confirmed_is_not_asked(second: Repository, bucket: Path) -> None:
    address = "https://127.0.0.1:1/a.git"
    announce_at(bucket, address)
    said = assert_refused(second, "gc", "--remote", str(bucket))
    assert f"export MLVER_TRUST_REMOTES={address}" in said
    second.git("remote", "add", "far", address)
    assert "ls-remote" in assert_refused(second, "gc", "--remote", str(bucket))


@pytest.mark.parametrize(
    "change",
    [
        {"address": ""},
        {"address": 7},
        {"address": "file://elsewhere/other.git"},
        {"roots": []},
        {"roots": ["1" * 40]},
        {"roots": None},
        {"id": "1" * 32},
    ],
)
def test_a_notice_that_is_not_what_it_is_named_by_ends_it(
    second: Repository, bucket: Path, change: dict[str, object]
) -> None:
    announce_at(bucket, "file://elsewhere/a.git")
    (notice,) = [
        path for path in (bucket / REPOSITORIES).iterdir() if "elsewhere" in path.read_text()
    ]
    notice.write_text(json.dumps({**json.loads(notice.read_text()), **change}))
    assert "cannot be read" in assert_refused(second, "gc", "--remote", str(bucket))
