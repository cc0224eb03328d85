"""Many digests in little memory: 32 bytes each, sorted, in a page for each first byte."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator

from mlver.digest import Digest

RAW_BYTES = 32
# One page for each value of the first byte.
_PAGE_COUNT = 256


class DigestSet(Collection[Digest]):
    """A set of digests that is never changed. Python's own set takes about 200 bytes for each."""

    def __init__(self, pages: tuple[bytes, ...], first_ranks: tuple[int, ...]) -> None:
        self._pages = pages
        self._first_ranks = first_ranks
        self._open_page = -1
        self._open_ranks: dict[bytes, int] = {}

    @classmethod
    def from_raw(cls, raw_digests: Iterable[bytes]) -> DigestSet:
        """A set of raw digests, in whatever order they come and however often."""
        # Sorted page by page, so that only one page is ever unpacked.
        heaps = [bytearray() for _ in range(_PAGE_COUNT)]
        for raw_digest in raw_digests:
            heaps[raw_digest[0]] += raw_digest
        pages = tuple(map(_sort_page, heaps))
        first_ranks = [0]
        for page in pages:
            first_ranks.append(first_ranks[-1] + len(page) // RAW_BYTES)
        return cls(pages, tuple(first_ranks))

    @classmethod
    def from_digests(cls, digests: Iterable[Digest]) -> DigestSet:
        """A set of digests, in whatever order they come and however often."""
        return cls.from_raw(bytes.fromhex(digest.hex) for digest in digests)

    def __len__(self) -> int:
        return self._first_ranks[-1]

    def __iter__(self) -> Iterator[Digest]:
        for raw_digest in self.raw_digests():
            yield Digest(raw_digest.hex())

    def __contains__(self, digest: object) -> bool:
        if not isinstance(digest, Digest):
            return False
        return self.find_rank(bytes.fromhex(digest.hex)) is not None

    def raw_digests(self) -> Iterator[bytes]:
        """The raw digests in order."""
        for page in self._pages:
            yield from _split_page(page)

    def digest_at(self, rank: int) -> bytes:
        """The raw digest of this rank."""
        page_number = bisect_right(self._first_ranks, rank) - 1
        position = rank - self._first_ranks[page_number]
        start = position * RAW_BYTES
        page = self._pages[page_number]
        return page[start : start + RAW_BYTES]

    def find_rank(self, raw_digest: bytes) -> int | None:
        """The place of a digest in the order of all, from 0 on; None where it is not in the set."""
        page = self._pages[raw_digest[0]]

        def digest_on_page(position: int) -> bytes:
            start = position * RAW_BYTES
            return page[start : start + RAW_BYTES]

        positions = range(len(page) // RAW_BYTES)
        position = bisect_left(positions, raw_digest, key=digest_on_page)
        if digest_on_page(position) != raw_digest:
            return None
        return self._first_ranks[raw_digest[0]] + position

    def find_next_rank(self, raw_digest: bytes) -> int | None:
        """The same as `find_rank`, much faster where many digests are looked up in order."""
        page_number = raw_digest[0]
        # One page is kept open as a dict: of digests in order, the next is nearly always on it.
        if page_number != self._open_page:
            self._open_page = page_number
            first_rank = self._first_ranks[page_number]
            open_ranks = {}
            for rank, listed_digest in enumerate(_split_page(self._pages[page_number]), first_rank):
                open_ranks[listed_digest] = rank
            self._open_ranks = open_ranks
        return self._open_ranks.get(raw_digest)


def _sort_page(heap: bytearray) -> bytes:
    """The digests of a heap in order, each of them once."""
    distinct_digests = set(_split_page(bytes(heap)))
    return b"".join(sorted(distinct_digests))


def _split_page(page: bytes) -> Iterator[bytes]:
    """The raw digests of a page, in its order."""
    for start in range(0, len(page), RAW_BYTES):
        yield page[start : start + RAW_BYTES]
