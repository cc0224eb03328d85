"""Tags of GTO that tell of promotions, for those who go by them (`tags: {mirror: gto}`).

The records decide. These tags are written and never believed: `adopt` passes them over, and no gate
asks for one. What one says follows from the record and from the tags that are here, its date and
author too, so that two clones make the same tag.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from mlver.errors import MlverError, refusal_error, shell_command
from mlver.findings import Finding
from mlver.git import changes
from mlver.git.changes import NewTag
from mlver.git.references import split_batches
from mlver.git.stale_locks import clear_locks
from mlver.policy.promotion_dates import LAST_SECOND, count_seconds
from mlver.project.project import Project
from mlver.project.tags.stage_tags import GtoStageTag, ModelTags, read_model_tags
from mlver.records import gto_tags, layout
from mlver.records.promotion import PromotionRecord
from mlver.records.tags import promotion_tag_name, read_tag_name, version_tag_name

# What git takes for a person; an author of a record may be anything.
_PERSON = re.compile(r"[^<>\n\0]+ <[^<>\n\0]*>")

# A tag, and who made it when, as git writes that.
PlannedMirror = tuple[NewTag, str]


@dataclass(frozen=True, slots=True)
class MirrorWork:
    """The tags to make, and what keeps others from being made, or contradicts the records."""

    planned: tuple[PlannedMirror, ...]
    findings: tuple[Finding, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(tag.name for tag, _ in self.planned)


def is_mirroring(project: Project) -> bool:
    """Say whether the settings ask for GTO's tags; settings that cannot be read ask for none."""
    try:
        return project.registry.read_shown_config().tags.mirror == "gto"
    except MlverError:
        # they are checked where they decide
        return False


def mirror_promotions(project: Project, seals: Iterable[str], since: float | None = None) -> None:
    """Make the tags of the promotions that these tags seal, where they still hold their stages.

    `since` is when a command began that was killed (seconds since the epoch): its locks are
    removed. What goes wrong is told as a note, for the promotion has landed.
    """
    if not is_mirroring(project):
        return
    for seal in seals:
        named = read_tag_name(seal)
        if named is None or named.stage is None:
            continue
        try:
            record = _read_last(project, named.model, named.stage)
            if record is not None and record.sequence == named.sequence:
                _make_twice(project, record, since)
        except MlverError as error:
            project.reporter.show_note(
                f"GTO's tags do not tell of the promotion {seal}: {error.message};"
                " once that is settled: mlver tag"
            )


def _make_twice(project: Project, record: PromotionRecord, since: float | None) -> None:
    """Make the tags of a promotion, again after a first failure: git may have been killed."""
    planned = plan_promotion(project, record)
    try:
        make_tags(project, planned)
    except MlverError:
        references = _list_references(planned)
        if since is not None:
            clear_locks(project.repository, references, since)
        make_tags(project, plan_promotion(project, record))
        # those that were made, and not synced
        changes.sync_git(project.repository, references)


def plan_all(
    project: Project, models: Sequence[str] = (), waiting: Container[str] = ()
) -> MirrorWork:
    """Plan what is missing of every stage's last promotion, of `models` or of all.

    Nothing is planned of versions whose seals are `waiting` to be made, as on a dry run.
    """
    planned: list[PlannedMirror] = []
    findings: list[Finding] = []
    if not is_mirroring(project):
        return MirrorWork((), ())
    for model in models or project.registry.list_models():
        for stage in project.registry.list_stages(model):
            try:
                record = _read_last(project, model, stage)
                if record is None or version_tag_name(model, record.version) in waiting:
                    continue
                findings += _find_later_tags(project, record)
                planned += plan_promotion(project, record, [tag.name for tag, _ in planned])
            except MlverError as error:
                findings.append(Finding("tag", f"{model}#{stage}", error.message, error.hints))
    return MirrorWork(tuple(planned), tuple(findings))


def _read_last(project: Project, model: str, stage: str) -> PromotionRecord | None:
    """Read the promotion that decides a stage; it may have emptied it."""
    sequences = project.registry.list_sequences(layout.stage_folder(model, stage))
    if not sequences:
        return None
    record, _ = project.registry.read_promotion(model, stage, sequences[-1])
    return record


def make_tags(project: Project, planned: Sequence[PlannedMirror]) -> None:
    """Make planned tags, all or none, and sync them; raise GitFailed where a name is taken."""
    if not planned:
        return
    changes.create_unsigned_tags(project.repository, planned)
    try:
        changes.sync_git(project.repository, _list_references(planned))
    except OSError as error:
        outcome = "they are there all the same, but a power cut may undo that"
        raise refusal_error("syncing GTO's tags", error, outcome=outcome) from error


