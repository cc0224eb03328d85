"""A drift that is kept: an evaluation of the version, with every distance that was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlver import names
from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import MlverError, shell_command
from mlver.policy.drift.recorded import METRICS, OTHER_SIDE, summarise_drift
from mlver.policy.drift.verdict import TableDrift
from mlver.project.artifacts.kept_profiles import read_unpinned_profile
from mlver.project.edit.edit import PlannedEdit, require_branch
from mlver.project.edit.manifests import put_new_files
from mlver.project.edit.protected import refuse_protected
from mlver.project.edit.record_date import require_later_date, require_possible_date
from mlver.project.project import Project
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.registry.attached import find_last_link
from mlver.project.tables.sources import TableSource
from mlver.project.transaction import editing
from mlver.records import layout
from mlver.records.evaluation import EvaluationRecord, ServedData
from mlver.records.measured_drift import MeasuredDrift
from mlver.records.profile import TableProfile
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDrift:
    """What was measured and how it was judged.

    `other` is what the version's own data was compared with, and `profiles` are those of both
    tables, by the digests of their data.
    """

    table: TableDrift
    measured: MeasuredDrift
    other: TableSource
    profiles: Mapping[Digest, TableProfile]


@dataclass(frozen=True, slots=True)
class RecordedDrift:
    """The number of the evaluation that keeps a drift, and its commit; None without one.

    There is no new commit, either, where the last evaluation says the same already.
    """

    sequence: int | None = None
    commit: str | None = None


def record_drift(
    project: Project, version: VersionRecord, found: FoundDrift, message: str
) -> RecordedDrift:
    """Record what was found of a version: one commit, with profiles where settings ask for them."""
    names.check_text(message, "the message")
    refuse_protected(project)
    require_branch(project.repository, "")
    created = project.record_time
    require_possible_date(project, "evaluation", created)
    require_later_date("evaluation", created, version)
    with editing(project, f"drift {version.model}@{version.version}") as edit:
        folder = layout.attached_folder("evaluation", version.model, version.version)
        require_as_committed(project.repository, project.registry, folder)
        sequence, _ = find_last_link(project.registry, folder)
        digest = project.registry.read_version_digest(version.model, version.version)
        assert digest is not None
        served = ServedData(served=found.other.label, digest=found.other.digest)
        record = EvaluationRecord(
            model=version.model,
            version=version.version,
            sequence=sequence + 1,
            created=created,
            author=project.repository.author(),
            message=message.strip(),
            record=digest,
            data={OTHER_SIDE[found.measured.kind]: served},
            metrics={METRICS: summarise_drift(found.table)},
            count=found.table.new_rows,
            drift=found.measured,
        )
        if sequence and _says_same(project, record):
            return RecordedDrift(sequence)
        edit.create_file(
            record.record_path, codec.encode_document("evaluation", record.to_document())
        )
        _plan_profiles(project, edit, version, found)
        subject = f"mlver: drift of {version.model} {version.version}: {found.table.verdict}"
        commit = edit.commit_files(f"{subject}\n\n{record.message}".strip())
    return RecordedDrift(record.sequence, commit)


def _says_same(project: Project, record: EvaluationRecord) -> bool:
    """Whether the evaluation before a record says the same: the command was run again."""
    last, _ = project.registry.read_evaluation(record.model, record.version, record.sequence - 1)
    return (last.record, last.data, last.drift, last.message) == (
        record.record,
        record.data,
        record.drift,
        record.message,
    )


def _plan_profiles(
    project: Project, edit: PlannedEdit, version: VersionRecord, found: FoundDrift
) -> None:
    """Plan the profiles of both tables, by which everybody can measure again.

    None is kept where the settings do not ask for them, nor where the data set is secret.
    """
    own = version.data[found.measured.dataset]
    if not project.registry.read_config().insight.profiles or own.encrypted is not None:
        return
    files: dict[str, bytes] = {}
    for digest, profile in found.profiles.items():
        path = layout.profile_path(digest)
        known = read_unpinned_profile(project, digest) or profile
        if not known.agrees_with(profile):
            raise MlverError(
                f"{path} tells another table than the one that was read: somebody else wrote it",
                hint=shell_command("git", "log", "-p", "--", path),
            )
        files[path] = known.to_bytes(digest)
    put_new_files(project, edit, files)
