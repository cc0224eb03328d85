"""How the rules of stages changed, and promotions made under one that was weakened for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from mlver.errors import shell_command
from mlver.findings import Finding
from mlver.git.commit_log import CommitEntry
from mlver.policy.looser import is_looser, list_loosenings
from mlver.policy.policy_digest import StagePolicy
from mlver.policy.promotion_dates import count_seconds
from mlver.policy.promotion_rules import is_same_person
from mlver.project.audit.named_policies import NamedPolicies
from mlver.project.audit.record_history import RecordHistory
from mlver.records import layout
from mlver.records.promotion import PromotionRecord

# Two of the three steps by one person within this time are one deed.
_ONE_DEED_S = 7 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """A commit that changed the rule of a stage; `loosened` says in words what became looser.

    `authored` and `committed` are seconds since 1970. `new` is None where the commit took the rule
    away, `old` where it made the first. `taken`: a merge took it over from another parent.
    """

    commit: str
    stage: str
    author: str
    authored: int
    committer: str
    committed: int
    loosened: tuple[str, ...]
    old: StagePolicy | None = field(compare=False)
    new: StagePolicy | None = field(compare=False)
    taken: bool = False


def find_rule_changes(
    history: RecordHistory, stages: Collection[str] | None = None
) -> Iterator[RuleChange]:
    """Find what history did to the rules of these stages (of all), newest first.

    A merge is listed where it made a rule that none of its parents had.
    """
    for entry in history.entries.values():
        if layout.CONFIG not in entry.contents:
            continue
        ground = _find_readable_ground(history, entry)
        for stage in _list_stages(history, entry, ground):
            if stages is None or stage in stages:
                yield from _compare_rules(history, entry, ground, stage)


def _find_readable_ground(history: RecordHistory, entry: CommitEntry) -> str | None:
    """Find the settings before a commit: the last that can be read, where there are any."""
    ground = history.grounds[entry.commit]
    current = entry
    while ground is not None and not _is_readable(history, ground):
        if not current.parents or current.parents[0] not in history.entries:
            break
        current = history.entries[current.parents[0]]
        ground = history.grounds[current.commit]
    return ground


def _is_readable(history: RecordHistory, object_id: str) -> bool:
    committed = history.settings.get(object_id)
    return committed is not None and committed.config is not None


def _find_taken_rules(history: RecordHistory) -> Iterator[RuleChange]:
    """Find where a merge left one parent's rule for another's."""
    for entry in history.entries.values():
        if len(entry.parents) < 2 or layout.CONFIG in entry.contents:
            continue
        for parent in entry.parents:
            before = history.states.get(parent)
            for stage in _list_stages(history, entry, before):
                for change in _compare_rules(history, entry, before, stage):
                    yield replace(change, taken=True)


def _list_stages(history: RecordHistory, entry: CommitEntry, before: str | None) -> list[str]:
    """List the stages that a commit's settings have, or those before it."""
    names: dict[str, None] = {}
    after = history.states[entry.commit]
    if before == after:
        return []
    for object_id in (before, after):
        committed = history.settings.get(object_id or "")
        if committed is not None and committed.config is not None:
            names.update(dict.fromkeys(committed.config.stages))
    return list(names)


