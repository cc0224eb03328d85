"""Scores that are kept: an evaluation of the version, measured on what it was served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlver.document import codec
from mlver.project.edit.record_date import require_later_date, require_possible_date
from mlver.project.project import Project
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.registry.attached import find_last_link
from mlver.project.tags import trust
from mlver.project.transaction import editing
from mlver.records import layout
from mlver.records.evaluation import EvaluationRecord, ServedData, ServingWindow
from mlver.records.values import Metrics, Values, thaw_value


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredAnswers:
    """What was measured of a version on `data`; `average` is how classes were put together, and
    `known` what the data were joined with.
    """

    model: str
    version: str
    data: Mapping[str, ServedData]
    metrics: Metrics
    count: int
    coverage: float
    label_age: float | None = None
    window: ServingWindow | None = None
    average: str | None = None
    command: str | None = None
    known: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordedScore:
    """The evaluation that keeps a score; no commit where the last one says the same already."""

    sequence: int
    path: str
    commit: str | None = None


def record_answers(project: Project, measured: MeasuredAnswers, message: str) -> RecordedScore:
    """Record what was measured of a version: one file, one commit."""
    ref = f"{measured.model}@{measured.version}"
    created = project.record_time
    require_possible_date(project, "evaluation", created)
    with editing(project, f"score {ref}") as edit:
        version, digest = trust.read_vouched_record(project, ref)
        require_later_date("evaluation", created, version)
        folder = layout.attached_folder("evaluation", version.model, version.version)
        require_as_committed(project.repository, project.registry, folder)
        sequence, _ = find_last_link(project.registry, folder)
        record = EvaluationRecord(
            model=version.model,
            version=version.version,
            sequence=sequence + 1,
            created=created,
            author=project.repository.author(),
            message=message.strip(),
            record=digest,
            data=measured.data,
            metrics=measured.metrics,
            count=measured.count,
            window=measured.window,
            coverage=measured.coverage,
            label_age=measured.label_age,
            command=measured.command,
            labels={} if measured.average is None else {"average": measured.average},
            extra=measured.known,
        )
        if sequence and _says_same(project, record):
            path = layout.evaluation_path(record.model, record.version, sequence)
            return RecordedScore(sequence, path)
        edit.create_file(
            record.record_path, codec.encode_document("evaluation", record.to_document())
        )
        subject = f"mlver: score {version.model} {version.version}"
        commit = edit.commit_files(f"{subject}\n\n{record.message}".strip())
    return RecordedScore(record.sequence, record.record_path, commit)


def _says_same(project: Project, record: EvaluationRecord) -> bool:
    """Whether the evaluation before a record says the same: the command was run again.

    What is known is older by then.
    """
    last, _ = project.registry.read_evaluation(record.model, record.version, record.sequence - 1)
    before, now = last.to_document(), record.to_document()
    for name in ("sequence", "created", "author", "label_age"):
        before.pop(name, None)
        now.pop(name, None)
    return bool(thaw_value(before) == thaw_value(now))
