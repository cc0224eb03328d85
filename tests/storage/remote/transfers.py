"""Two repositories' stores with a remote between them, and contents that go through it."""

from __future__ import annotations

import io
import os
import random
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import ObjectDamaged, ObjectMissing
from mlver.storage import cutting, recipes
from mlver.storage.local import LocalStore
from mlver.storage.recipes import PART_BYTES
from mlver.storage.remote import survey, upload
from mlver.storage.remote.blobs import BlobStore
from mlver.storage.remote.retrying import RetryingBlobs
from mlver.storage.remote.team import BlobTeamStore, open_team_store
from mlver.storage.remote.team_store import DownloadReport, TransferOptions, UploadReport
from mlver.system.timings import RetryPolicy, Timings
from tests.storage.conformance import get_content
from tests.storage.remote.faulty import FaultyBlobs
from tests.storage.remote.memory import MemoryBlobs

# One thread, so that the calls come in one order.
ONE_JOB = TransferOptions(jobs=1)


def make_content(size: int, seed: int = 0) -> bytes:
    return random.Random(f"{size} {seed}").randbytes(size)


# One of each kind of place that a content can have on a remote.
LARGE = make_content(2 * PART_BYTES + 77)
KINDS = {
    "empty": b"",
    "tiny": b"tiny",
    "small": make_content(5000),
    "most small": make_content((1 << 20) - 1),
    "object": make_content(1 << 20),
    "whole part": make_content(PART_BYTES),
    "large": LARGE,
}


class CountingBlobs:
    """Satisfies BlobStore: what another one does, and which calls it got."""

    def __init__(self, inner: BlobStore) -> None:
        self.inner = inner
        self.calls: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> object:
        attribute = getattr(self.inner, name)
        if not callable(attribute):
            return attribute

        def call(*arguments: object) -> object:
            self.calls.append((name, str(arguments[0]) if arguments else ""))
            return attribute(*arguments)

        return call

    def count(self, name: str, prefix: str = "") -> int:
        return sum(called == name and key.startswith(prefix) for called, key in self.calls)


@dataclass
class Team:
    """A remote, and the folder in which the stores of its people are."""

    blobs: object
    folder: Path

    def open_store(self, person: str) -> LocalStore:
        return LocalStore.open_in(self.folder / person / "mlver")

    def open_remote(self, person: str = "kim", attempts: int = 4) -> BlobTeamStore:
        policy = RetryPolicy(attempts=attempts)
        retrying = RetryingBlobs(self.blobs, policy, sleep=lambda _: None)  # type: ignore[arg-type]
        return BlobTeamStore(retrying, self.folder / person / "cache")

    def push(
        self,
        wanted: dict[Digest, int],
        person: str = "kim",
        options: TransferOptions = TransferOptions(),  # noqa: B008
    ) -> UploadReport:
        return self.open_remote(person).upload(self.open_store(person), wanted, options)

    def pull(
        self,
        wanted: dict[Digest, int],
        person: str = "lee",
        options: TransferOptions = TransferOptions(),  # noqa: B008
    ) -> DownloadReport:
        with self.open_store(person).open_deposit() as intake:
            return self.open_remote(person).download(wanted, intake, options)

    def store(self, *contents: bytes, person: str = "kim") -> dict[Digest, int]:
        """Put contents into somebody's store; return what to ask a remote for."""
        with self.open_store(person).open_deposit() as intake:
            return {intake.put_object(io.BytesIO(content)): len(content) for content in contents}

    def has_contents(self, contents: Sequence[bytes], person: str = "lee") -> bool:
        """Whether somebody has exactly these contents, all of them sound."""
        store = self.open_store(person)
        assert list(store.verify_objects()) == []
        return set(store.list_objects()) == {Digest.of_bytes(content) for content in contents}


def store_contents(
    blobs: BlobStore,
    folder: Path,
    contents: Iterable[bytes],
    options: TransferOptions = ONE_JOB,
) -> list[Digest]:
    """Send contents to a remote as `push` does, from a store in a folder; their digests."""
    store = LocalStore.open_in(folder / "sender")
    with store.open_deposit() as intake:
        wanted = {intake.put_object(io.BytesIO(content)): len(content) for content in contents}
    open_team_store(blobs, folder / "sender-cache").upload(store, wanted, options)
    return list(wanted)


def read_contents(blobs: BlobStore, folder: Path, digests: Iterable[Digest]) -> list[bytes]:
    """Bring contents from a remote as `pull` does, for somebody who has asked nothing yet.

    Raise ObjectDamaged or ObjectMissing where one of them did not come.
    """
    digests = list(digests)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        store = LocalStore.open_in(Path(name) / "store")
        remote = open_team_store(blobs, Path(name) / "cache")
        with store.open_deposit() as intake:
            report = remote.download(dict.fromkeys(digests), intake, ONE_JOB)
        if report.wrong:
            raise ObjectDamaged(str(report.wrong))
        if report.missing:
            raise ObjectMissing(str(report.missing))
        return [get_content(store, digest) for digest in digests]


def cut_smaller(monkeypatch: pytest.MonkeyPatch, part_bytes: int) -> None:
    """Have parts that take less time than those of 16 MiB."""
    for module in (recipes, cutting, survey, upload):
        monkeypatch.setattr(module, "PART_BYTES", part_bytes)


def with_stall(seconds: float, jobs: int = 2) -> TransferOptions:
    return replace(TransferOptions(), jobs=jobs, timings=Timings(stall=seconds))


def damage_file(path: Path, offset: int = 0) -> None:
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes((byte ^ 1,)))


def call_faults(run: Callable[[FaultyBlobs], object]) -> range:
    """The numbers of the calls that a sound run makes."""
    faulty = FaultyBlobs(MemoryBlobs())
    run(faulty)
    return range(len(faulty.calls))


def loose_path(team: Team, digest: Digest, person: str = "kim") -> Path:
    return team.folder / person / "mlver/objects" / digest.hex[:2] / digest.hex[2:]


def list_partials(team: Team, person: str = "lee") -> list[str]:
    folder = team.folder / person / "mlver/parts"
    return sorted(os.listdir(folder)) if folder.is_dir() else []
