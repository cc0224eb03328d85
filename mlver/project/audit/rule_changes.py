"""How the rules of stages changed, and promotions made under one that was weakened for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlver.errors import shell_command
from mlver.findings import Finding
from mlver.git.commit_log import CommitEntry
from mlver.policy.looser import drop_covered, list_loosened, list_loosenings, select_shared
from mlver.policy.people import is_same_person
from mlver.policy.promotion_dates import count_seconds
from mlver.policy.stage_policy import StagePolicy
from mlver.project.audit.named_policies import NamedPolicies
from mlver.project.audit.record_history import RecordHistory
from mlver.records import layout
from mlver.records.promotion import PromotionRecord

# Two of the three steps by one person within this time are one deed.
_ONE_DEED_S = 7 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """A commit that changed the rule of a stage; `loosened` says in words what became looser.

    `authored` and `committed` are seconds since 1970, 0 where git cannot read them. `new` is None
    where the commit took the rule away, `old` where it made the first.
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
    if not entry.parents or entry.parents[0] not in history.entries:
        return history.grounds[entry.commit]
    return _find_readable_state(history, entry.parents[0])


def _find_readable_state(history: RecordHistory, commit: str) -> str | None:
    """Find the settings of a commit: where they cannot be read, the last before that can be."""
    current = history.entries[commit]
    state = history.states[commit]
    while state is not None and not _is_readable(history, state):
        state = history.grounds[current.commit]
        if not current.parents or current.parents[0] not in history.entries:
            break
        current = history.entries[current.parents[0]]
    return state


def _is_readable(history: RecordHistory, object_id: str) -> bool:
    committed = history.settings.get(object_id)
    return committed is not None and committed.config is not None


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
        authored=entry.authored or 0,
        committer=entry.committer,
        committed=entry.committed or 0,
        loosened=list_loosenings(new, old),
        old=old,
        new=new,
    )


@dataclass(frozen=True, slots=True)
class _RuleStep:
    """A change of a rule, against one parent, and the aspects that it loosened or tightened.

    `own_loosened` and `own_tightened` are what was the author's own doing: of a merge, what none of
    its sides had done. A person who merges takes what git offers, and that is no step of their own.
    """

    change: RuleChange
    loosened: frozenset[str]
    tightened: frozenset[str]
    own_loosened: frozenset[str]
    own_tightened: frozenset[str]


def _list_steps(history: RecordHistory) -> dict[str, list[_RuleStep]]:
    """List every step that changed a rule, by the stage; of merges, one for each parent."""
    steps: dict[str, list[_RuleStep]] = {}
    # Oldest first: what a merge took over was done before it.
    for entry in reversed(list(history.entries.values())):
        if len(entry.parents) > 1:
            for step in _find_merge_steps(history, entry, steps):
                steps.setdefault(step.change.stage, []).append(step)
        elif layout.CONFIG in entry.contents:
            ground = _find_readable_ground(history, entry)
            for stage in _list_stages(history, entry, ground):
                for change in _compare_rules(history, entry, ground, stage):
                    steps.setdefault(stage, []).append(_measure_step(change))
    return steps


def _measure_step(change: RuleChange) -> _RuleStep:
    loosened = list_loosened(change.new, change.old)
    tightened = list_loosened(change.old, change.new)
    return _RuleStep(change, loosened, tightened, loosened, tightened)


def _find_merge_steps(
    history: RecordHistory, entry: CommitEntry, steps: Mapping[str, Sequence[_RuleStep]]
) -> list[_RuleStep]:
    """Find how a merge changed rules, against each parent; `steps` are those that came before."""
    merge_steps: list[_RuleStep] = []
    for parent in entry.parents:
        before = None
        if parent in history.entries:
            before = _find_readable_state(history, parent)
        for stage in _list_stages(history, entry, before):
            for change in _compare_rules(history, entry, before, stage):
                others: list[_RuleStep] = []
                for step in steps.get(stage, ()):
                    other = history.entries[step.change.commit]
                    if history.is_before(other, entry) and not _has_commit(history, parent, other):
                        others.append(step)
                merge_steps.append(_leave_out(_measure_step(change), others))
    return merge_steps


