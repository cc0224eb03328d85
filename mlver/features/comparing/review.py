"""`mlver diff A...B`: what a branch registers, moves and changes, read from its commits, as a pull request shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mlver.document import codec
from mlver.errors import InvalidDocument, MlverError, shell_command
from mlver.features.comparing.artifact_diff import ArtifactDiff, compare_artifacts
from mlver.features.comparing.snapshot import ModelSnapshot, snapshot_version
from mlver.features.comparing.value_diff import (
    MetricChange,
    ValueChange,
    compare_metrics,
    compare_values,
)
from mlver.findings import Finding, FindingKind
from mlver.git import revisions
from mlver.policy.chain import judge_seal
from mlver.policy.numbering import bumped_part
from mlver.project.history.stage_history import read_history
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.project.tags import seals
from mlver.records import layout
from mlver.records.layout import RecordPath
from mlver.records.promotion import PromotionRecord
from mlver.records.values import Document
from mlver.records.version import Update
from mlver.version import Bump, Version, highest_version, parse_version


@dataclass(frozen=True, slots=True)
class ReviewRange:
    """`A...B` (what B did since it left A) or, where `direct`, `A..B` (two commits compared), as typed."""

    old: str
    new: str
    direct: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version the branch registers, against `compared`: its parent, else the version it follows; None for a first.

    `bump` is the part of the number that moved, None for a first. `record` is the digest of the record's bytes.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedJudgement:
    """An evaluation, or an approval for `stage`, that the branch adds."""

    model: str
    version: str
    stage: str | None
    author: str
    message: str


@dataclass(frozen=True, slots=True)
class ChangedSettings:
    """A settings file that differs; `changes` are its values, none where either side cannot be read."""

    path: str
    state: str
    changes: tuple[ValueChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewResult:
    """`base` and `head` are the commits compared; with three dots `base` is where the branch left `old`.

    `warnings` are what a reviewer should look at before the rest.
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
    settings: tuple[ChangedSettings, ...]
    warnings: tuple[Finding, ...]

    @property
    def differs(self) -> bool:
        """Whether the branch says anything at all about models."""
        told = (
            self.versions,
            self.promotions,
            self.evaluations,
            self.approvals,
            self.settings,
            self.warnings,
        )
        return any(told)


def parse_range(text: str | None) -> ReviewRange | None:
    """The range a person typed; None for a REF, which never holds two dots in a row. An empty side is HEAD."""
    for dots in ("...", ".."):
        old, found, new = (text or "").partition(dots)
        if found:
            return ReviewRange(old or "HEAD", new or "HEAD", dots == "..")
    return None


def review_range(project: Project, asked: ReviewRange) -> ReviewResult:
    """What lies between two commits. The work tree is never looked at, and nothing that cannot be read ends it."""
    git = project.repository
    old, head = (
        revisions.resolve_revision(git, asked.old),
        revisions.resolve_revision(git, asked.new),
    )
    base = old if asked.direct else revisions.find_merge_base(git, old, head)
    before = CommittedRecords.at_commit(git, base)
    other = before if old == base else CommittedRecords.at_commit(git, old)
    return _BranchReview(
        project, before, CommittedRecords.at_commit(git, head), other
    ).build_result(asked, base, head)


