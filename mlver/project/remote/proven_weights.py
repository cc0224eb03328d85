"""The weights of a version for a program to load, every byte proven."""

from __future__ import annotations

from pathlib import Path

from mlver.errors import MlverError, shell_command, summarise_names
from mlver.project.artifacts import measuring, private_copies
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.artifacts.unstored import decrypt_artifact
from mlver.project.project import Project
from mlver.project.remote.fetching import fetch_for_reading
from mlver.records.version import VersionRecord


def find_private_weights(project: Project, record: VersionRecord) -> Path:
    """Find a copy of the weights that no checkout replaces while somebody reads it.

    It is that in the work tree all the same where mlver keeps no bytes. Raise MlverError where
    nobody has those of the record.
    """
    if record.weights.stored:
        return _bring_copy(project, record)
    return find_proven_weights(project, record)


def find_proven_weights(project: Project, record: VersionRecord) -> Path:
    """Find the weights of a version: those in the work tree, else a private copy from the store.

    Raise MlverError where neither has the bytes of the record.
    """
    weights = record.weights
    try:
        # A loader opens whatever lies in a folder, so `.mlverignore` leaves nothing out here.
        measured = measuring.measure_at(project, weights.path, fresh=True, whole=True)
    except MlverError:  # what is there cannot be hashed: a dangling link, a socket
        measured = None
    if measured is not None and measured.digest == weights.digest:
        return project.top_folder / weights.path
    if weights.stored:
        return _bring_copy(project, record)
    if measured is not None:
        _refuse_added(project, record, measured)
    raise MlverError(
        f"mlver keeps no copy of the weights of {record.model} {record.version}, "
        f"and {weights.path} is another; put it back as it was, from wherever it is kept",
        hint=shell_command("mlver", "show", f"{record.model}@{record.version}"),
    )


def _bring_copy(project: Project, record: VersionRecord) -> Path:
    fetch_for_reading(project, [record], ("weights",))
    if record.weights.encrypted is not None:
        name = f"the weights of {record.model} {record.version}"
        decrypt_artifact(project, name, record.weights)
    return private_copies.make_private_copy(project, record.weights)


def _refuse_added(project: Project, record: VersionRecord, measured: MeasuredArtifact) -> None:
    """Raise MlverError where all of the weights lie there, with other files beside them."""
    weights = record.weights
    present = set(measuring.measured_files(measured, weights.path))
    pinned = set(measuring.list_entries(project, weights))
    if not pinned <= present:
        return
    added = [join_name(weights.path, name) for name, _ in sorted(present - pinned)]
    raise MlverError(
        f"mlver keeps no copy of the weights of {record.model} {record.version}, and {weights.path}"
        f" holds files that are not theirs; move these away:\n{summarise_names(added, 8)}",
        hint=shell_command("ls", "-ld", "--", added[0]),
    )
