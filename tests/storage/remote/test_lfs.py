"""Contents on a git-lfs server, by the real `git lfs` and the real Giftless."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import pytest

from mlver.errors import MlverError
from mlver.git.lfs import LfsBatchAnswer, LfsBatchExchange
from mlver.git.repository import GitRepository
from mlver.project.project import Project
from mlver.project.remote.lfs_remote import open_lfs
from mlver.storage.local import LocalStore
from mlver.storage.remote.lfs import LfsStore
from mlver.storage.remote.team_store import Confirmation, TeamStore, TransferOptions
from tests.conftest import Repository
from tests.servers.giftless import start_giftless
from tests.servers.starting import RunningServer, Servers
from tests.storage.remote.lfs_clones import (
    fill_store,
    list_left,
    open_project,
    point_to,
    pull_into,
    read_object,
)

pytestmark = pytest.mark.usefixtures("git_lfs")
Result = TypeVar("Result")
LARGE = os.urandom(3 << 19)
SMALL = [b"weights %d" % number for number in range(300)]


@pytest.fixture(scope="module")
def giftless(servers: Servers) -> RunningServer:
    return servers.share_server("giftless", start_giftless)


@pytest.fixture
def shared(giftless: RunningServer, tmp_path: Path) -> Path:
    """The folder in which the server keeps the objects of this test."""
    return Path(giftless.options["data"]) / "team" / tmp_path.name


@pytest.fixture
def project(repository: Repository, giftless: RunningServer, tmp_path: Path) -> Project:
    return open_project(repository, giftless, tmp_path)


@pytest.fixture
def remote(project: Project) -> LfsStore:
    return open_lfs(project, "lfs://origin")


@pytest.fixture
def local(project: Project) -> LocalStore:
    return LocalStore.open_in(project.state_directory)


def test_a_folder_may_be_called_anything(
    repository: Repository, giftless: RunningServer, tmp_path: Path
) -> None:
    """The settings of the repository are included by their path, of a work tree as well."""
    odd = tmp_path / 'my "models" \\ #1; and more'
    repository.git("clone", "--quiet", str(repository.path), str(odd / "clone"))
    clone = Repository(odd / "clone")
    point_to(clone, f"{giftless.address}/team/{tmp_path.name}")
    clone.git("worktree", "add", "--quiet", "-b", "more", str(odd / "tree"))
    for path in (clone.path, odd / "tree"):
        project = Project.from_repository(GitRepository.find(path), path)
        store = LocalStore.open_in(project.state_directory)
        team: TeamStore = open_lfs(project, "lfs://origin")
        wanted = fill_store(store, str(path.name).encode())
        assert team.upload(store, wanted).objects == 1
        assert team.find_missing(wanted) == frozenset()


def test_a_tree_comes_back_as_it_was_sent(
    remote: LfsStore, local: LocalStore, project: Project, tmp_path: Path
) -> None:
    wanted = fill_store(local, b"", LARGE, *SMALL)
    seen: list[int] = []
    report = remote.upload(local, wanted, TransferOptions(progress=seen.append))
    assert (report.objects, report.confirmed) == (len(wanted) - 1, Confirmation.UNPROVEN)
    assert sum(seen) == report.bytes_sent == sum(wanted.values())
    other, received = pull_into(remote, tmp_path / "other", wanted)
    assert getattr(received, "objects", None) == len(wanted)
    for digest in wanted:
        assert read_object(other, digest) == read_object(local, digest)
    assert list_left(project) == []


def test_the_same_again_sends_nothing(remote: LfsStore, local: LocalStore) -> None:
    wanted = fill_store(local, LARGE, b"one")
    remote.upload(local, wanted)
    report = remote.upload(local, wanted)
    assert (report.objects, report.bytes_sent, report.confirmed) == (0, 0, None)


def test_only_what_is_missing_is_missing(remote: LfsStore, local: LocalStore, shared: Path) -> None:
    first = fill_store(local, b"one")
    assert remote.find_missing(first) == set(first)
    remote.upload(local, first)
    both = first | fill_store(local, b"two")
    assert remote.find_missing(both) == both.keys() - first.keys()
    (digest,) = first
    (shared / digest.hex).write_bytes(b"more than one")
    assert remote.find_missing(first) == {digest}


def test_a_server_that_does_not_answer_is_not_taken_for_an_empty_one(
    project: Project, repository: Repository, local: LocalStore
) -> None:
    wanted = fill_store(local, b"one")
    point_to(repository, "http://127.0.0.1:9/team/digits")
    remote = open_lfs(project, "lfs://origin")
    with pytest.raises(
        MlverError, match=r"could not be fetched from http://127\.0\.0\.1:9/.*git-lfs"
    ):
        remote.find_missing(wanted)
    with pytest.raises(MlverError, match="connection refused"):
        remote.upload(local, wanted)
    assert list_left(project) == []


def test_wrong_bytes_are_refused(
    remote: LfsStore, local: LocalStore, shared: Path, tmp_path: Path
) -> None:
    wanted = fill_store(local, b"good", b"other", LARGE)
    good, other, large = wanted
    remote.upload(local, wanted)
    (shared / good.hex).write_bytes(b"evil")
    (shared / large.hex).unlink()
    store, report = pull_into(remote, tmp_path / "other", wanted)
    assert getattr(report, "wrong", None) == {good: remote.address}
    assert getattr(report, "missing", None) == {large}
    assert list(store.list_objects()) == [other]


def test_bytes_that_change_behind_git_lfs_are_refused(
    remote: LfsStore, local: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hashes what it brings; what is then on the disk is hashed all the same."""
    wanted = fill_store(local, b"small", LARGE)
    remote.upload(local, wanted)
    fetch = LfsBatchExchange.fetch_objects

    def fetch_and_damage(exchange: LfsBatchExchange, sizes: Mapping[str, int]) -> LfsBatchAnswer:
        answer = fetch(exchange, sizes)
        for oid in sizes:
            path = exchange.locate_object(oid)
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:-1] + b"!")
        return answer

    monkeypatch.setattr(LfsBatchExchange, "fetch_objects", fetch_and_damage)
    store, report = pull_into(remote, tmp_path / "other", wanted)
    assert getattr(report, "wrong", {}).keys() == wanted.keys()
    assert list(store.list_objects()) == []


