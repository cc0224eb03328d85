"""Stages that tags move: their history as promotion records, each history whole or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mlver import names
from mlver.digest import Digest
from mlver.errors import MlverError, shell_command, summarise_error
from mlver.features.adopting import adopted_records
from mlver.features.adopting.foreign_tags import (
    DerivedPromotion,
    StageTag,
    StageTagEvent,
    TagClaims,
    derive_promotions,
)
from mlver.features.adopting.source import AdoptionSource
from mlver.features.adopting.versions import VersionKey, version_sort_key
from mlver.findings import Finding
from mlver.project.edit import planned_tags
from mlver.project.edit.intent import PlannedTag
from mlver.project.registry.registry import decode_promotion
from mlver.records import file_names


@dataclass(frozen=True, slots=True)
class AdoptedStage:
    """A stage's history: the versions in the order they held it (None: the stage was empty).

    `seals` are the tags of its promotions that were made.
    """

    model: str
    stage: str
    holders: tuple[str | None, ...]
    seals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreparedStages:
    """`files` are the promotion records to write, by path; `seals` are the tags to make of them.

    `skipped` are tags of lost versions, where the person said to go on without them.
    """

    stages: tuple[AdoptedStage, ...]
    files: Mapping[str, bytes]
    seals: tuple[PlannedTag, ...]
    left: tuple[Finding, ...]
    skipped: tuple[Finding, ...]


def _is_adopted(
    source: AdoptionSource, model: str, stage: str, stage_tags: Sequence[StageTag]
) -> bool:
    """Whether a stage has a history here; tags that came later are noted."""
    adopted = source.project.registry.read_history(model, stage)
    if adopted:
        origins = {adopted_records.read_origin_tag(record) for record, _ in adopted}
        _note_later_tags(source, stage_tags, origins)
    return bool(adopted)


def prepare_stages(
    source: AdoptionSource,
    claims: TagClaims,
    digests: Mapping[VersionKey, Digest],
    unfit: Sequence[Finding] = (),
) -> PreparedStages:
    """Prepare the history of each stage that has none here.

    `digests` are of the version records, new and existing; `unfit` says of other versions why
    they have none, though nothing is lost.
    """
    stages: list[AdoptedStage] = []
    record_files: dict[str, bytes] = {}
    planned_seals: list[PlannedTag] = []
    findings: list[Finding] = []
    skipped: list[Finding] = []
    places = _index_versions(source, claims)
    left_versions = {finding.subject: finding for finding in unfit}
    for (model, stage), stage_tags in _group_tags(claims.stages).items():
        # its versions are reported already
        if not file_names.is_model_name(model):
            continue
        try:
            names.check_stage(stage)
            if _is_adopted(source, model, stage, stage_tags):
                continue
            awaited = _find_awaited(source, places, claims, stage_tags, left_versions)
            if awaited is not None:
                message = f"waits for {awaited.subject}, which is left as well"
                findings.append(Finding("tag", f"{model}#{stage}", message, awaited.hints))
                continue
            history = _read_events(source, places, claims, stage_tags, digests)
            skipped += history.skipped
            stage_history = _build_history(source, model, stage, history.events, digests)
        except MlverError as error:
            findings.append(Finding("tag", f"{model}#{stage}", summarise_error(error), error.hints))
            continue
        record_files.update(stage_history.files)
        planned_seals += stage_history.seals
        stages.append(stage_history.stage)
    return PreparedStages(
        tuple(stages), record_files, tuple(planned_seals), tuple(findings), tuple(skipped)
    )


@dataclass(frozen=True, slots=True)
class _PreparedHistory:
    """One stage's history, its promotion records by path and the tags to make of them."""

    stage: AdoptedStage
    files: Mapping[str, bytes]
    seals: Sequence[PlannedTag]


def _build_history(
    source: AdoptionSource,
    model: str,
    stage: str,
    events: Sequence[StageTagEvent],
    digests: Mapping[VersionKey, Digest],
) -> _PreparedHistory:
    """Build the promotions of a stage; raise MlverError where one of them cannot be written.

    A record that cannot be written leaves out the whole stage, not the end of its history.
    """
    promotions = derive_promotions(events)
    records = dict(adopted_records.build_promotions(model, stage, promotions, source, digests))
    seals = _plan_seals(source, records)
    holders = tuple(map(_find_holder_after, promotions))
    seal_names = tuple(seal.name for seal in seals)
    return _PreparedHistory(AdoptedStage(model, stage, holders, seal_names), records, seals)