def _compare_rules(
    history: RecordHistory, entry: CommitEntry, before: str | None, stage: str
) -> Iterator[RuleChange]:
    after = history.states[entry.commit]
    for object_id in (before, after):
        # What settings ask that cannot be read, nobody knows.
        if object_id is not None and not _is_readable(history, object_id):
            return
    old = history.find_policy(before, stage)
    new = history.find_policy(after, stage)
    if old == new:
        return
    yield RuleChange(
        commit=entry.commit,
        stage=stage,
        author=entry.author,
        authored=entry.authored,
        committer=entry.committer,
        committed=entry.committed,
        loosened=list_loosenings(new, old),
        old=old,
        new=new,
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """One of the three steps: who took it, and when."""

    people: tuple[str, ...]
    seconds: int


@dataclass(frozen=True, slots=True)
class _LoosePromotion:
    """A promotion under a rule that had been weakened before it, and was tightened after it."""

    record: PromotionRecord
    step: _Step
    weakened: Sequence[RuleChange]
    restored: Sequence[RuleChange]


def find_weakening(
    history: RecordHistory, policies: NamedPolicies, records: Iterable[PromotionRecord]
) -> Iterator[Finding]:
    """Find promotions under a rule that was weakened for them and restored.

    That is a rule looser than the one before and the one after, where one person took two of the
    three steps (weaken, promote, restore) within seven days.
    """
    if history.incomplete:
        return
    changes: dict[str, list[RuleChange]] = {}
    for change in (*find_rule_changes(history), *_find_taken_rules(history)):
        changes.setdefault(change.stage, []).append(change)
    looser = _LooserTable({})
    for record in records:
        if record.action != "promote" or record.stage not in changes:
            continue
        promotion = _find_steps(history, policies, record, changes[record.stage], looser)
        if promotion is not None:
            yield from _judge_steps(promotion)


@dataclass(frozen=True, slots=True)
class _LooserTable:
    """Which policy is looser than which; the same few are compared for each promotion."""

    known: dict[tuple[int, int], bool]

    def is_looser(self, new: StagePolicy | None, old: StagePolicy | None) -> bool:
        key = (id(new), id(old))
        if key not in self.known:
            self.known[key] = is_looser(new, old)
        return self.known[key]


def _find_steps(
    history: RecordHistory,
    policies: NamedPolicies,
    record: PromotionRecord,
    changes: Sequence[RuleChange],
    looser: _LooserTable,
) -> _LoosePromotion | None:
    """Find the changes that weakened a promotion's rule before it, and restored it after."""
    landings = history.additions.get(record.record_path, ())
    proof = policies.prove_reference(record)
    policy = proof.policy
    # A promotion that landed on no rule was made under less than any rule asks for.
    if not landings or (policy is None and policies.find_landed_rules(record)):
        return None
    landing = landings[-1]
    weakened: list[RuleChange] = []
    restored: list[RuleChange] = []
    for change in changes:
        entry = history.entries[change.commit]
        is_weaker = looser.is_looser(policy, change.old) and looser.is_looser(
            change.new, change.old
        )
        is_stricter = looser.is_looser(policy, change.new) and looser.is_looser(
            change.old, change.new
        )
        if is_weaker and not change.taken and history.is_before(entry, landing):
            weakened.append(change)
        elif is_stricter and history.is_before(landing, entry):
            restored.append(change)
    if not weakened or not restored:
        return None
    step = _Step((record.author, landing.author), count_seconds(record.created))
    return _LoosePromotion(record, step, weakened, restored)


def _judge_steps(promotion: _LoosePromotion) -> Iterator[Finding]:
    for weakening in promotion.weakened:
        for restoring in promotion.restored:
            first = _Step((weakening.author,), weakening.authored)
            # Whoever merges takes what git offers: that is nobody's own step.
            restorers = () if restoring.taken else (restoring.author,)
            last = _Step(restorers, restoring.authored)
            pairs = ((first, promotion.step), (promotion.step, last), (first, last))
            if any(_are_one_deed(*pair) for pair in pairs):
                yield _report_weakening(promotion.record, weakening, restoring)
                return


def _are_one_deed(first: _Step, second: _Step) -> bool:
    if abs(first.seconds - second.seconds) > _ONE_DEED_S:
        return False
    for person in first.people:
        if any(is_same_person(person, other) for other in second.people):
            return True
    return False


def _report_weakening(
    record: PromotionRecord, weakening: RuleChange, restoring: RuleChange
) -> Finding:
    message = (
        f"was made under a rule that {weakening.commit[:10]} weakened and"
        f" {restoring.commit[:10]} restored: {'; '.join(weakening.loosened)}"
    )
    show = shell_command("git", "show", weakening.commit[:10], "--", layout.CONFIG)
    return Finding("policy", record.record_path, message, (show,))
