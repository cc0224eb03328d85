"""Versions that tags claim: which have their record already, and the records of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mlver import names
from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.features.adopting import adopted_records
from mlver.features.adopting.adopted_records import ModelPaths, OriginTag, PreparedRecord
from mlver.features.adopting.committed_files import BATCH
from mlver.features.adopting.foreign_tags import TagClaims, VersionTag
from mlver.features.adopting.source import AdoptionSource
from mlver.findings import Finding
from mlver.project.artifacts.elsewhere.find import (
    DamagedContents,
    MissingContents,
    MissingPath,
)
from mlver.project.project import Project
from mlver.records import file_names, layout
from mlver.records.model import ModelSettings
from mlver.records.tags import version_tag_name
from mlver.version import Version

# A version is named by its model and its number.
VersionKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PreparedVersions:
    """`known` are the digests of the records that exist already.

    `skipped` are lost versions, where the person said to go on without them. `unfit` are those of
    `left` that are not lost.
    """

    prepared: tuple[PreparedRecord, ...]
    known: Mapping[VersionKey, Digest]
    left: tuple[Finding, ...]
    skipped: tuple[Finding, ...]
    unfit: tuple[Finding, ...] = ()

    def collect_digests(self) -> dict[VersionKey, Digest]:
        """The digest of every record, new or existing."""
        digests = dict(self.known)
        for prepared in self.prepared:
            record = prepared.record
            digests[record.model, record.version] = Digest.of_bytes(prepared.data)
        return digests


def prepare_versions(source: AdoptionSource, claims: TagClaims) -> PreparedVersions:
    """Prepare a record for each version that has none; say why where there can be none."""
    project = source.project
    prepared: list[PreparedRecord] = []
    known_digests: dict[VersionKey, Digest] = {}
    findings: list[Finding] = []
    skipped: list[Finding] = []
    unfit: list[Finding] = []
    model_paths = _ModelPathFinder(source)
    ordered_claims = sorted(claims.versions, key=version_sort_key)
    twins = _find_case_twins(project, ordered_claims)
    for number, version_claim in enumerate(ordered_claims):
        if number % BATCH == 0:
            _fetch_batch(source, ordered_claims[number : number + BATCH])
        version_key = (version_claim.model, version_claim.version)
        if version_key in claims.withdrawn:
            note = f"{version_claim.tag} was taken back by another tag: passed over"
            project.reporter.show_note(note)
            continue
        try:
            existing = _read_existing(project, version_claim)
            if existing is not None:
                known_digests[version_key] = existing
                continue
            if version_key in twins:
                raise _build_twin_error(version_claim, twins[version_key])
            record = _prepare_claim(source, version_claim, model_paths)
            if record is not None:
                prepared.append(record)
        except MlverError as error:
            message = error.message.replace("\n", " ")
            finding = Finding("tag", version_claim.tag, message, error.hints)
            is_lost = isinstance(error, MissingContents | MissingPath | DamagedContents)
            is_skipped = is_lost and source.request.skip_lost
            (skipped if is_skipped else findings).append(finding)
            if not is_lost:
                unfit.append(finding)
    return PreparedVersions(
        tuple(prepared), known_digests, tuple(findings), tuple(skipped), tuple(unfit)
    )


@dataclass(frozen=True, slots=True)
class _ModelPathFinder:
    """Finds once where each model's files were."""

    source: AdoptionSource
    known: dict[str, ModelPaths] = field(default_factory=dict)

    def find_paths(self, model: str) -> ModelPaths:
        if model not in self.known:
            self.known[model] = _find_model_paths(self.source, model, self.known)
        return self.known[model]


def _prepare_claim(
    source: AdoptionSource, claim: VersionTag, model_paths: _ModelPathFinder
) -> PreparedRecord | None:
    """Prepare the record of a version; None where its tag is of no model."""
    origin = _find_origin(source, claim)
    if not _is_of_model(source, claim, origin):
        return None
    paths = model_paths.find_paths(claim.model)
    return adopted_records.prepare_record(source, claim, origin, paths)


def _fetch_batch(source: AdoptionSource, claims: Sequence[VersionTag]) -> None:
    """Read the small files of the next commits together, but for versions that have a record."""
    commits: list[str] = []
    for claim in claims:
        commit = source.tags[claim.tag].commit
        is_known = False
        if file_names.is_model_name(claim.model) and file_names.parse_version_name(claim.version):
            record_path = layout.version_path(claim.model, claim.version)
            is_known = (source.project.top_folder / record_path).exists()
        if commit is not None and not is_known:
            commits.append(commit)
    source.files.fetch_batch(commits, adopted_records.USUAL_FILES)


