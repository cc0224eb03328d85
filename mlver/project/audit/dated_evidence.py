"""Gates that ask what had happened by the time of a promotion: holds, drills, authorisations.

Only what cannot have been is named: what landed elsewhere meanwhile, nobody could know of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.git.landing_dates import find_landing_dates
from mlver.policy.authorisation import TrainedData, TrainingData
from mlver.policy.gates.authorised import judge_data
from mlver.policy.gates.gate import NOBODY
from mlver.policy.promotion_dates import CLOCK_TOLERANCE_S, count_seconds, format_seconds
from mlver.policy.stage_policy import StagePolicy
from mlver.project.audit.held_stages import HeldStages
from mlver.project.audit.promotion_landings import LandingFinder
from mlver.project.audit.reproduced_evidence import judge_reproduced
from mlver.project.audit.verdict_evidence import judge_verdicts
from mlver.project.history.data_uses import list_data_sets
from mlver.project.history.version_uses import find_lost_uses
from mlver.project.project import Project
from mlver.project.registry.attached import NOTES, RETIREMENTS
from mlver.project.registry.authorisations import (
    list_authorised,
    read_authorisations,
    select_held_files,
)
from mlver.records import layout
from mlver.records.authorisation import AuthorisationRecord
from mlver.records.durations import read_duration
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord

_CLAIMS = "says that its gate"


@dataclass(slots=True)
class DatedEvidence:
    """Finds what had happened when promotions were made.

    `tip` is the commit that has all records, None where they are in no commit yet.
    """

    project: Project
    tip: str | None
    held_stages: HeldStages
    landings: LandingFinder
    drills: dict[tuple[str, str], Sequence[tuple[str, int]]]

    def find_faults(
        self,
        record: PromotionRecord,
        policy: StagePolicy,
        version: VersionRecord,
        *,
        is_first: bool,
    ) -> Iterator[str]:
        """Say which gates cannot have passed; `is_first`: nothing had held the stage before."""
        yield from self._judge_retired(record)
        if policy.rule.get("uses"):
            yield from self._judge_uses(record, version)
        reproduced = policy.rule.get("reproduced")
        if reproduced:
            yield from judge_reproduced(self.project, record, reproduced, self.landings)
        if policy.rule.get("verdict"):
            yield from judge_verdicts(self.project, record, policy, self.landings)
        yield from self._judge_hold(record, policy)
        drilled = policy.rule.get("drilled")
        if isinstance(drilled, str) and not is_first:
            yield from self._judge_drill(record, drilled)
        purposes = policy.rule.get("authorised")
        if purposes:
            listed = [purposes] if isinstance(purposes, str) else purposes
            assert isinstance(listed, Sequence)
            yield from self._judge_data(record, version, [str(purpose) for purpose in listed])

    def _judge_retired(self, record: PromotionRecord) -> Iterator[str]:
        retired = self._find_retired(record, record.model, record.version)
        if retired is not None:
            yield f"was made though {record.version} had been retired on {retired}"

    def _judge_uses(self, record: PromotionRecord, version: VersionRecord) -> Iterator[str]:
        for use, fault in find_lost_uses(self.project.registry, version):
            used = f"{use.model}@{use.version}"
            if fault is not None:
                yield f"{_CLAIMS} `uses` passed, and {used} {fault}"
                continue
            retired = self._find_retired(record, use.model, use.version)
            if retired is not None:
                yield f"{_CLAIMS} `uses` passed, and {used} had been retired on {retired}"

    def _find_retired(self, record: PromotionRecord, model: str, version: str) -> str | None:
        """Find when a version was retired that still was when a promotion was made."""
        retired: str | None = None
        if self.landings.was_before(layout.retirement_path(model, version, 1), record) is None:
            return None  # most were never retired
        # One that cannot be read is named by its own check.
        with suppress(MlverError):
            for retirement in RETIREMENTS.read_all(self.project.registry, model, version):
                is_older = retirement.created < record.created
                if is_older and self.landings.was_known(retirement.record_path, record):
                    retired = retirement.created if retirement.action == "retire" else None
        return retired

    def _judge_hold(self, record: PromotionRecord, policy: StagePolicy) -> Iterator[str]:
        hold, stages = policy.rule.get("hold"), policy.rule.get("after")
        asked = read_duration(hold) if hold else None
        if asked is None or not isinstance(stages, Sequence) or isinstance(stages, str):
            return
        for stage in map(str, stages):
            holding = self.held_stages.find_holding(record, stage)
            if holding is None:
                continue  # the gate `after` is judged by itself
            if holding.since is None:
                yield f"{_CLAIMS} `hold {hold}` passed, and {stage} did not hold it any more"
            elif count_seconds(record.created) - holding.since < asked - CLOCK_TOLERANCE_S:
                since = format_seconds(holding.since)
                yield f"{_CLAIMS} `hold {hold}` passed, and {stage} held it only since {since}"

    def _judge_drill(self, record: PromotionRecord, longest: str) -> Iterator[str]:
        allowed = read_duration(longest)
        now = count_seconds(record.created)
        for path, drilled in self._list_drills(record):
            age = now - drilled
            is_recent = allowed is None or age <= allowed + CLOCK_TOLERANCE_S
            if age < -CLOCK_TOLERANCE_S or not is_recent:
                continue
            if self.landings.was_before(path, record) is not False:
                return
        yield f"{_CLAIMS} `drilled {longest}` passed, and no such drill had been recorded"

    def _list_drills(self, record: PromotionRecord) -> Sequence[tuple[str, int]]:
        """List the drills of a stage: the path of each note, and its time."""
        key = (record.model, record.stage)
        if key not in self.drills:
            drills: list[tuple[str, int]] = []
            for number in self.project.registry.list_versions(record.model):
                with suppress(MlverError):
                    for note in NOTES.read_all(self.project.registry, record.model, number):
                        if note.drill is not None and note.drill.stage == record.stage:
                            drills.append((note.record_path, count_seconds(note.created)))
            self.drills[key] = drills
        return self.drills[key]

    def _judge_data(
        self, record: PromotionRecord, version: VersionRecord, purposes: Sequence[str]
    ) -> Iterator[str]:
        found, unread = list_data_sets(self.project.registry, version)
        if unread:
            return  # named by its own check
        known = self._list_authorisations(record, [digest for _, _, digest in found])
        data: list[TrainedData] = []
        for owner, name, digest in found:
            parts = select_held_files(self.project.registry, digest, known)
            files = [known[part] for part in parts]
            records = known.get(digest, ())
            data.append(TrainedData(name=f"{owner}:{name}", records=records, files=files))
        training = TrainingData(data=data, unread=(), today=record.created)
        candidate = replace(NOBODY, training=training)
        for purpose in purposes:
            result = judge_data(candidate, purpose)
            if result.result != "pass":
                yield f"{_CLAIMS} `{result.gate}` passed, and {result.actual}"

    def _list_authorisations(
        self, record: PromotionRecord, digests: Sequence[Digest]
    ) -> dict[Digest, Sequence[AuthorisationRecord]]:
        """List what a promotion could know of these data sets, and of all single files."""
        registry = self.project.registry
        chains: dict[Digest, Sequence[AuthorisationRecord]] = {}
        for digest in (*digests, *list_authorised(registry)):
            # One that cannot be read is named by its own check.
            with suppress(MlverError):
                chains[digest] = read_authorisations(registry, digest)
        paths = [one.record_path for chain in chains.values() for one in chain]
        landed: Mapping[str, int] = {}
        if self.tip is not None:
            wanted = [record.record_path, *paths]
            landed = find_landing_dates(self.project.repository, wanted, self.tip)
        known: dict[Digest, Sequence[AuthorisationRecord]] = {}
        for digest, chain in chains.items():
            known[digest] = [one for one in chain if _was_known(one, record, landed)]
        return known


def _was_known(
    authorisation: AuthorisationRecord, record: PromotionRecord, landed: Mapping[str, int]
) -> bool:
    """Say whether a promotion may have counted on a grant, or had to know of a withdrawal."""
    at, end = landed.get(authorisation.record_path), landed.get(record.record_path)
    now = count_seconds(record.created)
    if authorisation.action == "withdraw":
        return at is not None and at <= now
    if at is not None and end is not None and at > end:
        return False
    return count_seconds(authorisation.created) <= now + CLOCK_TOLERANCE_S
