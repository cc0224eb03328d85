"""`mlver tag`: make the tags that records on HEAD still lack after a merge, a squash or a crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.git import changes, remotes
from mlver.git.remotes import PublishedReferences
from mlver.project.edit.intent import SealSource
from mlver.project.project import Project
from mlver.project.tags import (
    code_pushes,
    gto_mirror,
    missing_seals,
    seals,
    sending_seals,
    signing,
    standing_tags,
)
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
    """`made` are the new seals, or on a dry run those that would be made.

    `mirrored` are the new tags for those who go by GTO's. `pushed` are the tags that the `remote`
    lacked; None where nothing was to be pushed.
    """

    made: tuple[SealedRecord, ...]
    mirrored: tuple[str, ...]
    refused: tuple[Finding, ...]
    pushed: tuple[str, ...]
    remote: str | None
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return 1 if self.refused else 0


def tag_records(project: Project, *, push: bool = False, dry_run: bool = False) -> TagResult:
    """Seal every record of HEAD that no tag seals, on the commit that added it.

    With `push`, send the tags out. A record that was edited since it landed, or since it was
    promoted, is refused: a seal would vouch for the edit. So is a tag that seals something else
    than the record of its name.
    """
    if dry_run:
        head_commit = _require_head(project)
        tag_plans, unsealable = _plan_lacking(project, head_commit, None, {})
        mirror = gto_mirror.plan_all(project, waiting={plan.name for plan, _ in tag_plans})
        refused = (*unsealable, *mirror.findings)
        return TagResult(list_sealed(tag_plans), mirror.names, refused, (), None, True)
    with editing(project, "tag") as edit:
        head_commit = _require_head(project)
        remote = _require_remote(project) if push else None
        published = PublishedReferences({}, {})
        if remote is not None:
            published = remotes.list_published(edit.repository, remote)
        tag_plans, refused = _plan_lacking(project, head_commit, remote, published.tags)
        if tag_plans:
            sealed_tags = tuple(replace(plan, commit=commit) for plan, commit in tag_plans)
            edit.seal_records(sealed_tags, SealSource(head_commit))
        # Last: GTO knows a version by its seal.
        mirror = gto_mirror.make_planned(project, gto_mirror.plan_all(project))
        pushed: tuple[str, ...] = ()
        if remote is not None:
            pushed, held_back = _push_tags(project, head_commit, remote, published, refused)
            # GTO's tags follow the seals of what they tell of.
            landed = {*published.tags, *pushed}
            mirror_push = gto_mirror.push_mirrors(project, remote, published.tags, landed=landed)
            refused += (*held_back, *mirror_push.findings)
            pushed += mirror_push.pushed
        refused += mirror.findings
    return TagResult(list_sealed(tag_plans), mirror.names, refused, pushed, remote, False)


def _require_head(project: Project) -> str:
    head_commit = project.repository.head().commit
    if head_commit is None:
        raise MlverError(
            "there is no commit yet, so there is no record to seal",
            hint="mlver register MODEL --weights PATH -m WHY",
        )
    return head_commit


def _require_remote(project: Project) -> str:
    remote = remotes.default_remote(project.repository)
    if remote is None:
        raise MlverError("there is no remote to push tags to", hint="git remote add origin URL")
    return remote


def _plan_lacking(
    project: Project, head: str, remote: str | None, published: Collection[str]
) -> tuple[TagPlans, tuple[Finding, ...]]:
    """The tags to make; and the records that no tag may seal, or that were sealed elsewhere, and
    the tags that seal nothing, or another record.

    `published` are the tags of `remote`.
    """
    local_tags = project.repository.tags()
    sealable = missing_seals.list_sealable(project, head, {*local_tags, *published})
    unsealed = [record for record in sealable if record.tag not in local_tags]
    _warn_missing_tags(project, unsealed, local_tags, asked=remote is not None)
    lacking = [record for record in unsealed if record.tag not in published]
    tag_plans, unsealable = missing_seals.plan_missing_tags(project, head, lacking)
    signing.require_signed_seals(project, (plan.path for plan, _ in tag_plans), head)
    refused: list[Finding] = []
    fetch_command = shell_command("git", "fetch", "--tags", remote or "origin")
    for record in unsealed:
        if record.tag in published:
            message = f"was sealed elsewhere: {remote} has its tag"
            refused.append(Finding("record", record.path, message, (fetch_command,)))
    silent = standing_tags.find_silent_tags(project, head, sealable, local_tags)
    others = standing_tags.find_other_seals(project, head, sealable, local_tags)
    standing = [(record, local_tags[record.tag]) for record in sealable if record.tag in local_tags]
    unsigned = standing_tags.find_unsigned(project, head, standing)
    return tag_plans, (*refused, *unsealable, *silent, *others, *unsigned.values())


def _warn_missing_tags(
    project: Project, unsealed: Sequence[SealableRecord], local: Collection[str], *, asked: bool
) -> None:
    """Warn where a clone seems to lack tags: those made now would be others of the same name.

    `asked`: the remote said which tags it has, and none of these is made.
    """
    if remotes.default_remote(project.repository) is None:
        return
    is_tagless = bool(unsealed) and not asked and seals.was_cloned_tagless(project)
    tagged: set[str] = set()
    for local_name in local:
        tag_name = read_tag_name(local_name)
        if tag_name is not None and tag_name.version:
            tagged.add(tag_name.model)
    # One untagged version is what every merged pull request leaves; several are a clone without
    # tags.
    counts: Counter[str] = Counter()
    for record in unsealed:
        if is_tagless or layout.is_version_path(record.path):
            counts[record.path.split("/")[2]] += 1
    for model, count in counts.items():
        if model in tagged or not (is_tagless or count > 1):
            continue
        note = f"no tag of {model} is here; if they were not fetched:"
        if is_tagless:
            note = (
                f"no tag of {model} is here, for this clone was made without tags; what was sealed"
                " elsewhere gets another tag of the same name; to have those that are there:"
            )
        project.reporter.show_note(f"{note} git fetch --tags, then mlver tag")


def _push_tags(
    project: Project,
    head: str,
    remote: str,
    published: PublishedReferences,
    refused: Sequence[Finding],
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Push the tags of HEAD's records that the other side lacks; name those that stay here.

    What keeps the code commits of these records goes last.
    """
    sending = sending_seals.plan_sending(project, head, remote, published, refused=refused)
    for batch in missing_seals.split_pushes(sending.ready):
        changes.push_tags(project.repository, remote, batch, project.reporter)
    for note in code_pushes.push_code_references(
        project.repository, remote, sending.code, published.code, project.reporter
    ):
        project.reporter.show_note(note)
    return sending.tags, (*sending.rivals, *sending.held_back)