class _BranchReview:
    """Two trees side by side, and the other branch's for what both claim."""

    def __init__(
        self,
        project: Project,
        base: CommittedRecords,
        head: CommittedRecords,
        other: CommittedRecords,
    ) -> None:
        self.base, self.head, self.other = base, head, other
        self.old = replace(project, registry=RecordRegistry(base, project.state))
        self.new = replace(project, registry=RecordRegistry(head, project.state))
        before, after = base.entries, head.entries
        self.added = sorted((path for path in after if path not in before), key=_record_sort_key)
        self.changed = sorted(
            path for path in after if path in before and after[path] != before[path]
        )
        self.gone = sorted(path for path in before if path not in after)
        head.fetch_files([*self.added, *self.changed])
        base.fetch_files([*self.changed, *self.gone])
        self.warnings: list[Finding] = []

    def build_result(self, asked: ReviewRange, base: str, head: str) -> ReviewResult:
        versions: list[NewVersion] = []
        promotions: list[PromotionRecord] = []
        given: dict[str, list[AddedJudgement]] = {"evaluation": [], "approval": []}
        for path in self.added:
            place = layout.parse_path(path)
            if place is None:
                self._warn_stray(path)
                continue
            try:
                match place.kind:
                    case "version":
                        versions.append(self._read_version(place))
                    case "promotion":
                        promotions.append(self._read_promotion(place))
                    case "evaluation" | "approval":
                        given[place.kind].append(self._read_judgement(place))
            except MlverError as error:
                self._warn_unreadable(path, error)
        settings = tuple(self._compare_settings())
        self._check_landed()
        self._check_claimed()
        self._check_chains(promotions)
        self._check_seals(versions)
        return ReviewResult(
            old=asked.old,
            new=asked.new,
            direct=asked.direct,
            base=base,
            head=head,
            versions=tuple(versions),
            promotions=tuple(promotions),
            evaluations=tuple(given["evaluation"]),
            approvals=tuple(given["approval"]),
            settings=settings,
            warnings=tuple(dict.fromkeys(self.warnings)),
        )

    # -- what is new ---------------------------------------------------------------------------------------------

    def _read_version(self, place: RecordPath) -> NewVersion:
        number = parse_version(place.version or "")
        record, digest = self.new.registry.read_version(place.model, number)
        new = snapshot_version(self.new, ResolvedRef(place.model, number))
        compared = self._find_compared(place.model, number, record.parent)
        old = ModelSnapshot(
            model=place.model,
            label="",
            artifacts={},
            params={},
            metrics={},
            environment=None,
            code=record.code,
        )
        if compared is not None:
            old = snapshot_version(self.new, ResolvedRef(place.model, compared))
        settings = self.new.registry.read_settings(place.model)
        return NewVersion(
            model=record.model,
            version=record.version,
            bump=None if self._is_first(place.model, number) else bumped_part(number),
            parent=record.parent,
            compared=None if compared is None else str(compared),
            update=record.update,
            created=record.created,
            author=record.author,
            message=record.message,
            record=str(digest),
            params=compare_values(old.params, new.params),
            metrics=compare_metrics(
                old.metrics, new.metrics, settings.directions if settings else {}
            ),
            artifacts=tuple(compare_artifacts(old, new)),
            environment=compare_values(old.environment_document, new.environment_document)
            if compared
            else (),
            labels=compare_values(old.labels, new.labels),
        )

    def _is_first(self, model: str, number: Version) -> bool:
        return not any(other < number for other in self.new.registry.list_versions(model))

    def _find_compared(self, model: str, number: Version, parent: str | None) -> Version | None:
        """The version to compare with: the parent, else the highest below that the branch began with."""
        there = self.new.registry.list_versions(model)
        if parent is not None and parse_version(parent) in there:
            return parse_version(parent)
        return highest_version(
            other
            for other in self.old.registry.list_versions(model)
            if other < number and other in there
        )

    def _read_promotion(self, place: RecordPath) -> PromotionRecord:
        assert place.stage is not None
        assert place.sequence is not None
        record, _ = self.new.registry.read_promotion(place.model, place.stage, place.sequence)
        if (record.model, record.stage, record.sequence) != (
            place.model,
            place.stage,
            place.sequence,
        ):
            path = layout.promotion_path(place.model, place.stage, place.sequence)
            raise InvalidDocument(
                path, (f"it says it is {record.model} {record.stage} {record.sequence:04d}",)
            )
        return record

    def _read_judgement(self, place: RecordPath) -> AddedJudgement:
        assert place.version is not None
        assert place.sequence is not None
        if place.stage is None:
            evaluation = self.new.registry.read_evaluation(
                place.model, place.version, place.sequence
            )
            return AddedJudgement(
                model=place.model,
                version=place.version,
                stage=None,
                author=evaluation.author,
                message=evaluation.message,
            )
        approval = self.new.registry.read_approval(
            place.model, place.version, place.stage, place.sequence
        )
        return AddedJudgement(
            model=place.model,
            version=place.version,
            stage=place.stage,
            author=approval.author,
            message=approval.message,
        )

    def _compare_settings(self) -> Iterator[ChangedSettings]:
        for path in sorted([*self.added, *self.changed, *self.gone]):
            place = layout.parse_path(path)
            is_model = place is not None and place.kind == "model"
            if path != layout.CONFIG and not is_model:
                continue
            state = "added" if path in self.added else "removed" if path in self.gone else "changed"
            try:
                was, now = (_read_settings(side, path) for side in (self.base, self.head))
                yield ChangedSettings(path, state, compare_values(was, now))
            except MlverError as error:
                self._warn_unreadable(path, error)
                yield ChangedSettings(path, state, ())

    # -- what to look at first -----------------------------------------------------------------------------------

    def _check_landed(self) -> None:
        """Records, and other files of mlver's, that were there before and are not as they were."""
        for path in [*self.changed, *self.gone]:
            done = "edited" if path in self.changed else "not there any more"
            if layout.is_record_path(path):
                message = f"is {done}: a record never changes once it has landed"
                self._add_warning("history", path, message, (_log_command(path),))
            elif path in (layout.ATTRIBUTES, layout.VERSION_SCHEMA):
                self._add_warning("layout", path, f"is {done}", (_log_command(path),))

    def _check_claimed(self) -> None:
        """What this branch and the other have each added since they parted, each with other bytes."""
        for path in self.added:
            there = self.other.entries.get(path)
            if (
                there is not None
                and there != self.head.entries[path]
                and layout.is_record_path(path)
            ):
                said = "is claimed by both branches: a merge will stop at it"
                self._add_warning("conflict", path, said, ("mlver resolve",))

    def _check_chains(self, promotions: list[PromotionRecord]) -> None:
        for model, stage in dict.fromkeys((one.model, one.stage) for one in promotions):
            try:
                _, broken = read_history(self.new, model, stage)
            except MlverError as error:
                self._warn_unreadable(layout.stage_folder(model, stage), error)
                continue
            for link in broken:
                self.warnings.append(link)

    def _check_seals(self, versions: list[NewVersion]) -> None:
        """New versions whose tag exists, and seals something else; of those both sides claim that is told already."""
        claimed = {warning.subject for warning in self.warnings}
        versions = [
            one for one in versions if layout.version_path(one.model, one.version) not in claimed
        ]
        for model in dict.fromkeys(one.model for one in versions):
            ours = {one.version: one for one in versions if one.model == model}
            for version, seal in seals.read_seals(self.new, model, list(ours)).items():
                digest = self.new.registry.read_version_digest(model, version)
                assert digest is not None
                for link in judge_seal(model, version, digest, seal):
                    # on a branch it is more likely another's tag than an edit of this one's record
                    said = (
                        "is not the record that its tag seals"
                        if link.kind == "record"
                        else link.message
                    )
                    if link.kind != "unsealed":
                        self._add_warning(link.kind, link.subject, said, link.hints)

    def _warn_stray(self, path: str) -> None:
        if path.startswith(f"{layout.MODELS}/"):
            hint = shell_command("git", "log", "--", path)
            self._add_warning("name", path, "is no record's name", (hint,))

    def _warn_unreadable(self, path: str, error: MlverError) -> None:
        said = (
            f"is not valid: {'; '.join(error.faults)}"
            if isinstance(error, InvalidDocument)
            else error.message
        )
        kind: FindingKind = "record" if layout.is_record_path(path) else "settings"
        self._add_warning(kind, path, said, error.hints or (_log_command(path),))

    def _add_warning(
        self, kind: FindingKind, subject: str, message: str, hints: tuple[str, ...]
    ) -> None:
        self.warnings.append(Finding(kind, subject, message, hints))


def _log_command(path: str) -> str:
    return shell_command("git", "log", "-p", "--", path)


def _record_sort_key(path: str) -> tuple[object, ...]:
    """Models by name, a model's versions by number, promotions by sequence."""
    place = layout.parse_path(path)
    if place is None:
        return (1, path)
    number = [parse_version(place.version)] if place.version and place.kind == "version" else []
    return (0, place.model, place.kind, number, place.stage or "", place.sequence or 0, path)


def _read_settings(side: CommittedRecords, path: str) -> Document:
    data = side.read_file(path)
    document = (
        {}
        if data is None
        else codec.decode_document("config" if path == layout.CONFIG else "model", data, path)
    )
    return {key: value for key, value in document.items() if key != "schema"}
