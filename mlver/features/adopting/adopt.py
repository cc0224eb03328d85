"""`mlver adopt`: records for versions that tags of GTO's, or plain ones, already tell of. No tag is moved."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from mlver import names
from mlver.digest import Digest
from mlver.document.amend import amend_document
from mlver.errors import MlverError, UsageError, shell_command
from mlver.features.adopting import adopted_records
from mlver.features.adopting import foreign_tags as policy
from mlver.features.adopting.adopted_records import ModelPaths, OriginTag, PreparedRecord
from mlver.features.adopting.foreign_tags import StageTag, StageTagEvent, TagClaims, VersionTag
from mlver.findings import Finding
from mlver.git.annotations import TagAnnotation, read_annotations
from mlver.git.repository import GitTag
from mlver.project.artifacts.elsewhere.find import ExternalCopies
from mlver.project.edit.edit import PlannedEdit
from mlver.project.edit.manifests import put_new_files
from mlver.project.project import Project
from mlver.project.tags import planned_tags
from mlver.project.transaction import editing
from mlver.records import layout
from mlver.records.model import ArtifactSettings, ModelSettings
from mlver.records.sections.stages import StageSettings
from mlver.records.tags import version_tag_name
from mlver.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptRequest:
    """What the person asked for; paths are as typed, and go before what a model's settings or annotations say."""

    model: str | None = None
    pattern: str | None = None
    weights: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class AdoptedVersion:
    """`seal` is the version tag that was made; None where the tag adopted from has its name already.

    `holder`: who keeps the weights, `git`, `git-lfs` or `dvc`.
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


@dataclass(frozen=True, slots=True)
class AdoptedStage:
    """A stage's history: the versions in the order they held it (None: nobody did)."""

    model: str
    stage: str
    holders: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptResult:
    """`left` are tags, or a stage's tags, that nothing could be made of yet. `known` is how many of the versions that
    tags tell of had records already. `commit` is None where none was made.
    """

    versions: tuple[AdoptedVersion, ...]
    stages: tuple[AdoptedStage, ...]
    left: tuple[Finding, ...]
    known: int
    commit: str | None
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return 1 if self.left else 0


def adopt_tags(project: Project, asked: AdoptRequest) -> AdoptResult:
    """Turn tags into records, all of them in one commit; what has a record already is left as it is."""
    project = project.without_cache
    project.registry.read_config()
    with nullcontext() if asked.dry_run else editing(project, "adopt") as edit:
        run = _AdoptionRun(
            project, asked, project.repository.tags(), read_annotations(project.repository)
        )
        claims = run.read_claims()
        project.reporter.begin_work("reading tags", None)
        try:
            for claim in sorted(claims.versions, key=_version_sort_key):
                run.adopt_version(claim, withdrawn=(claim.model, claim.version) in claims.withdrawn)
        finally:
            project.reporter.end_work()
        run.adopt_stages(claims)
        result = run.build_result()
        if edit is None or not run.writes:
            return result
        commit = _land_records(run, edit, result)
    return replace(result, commit=commit)


def _version_sort_key(claim: VersionTag) -> tuple[str, Version]:
    return claim.model, layout.parse_version_name(claim.version) or Version(0, 0, 0)


