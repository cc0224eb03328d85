"""`mlver tag`: make the tags that records on HEAD still lack, after a merge, a squash or a crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.git import changes, remotes
from mlver.project.project import Project
from mlver.project.reporter import SilentReporter
from mlver.project.tags import missing_seals
from mlver.project.tags.missing_seals import (
    SealableRecord,
    SealedRecord,
    TagPlans,
    list_sealed,
)
from mlver.project.transaction import editing
from mlver.records import layout
from mlver.records.tags import read_tag_name


@dataclass(frozen=True, slots=True)
class TagResult:
    """`made` are the new seals (those that would be made, on a dry run); `remote` is where tags were pushed to."""

    made: tuple[SealedRecord, ...]
    refused: tuple[Finding, ...]
    pushed: tuple[str, ...]
    remote: str | None
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return 1 if self.refused else 0


def tag_records(project: Project, *, push: bool = False, dry_run: bool = False) -> TagResult:
    """Seal every record of HEAD that no tag seals, on the commit that added it; with `push` send tags out.

    A record that was edited since it landed, or since it was promoted, is refused: a seal would vouch for the edit.
    """
    if dry_run:
        plans, unsealable = _plan_lacking(project.without_cache, _require_head(project))
        return TagResult(list_sealed(plans), unsealable, (), None, True)
    with editing(project, "tag") as edit:
        head = _require_head(project)
        remote = _require_remote(project) if push else None
        there = remotes.list_remote_tags(edit.repository, remote) if remote else {}
        plans, unsealable = _plan_lacking(project.without_cache, head, remote, there)
        if plans:
            edit.seal_records(tuple(replace(plan, commit=commit) for plan, commit in plans))
        pushed = _push_tags(project.without_cache, head, remote, there) if remote else ()
    return TagResult(list_sealed(plans), unsealable, pushed, remote, False)


def _require_head(project: Project) -> str:
    head = project.repository.head().commit
    if head is None:
        raise MlverError(
            "there is no commit yet, so there is no record to seal", hint="mlver register MODEL …"
        )
    return head


def _require_remote(project: Project) -> str:
    remote = remotes.default_remote(project.repository)
    if remote is None:
        raise MlverError("there is no remote to push tags to", hint="git remote add origin URL")
    return remote


def _plan_lacking(
    project: Project, head: str, remote: str | None = None, there: Collection[str] = ()
) -> tuple[TagPlans, tuple[Finding, ...]]:
    """The tags to make; and the records that no tag may seal, or that were sealed elsewhere."""
    here = project.repository.tags()
    unsealed = [
        one
        for one in missing_seals.list_sealable(project, head, {*here, *there})
        if one.tag not in here
    ]
    _warn_missing_tags(project, unsealed, here)
    plans, unsealable = missing_seals.plan_missing_tags(
        project, head, [one for one in unsealed if one.tag not in there]
    )
    said, hint = (
        f"was sealed elsewhere: {remote} has its tag",
        shell_command("git", "fetch", "--tags", remote or "origin"),
    )
    elsewhere = [Finding("record", one.path, said, (hint,)) for one in unsealed if one.tag in there]
    return plans, (*elsewhere, *unsealable)


def _warn_missing_tags(
    project: Project, unsealed: Sequence[SealableRecord], here: Collection[str]
) -> None:
    """Say so where tags seem not to have come with a clone: those made now would be others of the same name."""
    if remotes.default_remote(project.repository) is None:
        return
    tagged = {found.model for name in here if (found := read_tag_name(name)) and found.version}
    for model, number in Counter(
        one.path.split("/")[2] for one in unsealed if layout.is_version_path(one.path)
    ).items():
        if number > 1 and model not in tagged:
            project.reporter.show_note(
                f"no tag of {model} is here; if they were not fetched: git fetch --tags, then mlver tag"
            )


def _push_tags(
    project: Project, head: str, remote: str, there: Mapping[str, str]
) -> tuple[str, ...]:
    """Push the tags of HEAD's records that the other side lacks."""
    here = project.repository.tags()
    due = missing_seals.list_sealable(
        replace(project, reporter=SilentReporter()), head, {*here, *there}
    )
    others = [
        one.tag
        for one in due
        if one.tag in here and there.get(one.tag) not in (None, here[one.tag].object_id)
    ]
    if others:
        said = f"{remote} has {', '.join(others)} already, made elsewhere"
        project.reporter.show_note(
            f"{said}; if the records differ, git pull stops, and mlver resolve settles it"
        )
    names = [one.tag for one in due if one.tag in here and one.tag not in there]
    for some in changes.split_batches(names):
        changes.push_tags(project.repository, remote, some, project.reporter)
    return tuple(names)
