"""Seals of promotions beside the records: `<model>@<stage>.<number>`.

Every promotion of format 2 has one. It starts pipelines, and shows where somebody edited, replaced
or inserted a record since. Which version holds a stage stands in the records alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.git.git_tag import GitTag
from mlver.policy.chain import (
    ChainSeals,
    PromotionChain,
    PromotionSeal,
    RecordSeal,
    SealState,
    judge_promotion_seals,
)
from mlver.project.project import Project
from mlver.project.tags import seals
from mlver.project.tags.seals import SealedTag
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.tags import promotion_tag_name, version_tag_name
from mlver.version import Version

# -- reading tags ----------------------------------------------------------------------------------


def read_promotion_tags(
    project: Project, model: str, stage: str, sequences: Iterable[int]
) -> dict[int, SealedTag]:
    """Read the tags of a stage's promotions, by number; those without a tag are absent."""
    record_paths: dict[str, str] = {}
    sequence_by_tag: dict[str, int] = {}
    for sequence in sequences:
        tag_name = promotion_tag_name(model, stage, sequence)
        record_paths[tag_name] = layout.promotion_path(model, stage, sequence)
        sequence_by_tag[tag_name] = sequence
    promotion_tags: dict[int, SealedTag] = {}
    for tag_name, sealed_tag in seals.read_named_seals(project, record_paths).items():
        promotion_tags[sequence_by_tag[tag_name]] = sealed_tag
    return promotion_tags


StageHolders = Mapping[str, tuple[PromotionRecord, Digest]]


class ShownSeals(NamedTuple):
    """What a screen says of one model: the seals of its versions, and how the promotions that
    decide its stages are sealed.
    """

    versions: Mapping[str, RecordSeal | None]
    stages: Mapping[str, SealState]


class ShownModel(NamedTuple):
    """The versions of a model that a screen shows, and what holds its stages."""

    model: str
    versions: Sequence[Version]
    holders: StageHolders


def read_shown_seals(
    project: Project, model: str, versions: Sequence[Version], holders: StageHolders
) -> ShownSeals:
    """Read the tags of versions and of one promotion of each stage, all at once.

    Signatures are not looked at.
    """
    (shown_seals,) = read_seals_of_models(project, [ShownModel(model, versions, holders)])
    return shown_seals


def read_seals_of_models(project: Project, shown: Sequence[ShownModel]) -> list[ShownSeals]:
    """Read the same of several models; git answers once for all of them."""
    record_paths: dict[str, str] = {}
    for model, versions, holders in shown:
        record_paths.update(seals.list_version_paths(model, versions))
        for record, _ in holders.values():
            tag_name = promotion_tag_name(model, record.stage, record.sequence)
            record_paths[tag_name] = record.record_path
    tags = seals.read_named_seals(project, record_paths)
    return [_collect_seals(project, one, tags) for one in shown]


def _collect_seals(
    project: Project, shown: ShownModel, tags: Mapping[str, SealedTag]
) -> ShownSeals:
    model = shown.model
    numbers = [str(version) for version in shown.versions]
    version_tags: dict[str, SealedTag] = {}
    for number in numbers:
        sealed_tag = tags.get(version_tag_name(model, number))
        if sealed_tag is not None:
            version_tags[number] = sealed_tag
    version_seals: dict[str, RecordSeal | None] = dict.fromkeys(numbers)
    for number, sealed_tag in seals.add_landings(project, model, version_tags).items():
        version_seals[number] = sealed_tag.seal
    states: dict[str, SealState] = {}
    for stage, (record, digest) in shown.holders.items():
        tag_name = promotion_tag_name(model, stage, record.sequence)
        states[stage] = _judge_shown(record, digest, tags.get(tag_name))
    return ShownSeals(version_seals, states)


def read_seal_states(project: Project, promotions: PromotionChain) -> dict[str, SealState]:
    """Say how promotions of any stages are sealed, by the paths of their records, for a screen.

    Signatures are not looked at.
    """
    record_paths: dict[str, str] = {}
    for record, _ in promotions:
        tag_name = promotion_tag_name(record.model, record.stage, record.sequence)
        record_paths[tag_name] = record.record_path
    tagged = seals.read_named_seals(project, record_paths)
    states: dict[str, SealState] = {}
    for record, digest in promotions:
        tag_name = promotion_tag_name(record.model, record.stage, record.sequence)
        states[record.record_path] = _judge_shown(record, digest, tagged.get(tag_name))
    return states


def _judge_shown(record: PromotionRecord, digest: Digest, tagged: SealedTag | None) -> SealState:
    tags: dict[int, PromotionSeal] = {}
    if tagged is not None:
        tags[record.sequence] = PromotionSeal(tagged.seal)
    judged = judge_promotion_seals([(record, digest)], tags, signed=False)
    return judged.states[record.sequence]


# -- judging ---------------------------------------------------------------------------------------