@dataclass(slots=True)
class _AdoptionRun:
    """One adoption: what is at hand, and what was made of it so far; `digests` are of records, old and new."""

    project: Project
    asked: AdoptRequest
    tags: Mapping[str, GitTag]
    told: Mapping[str, TagAnnotation]
    holdings: ExternalCopies = field(init=False)
    places: dict[str, ModelPaths] = field(default_factory=dict)
    adoptees: list[PreparedRecord] = field(default_factory=list)
    adopted_stages: list[AdoptedStage] = field(default_factory=list)
    writes: dict[str, bytes] = field(default_factory=dict)
    left: list[Finding] = field(default_factory=list)
    digests: dict[tuple[str, str], Digest] = field(default_factory=dict)
    known: int = 0

    def __post_init__(self) -> None:
        self.holdings = ExternalCopies(self.project)

    def read_claims(self) -> TagClaims:
        """What the tags that seal nothing claim; raise UsageError where it takes a model to tell."""
        asked = self.asked
        model = names.check_model(asked.model) if asked.model else None
        foreign = [name for name, tag in self.tags.items() if not tag.seals]
        claims = policy.read_claims(foreign, model, asked.pattern)
        bare = policy.select_plain_tags(foreign)
        if model is None and (asked.weights or asked.data):
            raise UsageError(
                "paths are of one model; say which", hint="mlver adopt MODEL --weights PATH"
            )
        if model is None and bare and not claims.versions and asked.pattern is None:
            raise UsageError(
                f"{bare[0]} names a version and no model; say whose it is", hint="mlver adopt MODEL"
            )
        return claims

    # -- versions ----------------------------------------------------------------------------------------------------

    def adopt_version(self, claim: VersionTag, *, withdrawn: bool) -> None:
        """Make the record a tag tells of, or note why there can be none."""
        try:
            if withdrawn:
                self.project.reporter.show_note(
                    f"{claim.tag} was taken back by another tag: passed over"
                )
            elif not self._has_record(claim):
                self._prepare_version(claim)
        except MlverError as error:
            self.left.append(Finding("tag", claim.tag, error.message, error.hints))

    def _has_record(self, claim: VersionTag) -> bool:
        """Whether there is a record already; raise MlverError where there can be none of this name."""
        if not layout.is_model_name(claim.model):
            hint = shell_command(
                "mlver",
                "adopt",
                "MODEL",
                "--pattern",
                claim.tag.replace(claim.version, "{version}"),
            )
            raise MlverError(f"{claim.model} is no name for a model here", hint=hint)
        if layout.parse_version_name(claim.version) is None:
            named = f"{claim.model}@vMAJOR.MINOR.PATCH"
            raise MlverError(
                f"{claim.version} is no semantic version without build metadata",
                hint=shell_command("git", "tag", "-a", named, f"{claim.tag}^{{}}"),
            )
        digest = self.project.registry.read_version_digest(claim.model, claim.version)
        if digest is None:
            return False
        self.digests[claim.model, claim.version] = digest
        self.known += 1
        return True

    def _prepare_version(self, claim: VersionTag) -> None:
        tag = self.tags[claim.tag]
        if tag.commit is None:
            raise MlverError(
                "names no commit", hint=shell_command("git", "show", f"refs/tags/{claim.tag}")
            )
        name = version_tag_name(claim.model, claim.version)
        if name != claim.tag and name in self.tags:
            raise MlverError(
                f"its version tag {name} is another tag already",
                hint=shell_command("git", "show", name),
            )
        kind = (
            None
            if self.asked.model
            else adopted_records.read_annotations(self.project, tag.commit).get(
                claim.model, (None,)
            )[0]
        )
        if kind not in (None, "model"):
            self.project.reporter.show_note(
                f"{claim.tag} is of no model but of a {kind}: passed over"
            )
            return
        if claim.model not in self.places:
            names.check_distinct(claim.model, [*self.project.registry.list_models(), *self.places])
            self.places[claim.model] = _find_model_paths(self.project, self.asked, claim.model)
        origin = OriginTag(tag, tag.commit, self.told[claim.tag])
        made = adopted_records.prepare_record(
            self.project,
            self.holdings,
            claim.model,
            claim.version,
            origin,
            self.places[claim.model],
        )
        self.adoptees.append(made)
        self.writes[layout.version_path(claim.model, claim.version)] = made.data
        self.digests[claim.model, claim.version] = Digest.of_bytes(made.data)

    # -- stages ------------------------------------------------------------------------------------------------------

    def adopt_stages(self, claims: TagClaims) -> None:
        """The history of each stage that has none here yet; none is written by halves."""
        events: dict[tuple[str, str], list[StageTag]] = {}
        for tag in sorted(claims.stages, key=lambda tag: (tag.count, tag.withdrawn)):
            events.setdefault((tag.model, tag.stage), []).append(tag)
        for (model, stage), tags in events.items():
            try:
                self._adopt_stage(model, stage, tags, claims)
            except MlverError as error:
                self.left.append(Finding("tag", f"{model}#{stage}", error.message, error.hints))

    def _adopt_stage(
        self, model: str, stage: str, tags: Sequence[StageTag], claims: TagClaims
    ) -> None:
        if not layout.is_model_name(model):
            return  # its versions were told of
        names.check_stage(stage)
        history = self.project.registry.read_history(model, stage)
        if history:
            self._note_later_tags(
                model,
                stage,
                tags,
                {adopted_records.read_origin_tag(record) for record, _ in history},
            )
            return
        given = []
        for tag in tags:
            version = self._find_version_at(self.tags[tag.tag].commit, model, claims)
            if (model, version) in claims.withdrawn:
                continue
            if version is None:
                raise MlverError(
                    f"{tag.tag} is on a commit of no version",
                    hint=shell_command("git", "show", tag.tag),
                )
            if (model, version) not in self.digests:
                said = f"{tag.tag} is of {version}, which has no record yet; a stage's history is adopted whole"
                raise MlverError(
                    said,
                    hint=shell_command("mlver", "adopt", model),
                )
            given.append(StageTagEvent(tag.tag, version, tag.withdrawn))
        digests = {version: digest for (of, version), digest in self.digests.items() if of == model}
        moves = policy.derive_promotions(given)
        self.writes.update(
            adopted_records.build_promotions(model, stage, moves, self.told, digests)
        )
        holders = tuple(None if move.action == "retire" else move.version for move in moves)
        self.adopted_stages.append(AdoptedStage(model, stage, holders))

    def _note_later_tags(
        self, model: str, stage: str, tags: Sequence[StageTag], adopted: Collection[str | None]
    ) -> None:
        """Say so where a stage was given on by tags after its history was adopted."""
        known = [at for at, tag in enumerate(tags) if tag.tag in adopted]
        for tag in tags[known[-1] + 1 :] if known else ():
            hint = shell_command("mlver", "promote", f"{model}@VERSION", "--to", stage, "-m", "WHY")
            self.project.reporter.show_note(
                f"{tag.tag} came after the history of {stage} was adopted: {hint}"
            )

    def _find_version_at(self, commit: str | None, model: str, claims: TagClaims) -> str | None:
        """The version whose tag is on a commit, the highest of several."""
        found = [
            claim
            for claim in claims.versions
            if claim.model == model and self.tags[claim.tag].commit == commit
        ]
        return max(found, key=_version_sort_key).version if found and commit else None

    # -- telling of it -----------------------------------------------------------------------------------------------

    def build_result(self) -> AdoptResult:
        return AdoptResult(
            versions=tuple(self._summarise_version(made) for made in self.adoptees),
            stages=tuple(self.adopted_stages),
            left=tuple(self.left),
            known=self.known,
            commit=None,
            dry_run=self.asked.dry_run,
        )

    def _summarise_version(self, made: PreparedRecord) -> AdoptedVersion:
        record, weights = made.record, made.record.weights
        assert record.adopted_tag is not None
        seal = version_tag_name(record.model, record.version)
        return AdoptedVersion(
            model=record.model,
            version=record.version,
            tag=record.adopted_tag.tag,
            seal=None if seal == record.adopted_tag.tag else seal,
            weights=weights.path,
            digest=str(weights.digest),
            size=weights.size,
            files=weights.files,
            holder=made.holder,
        )


