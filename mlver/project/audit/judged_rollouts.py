"""Rollouts judged again, as the promotions are that they prepare: by the same judge.

What is a promotion's alone is left out: no tag seals a rollout, and no verdict can be there before
the first share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.git.commit_log import CommitEntry
from mlver.git.partial import ClonedContents
from mlver.git.repository import GitRepository
from mlver.policy.rollouts import DigestedRollout
from mlver.project.audit.promotion_claims import find_baseline_faults, find_false_approvals
from mlver.project.audit.record_authors import find_unconfirmed_remarks, report
from mlver.project.audit.record_history import RecordHistory
from mlver.project.audit.recorded_approvals import find_uncounted
from mlver.project.audit.rule_changes import find_weakening
from mlver.project.history.stage_history import StageHistory
from mlver.project.project import Project
from mlver.project.registry.attached import ROLLOUTS
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.references import VersionReference
from mlver.records.rollout import RolloutRecord, SharedStage

if TYPE_CHECKING:
    from mlver.project.audit.promotions import PromotionJudge


@dataclass(frozen=True, slots=True)
class JudgedRollout:
    """A rollout in the form in which it is judged, with the digest of its bytes, and the promotions
    of its stage before it.
    """

    record: SharedStage
    digest: Digest
    earlier: Sequence[PromotionRecord]

    @property
    def held(self) -> set[tuple[str, Digest]]:
        """The versions that its stage held before, each with the digest of its record."""
        return {(promotion.version, promotion.record) for promotion in self.earlier}

    @property
    def before(self) -> PromotionRecord | None:
        return self.earlier[-1] if self.earlier else None


def list_judged_rollouts(project: Project, chains: Iterable[StageHistory]) -> list[JudgedRollout]:
    """List the rollouts to the stages whose promotions these are."""
    judged: list[JudgedRollout] = []
    for chain in chains:
        if not chain:
            continue
        promotions = [record for record, _ in chain]
        # One that cannot be read is named by its own check.
        with suppress(MlverError):
            rollouts = ROLLOUTS.read_digested(
                project.registry, promotions[0].model, promotions[0].stage
            )
            for place, (record, digest) in enumerate(rollouts):
                earlier = _list_earlier(record, promotions, rollouts[place:])
                judged.append(JudgedRollout(record.as_promotion(), digest, earlier))
    return judged


def _list_earlier(
    record: RolloutRecord,
    promotions: Sequence[PromotionRecord],
    following: Sequence[DigestedRollout],
) -> Sequence[PromotionRecord]:
    """List the promotions that a rollout was made after.

    It was before the one that closed it, or closed one after it. The others are told by their
    dates; of those within one second, the one counts that fits.
    """
    digests = {digest for _, digest in following}
    end = len(promotions)
    for place, promotion in enumerate(promotions):
        if promotion.rollout in digests:
            end = place
            break
    while end and promotions[end - 1].created > record.created:
        end -= 1
    fitting = end
    while fitting and not _is_holder(promotions[fitting - 1], record.baseline):
        is_alike = promotions[fitting - 1].created == record.created
        if not is_alike and record.renumbered is None:
            return promotions[:end]
        fitting -= 1
    return promotions[:fitting] if fitting else promotions[:end]


def _is_holder(promotion: PromotionRecord, baseline: VersionReference) -> bool:
    held = (promotion.version, promotion.record)
    return promotion.action != "retire" and held == (baseline.version, baseline.record)


def find_rollout_originals(
    repository: GitRepository, history: RecordHistory, rollouts: Iterable[JudgedRollout]
) -> dict[str, list[CommitEntry]]:
    """Find the commits that added rollouts under the numbers that merges took from them.

    They are listed by the path that the rollout has now. Only bytes that were there count.
    """
    wanted: list[tuple[str, Digest, str, CommitEntry]] = []
    for rollout in rollouts:
        record = rollout.record
        if record.renumbered is None:
            continue
        path = record.locate(record.renumbered.number)
        for object_id, entry in history.earlier.get(path, ()):
            wanted.append((record.record_path, record.renumbered.record, object_id, entry))
    lacking = ClonedContents.find_in(repository).find_lacking(item[2] for item in wanted)
    wanted = [item for item in wanted if item[2] not in lacking]
    if not wanted:
        return {}
    digests = repository.blob_digests(item[2] for item in wanted)
    originals: dict[str, list[CommitEntry]] = {}
    for (path, digest, _, entry), former in zip(wanted, digests, strict=True):
        if former == digest:
            originals.setdefault(path, []).append(entry)
    return originals


def find_unshown_rollouts(
    history: RecordHistory,
    originals: Mapping[str, Sequence[CommitEntry]],
    rollouts: Iterable[JudgedRollout],
) -> Iterator[Finding]:
    """Find rollouts that say they had another number where nothing shows it, and those whose author
    no commit of theirs names.
    """
    authors: dict[str, str] = {}
    for rollout in rollouts:
        record = rollout.record
        path = record.record_path
        if not originals.get(path):
            authors[path] = record.author
        if record.renumbered is not None and path not in originals and not history.incomplete:
            message = f"says that it was {record.renumbered.number:04d}, and nothing shows it"
            yield _report_doubt(path, message)
    for path in sorted(find_unconfirmed_remarks(history, authors)):
        message = f"names {authors[path]} as its author, whom no commit of it names"
        yield _report_doubt(path, message)


def _report_doubt(path: str, message: str) -> Finding:
    return Finding("unconfirmed", path, message, (shell_command("git", "log", "-p", "--", path),))


def judge_rollouts(judge: PromotionJudge, rollouts: Iterable[JudgedRollout]) -> Iterator[Finding]:
    """Judge rollouts: what gives a share asks what a promotion asks."""
    for rollout in rollouts:
        record, before, held = rollout.record, rollout.before, rollout.held
        if record.action == "promote":
            yield from judge.judge_promotion(record, before, held=held, is_old=False)
            continue
        yield from judge.judge_date(record, before)
        for message in find_baseline_faults(record, before, held):
            yield report(record, "gate", message)


def find_overtaken(judge: PromotionJudge, rollouts: Iterable[JudgedRollout]) -> Iterator[Finding]:
    """Find rollouts that were put before promotions of their stage which were there already.

    No share is dated before the last promotion, so nobody had this one then. A rebase, which can
    bring that about as well, looks the same.
    """
    for rollout in rollouts:
        record = rollout.record
        promotions = judge.index.chains.get((record.model, record.stage), ())
        for promotion in promotions[len(rollout.earlier) :]:
            if promotion.created > record.created and _was_there(judge, promotion, record):
                message = (
                    f"is dated {record.created}, before {record.stage}/{promotion.sequence:04d}"
                    f" ({promotion.created}), which was there when it was added"
                )
                yield _report_doubt(record.record_path, message)
                break


def _was_there(judge: PromotionJudge, promotion: PromotionRecord, record: SharedStage) -> bool:
    """Say whether a promotion had landed, without a doubt, before a rollout was made."""
    made = judge.landings.find(record).made
    path = promotion.record_path
    together = {entry.commit for entry in judge.history.additions.get(path, ())}
    if not made or any(entry.commit in together for entry in made):
        return False
    return all(judge.history.was_before(path, [entry]) for entry in made)


def find_false_closings(
    project: Project,
    promotion: PromotionRecord,
    earlier: Sequence[PromotionRecord],
    rollouts: Sequence[JudgedRollout],
) -> Iterator[Finding]:
    """Find that a promotion says it closed a rollout which is none of its stage's, or not open.

    `earlier` are the promotions of its stage before it.
    """
    # One that a merge renumbered may name what became of a rollout of its branch.
    if promotion.rollout is None or promotion.renumbered is not None:
        return
    own = _select_own(promotion, rollouts)
    closed = next((one.record for one in own if one.digest == promotion.rollout), None)
    if closed is not None:
        if not (earlier and _is_open_beside(closed, earlier[-1])):
            words = f"says that it closed the rollout {closed.sequence:04d}, which was not open"
            yield report(promotion, "chain", words)
        return
    folder = layout.attached_folder("rollout", promotion.model, promotion.stage)
    # Those that cannot be read are named by their own checks.
    if own or not project.registry.list_sequences(folder):
        yield report(promotion, "chain", "says that it closed a rollout which is not here")


def _select_own(
    promotion: PromotionRecord, rollouts: Iterable[JudgedRollout]
) -> list[JudgedRollout]:
    """Select the rollouts to the stage of a promotion, oldest first."""
    place = (promotion.model, promotion.stage)
    return [one for one in rollouts if (one.record.model, one.record.stage) == place]


def _is_open_beside(record: SharedStage, holder: PromotionRecord) -> bool:
    """Say whether a rollout shares the traffic of what a promotion gave the stage to."""
    baseline = record.baseline
    return record.action != "rollback" and baseline is not None and _is_holder(holder, baseline)


def find_rollout_faults(
    judge: PromotionJudge, rollouts: Sequence[JudgedRollout]
) -> Iterator[Finding]:
    """Find all that is wrong with rollouts by the history of HEAD, or that nothing confirms."""
    project, history, policies = judge.evidence.project, judge.history, judge.policies
    records = [rollout.record for rollout in rollouts]
    chained = [(rollout.record, rollout.earlier) for rollout in rollouts]
    yield from judge_rollouts(judge, rollouts)
    for promotions in judge.index.chains.values():
        for place, promotion in enumerate(promotions):
            yield from find_false_closings(project, promotion, promotions[:place], rollouts)
    yield from find_false_approvals(project, records)
    yield from find_uncounted(project, policies, chained, judge.find_version)
    yield from find_weakening(history, policies, records)
    yield from find_unshown_rollouts(history, judge.originals, rollouts)
    yield from find_overtaken(judge, rollouts)