def _plan_seals(source: AdoptionSource, records: Mapping[str, bytes]) -> list[PlannedTag]:
    """Plan the seals of a stage's promotions; raise MlverError where a tag has the name of one."""
    seals: list[PlannedTag] = []
    for path, data in records.items():
        seal = planned_tags.plan_promotion_tag(decode_promotion(data, path), data)
        if seal.name in source.tags:
            raise MlverError(
                f"there is a tag {seal.name} already, under the name that the seal of an adopted"
                " promotion has to have; rename or delete it",
                hint=shell_command("git", "show", "--no-patch", f"refs/tags/{seal.name}"),
            )
        seals.append(seal)
    return seals


def _find_holder_after(promotion: DerivedPromotion) -> str | None:
    if promotion.action == "retire":
        return None
    return promotion.version


def _group_tags(tags: Sequence[StageTag]) -> dict[tuple[str, str], list[StageTag]]:
    """The tags of each model's stage, oldest first."""
    grouped: dict[tuple[str, str], list[StageTag]] = {}
    # GTO counts a model's tags; without a count, a tag comes before its own withdrawal
    for stage_tag in sorted(tags, key=lambda tag: (tag.count, tag.withdrawn)):
        grouped.setdefault((stage_tag.model, stage_tag.stage), []).append(stage_tag)
    return grouped


@dataclass(frozen=True, slots=True)
class _StageEvents:
    events: list[StageTagEvent]
    skipped: list[Finding]


# The number of the version on a commit, by model and commit.
_VersionPlaces = Mapping[tuple[str, str], str]


def _index_versions(source: AdoptionSource, claims: TagClaims) -> _VersionPlaces:
    """Find the version whose tag is on each commit, the highest of several."""
    places: dict[tuple[str, str], str] = {}
    if not claims.stages:
        return places
    for claim in sorted(claims.versions, key=version_sort_key):
        commit = source.find_commit(claim.tag)
        if commit is not None:
            places[claim.model, commit] = claim.version
    return places


def _find_awaited(
    source: AdoptionSource,
    versions_at: _VersionPlaces,
    claims: TagClaims,
    tags: Sequence[StageTag],
    left: Mapping[str, Finding],
) -> Finding | None:
    """Find what keeps a version of a stage from being adopted: the same helps the stage."""
    names = {(claim.model, claim.version): claim.tag for claim in claims.versions}
    for stage_tag in tags:
        commit = source.find_commit(stage_tag.tag)
        version = None if commit is None else versions_at.get((stage_tag.model, commit))
        if version is not None:
            awaited = left.get(names[stage_tag.model, version])
            if awaited is not None:
                return awaited
    return None


def _read_events(
    source: AdoptionSource,
    versions_at: _VersionPlaces,
    claims: TagClaims,
    tags: Sequence[StageTag],
    digests: Mapping[VersionKey, Digest],
) -> _StageEvents:
    """One stage's tags with the version of each; raise MlverError where one has no record."""
    events: list[StageTagEvent] = []
    skipped: list[Finding] = []
    for stage_tag in tags:
        commit = source.find_commit(stage_tag.tag)
        version = None if commit is None else versions_at.get((stage_tag.model, commit))
        if version is not None and (stage_tag.model, version) in claims.withdrawn:
            continue
        reason = ""
        if version is None:
            reason = "is on a commit of no version"
        elif (stage_tag.model, version) not in digests:
            reason = f"is of {version}, which has no record yet"
        if version is not None and not reason:
            events.append(StageTagEvent(stage_tag.tag, version, stage_tag.withdrawn))
        elif source.request.skip_lost:
            skipped.append(Finding("tag", stage_tag.tag, reason))
        else:
            words = ["mlver", "adopt", stage_tag.model]
            if source.request.pattern is not None:
                words += ["--pattern", source.request.pattern]
            raise MlverError(
                f"{stage_tag.tag} {reason}; a stage's history is adopted whole, or, with"
                " --skip-lost, without what is lost",
                hints=(
                    shell_command("git", "show", stage_tag.tag),
                    shell_command(*words, "--skip-lost"),
                ),
            )
    return _StageEvents(events, skipped)


def _note_later_tags(
    source: AdoptionSource, tags: Sequence[StageTag], adopted: Collection[str | None]
) -> None:
    """Say so where tags moved a stage after its history was adopted."""
    adopted_places = [place for place, tag in enumerate(tags) if tag.tag in adopted]
    # a history that did not come from tags is not continued by them
    if not adopted_places:
        return
    for tag in tags[adopted_places[-1] + 1 :]:
        command = shell_command(
            "mlver", "promote", f"{tag.model}@VERSION", "--to", tag.stage, "-m", "WHY"
        )
        source.project.reporter.show_note(
            f"{tag.tag} came after the history of {tag.stage} was adopted: {command}"
        )