def _find_model_paths(project: Project, asked: AdoptRequest, model: str) -> ModelPaths:
    """Where the files of a model were: as typed, else as `model.yaml` says, else as annotations will."""
    known = project.registry.read_settings(model) or ModelSettings(model=model)
    data = {name: artifact.path for name, artifact in known.data.items()}
    data |= {
        names.check_data_set(name): project.resolve_path(path) for name, path in asked.data.items()
    }
    told = known.weights.path if known.weights else None
    return ModelPaths(
        weights=project.resolve_path(asked.weights) if asked.weights else told,
        data=data,
        params=known.params or adopted_records.PARAMS,
        metrics=known.metrics or adopted_records.METRICS,
    )


# -- landing it ------------------------------------------------------------------------------------------------------


def _land_records(run: _AdoptionRun, edit: PlannedEdit, result: AdoptResult) -> str:
    project = run.project
    manifests = {path: data for made in run.adoptees for path, data in made.manifests.items()}
    put_new_files(project, edit, manifests)
    for path, data in run.writes.items():
        edit.create_file(path, data)
    _put_settings(project, edit, run.adoptees)
    _put_stages(project, edit, {one.stage for one in result.stages})
    models = sorted({one.model for one in result.versions} | {one.model for one in result.stages})
    description = f"adopt {', '.join(models[:3])}{', …' if len(models) > 3 else ''}"
    lines = [f"{one.model} {one.version} from the tag {one.tag}" for one in result.versions]
    lines += [f"{one.model}: the history of {one.stage}" for one in result.stages]
    tags = tuple(
        planned_tags.plan_version_tag(made.record, made.data)
        for made, one in zip(run.adoptees, result.versions, strict=True)
        if one.seal is not None
    )
    message = "\n".join((f"mlver: {description}", "", *lines))
    return edit.commit_files(message, tags, description=description)


def _put_settings(project: Project, edit: PlannedEdit, adoptees: Sequence[PreparedRecord]) -> None:
    """A model's settings where it has none: the next `mlver register` pins the same places, kept by the same tool."""
    for record in {made.record.model: made.record for made in adoptees}.values():
        if project.registry.read_settings(record.model) is None:
            kept = {
                name: ArtifactSettings(path=one.path, format=one.format, stored=False)
                for name, one in record.named_artifacts().items()
            }
            settings = ModelSettings(
                model=record.model,
                weights=kept.pop("weights"),
                data=kept,
                params=_list_present(project, adopted_records.PARAMS),
                metrics=_list_present(project, adopted_records.METRICS),
            )
            edit.put_file(
                layout.settings_path(record.model),
                amend_document("model", None, settings.to_document()),
            )


def _list_present(project: Project, files: Sequence[str]) -> tuple[str, ...]:
    return tuple(path for path in files if (project.top_folder / path).is_file())


def _put_stages(project: Project, edit: PlannedEdit, stages: Collection[str]) -> None:
    config = project.registry.read_config()
    lacking = sorted(set(stages) - set(config.stages))
    if lacking:
        wanted = replace(
            config, stages={**config.stages, **dict.fromkeys(lacking, StageSettings())}
        )
        edit.put_file(
            layout.CONFIG,
            amend_document(
                "config", project.registry.read_file(layout.CONFIG), wanted.to_document()
            ),
        )