def make_planned(project: Project, work: MirrorWork) -> MirrorWork:
    """Make the planned tags, and return those that were made.

    What cannot be made is a finding: no seal waits for it.
    """
    made: list[PlannedMirror] = []
    findings = list(work.findings)
    # the message names the promotion, of which all tags are made or none
    for _, group in groupby(work.planned, key=lambda planned: planned[0].message):
        planned = list(group)
        try:
            make_tags(project, planned)
        except MlverError as error:
            look = shell_command("git", "tag", "--list", planned[0][0].name)
            message = f"was not made for GTO: {error.message}"
            hints = error.hints or (look, "mlver tag")
            findings.append(Finding("tag", planned[0][0].name, message, hints))
        else:
            made += planned
    return MirrorWork(tuple(made), tuple(findings))


def _list_references(planned: Sequence[PlannedMirror]) -> list[str]:
    return [f"refs/tags/{tag.name}" for tag, _ in planned]


@dataclass(frozen=True, slots=True)
class MirrorPush:
    """The tags that a remote lacked, and those of which it has others."""

    pushed: tuple[str, ...]
    findings: tuple[Finding, ...]


def push_mirrors(
    project: Project,
    remote: str,
    published: Mapping[str, str],
    *,
    landed: Container[str] | None = None,
    dry_run: bool = False,
) -> MirrorPush:
    """Push the tags of GTO that mlver made and that the remote lacks.

    `published` are the remote's tags, each with its object. Only those of the promotions whose
    seals are `landed` are pushed; None stands for all.
    """
    if not is_mirroring(project):
        return MirrorPush((), ())
    pushed: list[str] = []
    findings: list[Finding] = []
    lacking: list[str] = []
    for tag in _list_mirrors(project):
        if tag.name not in published:
            if landed is None or tag.mirrors in landed:
                lacking.append(tag.name)
        elif published[tag.name] != tag.object_id:
            findings.append(_build_rival(tag.name, remote))
    for batch in split_batches(lacking):
        try:
            if not dry_run:
                changes.push_tags(project.repository, remote, batch, project.reporter)
        except MlverError as error:
            message = f"was not pushed for GTO: {error.message}"
            hints = error.hints or ("mlver tag --push",)
            findings.append(Finding("tag", batch[0], message, hints))
        else:
            pushed += batch
    return MirrorPush(tuple(pushed), tuple(findings))


def _list_mirrors(project: Project) -> list[GtoStageTag]:
    """List the tags that tell of promotions as their records do; a message alone is no proof."""
    models: dict[str, None] = {}
    for name, tag in project.repository.tags("refs/tags/*#*").items():
        named = gto_tags.GTO_TAG.fullmatch(name)
        if named is not None and gto_tags.read_mirrored(tag.message) is not None:
            models[named["model"]] = None
    mirrors: list[GtoStageTag] = []
    for model in models:
        for stage_tags in read_model_tags(project, model).stages.values():
            mirrors += (tag for tag in stage_tags if tag.is_ours)
    return mirrors


def _build_rival(name: str, remote: str) -> Finding:
    return Finding(
        "tag",
        name,
        f"is another tag on {remote}, which somebody made first; delete this one, fetch that, and"
        " the next number is taken",
        (
            shell_command("git", "tag", "-d", name),
            shell_command("git", "fetch", "--tags", remote),
            "mlver tag",
        ),
    )


# -- what is missing -------------------------------------------------------------------------------


def plan_promotion(
    project: Project, record: PromotionRecord, taken: Sequence[str] = ()
) -> list[PlannedMirror]:
    """Plan the tags that a promotion lacks, whose names come after those that are `taken`.

    A stage is given to a version by one tag. A stage is emptied by one for each version that GTO
    still has in it. Raise MlverError where GTO could not read the tags.
    """
    if record.adopted is not None:
        return []
    tags = read_model_tags(project, record.model)
    ours = promotion_tag_name(record.model, record.stage, record.sequence)
    if record.action == "retire":
        commits = _list_standing(tags, record.stage, ours)
    elif any(tag.mirrors == ours for tag in tags.stages.get(record.stage, ())):
        return []
    else:
        commits = [_find_version_commit(tags, record)]
    if not commits:
        return []
    _require_readable(record)
    return _plan_tags(tags, record, commits, taken)


