"""What the hooks ask: whether a commit or a push may pass, and what it leaves behind.

They read what git holds, the index or commits, and never a file of the work tree. They change nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlver.document import strict
from mlver.errors import InvalidDocument, MlverError, shell_command
from mlver.features.hooks.guarding import GuardedFile, is_allowed, judge_artifact, judge_file
from mlver.features.hooks.secrets import find_document_leaks, find_leaks
from mlver.findings import Finding
from mlver.git import remotes, trees
from mlver.git.repository import GitRepository
from mlver.git.trees import TreeEntry
from mlver.project.audit import admission, incoming
from mlver.project.audit.incoming import IncomingChanges
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.sections.guard import GuardSettings
from mlver.records.tags import version_tag_name


@dataclass(frozen=True, slots=True)
class CommitRange:
    """Commits to judge: those of `new` that `old` lacks."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class HookResult:
    """`looked` counts what was looked at; `broken` stands in the way, `notes` only want to be known."""

    hook: str
    looked: int
    broken: tuple[Finding, ...]
    notes: tuple[Finding, ...] = ()

    @property
    def exit_code(self) -> int:
        return 1 if self.broken else 0


def check_records(start: Path, between: CommitRange | None = None) -> HookResult:
    """Whether the records touched are valid, unedited, whole in their chains and safely named."""
    found = _read_incoming(start, between)
    return HookResult("check", len(found.records), tuple(admission.judge_incoming(found)))


def guard_files(start: Path, between: CommitRange | None = None) -> HookResult:
    """Whether no artifact, large file, secret, private path or forbidden pickle would go into git for good."""
    found = _read_incoming(start, between, files=True)
    repository = found.project.repository
    # a range is judged by what its base says: it does not let itself through
    old = between and RecordRegistry(
        CommittedRecords.at_commit(repository, incoming.resolve_commit(repository, between.old)),
        None,
    )
    settings = _read_guard_settings(old or found.project.registry)
    broken = [*_guard_files(found, settings), *_guard_records(found, settings)]
    return HookResult("guard", len(found.records) + len(found.files), tuple(dict.fromkeys(broken)))


def judge_pre_commit(start: Path) -> HookResult:
    """`check` and `guard` of what is staged."""
    found = _read_incoming(start, None)
    settings = (
        _read_guard_settings(found.project.registry)
        if found.records or found.files
        else GuardSettings()
    )
    broken = [
        *admission.judge_incoming(found),
        *_guard_files(found, settings),
        *_guard_records(found, settings),
    ]
    return HookResult(
        "pre-commit", len(found.records) + len(found.files), tuple(dict.fromkeys(broken))
    )


def check_seal_status(start: Path, between: CommitRange | None = None) -> HookResult:
    """What the other side could not resolve: records that no tag seals, and tags that stay behind.

    Without `between`, of all that HEAD holds, and the remote is asked for its tags.
    """
    repository = GitRepository.find(start, hooked=True)
    remote = remotes.default_remote(repository)
    if between is None:
        head = repository.head().commit
        paths = (
            [
                path
                for path in CommittedRecords.at_commit(repository, head).entries
                if layout.is_version_path(path)
            ]
            if head
            else []
        )
        there = remotes.list_remote_tags(repository, remote) if remote and paths else set()
    else:
        paths = [
            path for path in _read_incoming(start, between).records if layout.is_version_path(path)
        ]
        there = set()
    return HookResult("status", len(paths), (), find_left_behind(repository, paths, remote, there))


def find_left_behind(
    repository: GitRepository, paths: Sequence[str], remote: str | None, there: Collection[str]
) -> tuple[Finding, ...]:
    """For version records that go out: whether they are sealed, and the seals are there, or on their way (`there`)."""
    names = {
        path: version_tag_name(place.model, place.version)
        for path in paths
        if (place := layout.parse_path(path))
    }
    here = repository.tags(*(f"refs/tags/{name}" for name in names.values())) if names else {}
    notes = []
    for path, name in names.items():
        if name not in here and name not in there:
            notes.append(
                Finding(
                    "unsealed",
                    path,
                    "is sealed by no tag yet; seal it once it has landed",
                    ("mlver tag",),
                )
            )
        elif name not in there and remote is not None:
            hint = shell_command("git", "push", remote, f"refs/tags/{name}")
            notes.append(Finding("tag", name, f"does not go along to {remote}", (hint,)))
    return tuple(notes)


