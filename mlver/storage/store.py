"""What object stores promise, wherever they keep their objects.

`tests/storage/conformance.py` judges each of them. A store for a team is built over blobs
(`remote/team.py`), so a new back-end satisfies `remote/blobs.py` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from mlver.digest import Digest
from mlver.errors import shell_command
from mlver.storage.digests import DigestSet
from mlver.system.durable import AnyPath
from mlver.system.folders import FolderTree

# Called with a number of bytes.
StoreProgress = Callable[[int], None]
# Where a clone that the person has to name keeps its objects.
_CLONE = "CLONE/.git/mlver"


@dataclass(frozen=True, slots=True)
class StoreProblem:
    """One thing wrong in a store: with an object (`digest`), or with a file that leads to objects.

    `digest` is None in the second case. `path` is None where the fault is not in a file of this
    machine; `message` then says where it is. `lost`: no sound copy of the object is left, so
    nothing that needs it can be restored. A store knows no models, so its caller, who knows
    what uses the object, names the subject of a finding.
    """

    digest: Digest | None
    path: Path | None
    message: str
    lost: bool = False


class WantedFiles(Protocol):
    """Digests and the paths their contents go to.

    They are counted, and iterated over several times, always in one order.
    """

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[tuple[Digest, AnyPath]]: ...


class ObjectIntake(Protocol):
    """Contents on their way in.

    They count as stored, all together, once the `with` block has ended without an error.
    """

    def put_object(self, source: BinaryIO) -> Digest:
        """Take what is left to read of `source`, hashing it on the way.

        Storing what the store already holds is harmless.
        """
        ...


LockHolding = Callable[[], AbstractContextManager[object]]


class RepositoryIntake(ObjectIntake, Protocol):
    """Contents on their way into the store of a repository. Call it from one thread at a time."""

    def put_proven(self, contents: Sequence[tuple[Digest, bytes]]) -> None:
        """Take small contents, whose bytes the caller has hashed."""
        ...

    def begin_partial(self, digest: Digest, size: int) -> int:
        """Open the file in which a large content is put together; return its descriptor.

        The file has `size` bytes, and may be read and written at any place. It stays when the
        process ends without `end_partial`: then the next call gives the same file back, with
        whatever was written before. Nothing in it is proven. The caller closes the descriptor.
        """
        ...

    def locate_partial(self, digest: Digest) -> str:
        """The path of the file that `begin_partial` opened, for messages."""
        ...

    def end_partial(self, digest: Digest, descriptor: int) -> None:
        """Take the content that `begin_partial` began. The caller has hashed all of its file."""
        ...


class ObjectStore(Protocol):
    """Contents by digest. Objects never change; repeating any call is safe, also after a failure.

    Failures that may pass are tried again below this interface (`remote/retrying.py`): what is
    raised here is final until something else changes. What the operating system or a network
    refuses is raised as MlverError, which names the place and what to do about it.
    """

    def find_missing(self, digests: Iterable[Digest]) -> AbstractSet[Digest]:
        """The digests that are not in the store, as it is now.

        An object that is in the store may still be damaged: only reading it shows that.
        """
        ...

    def list_objects(self) -> Iterator[Digest]:
        """The digests that the store says it holds, in no order; one may come more than once."""
        ...

    def copy_object(self, digest: Digest, out: BinaryIO) -> int:
        """Write the content to `out`, having checked every byte, and return its size.

        Raises ObjectMissing, or ObjectDamaged when no copy hashes to `digest` (both name the digest
        and the place); `out` may then hold a part that must not be used.
        """
        ...

    def open_deposit(self) -> AbstractContextManager[ObjectIntake]:
        """Take contents in.

        They are durable when the block has ended. After an error in the block, the store holds what
        it held before. After a failure to store them, it may hold some of the contents besides,
        whole, and depositing all of them again completes it. No temporaries stay. A damaged object
        whose good bytes come in again is replaced.
        """
        ...

    def verify_objects(
        self,
        digests: Iterable[Digest] | None = None,
        *,
        progress: StoreProgress | None = None,
        expect: StoreProgress | None = None,
    ) -> Iterator[StoreProblem]:
        """Read every copy of these objects, or of all there are, and the indexes.

        Yields what is wrong; objects that are missing or damaged do not end it. `expect` is called
        once, before any object is read, with the number of bytes that `progress` will report.
        """
        ...


class RepositoryStore(ObjectStore, Protocol):
    """The store beside a repository's work tree, with what only a disk of this machine offers."""

    def open_deposit(
        self, hold_lock: LockHolding | None = None
    ) -> AbstractContextManager[RepositoryIntake]:
        """See ObjectStore.

        `hold_lock` holds the lock of the repository; it is held for what changes the store only,
        not while contents arrive. Without it, the caller holds the lock.
        """
        ...

    def export_objects(
        self,
        wanted: WantedFiles,
        *,
        progress: StoreProgress | None = None,
        expect: StoreProgress | None = None,
        make_way: Callable[[], None] | None = None,
        tree: FolderTree | None = None,
        executable: Container[str] = (),
    ) -> None:
        """Put contents at paths, replacing what is there; missing directories are made.

        Those of `executable` may be executed, by whomever the umask lets.
        Blocks are shared with the store where the file system can do that.

        Files are durable on return. All bytes are proved and on the disk before the first name
        changes: where anything is missing or damaged, one ObjectMissing or ObjectDamaged lists it,
        and nothing was replaced. A crash leaves each file old or new, whole; the same call again
        completes it. `make_way` is called in between, to clear what stands where files or their
        directories shall be. The caller has checked the paths (`mlver.paths.join_inside`). All of
        them lie below the folder of `tree`, or in the nearest one that holds them all, and no
        symlink below that is followed, whenever it was put there. `expect` is told how many bytes
        there are to write, once that is known.
        """
        ...

    def read_small(self, digests: DigestSet, limit: int) -> Iterator[tuple[Digest, bytes]]:
        """Yield those of the objects that are at most so many bytes long, each once, proven.

        What is missing or damaged is left out.
        """
        ...

    def select_missing(self, digests: DigestSet) -> DigestSet:
        """Those that are not in the store, in little memory, however many there are."""
        ...

    def read_sizes(self, digests: Iterable[Digest]) -> dict[Digest, int]:
        """The sizes in bytes of those of these objects that are in the store; none is proven."""
        ...

    def store_whole(self, digests: Iterable[Digest]) -> None:
        """Store those of these objects as files of their own that are kept in parts.

        Raises ObjectDamaged where the parts are. Objects that are not there are passed over.
        """
        ...

    def require_objects(self, digests: Iterable[Digest]) -> None:
        """Raise ObjectMissing, which lists those of these objects that are not in the store."""
        ...

    def open_object(self, digest: Digest) -> int | None:
        """Open the copy of an object that is a file of its own; return its descriptor.

        Its bytes are not proven. None where there is no such copy, or it cannot be opened.
        """
        ...

    def open_scratch(self) -> BinaryIO:
        """Open a file without a name on the disk of the store, which has room for any content."""
        ...

    def quarantine_damaged(self, digest: Digest) -> list[Path]:
        """Set every damaged copy of a digest aside; return where they are now.

        They aren't served any longer and a good one can be stored again. Nothing is deleted, and
        sound copies stay where they are. Called again, it finds nothing left to do.
        """
        ...

    def find_packs(self, digest: Digest) -> list[Path]:
        """The packs that list a digest, whether or not it may be served from them."""
        ...

    def sweep_temporaries(self) -> int:
        """Remove what crashed processes left, complete the packs that they had named.

        Hold the lock when you call it. Returns how many files were removed.
        """
        ...


def suggest_copying(directory: Path, packs: Iterable[Path]) -> tuple[str, ...]:
    """The commands that bring objects from a clone, to be typed in this order.

    `directory` is the store here; `packs` are those in it that hold damaged copies.
    """
    hints: tuple[str, ...] = ()
    for pack in packs:
        # It stays where it is, since its other members are served: only this replaces it.
        hints += (shell_command("cp", "-f", f"{_CLONE}/packs/{pack.name}", pack),)
    if not directory.is_dir():
        hints += (shell_command("mkdir", "-p", directory),)
    sources = (f"{_CLONE}/objects", f"{_CLONE}/packs")
    hints += (shell_command("cp", "-Rn", *sources, directory),)
    return hints
