"""The results of gates that promotions recorded, held against the records that they rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import MlverError
from mlver.git.commit_log import CommitEntry
from mlver.policy.gates.gate import RecordedVersion
from mlver.policy.promotion_dates import CLOCK_TOLERANCE_S, count_seconds
from mlver.policy.recorded_results import (
    Evaluations,
    PastEvidence,
    asks_for_evidence,
    find_false_results,
)
from mlver.policy.stage_policy import StagePolicy
from mlver.project.audit.record_history import RecordHistory
from mlver.project.project import Project
from mlver.records.evaluation import EvaluationRecord
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord

# How many numbers an evaluation may have had before merges gave it the one that it has.
_NUMBERS_TRIED = 100


@dataclass(slots=True)
class EvidenceReader:
    """Finds what was recorded of versions when promotions of them were made."""

    project: Project
    history: RecordHistory
    find_version: Callable[[str, str], VersionRecord | None]
    # The drills of each stage of a model: the path of each note, and its time.
    drills: dict[tuple[str, str], Sequence[tuple[str, int]]] = field(default_factory=dict)
    _evaluations: dict[tuple[str, str], Evaluations] = field(default_factory=dict)

    def find_faults(
        self,
        record: PromotionRecord,
        policy: StagePolicy,
        before: PromotionRecord | None,
        landings: list[CommitEntry],
    ) -> Iterator[str]:
        """Say which results of a promotion's gates its evidence does not bear out.

        `before` is the promotion before it, and `landings` the commits that brought it.
        """
        version = self.find_version(record.model, record.version)
        # What a merge gave another number was judged beside other records, under other digests.
        if record.forced or record.renumbered is not None:
            return
        if version is None or version.renumbered is not None or not asks_for_evidence(policy):
            return
        holder = None
        is_holder_known = True
        if before is not None:
            held = self.find_version(before.model, before.version)
            is_holder_known = held is not None
            if held is not None:
                listed = self._list_possible(held, landings)
                holder = RecordedVersion(record=held, digest=before.record, evaluations=listed)
        possible = self._list_possible(version, landings, self._list_named(record))
        evidence = PastEvidence(
            version=RecordedVersion(record=version, digest=record.record, evaluations=possible),
            known=self._list_known(version, record, landings),
            holder=holder,
            is_holder_known=is_holder_known,
        )
        yield from find_false_results(record, policy, evidence)

    @staticmethod
    def _list_named(record: PromotionRecord) -> frozenset[Digest]:
        return frozenset(gate.evidence for gate in record.gates if gate.evidence is not None)

    def _read_evaluations(self, version: VersionRecord) -> Evaluations:
        key = (version.model, version.version)
        if key not in self._evaluations:
            self._evaluations[key] = ()
            # One that cannot be read is named by its own check.
            with suppress(MlverError):
                self._evaluations[key] = self.project.registry.read_evaluations(*key)
        return self._evaluations[key]

    def _list_possible(
        self,
        version: VersionRecord,
        landings: list[CommitEntry],
        named: frozenset[Digest] = frozenset(),
    ) -> Evaluations:
        """List the evaluations that may have been there when these commits were made.

        One that a merge gave another number since is listed by the digest that is `named`.
        """
        possible: list[tuple[EvaluationRecord, Digest]] = []
        found = {digest for _, digest in self._read_evaluations(version)}
        for evaluation, digest in self._read_evaluations(version):
            if self.history.was_before(evaluation.record_path, landings) is not False:
                possible.append((evaluation, digest))
            if named - found:
                former = _find_former(evaluation, named)
                if former is not None:
                    possible.append((evaluation, former))
        return possible

    def _list_known(
        self, version: VersionRecord, record: PromotionRecord, landings: list[CommitEntry]
    ) -> Evaluations:
        """List the evaluations that were there and are dated before the promotion."""
        known: list[tuple[EvaluationRecord, Digest]] = []
        # A rebase may have put it behind evaluations that it has not seen.
        times = [entry.committed or 0 for entry in landings]
        if min(times, default=0) > count_seconds(record.created) + CLOCK_TOLERANCE_S:
            return known
        for evaluation, digest in self._read_evaluations(version):
            is_older = evaluation.created < record.created
            if is_older and self.history.was_before(evaluation.record_path, landings):
                known.append((evaluation, digest))
        return known


def _find_former(evaluation: EvaluationRecord, named: frozenset[Digest]) -> Digest | None:
    """Find the digest that an evaluation had under another number, where that is named."""
    for number in range(1, min(evaluation.sequence, _NUMBERS_TRIED) + 1):
        if number == evaluation.sequence:
            continue
        document = replace(evaluation, sequence=number).to_document()
        digest = Digest.of_bytes(codec.encode_document("evaluation", document))
        if digest in named:
            return digest
    return None
