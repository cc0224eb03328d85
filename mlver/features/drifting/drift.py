"""`mlver drift`: whether data moved between two versions, or from a version to what is served."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.features.drifting.recorded import FoundDrift, RecordedDrift, record_drift
from mlver.policy.drift.recorded import MOST_REPEATED, keep_columns
from mlver.policy.drift.verdict import DriftVerdict, TableDrift, judge_measured, measure_tables
from mlver.project.history.data_uses import find_own_data
from mlver.project.project import Project
from mlver.project.tables.comparing import OpenTables, opening_tables
from mlver.project.tables.sources import (
    TableSource,
    choose_data_name,
    find_live_table,
    find_version_table,
    scratch_for_tables,
)
from mlver.project.tags import trust
from mlver.records.measured_drift import DriftKind, MeasuredDrift
from mlver.records.sections.insight import DriftThresholds
from mlver.records.version import VersionRecord

_EXIT_CODES = {"none": 0, "drift": 1, "inconclusive": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRequest:
    """What is compared with a version: the data of version `other`, or the file or folder `live`.

    With `record`, the answer is kept as an evaluation, with this `message`.
    """

    other: str | None = None
    live: str | None = None
    data: str | None = None
    record: bool = False
    message: str = ""

    def __post_init__(self) -> None:
        if (self.other is None) == (self.live is None):
            raise UsageError(
                "drift compares a version with a file, or with another version: name one of them",
                hint=shell_command("mlver", "drift", "REF", "--live", "FILE"),
            )
        if self.message and not self.record:
            raise UsageError("-m is for what --record keeps")


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftResult:
    """How the table `data` moved from `old` to `new`, by `thresholds`.

    `repeated` is the share of what is served that are rows of the data set, None where that cannot
    be told.

    A `skew` is between what `version` was trained on and what it is served; a `drift` is between
    the data of an earlier version and its own. `exact`: the values themselves were compared, not
    only what profiles tell of them. `evaluation` is the number of the record that keeps it, None
    where nothing was recorded.
    """

    kind: DriftKind
    model: str
    version: str
    data: str
    old: str
    new: str
    old_digest: str
    new_digest: str
    exact: bool
    repeated: float | None
    table: TableDrift
    thresholds: DriftThresholds
    evaluation: int | None = None
    commit: str | None = None

    @property
    def answer(self) -> DriftVerdict:
        """The verdict; what repeats the data set proves nothing where it did not move."""
        is_repeated = self.repeated is not None and self.repeated > MOST_REPEATED
        return (
            "inconclusive" if is_repeated and self.table.verdict == "none" else self.table.verdict
        )

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES[self.answer]


def find_drift(project: Project, ref: str, request: DriftRequest) -> DriftResult:
    """Compare the data of the version `ref` with what the request names, and judge it.

    Raise UsageError where it is not clear which data set is meant, and MlverError for what is no
    table, or where neither its bytes nor a profile can be had.
    """
    thresholds = project.registry.read_config().insight.drift
    comparison = _choose_sides(project, ref, request)
    with scratch_for_tables(project, "drift") as folder:
        old, new = comparison.find_sources(project, folder)
        if comparison.live:
            _refuse_own_data(project, comparison.version, new)
        with opening_tables(old, new, folder) as tables:
            found = _compare_tables(tables, comparison, (old, new), thresholds)
    kept = RecordedDrift()
    if request.record:
        kept = record_drift(project, comparison.judged, found, request.message)
    return DriftResult(
        kind=comparison.kind,
        model=comparison.judged.model,
        version=comparison.judged.version,
        data=comparison.data,
        old=old.label,
        new=new.label,
        old_digest=str(old.digest),
        new_digest=str(new.digest),
        exact=found.measured.exact,
        repeated=found.measured.repeated,
        table=found.table,
        thresholds=thresholds,
        evaluation=kept.sequence,
        commit=kept.commit,
    )


def _refuse_own_data(project: Project, version: VersionRecord, live: TableSource) -> None:
    """Raise MlverError where what is called live holds bytes that a version was trained on."""
    for digest in (live.digest, *live.parts):
        own = find_own_data(project.registry, version, digest)
        if own is not None:
            raise MlverError(
                f"{printable_name(live.label)} is nothing that was served: it holds the very bytes"
                f" of {own}, which {version.model} {version.version} was trained on",
                hint=shell_command("mlver", "lineage", "--data", str(digest)),
            )


def _compare_tables(
    tables: OpenTables,
    comparison: _ComparedSides,
    sources: tuple[TableSource, TableSource],
    thresholds: DriftThresholds,
) -> FoundDrift:
    old, new = tables.profiles
    measured = measure_tables(old, new, thresholds.ignore, tables.measure_exact_ks())
    own, other = sources if comparison.live else reversed(sources)
    drift = MeasuredDrift(
        kind=comparison.kind,
        dataset=comparison.data,
        digest=own.digest,
        old_rows=old.rows,
        new_rows=new.rows,
        exact=all(source.files is not None for source in sources),
        thresholds=thresholds,
        columns=keep_columns(measured),
        repeated=tables.measure_repeated(thresholds.ignore) if comparison.live else None,
        removed=measured.removed,
        ignored=measured.ignored,
    )
    profiles = {
        source.digest: profile for source, profile in zip(sources, tables.profiles, strict=True)
    }
    return FoundDrift(
        table=judge_measured(measured, thresholds), measured=drift, other=other, profiles=profiles
    )


@dataclass(frozen=True, slots=True)
class _ComparedSides:
    """A version, and the later one, or the file or folder, that its data set is compared with."""

    version: VersionRecord
    data: str
    later: VersionRecord | None
    live: str | None

    @property
    def kind(self) -> DriftKind:
        return "skew" if self.live is not None else "drift"

    @property
    def judged(self) -> VersionRecord:
        """The version that the answer is about."""
        return self.later or self.version

    def find_sources(self, project: Project, folder: Path) -> tuple[TableSource, TableSource]:
        old = find_version_table(project, self.version, self.data, folder, what="drift")
        if self.later is not None:
            return old, find_version_table(project, self.later, self.data, folder, what="drift")
        assert self.live is not None
        return old, find_live_table(project, self.live, folder / "live")


def _choose_sides(project: Project, ref: str, request: DriftRequest) -> _ComparedSides:
    record, _ = trust.read_vouched_record(project, ref)
    data = choose_data_name(record, request.data)
    later = None
    if request.other is not None:
        chosen = project.resolve_ref(request.other, record.model)
        later, _ = trust.read_vouched_record(project, f"{chosen.model}@{chosen.version}")
        choose_data_name(later, data)
    return _ComparedSides(record, data, later, request.live)