def test_reading_back_finds_what_a_server_did_not_keep(
    remote: LfsStore, local: LocalStore, shared: Path
) -> None:
    wanted = fill_store(local, b"good", LARGE)
    report = remote.upload(local, wanted, TransferOptions(read_back=True))
    assert report.confirmed is Confirmation.READ_BACK
    more = fill_store(local, b"liar")
    (digest,) = more
    remote.find_missing(more)
    # Somebody stored other bytes of this size under its name meanwhile.
    (shared / digest.hex).write_bytes(b"evil")
    with pytest.raises(MlverError, match=f"does not hold them now.*{digest}"):
        remote.upload(local, more, TransferOptions(read_back=True))


def test_a_damaged_object_is_not_sent(
    remote: LfsStore, local: LocalStore, shared: Path, project: Project
) -> None:
    wanted = fill_store(local, LARGE)
    (digest,) = wanted
    path = local.loose.path_of(digest.hex)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(b"evil")
    with pytest.raises(MlverError, match="stored bytes are damaged"):
        remote.upload(local, wanted)
    assert not (shared / digest.hex).exists()
    assert list_left(project) == []


def test_an_upload_shares_the_blocks_of_the_store(
    remote: LfsStore, local: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = fill_store(local, LARGE)
    monkeypatch.delattr(LocalStore, "copy_object")
    assert remote.upload(local, wanted).objects == 1


def test_what_a_repository_says_of_its_server_is_shown(
    project: Project, repository: Repository, giftless: RunningServer
) -> None:
    assert open_lfs(project, "lfs://origin").describe_endpoint().startswith(giftless.address)
    repository.write(".lfsconfig", "[lfs]\n\turl = https://me:secret@elsewhere.example/x\n")
    remote = open_lfs(project, "lfs://origin")
    assert remote.describe_endpoint() == "https://elsewhere.example/x"


def test_a_repository_that_changes_its_mind_is_not_followed(
    project: Project, repository: Repository, local: LocalStore
) -> None:
    wanted = fill_store(local, b"secret")
    confirmed = open_lfs(project, "lfs://origin")
    repository.write(".lfsconfig", "[lfs]\n\turl = http://127.0.0.1:9/x\n")
    repository.commit("Send it elsewhere")
    assert confirmed.upload(local, wanted).objects == 1


def test_settings_for_pushing_are_the_persons_own(project: Project, repository: Repository) -> None:
    repository.write(".lfsconfig", "[lfs]\n\tpushurl = https://evil.example/x\n")
    assert "evil" not in open_lfs(project, "lfs://origin").describe_endpoint()
    repository.git("config", "remote.origin.lfspushurl", "https://push.example/team/digits")
    shown = open_lfs(project, "lfs://origin").describe_endpoint()
    assert shown.startswith("https://push.example/team/digits (fetched from http://")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("ssh://git@forge.example:2222/a/b.git", "ssh://git@forge.example:2222/a/b.git"),
        ("git@forge.example:a/b.git", "git@forge.example:a/b.git"),
        ("https://me:secret@forge.example/a/b", "https://forge.example/a/b.git/info/lfs"),
    ],
)
def test_the_address_of_a_git_remote_is_used_as_it_is(
    given: str, shown: str, project: Project, repository: Repository
) -> None:
    """`git lfs env` leaves the port of SSH out."""
    repository.git("remote", "add", "forge", given)
    assert open_lfs(project, "lfs://forge").describe_endpoint() == shown


def test_a_folder_has_no_git_lfs_server(
    project: Project, repository: Repository, tmp_path: Path
) -> None:
    repository.git("init", "--quiet", "--bare", str(tmp_path / "there.git"))
    repository.git("remote", "add", "there", str(tmp_path / "there.git"))
    with pytest.raises(MlverError, match="there is a folder"):
        open_lfs(project, "lfs://there")


def test_an_unknown_remote_is_named(project: Project) -> None:
    with pytest.raises(MlverError, match="nowhere"):
        open_lfs(project, "lfs://nowhere")
    with pytest.raises(MlverError, match="names no git remote"):
        open_lfs(project, "lfs://")


def test_without_git_lfs_the_message_says_so(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = shutil.which("git")
    assert git is not None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(MlverError, match="git-lfs is not installed") as raised:
        open_lfs(project, "lfs://origin")
    assert raised.value.hint == "git lfs version"