def judge_stage_seals(
    project: Project, model: str, stage: str, history: PromotionChain
) -> ChainSeals:
    """Judge the seals of these promotions of a stage, with their signatures."""
    sequences = [record.sequence for record, _ in history]
    tagged = read_promotion_tags(project, model, stage, sequences)
    tags: dict[str, GitTag] = {}
    for tag, _ in tagged.values():
        tags[tag.name] = tag
    signatures = seals.check_signatures(project, tags)
    signed = seals.requires_signatures(project)
    paths: dict[str, str] = {}
    for sequence, (tag, _) in tagged.items():
        if signed and signatures[tag.name] != "good":
            paths[tag.name] = layout.promotion_path(model, stage, sequence)
    older: frozenset[str] = frozenset()
    if paths:
        # What the settings rarely ask is not imported by commands that look.
        from mlver.project.tags.signing import find_before_signing

        older = find_before_signing(project.repository, paths.values())
    promotion_seals: dict[int, PromotionSeal] = {}
    for record, digest in history:
        sequence = record.sequence
        if sequence not in tagged:
            continue
        tag = tagged[sequence].tag
        seal = seals.compare_history(project, record.record_path, digest, tagged[sequence])
        is_older = paths.get(tag.name) in older
        promotion_seals[sequence] = PromotionSeal(seal, signatures[tag.name], is_older)
    return judge_promotion_seals(history, promotion_seals, signed=signed)


@dataclass(frozen=True, slots=True)
class CheckedSeals:
    """What this clone can say of a stage's seals: `notes` are no damage.

    `before_seals` counts the promotions that are older than seals, and have none. `states` says how
    each is sealed, by its number.
    """

    broken: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    before_seals: int
    states: Mapping[int, SealState]


def check_promotion_seals(
    project: Project, model: str, stage: str, history: PromotionChain
) -> CheckedSeals:
    """Judge the seals of a stage's promotions, as far as this clone can tell."""
    judged = judge_stage_seals(project, model, stage, history)
    records = [record for record, _ in history]
    origins = judge_origins(project, records)
    broken = (*judged.broken, *origins.missing, *origins.changed)
    missing = (*judged.missing, *origins.missing)
    notes = judged.unsealed
    if missing and seals.lacks_tags(project, model):
        # What is missing here may well be where the clone came from; what is here and wrong is not.
        broken = tuple(finding for finding in broken if finding not in missing)
        notes = (*missing, *notes)
    before_seals = list(judged.states.values()).count("before seals")
    return CheckedSeals(broken, notes, before_seals, judged.states)


class ChangedOrigins(NamedTuple):
    """Tags of other tools that promotions were adopted from and that are gone, or are others."""

    missing: tuple[Finding, ...] = ()
    changed: tuple[Finding, ...] = ()


def judge_origins(project: Project, records: Iterable[PromotionRecord]) -> ChangedOrigins:
    """Find the tags of another tool that promotions were adopted from and that are not the same.

    Such a promotion went through no gate: nothing but that tag says that it ever took place.
    """
    adopted = [record for record in records if record.adopted is not None]
    if not adopted:
        return ChangedOrigins()
    # A record may name anything: only what is listed is a tag, and no expression for a commit.
    tags = project.repository.tags()
    missing: list[Finding] = []
    changed: list[Finding] = []
    for record in adopted:
        origin = record.adopted
        if origin is None:
            continue
        tag = tags.get(origin.tag)
        own_name = promotion_tag_name(record.model, record.stage, record.sequence)
        if tag is None:
            message = f"is not here, and {own_name} was adopted from it"
            missing.append(Finding("tag", origin.tag, message, ("git fetch --tags",)))
        elif tag.object_id != origin.object:
            message = f"is another tag than the one that {own_name} was adopted from"
            show = shell_command("git", "show", f"refs/tags/{origin.tag}")
            changed.append(Finding("tag", origin.tag, message, (show,)))
    return ChangedOrigins(tuple(missing), tuple(changed))


# -- before a promotion ----------------------------------------------------------------------------


def find_taken_name(project: Project, name: str) -> GitTag | None:
    """Find a tag that keeps the seal `name` from being made: of that name, or below it."""
    tags = project.repository.tags(f"refs/tags/{name}")
    return next(iter(tags.values()), None)


def require_free_name(project: Project, model: str, stage: str, sequence: int) -> None:
    """Raise MlverError where the seal of a stage's next promotion could not be made."""
    name = promotion_tag_name(model, stage, sequence)
    tag = find_taken_name(project, name)
    if tag is None:
        return
    show = shell_command("git", "show", "--no-patch", f"refs/tags/{tag.name}")
    if tag.seals:
        raise MlverError(
            f"{stage} has not moved: the tag {tag.name}, which would seal this promotion, seals"
            " another that is not here; merge the branch that has it, or delete the tag where that"
            " promotion never landed",
            # no command to delete it: it may be the only copy of that seal
            hints=("git pull", show),
        )
    raise MlverError(
        f"{stage} has not moved: there is a tag {tag.name} already, which is no seal, under the"
        f" name that the seal of this promotion has to have ({name}); rename or delete it",
        hints=(show, shell_command("git", "tag", "-d", tag.name)),
    )