def _plan_tags(
    tags: ModelTags, record: PromotionRecord, commits: Sequence[str], taken: Sequence[str]
) -> list[PlannedMirror]:
    count = tags.find_highest_count(taken)
    # GTO orders what happened by the date, in whole seconds
    seconds = max(count_seconds(record.created), tags.find_last_date(record.stage) + 1)
    _require_range(tags, record.stage, count + len(commits), seconds)
    author = record.author
    if not _PERSON.fullmatch(author):
        author = "unknown <>"
    ours = promotion_tag_name(record.model, record.stage, record.sequence)
    message = gto_tags.write_mirror_message(record.message, ours)
    planned: list[PlannedMirror] = []
    for number, commit in enumerate(commits, start=count + 1):
        name = gto_tags.stage_tag_name(
            record.model, record.stage, number, withdrawn=record.action == "retire"
        )
        planned.append((NewTag(name, commit, message), f"{author} {seconds} +0000"))
    return planned


def _require_range(tags: ModelTags, stage: str, count: int, seconds: int) -> None:
    """Raise MlverError where no tag can have the number, or the date, that comes next."""
    if count > gto_tags.HIGHEST_COUNT:
        highest = max(tags.names, key=gto_tags.read_count)
        raise MlverError(
            f"{highest} leaves no number for the next tag, which may be {gto_tags.HIGHEST_COUNT} at"
            " most; delete it, here and on the remote",
            hint=shell_command("git", "tag", "-d", highest),
        )
    if seconds > LAST_SECOND:
        latest = max(tags.stages[stage], key=lambda tag: tag.seconds)
        raise MlverError(
            f"{latest.name} is dated at the end of the year 9999 or later, and the next tag would"
            " have to be later still; delete it, here and on the remote",
            hint=shell_command("git", "tag", "-d", latest.name),
        )


def _require_readable(record: PromotionRecord) -> None:
    for name in (record.model, record.stage):
        if not gto_tags.is_readable(name):
            raise MlverError(
                f"GTO takes {name} for no name: one has letters, digits, - and _, and ends in none"
                " of these two",
                hint=shell_command("mlver", "config", "set", "--unset", "tags.mirror"),
            )


def _find_version_commit(tags: ModelTags, record: PromotionRecord) -> str:
    """The commit on which GTO knows a version; raise MlverError where it knows none, or several."""
    name = version_tag_name(record.model, record.version)
    commit = tags.versions.get(name)
    if commit is None:
        raise MlverError(f"no tag {name} is here, by which GTO knows the version", hint="mlver tag")
    others = [other for other, placed in tags.versions.items() if placed == commit]
    if len(others) > 1:
        raise MlverError(
            f"{' and '.join(sorted(others)[:2])} are on one commit, and GTO fails where a stage tag"
            " is on such a one; register a version anew to give it a commit of its own",
            hint=shell_command("git", "tag", "--points-at", commit),
        )
    return commit


def _list_standing(tags: ModelTags, stage: str, ours: str) -> list[str]:
    """The commits of the versions that GTO has in a stage which a promotion emptied."""
    stage_tags = tags.stages.get(stage, ())
    first = min((tag.count for tag in stage_tags if tag.mirrors == ours), default=None)
    standing: dict[str, None] = {}
    for tag in stage_tags:
        is_later = first is not None and tag.count > first and tag.mirrors != ours
        if tag.commit is None or is_later:
            continue
        standing.pop(tag.commit, None)
        if not tag.withdrawn:
            standing[tag.commit] = None
    return list(standing)


def _find_later_tags(project: Project, record: PromotionRecord) -> list[Finding]:
    """Find the tags by which somebody else moved a stage after its last promotion."""
    stage_tags = read_model_tags(project, record.model).stages.get(record.stage, ())
    ours = promotion_tag_name(record.model, record.stage, record.sequence)
    known = [tag.count for tag in stage_tags if tag.mirrors == ours]
    if record.adopted is not None:
        known = [tag.count for tag in stage_tags if tag.name == record.adopted.tag]
    findings: list[Finding] = []
    for tag in stage_tags:
        if known and tag.count > max(known) and not tag.is_ours:
            message = f"moves {record.stage} for GTO, and no record says so; the records decide"
            command = shell_command(
                "mlver", "promote", f"{record.model}@VERSION", "--to", record.stage, "-m", "WHY"
            )
            look = shell_command("git", "show", f"refs/tags/{tag.name}")
            findings.append(Finding("tag", tag.name, message, (look, command)))
    return findings
