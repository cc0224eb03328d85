"""What push, pull and gc see of a remote: the same for blobs (`team.py`) and for git-lfs.

A remote holds contents by digest. How they lie there, as objects, parts or packs, is known to the
class that satisfies `TeamStore` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from typing import BinaryIO, Protocol

from mlver.digest import Digest
from mlver.storage.digests import DigestSet
from mlver.storage.store import RepositoryIntake, StoreProgress
from mlver.system.parallel import ignore_progress
from mlver.system.timings import STANDARD, Timings

# So many calls are under way at once, unless somebody says otherwise.
DEFAULT_JOBS = 8


# Contents and the size in bytes of each. None where nobody here knows it: a manifest has no sizes.
ContentSizes = Mapping[Digest, int | None]


class Confirmation(Enum):
    """How it is known that the remote has the bytes that were sent."""

    CHECKED = "checked by the server"
    READ_BACK = "read back"
    UNPROVEN = "stored, not proven"


@dataclass(frozen=True, slots=True)
class TransferOptions:
    """How to transfer.

    `expect` is called once, with the number of bytes that `progress` will report; `progress` counts
    bytes that are confirmed, never those that were only handed over. Both are called by the thread
    that called `upload` or `download`. `read_back`: what is sent is read again and hashed, even if
    the server checks it, and so is what is wanted and there already. `renew` are keys of blobs that
    gc has condemned: they count as absent, and what needs them is stored anew, so that their time
    of storage is new.
    """

    jobs: int = DEFAULT_JOBS
    progress: StoreProgress = ignore_progress
    expect: StoreProgress = ignore_progress
    read_back: bool = False
    renew: AbstractSet[str] = frozenset()
    timings: Timings = STANDARD


STANDARD_OPTIONS = TransferOptions()


@dataclass(frozen=True, slots=True)
class UploadReport:
    """What an upload did. All that was wanted is on the remote.

    `objects` is how many contents had to be sent, `bytes_sent` what went to the remote for them,
    `bytes_total` the size of all contents that were wanted. `confirmed` is None where nothing was
    sent. `repaired` of the objects were there with other bytes, which `read_back` has found.
    """

    objects: int
    bytes_sent: int
    bytes_total: int
    confirmed: Confirmation | None
    repaired: int = 0


@dataclass(frozen=True, slots=True)
class DownloadReport:
    """What a download did.

    `objects` contents arrived whole, and were handed to the intake; `bytes_received` came over the
    network for them. `missing` are not on the remote. `wrong` are there with other bytes than their
    digest says, and where: none of those was handed over. Another remote may have both.
    """

    objects: int
    bytes_received: int
    missing: frozenset[Digest] = frozenset()
    wrong: Mapping[Digest, str] = field(default_factory=dict)


class UploadSource(Protocol):
    """Where contents to be sent are read from. `RepositoryStore` says what each of these does."""

    def read_small(self, digests: DigestSet, limit: int) -> Iterator[tuple[Digest, bytes]]: ...

    def open_object(self, digest: Digest) -> int | None: ...

    def copy_object(self, digest: Digest, out: BinaryIO) -> int: ...

    def open_scratch(self) -> BinaryIO: ...

    def require_objects(self, digests: Iterable[Digest]) -> None: ...


class TeamStore(Protocol):
    """Contents by digest on a remote. Every call may be repeated at any time and after any error.

    `wanted` has the size of each content, as far as it is known here. What is sent is known.
    """

    @property
    def address(self) -> str:
        """Where it is, for messages: without credentials."""
        ...

    def find_missing(
        self, wanted: ContentSizes, options: TransferOptions = STANDARD_OPTIONS
    ) -> AbstractSet[Digest]:
        """Those that are not on the remote, as it says now, whole and of the right size.

        Nothing is believed from an earlier run. No content is read for this.
        """
        ...

    def upload(
        self,
        source: UploadSource,
        wanted: Mapping[Digest, int],
        options: TransferOptions = STANDARD_OPTIONS,
    ) -> UploadReport:
        """Send those of these contents that are not on the remote; all of them are confirmed then.

        The remote is asked what it has, unless `find_missing` of this object did that just before:
        its answer is used once. Every byte is hashed before it is sent. Raises ObjectMissing or
        ObjectDamaged about the source; MlverError, with what was done so far, about the remote,
        which then holds some of the contents, and the same call sends the others.
        """
        ...

    def download(
        self,
        wanted: ContentSizes,
        intake: RepositoryIntake,
        options: TransferOptions = STANDARD_OPTIONS,
    ) -> DownloadReport:
        """Bring contents. They are stored once the `with` block of the intake has ended.

        Every byte is hashed. What is missing or wrong on the remote is reported, and ends nothing.
        After a failure, the same call asks for large contents only from where it was cut off.
        """
        ...
