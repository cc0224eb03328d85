"""`mlver adopt`: records for versions that other tools' tags, or plain ones, already name.

No tag is moved.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from mlver.document.amend import amend_document
from mlver.errors import MlverError, shell_command
from mlver.features.adopting import adopted_records
from mlver.features.adopting.adopted_records import PreparedRecord
from mlver.features.adopting.source import (
    AdoptionSource,
    AdoptRequest,
    open_source,
    read_tag_claims,
)
from mlver.features.adopting.stages import AdoptedStage, PreparedStages, prepare_stages
from mlver.features.adopting.versions import PreparedVersions, prepare_versions
from mlver.findings import Finding
from mlver.project.edit import planned_tags
from mlver.project.edit.edit import PlannedEdit
from mlver.project.edit.intent import PlannedTag
from mlver.project.edit.manifests import put_new_files
from mlver.project.edit.protected import refuse_protected
from mlver.project.project import Project
from mlver.project.registry.newer_formats import (
    list_highest_version,
    list_last_promotions,
    naming_commits,
    refuse_newer_formats,
)
from mlver.project.tags import seals
from mlver.project.transaction import open_edit
from mlver.records import layout
from mlver.records.model import ArtifactSettings, ModelSettings
from mlver.records.sections.stages import StageSettings
from mlver.records.tags import version_tag_name

# A commit's subject is short; the lines below it name every model.
_MODELS_NAMED = 3
_OMISSIONS_TOLD = 10


@dataclass(frozen=True, slots=True)
class AdoptedVersion:
    """`seal` is the version tag that was made.

    It is None where the tag adopted from has that name already. `holder` is who keeps the weights:
    `git`, `git-lfs` or `dvc`. `left_out` says what its commit has and the record has not.
    """

    model: str
    version: str
    tag: str
    seal: str | None
    weights: str
    digest: str
    size: int
    files: int
    holder: str
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptResult:
    """`left` are tags, or a stage's tags, that nothing could be made of yet.

    `skipped` are those that are lost, and that the person said to go on without. `known` is how
    many of the versions that tags name had records already. `ungated` are the adopted stages that
    do not ask for `verified`. `mirrored`: promotions make GTO's tags, too. `commit` is None where
    none was made.
    """

    versions: tuple[AdoptedVersion, ...]
    stages: tuple[AdoptedStage, ...]
    left: tuple[Finding, ...]
    skipped: tuple[Finding, ...]
    known: int
    ungated: tuple[str, ...]
    mirrored: bool
    commit: str | None
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return 1 if self.left else 0


def adopt_tags(project: Project, request: AdoptRequest) -> AdoptResult:
    """Turn tags into records, all of them in one commit; an existing record stays as it is."""
    project.registry.read_config()
    refuse_protected(project)
    editing = open_edit(project, "adopt", dry_run=request.dry_run)
    with naming_commits(project.repository), editing as edit:
        source = open_source(project, request)
        claims = read_tag_claims(source)
        project.reporter.begin_work("reading tags", None)
        try:
            versions = prepare_versions(source, claims)
        finally:
            project.reporter.end_work()
        _tell_omissions(project, versions.prepared)
        stages = prepare_stages(source, claims, versions.collect_digests(), versions.unfit)
        result = _build_result(project, request, versions, stages)
        for model in _list_models(result):
            _refuse_newer_records(project, model, result)
        _require_signatures(source, result, stages)
        if edit is None or not (versions.prepared or stages.files):
            return result
        _plan_files(project, edit, versions.prepared, stages)
        commit = _commit_records(edit, versions.prepared, stages.seals, result)
    return replace(result, commit=commit)


def _refuse_newer_records(project: Project, model: str, result: AdoptResult) -> None:
    """Raise NewerFormat for a newer record that an adopted one would follow."""
    stages = dict.fromkeys(stage.stage for stage in result.stages if stage.model == model)
    last = list_last_promotions(project.registry, model, stages)
    refuse_newer_formats(project.registry, [*list_highest_version(project.registry, model), *last])


def _require_signatures(
    source: AdoptionSource, result: AdoptResult, stages: PreparedStages
) -> None:
    """Raise MlverError where a seal would not be signed though the settings ask for that."""
    if not seals.requires_signatures(source.project):
        return
    for version in result.versions:
        # its own tag stands in for a seal, and is never made again
        if version.seal is None and not source.tags[version.tag].is_signed:
            raise MlverError(
                f"the settings ask for signed seals (tags.signed in {layout.CONFIG}), and the tag"
                f" {version.tag}, which would seal the version adopted from it, is not signed;"
                " adopt it before the settings ask for that",
                hint=shell_command("git", "log", "--", layout.CONFIG),
            )
    if stages.seals or any(version.seal for version in result.versions):
        seals.require_signing(source.project)


# -- the result --------------------------------------------------------------------------------


def _build_result(
    project: Project, request: AdoptRequest, versions: PreparedVersions, stages: PreparedStages
) -> AdoptResult:
    config = project.registry.read_config()
    ungated: list[str] = []
    for name in sorted({adopted.stage for adopted in stages.stages}):
        if not config.stages.get(name, StageSettings()).gates.get("verified"):
            ungated.append(name)
    return AdoptResult(
        versions=tuple(map(_summarise_version, versions.prepared)),
        stages=stages.stages,
        left=(*versions.left, *stages.left),
        skipped=(*versions.skipped, *stages.skipped),
        known=len(versions.known),
        ungated=tuple(ungated),
        mirrored=config.tags.mirror is not None,
        commit=None,
        dry_run=request.dry_run,
    )


def _summarise_version(prepared: PreparedRecord) -> AdoptedVersion:
    record = prepared.record
    weights = record.weights
    assert record.adopted_tag is not None
    seal_name: str | None = version_tag_name(record.model, record.version)
    if seal_name == record.adopted_tag.tag:
        seal_name = None
    return AdoptedVersion(
        model=record.model,
        version=record.version,
        tag=record.adopted_tag.tag,
        seal=seal_name,
        weights=weights.path,
        digest=str(weights.digest),
        size=weights.size,
        files=weights.files,
        holder=prepared.holder,
        left_out=prepared.omissions,
    )


def _tell_omissions(project: Project, versions: Sequence[PreparedRecord]) -> None:
    """Say what is left out, once for all the versions of which the same is to be said."""
    tags: dict[str, list[str]] = {}
    for prepared in versions:
        assert prepared.record.adopted_tag is not None
        for omission in prepared.omissions:
            tags.setdefault(omission, []).append(prepared.record.adopted_tag.tag)
    for omission, names in list(tags.items())[:_OMISSIONS_TOLD]:
        subject = names[0]
        if len(names) > 1:
            subject += f" and {len(names) - 1:,} more"
        project.reporter.show_note(f"{subject}: {omission}")
    if len(tags) > _OMISSIONS_TOLD:
        hidden = len(tags) - _OMISSIONS_TOLD
        project.reporter.show_note(f"and {hidden:,} more: mlver adopt --json names them all")


# -- landing the records -----------------------------------------------------------------------


def _plan_files(
    project: Project,
    edit: PlannedEdit,
    versions: Sequence[PreparedRecord],
    stages: PreparedStages,
) -> None:
    manifests: dict[str, bytes] = {}
    # the last one registered has the paths that the next version will most likely have
    last_records: dict[str, PreparedRecord] = {}
    for prepared in versions:
        manifests.update(prepared.manifests)
        last_records[prepared.record.model] = prepared
    put_new_files(project, edit, manifests)
    for prepared in versions:
        record = prepared.record
        version_path = layout.version_path(record.model, record.version)
        edit.create_file(version_path, prepared.data)
    for record_path, record_bytes in stages.files.items():
        edit.create_file(record_path, record_bytes)
    for prepared in last_records.values():
        _put_settings(project, edit, prepared)
    stage_names = {adopted.stage for adopted in stages.stages}
    _put_stages(project, edit, stage_names)


def _put_settings(project: Project, edit: PlannedEdit, prepared: PreparedRecord) -> None:
    """A model's settings where it has none.

    The next `mlver register` then pins the same paths, kept by the same tool.
    """
    record = prepared.record
    if project.registry.read_settings(record.model) is not None:
        return
    artifacts: dict[str, ArtifactSettings] = {}
    for artifact_name, artifact in record.named_artifacts().items():
        artifacts[artifact_name] = ArtifactSettings(
            path=artifact.path, format=artifact.format, stored=False
        )
    settings = ModelSettings(
        model=record.model,
        weights=artifacts.pop("weights"),
        data=artifacts,
        params=_list_present(project, prepared.params or adopted_records.PARAMS),
        metrics=_list_present(project, prepared.metrics or adopted_records.METRICS),
    )
    settings_bytes = amend_document("model", None, settings.to_document())
    edit.put_file(layout.settings_path(record.model), settings_bytes)


def _list_present(project: Project, files: Sequence[str]) -> tuple[str, ...]:
    return tuple(path for path in files if (project.top_folder / path).is_file())


def _put_stages(project: Project, edit: PlannedEdit, stages: Collection[str]) -> None:
    """The settings with the stages that they do not list yet."""
    config = project.registry.read_config()
    lacking_stages = sorted(set(stages) - set(config.stages))
    if not lacking_stages:
        return
    added_stages = dict.fromkeys(lacking_stages, StageSettings())
    extended = replace(config, stages={**config.stages, **added_stages})
    existing = project.registry.read_file(layout.CONFIG)
    settings_bytes = amend_document("config", existing, extended.to_document())
    edit.put_file(layout.CONFIG, settings_bytes)


def _commit_records(
    edit: PlannedEdit,
    prepared: Sequence[PreparedRecord],
    stage_seals: Sequence[PlannedTag],
    result: AdoptResult,
) -> str:
    message_lines: list[str] = []
    version_tags: list[PlannedTag] = []
    for version, prepared_record in zip(result.versions, prepared, strict=True):
        message_lines.append(f"{version.model} {version.version} from the tag {version.tag}")
        # A tag that has the seal's name already is never moved; the commit stands in for a seal.
        if version.seal is not None:
            version_tags.append(
                planned_tags.plan_version_tag(prepared_record.record, prepared_record.data)
            )
    for adopted_stage in result.stages:
        message_lines.append(f"{adopted_stage.model}: the history of {adopted_stage.stage}")
    description = f"adopt {_name_models(result)}"
    message = "\n".join([f"mlver: {description}", "", *message_lines])
    return edit.commit_files(message, (*version_tags, *stage_seals), description=description)


def _list_models(result: AdoptResult) -> list[str]:
    model_names: set[str] = set()
    for version in result.versions:
        model_names.add(version.model)
    for stage in result.stages:
        model_names.add(stage.model)
    return sorted(model_names)


def _name_models(result: AdoptResult) -> str:
    models = _list_models(result)
    listing = ", ".join(models[:_MODELS_NAMED])
    if len(models) > _MODELS_NAMED:
        listing += ", …"
    return listing
