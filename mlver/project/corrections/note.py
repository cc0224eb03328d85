"""`mlver note`: add a remark to a version, which stays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from mlver import names
from mlver.document import codec
from mlver.policy.promotion_dates import count_seconds
from mlver.project.edit.protected import refuse_protected
from mlver.project.edit.record_date import require_possible_date
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.registry.attached import NOTES, find_last_link
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.transaction import open_edit
from mlver.records import layout
from mlver.records.note import DrillReport, NoteRecord

# Who was interrupted runs a drill again, and means one; later, it is another drill.
_SAME_DRILL_S = 600
NoteOutcome = Literal["noted", "already"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteResult:
    """`outcome`: the text was `noted`, or the last note said the same `already`.

    On a dry run that is what would have come of it, and `sequence` and `path` are those that the
    note would have. `commit` is None where nothing was written.
    """

    model: str
    version: str
    sequence: int
    path: str
    message: str
    outcome: NoteOutcome
    commit: str | None
    dry_run: bool


def note_version(
    project: Project,
    ref: str,
    *,
    message: str,
    drill: DrillReport | None = None,
    dry_run: bool = False,
) -> NoteResult:
    """Add a remark to the version that `ref` names: one record, one commit.

    `drill` is what a drill found: one that found the same is noted again after ten minutes.
    """
    names.check_reason(message, "a note", ("mlver", "note", ref), is_kept=not dry_run)
    refuse_protected(project)
    commit = None
    outcome: NoteOutcome = "noted"
    editing = open_edit(project, f"note {ref}", dry_run=dry_run)
    with naming_commits(project.repository), editing as edit:
        chosen = project.resolve_ref(ref)
        record = replace(_build_note(project, chosen, message.strip()), drill=drill)
        last = _find_last_note(project, chosen)
        # Whoever was interrupted runs the command again, and means one note.
        if last is not None and _say_same(last, record):
            record, outcome = last, "already"
        elif edit is not None:
            edit.create_file(
                record.record_path, codec.encode_document("note", record.to_document())
            )
            subject = f"mlver: note {record.model} {record.version}"
            commit = edit.commit_files(f"{subject}\n\n{record.message}")
    return NoteResult(
        model=record.model,
        version=record.version,
        sequence=record.sequence,
        path=record.record_path,
        message=record.message,
        outcome=outcome,
        commit=commit,
        dry_run=dry_run,
    )


def _say_same(last: NoteRecord, record: NoteRecord) -> bool:
    if last.record != record.record or record.drill is None or last.drill is None:
        return (last.record, last.message, last.drill) == (
            record.record,
            record.message,
            record.drill,
        )
    age = count_seconds(record.created) - count_seconds(last.created)
    found = replace(record.drill, seconds=last.drill.seconds)
    return found == last.drill and 0 <= age < _SAME_DRILL_S


def _find_last_note(project: Project, chosen: ResolvedRef) -> NoteRecord | None:
    return NOTES.read_last(project.registry, chosen.model, chosen.version)


def _build_note(project: Project, chosen: ResolvedRef, message: str) -> NoteRecord:
    _, digest = project.registry.read_version(chosen.model, chosen.version)
    folder = layout.attached_folder("note", chosen.model, chosen.version)
    require_as_committed(project.repository, project.registry, folder)
    sequence, prior = find_last_link(project.registry, folder)
    created = project.record_time
    require_possible_date(project, "note", created)
    return NoteRecord(
        model=chosen.model,
        version=str(chosen.version),
        sequence=sequence + 1,
        created=created,
        author=project.repository.author(),
        message=message,
        record=digest,
        prior=prior,
    )
