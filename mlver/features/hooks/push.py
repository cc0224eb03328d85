"""What a push may do: `pre-push` judges it on the way out, `pre-receive` where it arrives.

A tag of a version or a promotion is made once, annotated, on a commit that holds the record it
names, and never moves or goes away. The pre-commit framework runs no hook for a push of nothing but
a tag, so both sides are judged here without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from mlver.errors import UsageError
from mlver.features.hooks import deleted_seals
from mlver.features.hooks.adopted_origins import find_lost_origins
from mlver.features.hooks.checks import HookResult, find_left_behind
from mlver.features.hooks.deleted_seals import RemainingBranches
from mlver.features.hooks.pushed_tags import judge_tag_update
from mlver.features.hooks.sent_code import send_code
from mlver.features.hooks.sent_objects import send_objects
from mlver.features.hooks.stranded_seals import find_stranded_seals
from mlver.features.hooks.unsent_seals import find_unsent_seals
from mlver.features.hooks.updates import BRANCHES, TAGS, RefUpdate
from mlver.findings import Finding
from mlver.git import changes_in, remotes
from mlver.git.changes_in import is_absent
from mlver.git.main_branch import find_main_branch
from mlver.git.repository import GitRepository
from mlver.project.audit import admission, audit, incoming
from mlver.project.audit.incoming import BranchProtection, IncomingChanges, IncomingJudge
from mlver.project.project import Project
from mlver.project.remote.pushing import objects_are_sent
from mlver.project.tags import missing_seals
from mlver.records import layout
from mlver.records.tags import read_tag_name

# Where a repository receives a push, nobody knows what the other side calls it.
_ANY_REMOTE = "REMOTE"


@dataclass(frozen=True, slots=True)
class _ReceivingSide:
    """What is known of the repository that a push goes to.

    `protected` is the branch whose records nobody may change, `others` holds for all other
    branches. `known` is what rev-list takes for all commits that were there before. `main` is the
    main branch there, and `landing` the reference here that says what it holds. `remote` is what
    whoever pushes calls it.
    """

    repository: GitRepository
    protected: str | None
    known: str
    others: BranchProtection
    main: str | None
    landing: str | None
    remote: str
    asked_by: IncomingJudge


@dataclass(frozen=True, slots=True)
class _PushJudgement:
    """`findings` stand in the way; `records` are those that the push brings and that want seals.

    Each record has a commit that holds it.
    """

    findings: tuple[Finding, ...]
    records: Mapping[str, str] = field(default_factory=dict)


def _describe_receiver(
    repository: GitRepository, remote: str | None, receiver: str | None
) -> _ReceivingSide:
    """What a push meets at the `receiver`: its main branch, and the commits that it has."""
    known = "--remotes"
    if remote in remotes.list_remotes(repository):
        known = f"--remotes={remote}"
    main = find_main_branch(repository, remote) if remote else None
    return _ReceivingSide(
        repository,
        protected=None,
        known=known,
        others="own",
        main=f"{BRANCHES}{main.name}" if main else None,
        landing=main.remote_reference if main else None,
        remote=receiver or _ANY_REMOTE,
        asked_by="pre-push",
    )


def judge_pre_push(start: Path, lines: Sequence[str], remote: str | None) -> HookResult:
    """Judge the lines that git gives to its pre-push hook.

    Each is `<local ref> <local id> <remote ref> <remote id>`. `remote` is where the push goes: a
    remote's name, or an address that was typed.
    """
    repository = GitRepository.find(start, hooked=True)
    updates: list[RefUpdate] = []
    for _, new, ref, old in _split_lines(lines, 4):
        updates.append(RefUpdate(old, new, ref))
    receiver = remote or remotes.default_remote(repository)
    judgement = _judge_updates(_describe_receiver(repository, remote, receiver), updates)
    # A branch that is pushed to this very repository, as `.`, reaches nobody.
    elsewhere = remote if remote != "." else None
    if elsewhere:
        unsent = find_unsent_seals(repository, elsewhere, updates)
        judgement = replace(judgement, findings=(*judgement.findings, *unsent))
    tags = [update.ref.removeprefix(TAGS) for update in updates if update.ref.startswith(TAGS)]
    notes = find_left_behind(repository, list(judgement.records), receiver, tags)
    result = HookResult("pre-push", len(updates), judgement.findings, notes)
    if not elsewhere or judgement.findings:
        return result
    # `mlver push` brings the seals itself, and whoever pushes tags knows of them.
    if len(tags) < len(updates) and not objects_are_sent():
        told = [*tags, *(note.subject for note in notes)]
        project = Project.from_repository(repository, start)
        stranded = find_stranded_seals(project, elsewhere, told)
        result = replace(result, notes=(*notes, *stranded))
    return _send_first(repository, start, elsewhere, _list_places(judgement, updates), result)


def _send_first(
    repository: GitRepository,
    start: Path,
    target: str,
    places: Mapping[str, str],
    result: HookResult,
) -> HookResult:
    """Send the objects and the code of what a push brings, before git pushes to `target`."""
    findings, sent = send_objects(repository, start, places, target)
    notes = result.notes
    if not findings:
        notes += send_code(repository, target, places)
    return replace(result, broken=findings, notes=notes, sent=sent)


def _list_places(judgement: _PushJudgement, updates: Sequence[RefUpdate]) -> dict[str, str]:
    """List the records that a push brings or seals, each with a commit that holds it."""
    places = dict(judgement.records)
    for update in updates:
        tag_name = read_tag_name(update.ref.removeprefix(TAGS))
        if update.ref.startswith(TAGS) and tag_name is not None and not is_absent(update.new):
            places.setdefault(layout.record_path(tag_name), f"{update.new}^{{commit}}")
    return places


def judge_pre_receive(start: Path, lines: Sequence[str]) -> HookResult:
    """Judge `<old id> <new id> <ref>` lines in the repository that they are pushed to.

    The branch that HEAD names is protected.
    """
    repository = GitRepository.hosted(start)
    updates = [RefUpdate(*words) for words in _split_lines(lines, 3)]
    branch = repository.head().branch
    protected = f"{BRANCHES}{branch}" if branch else None
    side = _ReceivingSide(
        repository,
        protected=protected,
        known="--all",
        others="free",
        main=protected,
        landing="HEAD",
        remote=_ANY_REMOTE,
        asked_by="pre-receive",
    )
    judgement = _judge_updates(side, updates)
    return HookResult("pre-receive", len(updates), judgement.findings)


def _split_lines(lines: Sequence[str], count: int) -> list[list[str]]:
    fields = [line.split(" ") for line in lines if line]
    if any(len(words) != count for words in fields):
        raise UsageError("git gives this hook its lines on stdin", hint="mlver hook install")
    return fields


def _judge_updates(side: _ReceivingSide, updates: Sequence[RefUpdate]) -> _PushJudgement:
    findings: list[Finding] = []
    # two branches of one push can bring the same record
    records: dict[str, str] = {}
    main = _list_main(side, updates)
    pushed_tags = _list_tags(updates)
    find_branches = partial(_find_branches, side, updates)
    lost_origins = find_lost_origins(side.repository, updates, side.remote, main)
    findings.extend(audit.catch_errors(TAGS, lost_origins))
    for update in updates:
        if update.ref.startswith(TAGS):
            judged = judge_tag_update(side.repository, update, side.remote, main, find_branches)
            findings.extend(audit.catch_errors(update.ref, judged))
        elif update.ref.startswith(BRANCHES):
            judgement = _judge_branch(side, update, pushed_tags)
            findings.extend(judgement.findings)
            records.update(judgement.records)
    return _PushJudgement(tuple(dict.fromkeys(findings)), records)


def _find_branches(side: _ReceivingSide, updates: Sequence[RefUpdate]) -> RemainingBranches:
    """Find the branches that the other side has after the push."""
    if side.asked_by == "pre-receive":
        return deleted_seals.read_own_branches(side.repository, side.main, updates)
    return deleted_seals.ask_remote(side.repository, side.remote, side.main, updates)


def _list_main(side: _ReceivingSide, updates: Sequence[RefUpdate]) -> tuple[str, ...]:
    """List the main branch there as it is, where it is known here, and as it is to be."""
    if side.landing is None:
        return ()
    pushed: list[str] = []
    for update in updates:
        if update.ref in (side.main, side.protected) and not is_absent(update.new):
            pushed.append(update.new)
    return (side.landing, *pushed)


def _list_tags(updates: Sequence[RefUpdate]) -> dict[str, str | None]:
    """List the object of each tag that a push brings, by name; None for one that it deletes."""
    tags: dict[str, str | None] = {}
    for update in updates:
        if update.ref.startswith(TAGS):
            name = update.ref.removeprefix(TAGS)
            tags[name] = None if is_absent(update.new) else update.new
    return tags


def _judge_branch(
    side: _ReceivingSide, update: RefUpdate, pushed_tags: Mapping[str, str | None]
) -> _PushJudgement:
    protected = update.ref == side.protected
    old = None
    # the other side's commit may be one that this clone never fetched
    if not is_absent(update.old) and side.repository.has_commit(update.old):
        old = update.old
    if is_absent(update.new):
        if protected and old:
            return _PushJudgement(_judge_deletion(side.repository, update.ref, old))
        return _PushJudgement(())
    line: BranchProtection = "protected" if protected else side.others
    landed = old
    if not protected and update.ref != side.main:
        landed = _find_main(side)
    without = [old or side.known]
    if update.ref not in (side.protected, side.main):
        # What another branch there has was judged when that was pushed.
        without = list(dict.fromkeys([*without, side.known]))
    changes = incoming.read_pushed(side.repository, update.new, without, landed=landed, line=line)
    changes = replace(changes, asked_by=side.asked_by, pushed_tags=pushed_tags)
    records = _list_new_records(side.repository, changes, update.new, landed)
    findings = tuple(admission.judge_incoming(changes))
    return _PushJudgement(findings, dict.fromkeys(records, update.new))


def _judge_deletion(repository: GitRepository, ref: str, old: str) -> tuple[Finding, ...]:
    records = repository.files_at(old, layout.MODELS)
    if not records:
        return ()
    message = f"holds {len(records)} files of records, and would be deleted"
    return (Finding("history", ref, message, ("git push origin HEAD:ANOTHER-BRANCH",)),)


def _list_new_records(
    repository: GitRepository, changes: IncomingChanges, new: str, landed: str | None
) -> tuple[str, ...]:
    """The records that a branch brings, that have not landed yet, and that tags have to seal."""
    paths: list[str] = []
    for record_path in changes.records:
        if record_path in changes.record_tree.entries and layout.is_sealed_path(record_path):
            paths.append(record_path)
    if landed is not None:
        objects = changes_in.find_objects(repository, [f"{landed}:{path}" for path in paths])
        pairs = zip(paths, objects, strict=True)
        paths = [record_path for record_path, existing in pairs if existing is None]
    promotions = [path for path in paths if not layout.is_version_path(path)]
    before_seals = missing_seals.find_before_seals(repository, new, promotions)
    return tuple(path for path in paths if path not in before_seals)


def _find_main(side: _ReceivingSide) -> str | None:
    """The commit that main has there, as far as it is known here; None where it has none."""
    if side.landing is None:
        return None
    return changes_in.find_commit(side.repository, side.landing)