def _find_case_twins(project: Project, claims: Sequence[VersionTag]) -> dict[VersionKey, str]:
    """Find the versions that differ by letter case only from an earlier one, and that one."""
    first: dict[VersionKey, str] = {}
    for model in {claim.model for claim in claims if file_names.is_model_name(claim.model)}:
        for number in project.registry.list_versions(model):
            first.setdefault((model, str(number).casefold()), str(number))
    twins: dict[VersionKey, str] = {}
    for claim in claims:
        earlier = first.setdefault((claim.model, claim.version.casefold()), claim.version)
        if earlier != claim.version:
            twins[claim.model, claim.version] = earlier
    return twins


def _build_twin_error(claim: VersionTag, twin: str) -> MlverError:
    return MlverError(
        f"{claim.version} differs from {twin} by letter case only, and their records would be"
        " one file on many machines",
        hint=shell_command("git", "show", f"refs/tags/{claim.tag}"),
    )


def version_sort_key(claim: VersionTag) -> tuple[str, Version]:
    """By model, then by number; a version that is none comes first."""
    return claim.model, file_names.parse_version_name(claim.version) or Version(0, 0, 0)


def _read_existing(project: Project, claim: VersionTag) -> Digest | None:
    """The digest of the record that exists; raise MlverError where none of this name can."""
    if not file_names.is_model_name(claim.model):
        pattern = claim.tag.replace(claim.version, "{version}")
        raise MlverError(
            f"{claim.model} is no name for a model here",
            hint=shell_command("mlver", "adopt", "MODEL", "--pattern", pattern),
        )
    if file_names.parse_version_name(claim.version) is None:
        suggested = f"{claim.model}@vMAJOR.MINOR.PATCH"
        raise MlverError(
            f"{claim.version} is no semantic version without build metadata",
            hint=shell_command("git", "tag", "-a", suggested, f"{claim.tag}^{{}}"),
        )
    return project.registry.read_version_digest(claim.model, claim.version)


def _find_origin(source: AdoptionSource, claim: VersionTag) -> OriginTag:
    claimed_tag = source.tags[claim.tag]
    commit = source.find_commit(claim.tag)
    if commit is None:
        hint = shell_command("git", "show", f"refs/tags/{claim.tag}")
        raise MlverError("names no commit", hint=hint)
    seal_name = version_tag_name(claim.model, claim.version)
    # its name is the seal's, so no other tag may have it
    if seal_name != claim.tag and seal_name in source.tags:
        raise MlverError(
            f"its version tag {seal_name} is another tag already",
            hint=shell_command("git", "show", seal_name),
        )
    return OriginTag(claimed_tag, commit, source.annotations[claim.tag])


def _is_of_model(source: AdoptionSource, claim: VersionTag, origin: OriginTag) -> bool:
    """Whether GTO's annotations call the artifact a model, or say nothing of it."""
    # a person who names the model knows better than the annotations
    if source.request.model:
        return True
    annotated = adopted_records.read_artifact_annotations(source.files, origin.commit)
    if claim.model not in annotated:
        return True
    kind = annotated[claim.model].kind
    if kind in (None, "model"):
        return True
    source.project.reporter.show_note(
        f"{claim.tag} is of no model but of a {kind}: passed over"
        f" (adopted all the same by {shell_command('mlver', 'adopt', claim.model)})"
    )
    return False


def _find_model_paths(source: AdoptionSource, model: str, others: Iterable[str]) -> ModelPaths:
    """Where a model's files were: as typed, else as `model.yaml` says, else as annotations will.

    Raise MlverError where its name is too much like that of another model here.
    """
    project, request = source.project, source.request
    names.check_distinct(model, [*project.registry.list_models(), *others])
    known_settings = project.registry.read_settings(model) or ModelSettings(model=model)
    weights = None
    if request.weights:
        weights = project.resolve_path(request.weights)
    elif known_settings.weights:
        weights = known_settings.weights.path
    data_paths: dict[str, str] = {}
    for data_set, artifact in known_settings.data.items():
        data_paths[data_set] = artifact.path
    for data_set, data_path in request.data.items():
        data_paths[names.check_data_set(data_set)] = project.resolve_path(data_path)
    return ModelPaths(
        weights=weights,
        data=data_paths,
        params=tuple(map(project.resolve_path, request.params)),
        metrics=tuple(map(project.resolve_path, request.metrics)),
        usual_params=known_settings.params or adopted_records.PARAMS,
        usual_metrics=known_settings.metrics or adopted_records.METRICS,
    )
