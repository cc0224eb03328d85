"""A git-lfs server behind a proxy that breaks what passes through it.

The server keeps wrong bytes for ever: git-lfs never sends what is there by name and size. So an
error has to tell of them, and whoever runs the server removes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError, ObjectDamaged, ObjectMissing
from mlver.project.project import Project
from mlver.project.remote.lfs_remote import open_lfs
from mlver.storage.local import LocalStore
from mlver.storage.remote.lfs import LfsStore
from mlver.storage.remote.team_store import TransferOptions
from mlver.system.timings import STANDARD, Timings
from tests.conftest import Repository
from tests.servers.giftless import start_giftless
from tests.servers.proxy import Fault, FaultKind, FaultProxy
from tests.servers.starting import Servers
from tests.storage.remote.fault_conformance import (
    CUTS,
    FLIP_DOWN,
    FLIP_UP,
    SHORT,
    VERIFY,
    FaultConformance,
    FaultyStorage,
    flip_bit,
    make_contents,
)
from tests.storage.remote.lfs_clones import fill_store, open_project, point_to, read_object
from tests.storage.remote.transfers import ONE_JOB

pytestmark = pytest.mark.usefixtures("git_lfs")


@dataclass(frozen=True, slots=True)
class FaultyLfs:
    """Satisfies FaultyStorage: a git remote's git-lfs server, whose files lie in `data`."""

    proxy: FaultProxy
    project: Project
    repository: Repository
    port: int
    path: str
    data: Path
    timings: Timings = STANDARD

    def open_by(self, port: int) -> LfsStore:
        point_to(self.repository, f"http://127.0.0.1:{port}/{self.path}")
        return open_lfs(self.project, "lfs://origin")

    def store(
        self, spool: Path, contents: Iterable[bytes], options: TransferOptions = ONE_JOB
    ) -> list[Digest]:
        """A push that proves what it sent: git-lfs itself says only that the server has a name."""
        local = LocalStore.open_in(self.project.state_directory)
        wanted = fill_store(local, *contents)
        options = replace(options, read_back=True, timings=self.timings)
        self.open_by(self.proxy.port).upload(local, wanted, options)
        return list(wanted)

    def read(self, spool: Path, digests: Iterable[Digest]) -> list[bytes]:
        return self._read_by(self.proxy.port, spool, list(digests))

    def read_soundly(self, spool: Path, digests: Iterable[Digest]) -> list[bytes]:
        return self._read_by(self.port, spool, list(digests))

    def _read_by(self, port: int, spool: Path, digests: list[Digest]) -> list[bytes]:
        spool.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=spool) as folder:
            store = LocalStore.open_in(Path(folder))
            options = TransferOptions(timings=self.timings)
            with store.open_deposit() as deposit:
                report = self.open_by(port).download(digests, deposit, options)
            if report.wrong:
                raise ObjectDamaged(str(report.wrong))
            if report.missing:
                raise ObjectMissing(str(report.missing))
            return [read_object(store, digest) for digest in digests]

    def touch(self, spool: Path) -> object:
        return self.store(spool, [b"never"])

    def list_files(self) -> list[Path]:
        return [path for path in self.data.rglob("*") if path.is_file()]

    def change_all(self, change: Callable[[bytes], bytes]) -> None:
        for path in self.list_files():
            path.write_bytes(change(path.read_bytes()))

    def clear_all(self) -> None:
        for path in self.list_files():
            path.unlink()

    def repair(self) -> None:
        """Remove what has other bytes than its name says."""
        for path in self.list_files():
            if hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
                path.unlink()

    def lose_patience(self) -> FaultyLfs:
        return replace(self, timings=Timings(stall=SHORT.stall))


class TestLfsUnderFaults(FaultConformance):
    # Each run starts git-lfs a dozen times.
    SPREAD = 2
    STALLS = (Fault(FaultKind.STALL_DOWN, 30),)

    @pytest.fixture
    def faulty(
        self, servers: Servers, repository: Repository, tmp_path: Path
    ) -> Iterator[FaultyLfs]:
        server = servers.share_server("giftless", start_giftless)
        project = open_project(repository, server, tmp_path)
        path = f"team/{tmp_path.name}"
        data = Path(server.options["data"]) / path
        with FaultProxy(server.port) as proxy:
            yield FaultyLfs(proxy, project, repository, server.port, path, data)

    def test_what_was_acknowledged_outlives_a_cut(
        self, faulty: FaultyStorage, spool: Path, every: bool
    ) -> None:
        cuts = CUTS if every else CUTS[:4]
        assert self._sweep(faulty, spool, cuts, every=every) >= len(cuts) * 2

    def test_a_flipped_bit_is_never_accepted(
        self, faulty: FaultyStorage, spool: Path, every: bool
    ) -> None:
        for fault in (FLIP_UP, FLIP_DOWN):
            assert self._sweep(faulty, spool, [fault], every=every) >= 2

    def _store_anew(self, faulty: FaultyStorage, spool: Path, contents: list[bytes]) -> None:
        """Only whoever runs the server can remove what is wrong there: the error says so."""
        with pytest.raises(MlverError, match="remove them there") as caught:
            faulty.store(spool, contents, VERIFY)
        assert all(Digest.of_bytes(content).hex in caught.value.message for content in contents)
        faulty.repair()
        faulty.store(spool, contents, VERIFY)

    def test_what_is_there_is_proved_only_where_that_is_asked(
        self, faulty: FaultyLfs, spool: Path
    ) -> None:
        contents = make_contents(2)
        faulty.store(spool, contents)
        faulty.change_all(flip_bit)
        local = LocalStore.open_in(faulty.project.state_directory)
        wanted = fill_store(local, *contents)
        report = faulty.open_by(faulty.port).upload(local, wanted)
        assert (report.objects, report.confirmed) == (0, None)


def test_push_with_verify_finds_what_the_server_has_wrong(
    servers: Servers, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLVER_TRUST_REMOTES", "all")
    server = servers.share_server("giftless", start_giftless)
    open_project(repository, server, tmp_path)
    repository.mlver("init")
    config = repository.path / ".mlver/config.yaml"
    config.write_text(f"{config.read_text().rstrip()}\nremotes:\n  store:\n    url: lfs://origin\n")
    repository.write(".gitignore", "/model.bin\n")
    repository.commit("Settings")
    repository.write("model.bin", "weights")
    assert repository.mlver("register", "m", "--weights", "model.bin", "-m", "First").code == 0
    pushed = repository.mlver("push")
    assert pushed.code == 0, pushed.err
    stored = Path(server.options["data"]) / "team" / tmp_path.name / Digest.of_bytes(b"weights").hex
    stored.write_bytes(flip_bit(stored.read_bytes()))
    assert repository.mlver("push").code == 0
    outcome = repository.mlver("push", "--verify")
    assert outcome.code == 3
    assert "remove them there" in outcome.err