def _has_commit(history: RecordHistory, commit: str, older: CommitEntry) -> bool:
    return commit in history.entries and history.is_before(older, history.entries[commit])


def _leave_out(step: _RuleStep, others: Iterable[_RuleStep]) -> _RuleStep:
    """Leave out what other steps had done already."""
    loosened: set[str] = set()
    tightened: set[str] = set()
    for other in others:
        loosened |= other.own_loosened
        tightened |= other.own_tightened
    return replace(
        step,
        own_loosened=drop_covered(step.loosened, loosened),
        own_tightened=drop_covered(step.tightened, tightened),
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """One of the three steps: who took it, and when."""

    people: tuple[str, ...]
    seconds: int


@dataclass(frozen=True, slots=True)
class _LoosePromotion:
    """A promotion under a rule that had been weakened before it, and was tightened after it.

    Each change is with the aspects that it changed and in which the promotion's rule was looser.
    """

    record: PromotionRecord
    step: _Step
    weakened: Sequence[tuple[_RuleStep, frozenset[str]]]
    restored: Sequence[tuple[_RuleStep, frozenset[str]]]


def find_weakening(
    history: RecordHistory, policies: NamedPolicies, records: Iterable[PromotionRecord]
) -> Iterator[Finding]:
    """Find promotions under a rule that was weakened for them and restored.

    That is a rule looser than the one before and the one after, where one person took two of the
    three steps (weaken, promote, restore) within seven days.
    """
    if history.incomplete:
        return
    steps = _list_steps(history)
    table = _AspectTable({})
    for record in records:
        if record.action != "promote" or record.stage not in steps:
            continue
        promotion = _find_steps(history, policies, record, steps[record.stage], table)
        if promotion is not None:
            yield from _judge_steps(promotion)


@dataclass(frozen=True, slots=True)
class _AspectTable:
    """In what a policy is looser than another; the same few are compared for each promotion."""

    known: dict[tuple[int, int], frozenset[str]]

    def list_loosened(self, new: StagePolicy | None, old: StagePolicy | None) -> frozenset[str]:
        key = (id(new), id(old))
        if key not in self.known:
            self.known[key] = list_loosened(new, old)
        return self.known[key]


def _find_steps(
    history: RecordHistory,
    policies: NamedPolicies,
    record: PromotionRecord,
    steps: Sequence[_RuleStep],
    table: _AspectTable,
) -> _LoosePromotion | None:
    """Find the changes that weakened a promotion's rule before it, and restored it after."""
    landings = history.additions.get(record.record_path, ())
    proof = policies.prove_reference(record)
    policy = proof.policy
    # A promotion that landed on no rule was made under less than any rule asks for.
    if not landings or (policy is None and policies.find_landed_rules(record)):
        return None
    landing = landings[-1]
    weakened: list[tuple[_RuleStep, frozenset[str]]] = []
    restored: list[tuple[_RuleStep, frozenset[str]]] = []
    for step in steps:
        entry = history.entries[step.change.commit]
        lost = select_shared(step.own_loosened, table.list_loosened(policy, step.change.old))
        gained = select_shared(step.tightened, table.list_loosened(policy, step.change.new))
        if lost and history.is_before(entry, landing):
            weakened.append((step, lost))
        elif gained and history.is_before(landing, entry):
            restored.append((step, gained))
    if not weakened or not restored:
        return None
    made = _Step((record.author, landing.author), count_seconds(record.created))
    return _LoosePromotion(record, made, weakened, restored)


def _judge_steps(promotion: _LoosePromotion) -> Iterator[Finding]:
    for weakening, lost in promotion.weakened:
        for restoring, gained in promotion.restored:
            if not select_shared(lost, gained):
                continue
            first = _Step((weakening.change.author,), weakening.change.authored)
            restorers = (restoring.change.author,) if restoring.own_tightened else ()
            last = _Step(restorers, restoring.change.authored)
            pairs = ((first, promotion.step), (promotion.step, last), (first, last))
            if any(_are_one_deed(*pair) for pair in pairs):
                yield _report_weakening(promotion.record, weakening.change, restoring.change)
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
