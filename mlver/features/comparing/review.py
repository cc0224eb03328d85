"""`mlver diff A...B`: what a branch registers, moves and changes, read from its commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mlver.document import codec
from mlver.document.schema import Kind
from mlver.errors import MlverError
from mlver.features.comparing.added_retirement import AddedRetirement, read_added_retirement
from mlver.features.comparing.artifact_diff import ArtifactDiff, compare_artifacts
from mlver.features.comparing.branch import BranchChanges, compare_trees
from mlver.features.comparing.review_warnings import (
    check_chains,
    check_claimed_paths,
    check_landed_records,
    check_seals,
    describe_stray_file,
    describe_unreadable,
)
from mlver.features.comparing.snapshot import ModelSnapshot, read_directions, snapshot_version
from mlver.features.comparing.value_diff import (
    MetricChange,
    ValueChange,
    compare_metrics,
    compare_uses,
    compare_values,
)
from mlver.findings import Finding
from mlver.git import revisions
from mlver.policy.numbering import bumped_part
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.attached import read_attached
from mlver.project.registry.committed import CommittedRecords
from mlver.records import layout
from mlver.records.layout import (
    AttachedKind,
    AttachedPath,
    PromotionPath,
    VersionPath,
)
from mlver.records.promotion import PromotionRecord
from mlver.records.values import Document
from mlver.records.version import CodeState, Update
from mlver.version import Bump, Version, highest_version, parse_version


@dataclass(frozen=True, slots=True)
class ReviewRange:
    """`A...B` (what B did since it left A) or, where `direct`, `A..B` (two commits compared)."""

    old: str
    new: str
    direct: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version that the branch registers.

    It is `compared` with its parent, else with the version it follows; None for a first version.
    `bump` is the part of the number that moved, None for a first version. `record` is the digest
    of the record's bytes.
    """

    model: str
    version: str
    bump: Bump | None
    parent: str | None
    compared: str | None
    update: Update
    created: str
    author: str
    message: str
    record: str
    params: tuple[ValueChange, ...]
    metrics: tuple[MetricChange, ...]
    artifacts: tuple[ArtifactDiff, ...]
    environment: tuple[ValueChange, ...]
    labels: tuple[ValueChange, ...]
    uses: tuple[ValueChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedJudgement:
    """An evaluation, an approval for `stage`, or a note that the branch adds."""

    model: str
    version: str
    stage: str | None
    author: str
    message: str


@dataclass(frozen=True, slots=True)
class ChangedSettings:
    """A settings file that differs.

    `changes` are its values, none where one of the sides cannot be read.
    """

    path: str
    state: str
    changes: tuple[ValueChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewResult:
    """`base` and `head` are the commits compared.

    With three dots, `base` is where the branch left `old`. `warnings` are what a reviewer should
    look at before the rest.
    """

    old: str
    new: str
    direct: bool
    base: str
    head: str
    versions: tuple[NewVersion, ...]
    promotions: tuple[PromotionRecord, ...]
    evaluations: tuple[AddedJudgement, ...]
    approvals: tuple[AddedJudgement, ...]
    notes: tuple[AddedJudgement, ...]
    retirements: tuple[AddedRetirement, ...]
    settings: tuple[ChangedSettings, ...]
    warnings: tuple[Finding, ...]

    @property
    def differs(self) -> bool:
        """Whether the branch changes anything about models."""
        return bool(
            self.versions
            or self.promotions
            or self.evaluations
            or self.approvals
            or self.notes
            or self.retirements
            or self.settings
            or self.warnings
        )


@dataclass(slots=True)
class _AddedRecords:
    """The records that a branch adds, by kind, and what is wrong with those that are unreadable."""

    versions: list[NewVersion] = field(default_factory=list)
    promotions: list[PromotionRecord] = field(default_factory=list)
    evaluations: list[AddedJudgement] = field(default_factory=list)
    approvals: list[AddedJudgement] = field(default_factory=list)
    notes: list[AddedJudgement] = field(default_factory=list)
    retirements: list[AddedRetirement] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    def list_judgements(self, kind: AttachedKind) -> list[AddedJudgement]:
        """The list that a judgement of this kind belongs in."""
        if kind == "evaluation":
            return self.evaluations
        return self.approvals if kind == "approval" else self.notes


def parse_range(text: str | None) -> ReviewRange | None:
    """The range a person typed; None for a REF, which never holds two dots in a row.

    A side that is left empty is HEAD.
    """
    if text is None:
        return None
    for dots in ("...", ".."):
        old_side, separator, new_side = text.partition(dots)
        if separator:
            return ReviewRange(old_side or "HEAD", new_side or "HEAD", direct=dots == "..")
    return None


def review_range(project: Project, asked: ReviewRange) -> ReviewResult:
    """What lies between two commits.

    The work tree is never looked at, and a record that cannot be read becomes a warning.
    """
    repository = project.repository
    old_commit = revisions.resolve_revision(repository, asked.old)
    head_commit = revisions.resolve_revision(repository, asked.new)
    base_commit = (
        old_commit
        if asked.direct
        else revisions.find_merge_base(repository, old_commit, head_commit)
    )
    branch = compare_trees(project, base=base_commit, head=head_commit, other=old_commit)

    records = _read_added_records(branch)
    settings, settings_warnings = _compare_settings(branch)
    warnings = [*records.warnings, *settings_warnings]
    warnings += check_landed_records(branch)
    warnings += check_claimed_paths(branch)
    warnings += check_chains(branch, records.promotions)
    warnings += check_seals(branch, _select_unwarned(records.versions, warnings))

    return ReviewResult(
        old=asked.old,
        new=asked.new,
        direct=asked.direct,
        base=base_commit,
        head=head_commit,
        versions=tuple(records.versions),
        promotions=tuple(records.promotions),
        evaluations=tuple(records.evaluations),
        approvals=tuple(records.approvals),
        notes=tuple(records.notes),
        retirements=tuple(records.retirements),
        settings=tuple(settings),
        # Two checks may meet the same fault, such as a record that cannot be read.
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _select_unwarned(
    versions: Sequence[NewVersion], warnings: Sequence[Finding]
) -> dict[str, list[str]]:
    """The versions, by model, that nothing warns of yet."""
    # A version that is warned of already needs no second warning for its seal.
    warned_paths = {warning.subject for warning in warnings}
    unwarned: dict[str, list[str]] = {}
    for version in versions:
        record_path = layout.version_path(version.model, version.version)
        if record_path not in warned_paths:
            unwarned.setdefault(version.model, []).append(version.version)
    return unwarned


# -- the records that are new


def _read_added_records(branch: BranchChanges) -> _AddedRecords:
    records = _AddedRecords()
    for record_path in branch.added:
        parsed_path = layout.parse_path(record_path)
        if parsed_path is None:
            records.warnings += describe_stray_file(record_path)
            continue
        try:
            match parsed_path:
                case VersionPath():
                    records.versions.append(_read_version(branch, parsed_path))
                case PromotionPath():
                    records.promotions.append(_read_promotion(branch, parsed_path))
                case AttachedPath(kind="retirement"):
                    registry = branch.head_project.registry
                    records.retirements.append(read_added_retirement(registry, parsed_path))
                case AttachedPath():
                    judgement = _read_judgement(branch, parsed_path)
                    records.list_judgements(parsed_path.kind).append(judgement)
        except MlverError as error:
            records.warnings.append(describe_unreadable(record_path, error))
    return records


def _read_version(branch: BranchChanges, place: VersionPath) -> NewVersion:
    number = parse_version(place.version)
    registry = branch.head_project.registry
    record, digest = registry.read_version(place.model, number)
    new_snapshot = snapshot_version(branch.head_project, ResolvedRef(place.model, number))
    origin = record.parent or record.predecessor
    compared = _find_compared_version(branch, place.model, number, origin)
    environment: tuple[ValueChange, ...] = ()
    # With a first version everything is new: a list of all its packages would tell nobody much.
    if compared is None:
        old_snapshot = _empty_snapshot(place.model, record.code)
    else:
        old_snapshot = snapshot_version(branch.head_project, ResolvedRef(place.model, compared))
        environment = compare_values(
            old_snapshot.environment_document, new_snapshot.environment_document
        )
    directions = read_directions(registry, place.model)
    return NewVersion(
        model=record.model,
        version=record.version,
        bump=_find_bump(branch, place.model, number),
        parent=record.parent,
        compared=None if compared is None else str(compared),
        update=record.update,
        created=record.created,
        author=record.author,
        message=record.message,
        record=str(digest),
        params=compare_values(old_snapshot.params, new_snapshot.params),
        metrics=compare_metrics(old_snapshot.metrics, new_snapshot.metrics, directions),
        artifacts=tuple(compare_artifacts(old_snapshot, new_snapshot)),
        environment=environment,
        labels=compare_values(old_snapshot.labels, new_snapshot.labels),
        uses=compare_uses(old_snapshot.uses, new_snapshot.uses),
    )


def _empty_snapshot(model: str, code: CodeState) -> ModelSnapshot:
    """What a first version is compared with."""
    return ModelSnapshot(
        model=model, label="", artifacts={}, params={}, metrics={}, environment=None, code=code
    )


def _find_bump(branch: BranchChanges, model: str, number: Version) -> Bump | None:
    """The part of the number that moved; None for the lowest version of a model."""
    for other_number in branch.head_project.registry.list_versions(model):
        if other_number < number:
            return bumped_part(number)
    return None


def _find_compared_version(
    branch: BranchChanges, model: str, number: Version, parent: str | None
) -> Version | None:
    """The version to compare with: the parent, else the highest lower one the branch began with."""
    present = branch.head_project.registry.list_versions(model)
    if parent is not None and parse_version(parent) in present:
        return parse_version(parent)
    began_with = branch.base_project.registry.list_versions(model)
    return highest_version(
        version for version in began_with if version < number and version in present
    )


def _read_promotion(branch: BranchChanges, place: PromotionPath) -> PromotionRecord:
    registry = branch.head_project.registry
    record, _ = registry.read_promotion(place.model, place.stage, place.sequence)
    return record


def _read_judgement(branch: BranchChanges, place: AttachedPath) -> AddedJudgement:
    record = read_attached(branch.head_project.registry, place)
    return AddedJudgement(
        model=place.model,
        version=record.version,
        stage=place.stage,
        author=record.author,
        message=record.message,
    )


# -- the settings that differ


def _compare_settings(branch: BranchChanges) -> tuple[list[ChangedSettings], list[Finding]]:
    settings = []
    warnings = []
    for settings_path, file_state in sorted(branch.states.items()):
        settings_kind = _find_settings_kind(settings_path)
        if settings_kind is None:
            continue
        changes: tuple[ValueChange, ...] = ()
        try:
            old_values = _read_settings(branch.base, settings_kind, settings_path)
            new_values = _read_settings(branch.head, settings_kind, settings_path)
            changes = compare_values(old_values, new_values)
        except MlverError as error:
            warnings.append(describe_unreadable(settings_path, error))
        settings.append(ChangedSettings(settings_path, file_state, changes))
    return settings, warnings


def _find_settings_kind(path: str) -> Kind | None:
    if path == layout.CONFIG:
        return "config"
    parsed_path = layout.parse_path(path)
    if parsed_path is not None and parsed_path.kind == "model":
        return "model"
    return None


def _read_settings(records: CommittedRecords, kind: Kind, path: str) -> Document:
    """The values of a settings file; none where it does not exist."""
    file_bytes = records.read_file(path)
    if file_bytes is None:
        return {}
    document = codec.decode_document(kind, file_bytes, path)
    return {key: value for key, value in document.items() if key != "schema"}