def _read_incoming(
    start: Path, between: CommitRange | None, *, files: bool = False
) -> IncomingChanges:
    repository = GitRepository.find(start, hooked=True)
    if between is None:
        return incoming.read_staged(repository)
    old, new = (
        incoming.resolve_commit(repository, revision) for revision in (between.old, between.new)
    )
    found = incoming.read_pushed(repository, new, [old], landed=old, line="own")
    return incoming.with_brought_files(found, new, [old]) if files else found


def _read_guard_settings(registry: RecordRegistry) -> GuardSettings:
    """The repository's own; what holds where nothing is said, where it has none (yet)."""
    return (
        registry.read_config().guard
        if registry.read_file(layout.CONFIG) is not None
        else GuardSettings()
    )


def _guard_files(found: IncomingChanges, settings: GuardSettings) -> Iterator[Finding]:
    """Files that have no place in git. Those too large are judged by their size, and never read."""
    if not found.files:
        return
    artifacts = _list_artifact_paths(found.project)
    for path, file in found.files:
        pinned = next(
            (name for place, name in artifacts.items() if f"{path}/".startswith(f"{place}/")), None
        )
        worth = file.size <= settings.max_file_size and (pinned or settings.pickle == "forbid")
        # one at a time, as all of them together may be more than there is memory
        read = (
            trees.read_contents(found.project.repository, {path: TreeEntry("", file.object_id)})
            if worth
            else {}
        )
        yield from judge_file(
            GuardedFile(path=path, size=file.size, head=read.get(path, b""), artifact=pinned),
            settings,
        )


def _list_artifact_paths(project: Project) -> dict[str, str]:
    """The paths of the artifacts that mlver keeps, each with a name for it."""
    found: dict[str, str] = {}
    for model in project.registry.list_models():
        settings = project.registry.read_settings(model)
        if settings is not None:
            named = {**settings.data, **({"weights": settings.weights} if settings.weights else {})}
            found |= {
                item.path: f"{name} of {model}" for name, item in named.items() if item.stored
            }
    return found


def _guard_records(found: IncomingChanges, settings: GuardSettings) -> Iterator[Finding]:
    """Records that say what nobody should read in them."""
    paths = [
        path
        for path in found.records
        if path.endswith(".yaml") and path in found.record_tree.entries
    ]
    found.record_tree.fetch_files(paths)
    for path in paths:
        if is_allowed(path, settings) or not found.record_tree.entries[path].is_file:
            continue
        data = found.project.registry.read_file(path) or b""
        for where, leak in _find_leaks(data, path):
            message = f"says {leak}" + (f" at {where}" if where else "")
            yield Finding(
                "leak",
                path,
                message,
                (f"take it out of what {where or 'the file'} is read from, then do it again",),
            )
        if layout.is_version_path(path):
            yield from _find_pickles(found.project, path, settings)


def _find_leaks(data: bytes, path: str) -> Iterator[tuple[str, str]]:
    try:
        yield from find_document_leaks(strict.load_document(data, path).value)
    except InvalidDocument:  # which `check` names; a leak is one all the same
        yield from (("", leak) for leak in find_leaks(data.decode(errors="replace")))


def _find_pickles(project: Project, path: str, settings: GuardSettings) -> Iterator[Finding]:
    place = layout.parse_path(path)
    if settings.pickle != "forbid" or place is None or place.version is None:
        return
    try:
        record, _ = project.registry.read_version(place.model, place.version)
        for artifact in record.named_artifacts().values():
            manifest = project.registry.read_manifest(artifact.digest)
            names = (
                [name.decode(errors="replace") for name, _ in manifest.entries] if manifest else []
            )
            yield from judge_artifact(path, artifact.path, artifact.format, names, settings)
    except MlverError:
        return  # which `check` names
