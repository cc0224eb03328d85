"""`mlver tag`: make the version tags that records on HEAD still lack, after a merge, a squash or a crash."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from mlver.digest import Digest
from mlver.errors import MlverError, command
from mlver.git import changes
from mlver.policy.trust import tag_name
from mlver.project import layout, seals
from mlver.project.intent import PlannedTag
from mlver.project.project import Project
from mlver.project.registry import decoded_version
from mlver.project.transaction import editing

_A_PUSH = 3  # forges start no pipeline for more tags than this in one push


@dataclass(frozen=True, slots=True)
class Sealed:
    tag: str
    commit: str


@dataclass(frozen=True, slots=True)
class Unsealable:
    """A record that no seal may vouch for, and why."""

    path: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class TagResult:
    """`made` are the new seals (those that would be made, on a dry run); `remote` is where tags were pushed to."""

    made: tuple[Sealed, ...]
    refused: tuple[Unsealable, ...]
    pushed: tuple[str, ...]
    remote: str | None
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return 1 if self.refused else 0


def tag(project: Project, *, push: bool = False, dry_run: bool = False) -> TagResult:
    """Seal every record of HEAD that no tag seals, on the commit that added it; with `push` send tags out.

    A record that was edited since it landed, or since it was promoted, is refused: a seal would vouch for the edit.
    """
    if dry_run:
        plans, unsealable = _lacking(project.afresh, _head(project))
        return TagResult(_sealed(plans), unsealable, (), None, True)
    with editing(project, "tag") as edit:
        head = _head(project)
        remote = _remote(project) if push else None
        there = changes.remote_tags(edit.repository, remote) if remote else ()
        plans, unsealable = _lacking(project.afresh, head, remote, there)
        if plans:
            edit.seal(tuple(replace(plan, commit=commit) for plan, commit in plans))
        pushed = _push(project, head, remote, there) if remote else ()
    return TagResult(_sealed(plans), unsealable, pushed, remote, False)


def _head(project: Project) -> str:
    head = project.repository.head().commit
    if head is None:
        raise MlverError("there is no commit yet, so there is no record to seal", hint="mlver register MODEL …")
    return head


def _remote(project: Project) -> str:
    remote = changes.default_remote(project.repository)
    if remote is None:
        raise MlverError("there is no remote to push tags to", hint="git remote add origin URL")
    return remote


_Plans = list[tuple[PlannedTag, str]]


def _sealed(plans: _Plans) -> tuple[Sealed, ...]:
    return tuple(Sealed(plan.name, commit) for plan, commit in plans)


def _lacking(
    project: Project, head: str, remote: str | None = None, there: Collection[str] = ()
) -> tuple[_Plans, tuple[Unsealable, ...]]:
    """The tags to make, each with the commit that added its record; and the records that no tag may seal."""
    here = project.repository.tags()
    unsealed = [path for path in _records(project, head) if _tag_of(path) not in here]
    if not unsealed:
        return [], ()
    _suspect(project, unsealed, here)
    added = project.repository.added_by(unsealed)
    edits = {change.path: change.commit for change in project.repository.tampering(*unsealed)}
    plans: _Plans = []
    unsealable: list[Unsealable] = []
    for path, data in zip(unsealed, project.repository.blobs(f"{head}:{path}" for path in unsealed), strict=True):
        try:
            if remote and _tag_of(path) in there:
                raise MlverError(
                    f"was sealed elsewhere: {remote} has its tag", hint=command("git", "fetch", "--tags", remote)
                )
            if path in edits:
                raise MlverError(
                    f"was edited in commit {edits[path][:10]}, after it had been committed", hint=_elsewhere(path)
                )
            plan = _plan(project, path, data)
        except MlverError as error:
            unsealable.append(Unsealable(path, error.message, error.hint or command("git", "log", "-p", "--", path)))
        else:
            assert data is not None
            plans.append((plan, _holding(project, added.get(path, head), path, data, head)))
    return plans, tuple(unsealable)


def _plan(project: Project, path: str, data: bytes | None) -> PlannedTag:
    """The tag for a record; raise MlverError where none may be made."""
    if data is None:
        raise MlverError("is no file but a repository of its own", hint=command("git", "log", "--", path))
    record = decoded_version(data, path)
    if layout.version(record.model, record.version) != path:
        raise MlverError(f"says it is {record.model} {record.version}", hint=command("git", "log", "--", path))
    for promotion, promoted in project.registry.promotions_of(record.model, record.version):
        if promoted.record != Digest.of(data):
            raise MlverError(f"is not the record that {promotion} promoted", hint=_elsewhere(path))
    return seals.planned(record, data)


def _elsewhere(path: str) -> str:
    history = command("git", "log", "-p", "--", path)
    return f"git fetch --tags   (for the seal of what it was; what was done to it: {history})"


def _suspect(project: Project, unsealed: Sequence[str], here: Collection[str]) -> None:
    """Say so where tags seem not to have come with a clone: those made now would be others of the same name."""
    if changes.default_remote(project.repository) is None:
        return
    for model, paths in groupby(unsealed, key=lambda path: path.split("/")[2]):
        if len(list(paths)) > 1 and not any(name.startswith(f"{model}@v") for name in here):
            project.reporter.note(
                f"no tag of {model} is here; if they were not fetched: git fetch --tags, then mlver tag"
            )


def _holding(project: Project, commit: str, path: str, data: bytes, head: str) -> str:
    """The commit that added the record, or HEAD where it did not hold these bytes yet (a conflict settled later)."""
    (held,) = project.repository.blobs([f"{commit}:{path}"])
    return commit if held is not None and Digest.of(held) == Digest.of(data) else head


def _push(project: Project, head: str, remote: str, there: Collection[str]) -> tuple[str, ...]:
    """Push the tags of HEAD's records that the other side lacks."""
    here = project.repository.tags()
    names = [name for path in _records(project, head) if (name := _tag_of(path)) in here and name not in there]
    for at in range(0, len(names), _A_PUSH):
        changes.push_tags(project.repository, remote, names[at : at + _A_PUSH])
    return tuple(names)


def _records(project: Project, head: str) -> list[str]:
    """The version records HEAD holds; what lies among them under another name is passed over, and said."""
    found = []
    for path in project.repository.files_at(head, layout.MODELS):
        if layout.is_version(path):
            found.append(path)
        elif path.split("/")[3:4] == ["versions"]:
            project.reporter.note(f"{path} is no record's name, and was passed over: mlver verify --all")
    return found


def _tag_of(path: str) -> str:
    _, _, model, _, name = path.split("/")
    return tag_name(model, name.removesuffix(".yaml"))
