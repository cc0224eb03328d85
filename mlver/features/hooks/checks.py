"""What the hooks check: whether a commit or a push may pass, and what it leaves behind.

They read what git holds, the index or commits, and never a file of the work tree. They change
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlver.document import strict
from mlver.errors import InvalidDocument, MlverError
from mlver.features.hooks.artifact_files import find_artifact_files, read_ignore_rules
from mlver.features.hooks.guarding import GuardedFile, is_allowed, judge_artifact, judge_file
from mlver.findings import Finding
from mlver.git import remotes, trees
from mlver.git.changes_in import list_parents
from mlver.git.repository import GitRepository
from mlver.git.trees import TreeEntry
from mlver.policy.leaks import find_document_leaks, find_leaks
from mlver.project.audit import admission, audit, incoming
from mlver.project.audit.incoming import IncomingChanges
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.project.tags import missing_seals
from mlver.records import layout
from mlver.records.layout import PromotionPath, VersionPath
from mlver.records.sections.guard import GuardSettings
from mlver.records.tags import promotion_tag_name, version_tag_name


@dataclass(frozen=True, slots=True)
class CommitRange:
    """Commits to judge: those of `new` that `old` lacks."""

    old: str
    new: str


# `missing` also where one that mlver wrote is of another mlver.
HookState = Literal["installed", "chained", "foreign", "missing"]


@dataclass(frozen=True, slots=True)
class HookResult:
    """`looked` counts the files or references judged.

    `broken` are reasons to refuse; `notes` only inform. `sent` says what remotes got before the
    push. `hooks` has the state of each hook that a clone may have; `status` alone fills it.
    """

    hook: str
    looked: int
    broken: tuple[Finding, ...]
    notes: tuple[Finding, ...] = ()
    sent: tuple[str, ...] = ()
    hooks: Mapping[str, HookState] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return 1 if self.broken else 0


def check_records(start: Path, between: CommitRange | None = None) -> HookResult:
    """Whether the records touched are valid, unedited, whole in their chains and safely named."""
    changes = _read_changes(start, between)
    return HookResult("check", len(changes.records), tuple(admission.judge_incoming(changes)))


def guard_files(start: Path, between: CommitRange | None = None) -> HookResult:
    """Whether an artifact, large file, secret, private path or forbidden pickle would go into git,
    where it would stay for good; and whether a protected branch would get a direct commit.
    """
    changes = _read_changes(start, between, files=True)
    registry = changes.project.registry
    base = None
    if between is not None:
        repository = changes.project.repository
        base = incoming.resolve_commit(repository, between.old)
        # A range is judged by what its base has, so that it cannot let itself through: the
        # settings, and `.mlverignore`.
        registry = RecordRegistry(CommittedRecords.at_commit(repository, base))
    findings = list(_guard_changes(changes, registry, base))
    if between is None:
        findings += _guard_branch(changes)
    return _summarise_findings("guard", changes, findings)


def judge_pre_commit(start: Path) -> HookResult:
    """`check` and `guard` of what is staged."""
    changes = _read_changes(start, None)
    findings = admission.judge_incoming(changes)
    # Settings that are at fault are named once.
    if not any(finding.subject == layout.CONFIG for finding in findings):
        findings += _guard_changes(changes, changes.project.registry)
    findings += _guard_branch(changes)
    return _summarise_findings("pre-commit", changes, findings)


def _summarise_findings(
    hook: str, changes: IncomingChanges, findings: Sequence[Finding]
) -> HookResult:
    looked = len(changes.records) + len(changes.files)
    return HookResult(hook, looked, tuple(dict.fromkeys(findings)))


# -- what a push leaves behind -----------------------------------------------------------------


def check_seal_status(start: Path, between: CommitRange | None = None) -> HookResult:
    """What others could not resolve: records that no tag seals, and tags that are not pushed.

    Without `between`, of all that HEAD holds, and the remote is asked for its tags.
    """
    repository = GitRepository.find(start, hooked=True)
    remote = remotes.default_remote(repository)
    known_there: Collection[str] = ()
    commit = repository.head().commit
    records: Iterable[str] = ()
    if between is not None:
        commit = incoming.resolve_commit(repository, between.new)
        records = _read_changes(start, between).records
    elif commit is not None:
        records = CommittedRecords.at_commit(repository, commit).entries
    paths = [record_path for record_path in records if layout.is_sealed_path(record_path)]
    if between is None and remote and paths:
        known_there = remotes.list_remote_tags(repository, remote)
    notes = find_left_behind(repository, paths, remote, known_there)
    if commit is not None:
        notes = _drop_before_seals(repository, commit, notes)
    return HookResult("status", len(paths), (), notes)


def _drop_before_seals(
    repository: GitRepository, commit: str, notes: Sequence[Finding]
) -> tuple[Finding, ...]:
    """Leave out the promotions of a commit that are older than seals."""
    unsealed: list[str] = []
    for note in notes:
        if note.kind == "unsealed" and not layout.is_version_path(note.subject):
            unsealed.append(note.subject)
    before_seals = missing_seals.find_before_seals(repository, commit, unsealed)
    return tuple(note for note in notes if note.subject not in before_seals)


def find_left_behind(
    repository: GitRepository,
    paths: Sequence[str],
    remote: str | None,
    known_there: Collection[str],
) -> tuple[Finding, ...]:
    """Records of versions and promotions that go out without their seals.

    `known_there` are the tags that the other side has, or that are on their way.
    """
    tag_names: dict[str, str] = {}
    for record_path in paths:
        record_place = layout.parse_path(record_path)
        if isinstance(record_place, VersionPath):
            tag_names[record_path] = version_tag_name(record_place.model, record_place.version)
        elif isinstance(record_place, PromotionPath):
            tag_names[record_path] = promotion_tag_name(
                record_place.model, record_place.stage, record_place.sequence
            )
    # without a pattern, git would list every tag
    if not tag_names:
        return ()
    known_here = repository.tags(*(f"refs/tags/{name}" for name in tag_names.values()))
    notes: list[Finding] = []
    for record_path, name in tag_names.items():
        if name in known_there:
            continue
        if name not in known_here:
            message = "is sealed by no tag yet; seal it once it has landed"
            notes.append(Finding("unsealed", record_path, message, ("mlver tag",)))
        elif remote is not None:
            # It also says why a seal cannot go, where somebody else was first.
            message = (
                f"does not go along to {remote}: other clones call its record unsealed until it is"
                " there"
            )
            notes.append(Finding("tag", name, message, ("mlver tag --push",)))
    return tuple(notes)


# -- what comes in -----------------------------------------------------------------------------


def _read_changes(
    start: Path, between: CommitRange | None, *, files: bool = False
) -> IncomingChanges:
    repository = GitRepository.find(start, hooked=True)
    if between is None:
        return incoming.read_staged(repository)
    old = incoming.resolve_commit(repository, between.old)
    new = incoming.resolve_commit(repository, between.new)
    changes = incoming.read_pushed(repository, new, [old], landed=old, line="own")
    if files:
        return incoming.with_brought_files(changes, new, [old])
    return changes


def _guard_changes(
    changes: IncomingChanges, registry: RecordRegistry, rules_commit: str | None = None
) -> Iterator[Finding]:
    """Judge the files and the records by the settings that `registry` holds.

    `.mlverignore` is that of a commit, or else of the index.
    """
    # the settings are a file to fetch and parse, which most commits can do without
    if not changes.records and not changes.files:
        return
    try:
        settings = _read_guard_settings(registry)
    except MlverError as error:
        yield audit.describe_unreadable(changes.project, "settings", layout.CONFIG, error)
        return
    yield from _guard_files(changes, settings, rules_commit)
    yield from _guard_records(changes, settings)


def _read_guard_settings(registry: RecordRegistry) -> GuardSettings:
    """The repository's own; the defaults where it has no settings (yet).

    Sections that this mlver does not know have no say in what other files go into git.
    """
    if registry.read_file(layout.CONFIG) is None:
        return GuardSettings()
    return registry.read_shown_config().guard


def _guard_branch(changes: IncomingChanges) -> Iterator[Finding]:
    """Whether the commit would be made directly on a branch that takes merges only.

    The last commit's settings say so, so that no commit can let itself through.
    """
    registry = changes.project.registry
    repository = changes.project.repository
    try:
        if layout.CONFIG not in changes.records and not _read_guard_settings(registry).protect:
            return
        head = repository.head()
        if head.commit is None or head.branch is None or len(list_parents(repository)) > 1:
            return
        committed = RecordRegistry(CommittedRecords.at_commit(repository, head.commit))
        settings = _read_guard_settings(committed)
    except MlverError:
        # Settings that cannot be read are named already, or were by the commit that broke them.
        return
    if settings.protects_branch(head.branch):
        message = (
            "takes no direct commits (guard.protect in the settings);"
            " make the commit on another branch, and merge that"
        )
        yield Finding("git", head.branch, message, ("git switch -c BRANCH",))


def _guard_files(
    changes: IncomingChanges, settings: GuardSettings, rules_commit: str | None
) -> Iterator[Finding]:
    """Files that have no place in git. One that is too large is judged by its size, never read."""
    if not changes.files:
        return
    repository = changes.project.repository
    matches = read_ignore_rules(repository, rules_commit)
    paths = dict.fromkeys(file_path for file_path, _ in changes.files)
    artifacts = find_artifact_files(changes.project, paths, matches)
    for file_path, blob in changes.files:
        artifact = artifacts.get(file_path)
        head = b""
        small_enough = blob.size <= settings.max_file_size
        if small_enough and (artifact or settings.pickle == "forbid"):
            # one at a time, as all of them together may be more than there is memory
            contents = trees.read_contents(repository, {file_path: TreeEntry("", blob.object_id)})
            head = contents.get(file_path, b"")
        file = GuardedFile(path=file_path, size=blob.size, head=head, artifact=artifact)
        yield from judge_file(file, settings)


def _guard_records(changes: IncomingChanges, settings: GuardSettings) -> Iterator[Finding]:
    """Records that hold a secret or a private path, or pin a forbidden pickle."""
    tree = changes.record_tree
    paths: list[str] = []
    for record_path in changes.records:
        if record_path.endswith(".yaml") and record_path in tree.entries:
            paths.append(record_path)
    tree.fetch_files(paths)
    for record_path in paths:
        if is_allowed(record_path, settings) or not tree.entries[record_path].is_file:
            continue
        contents = changes.project.registry.read_file(record_path) or b""
        for key_path, leak_kind in _find_leaks(contents, record_path):
            yield _report_leak(record_path, key_path, leak_kind)
        if layout.is_version_path(record_path):
            yield from _find_pickles(changes.project, record_path, settings)


def _report_leak(path: str, key_path: str, leak: str) -> Finding:
    message, source = f"says {leak}", "the file"
    if key_path:
        message, source = f"says {leak} at {key_path}", key_path
    advice = f"take it out of what {source} is read from, then do it again"
    return Finding("leak", path, f"{message}; {advice}")


def _find_leaks(data: bytes, path: str) -> Iterator[tuple[str, str]]:
    try:
        document = strict.load_document(data, path).value
    except InvalidDocument:
        # `check` reports that it is not valid; what it leaks, it leaks all the same
        for leak_kind in find_leaks(data.decode(errors="replace")):
            yield "", leak_kind
        return
    yield from find_document_leaks(document)


def _find_pickles(project: Project, path: str, settings: GuardSettings) -> Iterator[Finding]:
    record_place = layout.parse_path(path)
    if settings.pickle != "forbid" or not isinstance(record_place, VersionPath):
        return
    try:
        record, _ = project.registry.read_version(record_place.model, record_place.version)
        for artifact in record.named_artifacts().values():
            manifest = project.registry.read_manifest(artifact.digest)
            files: list[str] = []
            if manifest is not None:
                files = [name.decode(errors="replace") for name, _ in manifest.entries]
            yield from judge_artifact(path, artifact.path, artifact.format, files, settings)
    except MlverError:
        # `check` reports a record that cannot be read
        return
