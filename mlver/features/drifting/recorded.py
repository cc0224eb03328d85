"""A drift that is kept: an evaluation of the version, with what was compared in place of data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlver import names
from mlver.document import codec
from mlver.policy.drift.verdict import TableDrift
from mlver.policy.gates import undrifted
from mlver.project.edit.edit import require_branch
from mlver.project.edit.protected import refuse_protected
from mlver.project.edit.record_date import require_later_date, require_possible_date
from mlver.project.project import Project
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.registry.attached import find_last_link
from mlver.project.tables.sources import TableSource
from mlver.project.transaction import editing
from mlver.records import layout
from mlver.records.evaluation import EvaluationRecord, ServedData
from mlver.records.values import Document
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class RecordedDrift:
    """The number of the evaluation that keeps a drift, and its commit; None without one."""

    sequence: int | None = None
    commit: str | None = None


def record_drift(
    project: Project,
    version: VersionRecord,
    *,
    table: TableDrift,
    name: str,
    served: TableSource,
    message: str,
) -> RecordedDrift:
    """Record what was found of a version: one file, one commit.

    `name` is what the other side is called in the record, and `served` what it was.
    """
    names.check_text(message, "the message")
    refuse_protected(project)
    require_branch(project.repository, "")
    created = project.record_time
    require_possible_date(project, "evaluation", created)
    require_later_date("evaluation", created, version)
    with editing(project, f"drift {version.model}@{version.version}") as edit:
        folder = layout.evaluations_folder(version.model, version.version)
        require_as_committed(project.repository, project.registry, folder)
        sequence, _ = find_last_link(project.registry, folder)
        digest = project.registry.read_version_digest(version.model, version.version)
        assert digest is not None
        record = EvaluationRecord(
            model=version.model,
            version=version.version,
            sequence=sequence + 1,
            created=created,
            author=project.repository.author(),
            message=message.strip(),
            record=digest,
            data={name: ServedData(served=served.label, digest=served.digest)},
            metrics={undrifted.METRICS: summarise_drift(table)},
            count=table.new_rows,
            extra={"drift": {"columns": list(table.drifted)}} if table.drifted else {},
        )
        edit.create_file(
            record.record_path, codec.encode_document("evaluation", record.to_document())
        )
        subject = f"mlver: drift of {version.model} {version.version}: {table.verdict}"
        commit = edit.commit_files(f"{subject}\n\n{record.message}".strip())
    return RecordedDrift(record.sequence, commit)


def summarise_drift(table: TableDrift) -> Document:
    """What a record keeps as metrics: how many columns moved of how many, and how far at most."""
    columns = table.columns
    largest = {
        "ks": _find_largest(column.ks for column in columns),
        "psi": _find_largest(column.psi for column in columns),
        "js": _find_largest(column.js for column in columns),
    }
    counts = {undrifted.MOVED: len(table.drifted), undrifted.JUDGED: table.judged}
    return {**counts, **{name: value for name, value in largest.items() if value is not None}}


def _find_largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
