"""Gates that the last records of a kind decide: whether one can have passed, and by the record that
it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice, product
from typing import Generic, Literal, TypeVar

from mlver.digest import Digest
from mlver.document import codec
from mlver.git.changes_in import has_blob
from mlver.git.repository import GitRepository
from mlver.policy.promotion_dates import CLOCK_TOLERANCE_S, count_seconds
from mlver.project.audit.promotion_landings import LandingFinder
from mlver.records.promotion import GateResult, PromotionRecord
from mlver.records.reproduction import ReproductionRecord
from mlver.records.verdict import VerdictRecord

_CLAIMS = "says that its gate"
# Their former digests double with each one more.
_MOST_MERGED = 8
# What nobody can tell to have been known on many stages makes too many cases.
_MOST_VIEWS = 64
Decider = TypeVar("Decider", bound=ReproductionRecord | VerdictRecord)


def is_possible(decider: Decider, record: PromotionRecord) -> bool:
    """Whether a record can have been there when a promotion was made, by its own date."""
    return count_seconds(decider.created) <= count_seconds(record.created) + CLOCK_TOLERANCE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class LastEvidence(Generic[Decider]):
    """What a gate may have been judged by, each record with the digest of its bytes.

    `found` are the records of a `kind` about the promoted version, those of each chain in the order
    in which the last one decides, and `chains` all those that they are numbered with. `judge` is
    the gate.
    """

    kind: Literal["reproduction", "verdict"]
    found: Sequence[Sequence[tuple[Decider, Digest]]]
    chains: Sequence[Sequence[tuple[Decider, Digest]]]
    repository: GitRepository
    judge: Callable[[Sequence[tuple[Decider, Digest]]], GateResult]

    def find_faults(self, record: PromotionRecord, landings: LandingFinder) -> Iterator[str]:
        """Say what is wrong with the gate's result.

        The last record that was known decides, or a later one that may have been; and the result
        names it by its digest.
        """
        views = self._list_views(record, landings)
        results = [self.judge([*chain.from_iterable(view)]) for view in views]
        passed = {result.evidence for result in results if result.result == "pass"}
        gate = results[0].gate
        named = {one.evidence for one in record.gates if (one.gate, one.result) == (gate, "pass")}
        if named & passed or any(self._is_renumbered(one, views) for one in named):
            return
        if not passed:
            yield f"{_CLAIMS} `{gate}` passed, and {results[0].actual}"
        elif named:
            told = " or ".join(str(one) if one else "no record" for one in named)
            yield f"{_CLAIMS} `{gate}` passed by {told}, which is not what it was judged by"

    def _list_views(
        self, record: PromotionRecord, landings: LandingFinder
    ) -> list[tuple[Sequence[tuple[Decider, Digest]], ...]]:
        """List what may have been known of the chains; the first is what was, without a doubt."""
        possible = [self._list_chain_views(found, record, landings) for found in self.found]
        return list(islice(product(*possible), _MOST_VIEWS))

    @staticmethod
    def _list_chain_views(
        found: Sequence[tuple[Decider, Digest]], record: PromotionRecord, landings: LandingFinder
    ) -> list[Sequence[tuple[Decider, Digest]]]:
        known: list[tuple[Decider, Digest]] = []
        views: list[Sequence[tuple[Decider, Digest]]] = [known]
        for pair in found:
            path, is_older = pair[0].record_path, pair[0].created < record.created
            if is_older and landings.was_known(path, record):
                known = [*known, pair]
                views = [known]
            elif landings.was_before(path, record) is not False:
                views.append([*known, pair])
        return views

    def _is_renumbered(
        self,
        named: Digest | None,
        views: Sequence[Sequence[Sequence[tuple[Decider, Digest]]]],
    ) -> bool:
        """Whether a result names a record that a merge renumbered since, and that opens it.

        It has to be the last one of what may have been known, or these very bytes were in history:
        else anybody could name what never was, past a later one that decided otherwise.
        """
        found = [*chain.from_iterable(self.found)]
        if named is None or any(named == digest for _, digest in found):
            return False
        last = [pairs[-1][0] for view in views for pairs in view if pairs]
        own = {decider.record for decider, _ in found}
        for numbered in self.chains:
            for former, data, decider in _list_former(self.kind, numbered):
                digest = Digest.of_bytes(data)
                if digest != named or decider.record not in own:
                    continue
                if any(one == decider for one in last) or has_blob(self.repository, data):
                    return self.judge([(former, digest)]).result == "pass"
        return False


def _list_former(
    kind: Literal["reproduction", "verdict"], numbered: Sequence[tuple[Decider, Digest]]
) -> Iterator[tuple[Decider, bytes, Decider]]:
    """List the bytes that these may have had before a merge renumbered the last of them: a record
    has another number and follows another one since, and says the same otherwise. Each with what
    it is now.
    """
    deciders = sorted((decider for decider, _ in numbered), key=lambda decider: decider.created)
    base = max(len(deciders) - _MOST_MERGED, 0)
    priors: list[Digest | None] = [digest for one, digest in numbered if one.sequence == base]
    followed: dict[int, list[Digest | None]] = {base: priors or [None]}
    for decider in deciders[base:]:
        for sequence in range(base + len(followed), base, -1):
            for prior in followed[sequence - 1]:
                former = replace(decider, sequence=sequence, prior=prior)
                data = codec.encode_document(kind, former.to_document())
                followed.setdefault(sequence, []).append(Digest.of_bytes(data))
                yield former, data, decider
