"""The results of gates that promotions recorded, held against the records that they rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import MlverError
from mlver.git.commit_log import CommitEntry
from mlver.policy.gates.gate import RecordedVersion
from mlver.policy.gates.sampled import asks_samples
from mlver.policy.promotion_dates import CLOCK_TOLERANCE_S, count_seconds
from mlver.policy.recorded_results import (
    Evaluations,
    PastEvidence,
    ResultFault,
    asks_for_evidence,
    find_false_results,
)
from mlver.policy.samples import Samples
from mlver.policy.stage_policy import StagePolicy
from mlver.project.artifacts.kept_profiles import read_pinned_profiles
from mlver.project.artifacts.stored_samples import read_samples
from mlver.project.audit.promotion_landings import PromotionLandings, is_replayed
from mlver.project.audit.record_history import RecordHistory
from mlver.project.project import Project
from mlver.records.evaluation import EvaluationRecord
from mlver.records.profile import TableProfile
from mlver.records.promotion import PromotionRecord
from mlver.records.references import VersionReference
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
    _samples: dict[Digest, Samples] = field(default_factory=dict)

    def find_faults(
        self,
        record: PromotionRecord,
        policy: StagePolicy,
        before: PromotionRecord | None,
        landings: PromotionLandings,
    ) -> Iterator[ResultFault]:
        """Say which results of a promotion's gates its evidence does not bear out.

        `before` is the promotion before it.
        """
        version = self.find_version(record.model, record.version)
        if record.forced or version is None or not asks_for_evidence(policy):
            return
        named = frozenset(gate.evidence for gate in record.gates if gate.evidence is not None)
        possible = self._list_possible(version, record, landings, named)
        held, is_holder_known = self._find_holder(record, before)
        holder: RecordedVersion | None = None
        if held is not None:
            holder = self._describe_holder(held, record, policy, landings)
            is_holder_known = is_holder_known and holder is not None
        renumbered = [record.renumbered, version.renumbered]
        if holder is not None:
            renumbered.append(holder.record.renumbered)
        evidence = PastEvidence(
            version=self._describe(version, record.record, possible, policy),
            known=self._list_known(version, record, landings.made),
            holder=holder,
            is_holder_known=is_holder_known,
            is_renumbered=any(renumbered),
        )
        yield from find_false_results(record, policy, evidence)

    @staticmethod
    def _find_holder(
        record: PromotionRecord, before: PromotionRecord | None
    ) -> tuple[VersionReference | None, bool]:
        """Find which version a promotion was compared with, and whether that is known.

        One that a merge renumbered was compared with what held the stage on its own branch.
        """
        if record.renumbered is not None:
            is_first = record.renumbered.number == 1
            return record.baseline, record.baseline is not None or is_first
        if before is None:
            return None, True
        return VersionReference(before.version, before.record), True

    def _describe_holder(
        self,
        held: VersionReference,
        record: PromotionRecord,
        policy: StagePolicy,
        landings: PromotionLandings,
    ) -> RecordedVersion | None:
        version = self.find_version(record.model, held.version)
        if version is None:
            return None
        possible = self._list_possible(version, record, landings)
        return self._describe(version, held.record, possible, policy)

    def _describe(
        self, version: VersionRecord, digest: Digest, evaluations: Evaluations, policy: StagePolicy
    ) -> RecordedVersion:
        samples: dict[Digest, Samples] = {}
        if asks_samples([policy]):
            wanted = [one.samples for one, _ in evaluations if one.samples is not None]
            unread = [one for one in wanted if one not in self._samples]
            self._samples.update(read_samples(self.project, unread))
            samples = {one: self._samples[one] for one in wanted if one in self._samples}
        profiles: Mapping[str, TableProfile] = {}
        if policy.rule.get("drift"):
            # One that is forged, or cannot be read, is named by its own check.
            with suppress(MlverError):
                profiles = read_pinned_profiles(self.project, version)
        return RecordedVersion(
            record=version,
            digest=digest,
            evaluations=evaluations,
            samples=samples,
            profiles=profiles,
        )

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
        record: PromotionRecord,
        landings: PromotionLandings,
        named: frozenset[Digest] = frozenset(),
    ) -> Evaluations:
        """List the evaluations that may have been there when a promotion was made.

        One that a merge gave another number since is listed by the digest that is `named`, too.
        """
        possible: list[tuple[EvaluationRecord, Digest]] = []
        found = {digest for _, digest in self._read_evaluations(version)}
        latest = count_seconds(record.created) + CLOCK_TOLERANCE_S
        for evaluation, digest in self._read_evaluations(version):
            if count_seconds(evaluation.created) > latest:
                continue
            if self.history.was_before(evaluation.record_path, landings.all) is not False:
                possible.append((evaluation, digest))
            if named - found:
                former = _find_former(evaluation, version, named)
                if former is not None:
                    possible.append((evaluation, former))
        return possible

    def _list_known(
        self, version: VersionRecord, record: PromotionRecord, made: Sequence[CommitEntry]
    ) -> Evaluations:
        """List the evaluations that were there and are dated before the promotion.

        `made` are the commits that made it.
        """
        known: list[tuple[EvaluationRecord, Digest]] = []
        if is_replayed(record, made):
            return known
        for evaluation, digest in self._read_evaluations(version):
            is_older = evaluation.created < record.created
            if is_older and self.history.was_before(evaluation.record_path, made):
                known.append((evaluation, digest))
        return known


def _find_former(
    evaluation: EvaluationRecord, version: VersionRecord, named: frozenset[Digest]
) -> Digest | None:
    """Find the digest that an evaluation had before a merge, where that is named.

    It had another number then, or was of a version that had.
    """
    originals = [evaluation]
    if version.renumbered is not None:
        former = version.renumbered
        originals.append(replace(evaluation, version=former.number, record=former.record))
    for original in originals:
        for number in range(1, min(evaluation.sequence, _NUMBERS_TRIED) + 1):
            document = replace(original, sequence=number).to_document()
            digest = Digest.of_bytes(codec.encode_document("evaluation", document))
            if digest in named:
                return digest
    return None
