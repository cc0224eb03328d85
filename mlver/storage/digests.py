"""Many digests in little memory: 32 bytes each, sorted, in a page for each first byte."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator

from mlver.digest import Digest

RAW = 32
_PAGES = 256


class DigestSet(Collection[Digest]):
    """A set of digests that is never changed. Python's own set takes about 200 bytes for each."""

    def __init__(self, pages: tuple[bytes, ...]) -> None:
        self._pages = pages
        self._first_ranks = [0]
        for page in pages:
            self._first_ranks.append(self._first_ranks[-1] + len(page) // RAW)
        self._open_page = -1
        self._open_ranks: dict[bytes, int] = {}

    @classmethod
    def of(cls, raws: Iterable[bytes]) -> DigestSet:
        """A set of raw digests, in whatever order they come and however often."""
        heaps = [bytearray() for _ in range(_PAGES)]
        for raw in raws:
            heaps[raw[0]] += raw
        return cls(tuple(map(_sorted_page, heaps)))

    def __len__(self) -> int:
        return self._first_ranks[-1]

    def __iter__(self) -> Iterator[Digest]:
        return (Digest(raw.hex()) for raw in self.raws())

    def __contains__(self, digest: object) -> bool:
        return isinstance(digest, Digest) and self.rank(bytes.fromhex(digest.hex)) is not None

    def raws(self) -> Iterator[bytes]:
        """The raw digests in order."""
        for page in self._pages:
            yield from _slices(page)

    def at(self, rank: int) -> bytes:
        """The raw digest of this rank."""
        number = bisect_right(self._first_ranks, rank) - 1
        start = (rank - self._first_ranks[number]) * RAW
        return self._pages[number][start : start + RAW]

    def rank(self, raw: bytes) -> int | None:
        """Which of the digests in order this is, from 0 on; None where it is none of them."""
        page = self._pages[raw[0]]
        at = bisect_left(
            range(len(page) // RAW), raw, key=lambda at: page[at * RAW : (at + 1) * RAW]
        )
        if page[at * RAW : (at + 1) * RAW] != raw:
            return None
        return self._first_ranks[raw[0]] + at

    def rank_next(self, raw: bytes) -> int | None:
        """The same, much faster where many are asked for in order."""
        if raw[0] != self._open_page:
            self._open_page = raw[0]
            first = self._first_ranks[raw[0]]
            slices = _slices(self._pages[raw[0]])
            self._open_ranks = {other: rank for rank, other in enumerate(slices, first)}
        return self._open_ranks.get(raw)


def _sorted_page(heap: bytearray) -> bytes:
    return b"".join(sorted(set(_slices(bytes(heap)))))


def _slices(page: bytes) -> Iterator[bytes]:
    return (page[at : at + RAW] for at in range(0, len(page), RAW))
