"""What every object store promises, wherever it keeps its objects. `tests/storage/conformance.py` judges each one."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from mlver.digest import Digest


@dataclass(frozen=True, slots=True)
class StoreProblem:
    """One thing wrong in a store: with an object (`digest`), or with a file that leads to objects (None).

    A store knows no models, so it cannot name the subject of a finding: whoever knows who uses the object does that.
    `lost`: no sound copy of the object is left, so nothing that needs it can be had.
    """

    digest: Digest | None
    path: Path | None
    what: str
    lost: bool = False


class ObjectIntake(Protocol):
    """Contents on their way in. They count as stored, all together, once the `with` block has ended without error."""

    def put_object(self, source: BinaryIO) -> Digest:
        """Store what is left to read of `source`, hashing it on the way. Storing what is there already is harmless."""
        ...


class ObjectStore(Protocol):
    """Contents by digest. Objects never change; every call may be repeated, and repeating it after a failure is safe.

    What the operating system or a network refuses is raised as MlverError, with the place and what to do about it.
    """

    def missing(self, digests: Iterable[Digest]) -> AbstractSet[Digest]:
        """Those not in the store. An object that is there may still be damaged: only reading it tells."""
        ...

    def copy_object(self, digest: Digest, out: BinaryIO) -> int:
        """Write the content to `out` and return its size, having checked every byte.

        Raises ObjectMissing, or ObjectDamaged when no copy hashes to `digest` (both name digest and file); `out` may
        then hold a part that must not be used.
        """
        ...

    def open_deposit(self) -> AbstractContextManager[ObjectIntake]:
        """Take contents in. After an error nothing of them is stored that wasn't before, and no rubbish stays.

        A damaged object whose good bytes come in again is set aside and replaced.
        """
        ...
