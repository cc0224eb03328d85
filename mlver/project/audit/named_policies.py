"""The policies that promotions name: what each says, and whether its commit is part of history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.git import changes_in
from mlver.git.commit_log import list_unreachable, read_commit_log
from mlver.git.main_branch import list_main_branches
from mlver.git.partial import ClonedContents
from mlver.git.repository import GitRepository
from mlver.policy.policy_digest import digest_policy
from mlver.policy.stage_policy import StagePolicy
from mlver.project.audit.record_history import RecordHistory
from mlver.project.history.policies import (
    CommittedSettings,
    digest_signers,
    find_judging_branch,
    parse_settings,
    read_settings,
)
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.references import PolicyReference


@dataclass(frozen=True, slots=True)
class PolicyProof:
    """What came of looking up a policy that a promotion names.

    `policy` is what judged, None where there is none to judge by; `fault` says in words what is
    wrong with the reference.
    """

    policy: StagePolicy | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class NamedPolicies:
    """The policies of the commits that promotions name.

    `reachable` are the commits that belong to the history, or to that of a main branch. `awaiting`
    are the settings that a promotion which has not landed is to land on, and beside. `lacking` are
    the commits whose settings or signers a partial clone lacks. `former` are the stages that had a
    rule some time before `history` begins.
    """

    history: RecordHistory
    settings: Mapping[str, CommittedSettings]
    signers: Mapping[str, Digest]
    reachable: frozenset[str]
    awaiting: Sequence[CommittedSettings]
    lacking: frozenset[str] = frozenset()
    former: frozenset[str] = frozenset()
    # By the identity of the settings: those of many commits are one object.
    _policies: dict[tuple[int, str], tuple[StagePolicy, Digest] | None] = field(
        init=False, default_factory=dict
    )

    def prove_reference(self, record: PromotionRecord) -> PolicyProof:
        """Look up what a promotion says that judged it."""
        reference = record.policy
        if reference is None:
            return PolicyProof(fault="does not say which policy judged it")
        if reference.commit not in self.reachable:
            return self._prove_by_digest(record, reference)
        if reference.commit in self.lacking:
            return PolicyProof()
        committed = self.settings[reference.commit]
        if committed.config is None and self.history.incomplete:
            return PolicyProof()
        shown = reference.commit[:10]
        named = self._digest_settings(committed, record.stage)
        if named is None:
            return PolicyProof(fault=f"names the policy of {shown}, which has no rule for it")
        policy, digest = named
        if digest != reference.digest:
            return PolicyProof(policy, f"names another policy than the one that {shown} has")
        if self.signers.get(reference.commit) != reference.signers:
            return PolicyProof(policy, f"names other signers than those that {shown} has")
        return PolicyProof(policy)

    def _prove_by_digest(self, record: PromotionRecord, reference: PolicyReference) -> PolicyProof:
        """Prove a policy whose commit the history lacks: what the record landed on has to be it.

        A rebase or a squash merge takes such a commit away, and a new stage has none before its
        promotion lands.
        """
        rules = self.find_landed_rules(record)
        for policy, digest in rules:
            if digest == reference.digest:
                return PolicyProof(policy)
        if self.history.incomplete:
            return PolicyProof()
        if reference.commit is None and not rules and not self._had_rule(record):
            return PolicyProof()
        if reference.commit is None:
            return PolicyProof(fault="names no commit whose policy judged it, though there was one")
        shown = reference.commit[:10]
        return PolicyProof(fault=f"names the policy of {shown}, which is not part of the history")

    def find_landed_rules(self, record: PromotionRecord) -> list[tuple[StagePolicy, Digest]]:
        """List the rules that a promotion landed on: of a new stage, the one it came with."""
        rules: list[tuple[StagePolicy, Digest]] = []
        additions = self.history.additions.get(record.record_path, ())
        if not additions:
            for committed in self.awaiting:
                rule = self._digest_settings(committed, record.stage)
                if rule is not None:
                    return [rule]
        for entry in additions:
            object_ids = (self.history.grounds[entry.commit], self.history.states[entry.commit])
            for object_id in object_ids:
                rule = self.find_rule(object_id, record.stage)
                if rule is not None:
                    rules.append(rule)
                    break
        return rules

    def _had_rule(self, record: PromotionRecord) -> bool:
        """Say whether the stage had a rule before a promotion landed, which was taken away then."""
        if record.stage in self.former:
            return True
        for landing in self.history.additions.get(record.record_path, ()):
            for entry in self.history.entries.values():
                if layout.CONFIG not in entry.contents:
                    continue
                if not self.history.is_before(entry, landing):
                    continue
                object_ids = (self.history.grounds[entry.commit], self.history.states[entry.commit])
                if any(self.find_rule(object_id, record.stage) for object_id in object_ids):
                    return True
        return False

    def find_rule(self, object_id: str | None, stage: str) -> tuple[StagePolicy, Digest] | None:
        """Find a stage's policy in the settings with this object id, with the policy's digest."""
        committed = self.history.settings.get(object_id or "")
        if committed is None:
            return None
        return self._digest_settings(committed, stage)

    def _digest_settings(
        self, committed: CommittedSettings, stage: str
    ) -> tuple[StagePolicy, Digest] | None:
        key = (id(committed), stage)
        if key not in self._policies:
            policy = committed.find_policy(stage)
            self._policies[key] = None
            if policy is not None:
                self._policies[key] = (policy, digest_policy(policy))
        return self._policies[key]


def read_named_policies(
    repository: GitRepository,
    history: RecordHistory,
    records: Iterable[PromotionRecord],
    tips: Sequence[str],
    awaiting: Sequence[CommittedSettings] = (),
    *,
    before: str | None = None,
) -> NamedPolicies:
    """Read the policies that promotions name; `tips` are what their commits have to belong to.

    `awaiting` are the settings that promotions without a commit are to land on, and beside.
    `before` is the commit whose history they are to land on, where `history` lacks that.
    """
    commits: dict[str, None] = {}
    former: frozenset[str] = frozenset()
    for record in records:
        if record.policy is None:
            continue
        if record.policy.commit is not None:
            commits[record.policy.commit] = None
        elif before is not None and not former:
            former = _list_former_stages(repository, before)
    reachable = {commit for commit in commits if commit in history.entries}
    others = [commit for commit in commits if commit not in reachable]
    known_objects = changes_in.find_objects(repository, others)
    existing: list[str] = []
    for commit, known in zip(others, known_objects, strict=True):
        if known is not None and known.kind == "commit":
            existing.append(commit)
    missing = list_unreachable(repository, existing, tips)
    if missing:
        missing = list_unreachable(repository, missing, _list_main_tips(repository))
    reachable.update(commit for commit in existing if commit not in missing)
    lacking = _find_lacking(repository, reachable)
    settings = read_settings(repository, reachable - lacking)
    signers = digest_signers(repository, settings)
    return NamedPolicies(
        history, settings, signers, frozenset(reachable), awaiting, lacking, former
    )


def _list_former_stages(repository: GitRepository, tip: str) -> frozenset[str]:
    """List every stage that settings in the history of a commit had."""
    object_ids: dict[str, None] = {}
    for entry in read_commit_log(repository, tip, [layout.CONFIG]):
        object_id = entry.contents.get(layout.CONFIG)
        if object_id is not None:
            object_ids[object_id] = None
    lacking = ClonedContents.find_in(repository).find_lacking(object_ids)
    readable = [object_id for object_id in object_ids if object_id not in lacking]
    stages: set[str] = set()
    for committed in parse_settings(repository, readable).values():
        if committed.config is not None:
            stages.update(committed.config.stages)
    return frozenset(stages)


def _find_lacking(repository: GitRepository, commits: Iterable[str]) -> frozenset[str]:
    """Find the commits whose settings or signers this clone lacks."""
    holders: dict[str, str] = {}
    for commit in commits:
        for path in (layout.CONFIG, layout.ALLOWED_SIGNERS):
            holders[f"{commit}:{path}"] = commit
    lacking = ClonedContents.find_in(repository).find_lacking_specs(holders)
    return frozenset(holders[spec] for spec in lacking)


def _list_main_tips(repository: GitRepository) -> list[str]:
    tips: list[str] = []
    for main in list_main_branches(repository):
        for reference in (main.remote_reference, main.local_reference):
            if reference is not None:
                tips.append(reference)
    # Where the settings of a main branch cannot be read, no promotion was judged by another.
    with suppress(MlverError):
        judging = find_judging_branch(repository)
        if judging is not None and judging not in tips:
            tips.append(judging)
    return tips
