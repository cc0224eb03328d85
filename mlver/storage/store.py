"""What every object store promises, wherever it keeps its objects.

`tests/storage/conformance.py` judges each of them.
"""

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
    """One thing wrong in a store: with an object (`digest`), or with a file that leads to objects.

    `digest` is None in the second case. `lost`: no sound copy of the object is left, so nothing
    that needs it can be restored. A store knows no models, so it cannot name the subject of a
    finding: whoever knows who uses the object does that.
    """

    digest: Digest | None
    path: Path | None
    message: str
    lost: bool = False


class ObjectIntake(Protocol):
    """Contents on their way in.

    They count as stored, all together, once the `with` block has ended without an error.
    """

    def put_object(self, source: BinaryIO) -> Digest:
        """Store what is left to read of `source`, hashing it on the way.

        Storing what the store already holds is harmless.
        """
        ...


class ObjectStore(Protocol):
    """Contents by digest. Objects never change; repeating any call is safe, also after a failure.

    What the operating system or a network refuses is raised as MlverError, which names the place
    and what to do about it.
    """

    def find_missing(self, digests: Iterable[Digest]) -> AbstractSet[Digest]:
        """The digests that are not in the store.

        An object that is in the store may still be damaged: only reading it shows that.
        """
        ...

    def copy_object(self, digest: Digest, out: BinaryIO) -> int:
        """Write the content to `out`, having checked every byte, and return its size.

        Raises ObjectMissing, or ObjectDamaged when no copy hashes to `digest` (both name the digest
        and the file); `out` may then hold a part that must not be used.
        """
        ...

    def open_deposit(self) -> AbstractContextManager[ObjectIntake]:
        """Take contents in.

        After an error, the store holds what it held before, and no temporaries stay. A damaged
        object whose good bytes come in again is set aside and replaced.
        """
        ...
