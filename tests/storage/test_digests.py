from __future__ import annotations

import hashlib

from mlver.digest import Digest
from mlver.storage.digests import DigestSet


def raw(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def test_a_set_holds_each_digest_once_and_in_order() -> None:
    every = [raw(number) for number in range(700)]
    digests = DigestSet.from_raw([*every, *every[::-1]])
    assert list(digests.raw_digests()) == sorted(every)
    assert list(digests) == [Digest(one.hex()) for one in sorted(every)]
    assert len(digests) == 700
    assert Digest(raw(5).hex()) in digests
    assert Digest(raw(700).hex()) not in digests
    assert len(DigestSet.from_raw([])) == 0


def test_a_rank_leads_to_its_digest_and_back() -> None:
    digests = DigestSet.from_raw(map(raw, range(700)))
    for rank, one in enumerate(digests.raw_digests()):
        assert (digests.find_rank(one), digests.find_next_rank(one), digests.digest_at(rank)) == (
            rank,
            rank,
            one,
        )
    for stranger in map(raw, range(700, 900)):
        assert digests.find_rank(stranger) is digests.find_next_rank(stranger) is None
