"""Brings artifacts that mlver keeps no plain copy of into its store: from git, git-lfs or DVC, or
from the encrypted copy.

From there they are put in place as all others are: each byte hashed, each file replaced whole.
"""

from __future__ import annotations

import io
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import BinaryIO

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, shell_command
from mlver.project.artifacts import encrypted_copies, measuring, modes, storing
from mlver.project.artifacts.damage import name_artifact
from mlver.project.artifacts.elsewhere.find import ExternalCopies
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class BroughtVersion:
    """A version of which every artifact that could be had is in the store.

    In `record` these count as stored. `kept` are the raw digests of working files that another
    version pins, and that the store has as well now. `missing` says of each data set that nobody
    keeps, and that is not in the work tree either, what was looked for.
    """

    record: VersionRecord
    kept: frozenset[bytes]
    missing: Mapping[str, MlverError]


def list_promised(record: VersionRecord) -> list[str]:
    """List the paths of the artifacts that mlver keeps no copy of, and that a dry run leaves so."""
    artifacts = record.named_artifacts().values()
    return [item.path for item in artifacts if not item.is_plain and not item.is_remote]


def bring_artifacts(
    project: Project,
    record: VersionRecord,
    *,
    only: Collection[str] = (),
    in_place: bool = True,
    dry_run: bool = False,
) -> BroughtVersion:
    """Bring what others keep of a version into the store; with `dry_run`, only look for it.

    `only` names the artifacts to bring, all of them if it is empty.

    Raise MlverError where the weights are neither kept by anybody nor, with `in_place`, in the work
    tree. A data set that is kept by nobody stays as it is.
    """
    kept: set[bytes] = set()
    brought: dict[str, Artifact] = {}
    missing: dict[str, MlverError] = {}
    for name, artifact in record.select_artifacts(only).items():
        if artifact.is_plain or artifact.is_remote:
            continue
        if in_place:
            measured = measuring.measure_at(
                project, artifact.path, fresh=True, follow=True, pinned=artifact
            )
            if measured is not None and _is_in_place(project, artifact, measured):
                continue
            if measured is not None and _is_registered(
                project, record.model, name, measured.digest
            ):
                kept.update(_keep_working_files(project, artifact.path, dry_run=dry_run))
        if artifact.encrypted is not None:
            decrypt_artifact(project, name_artifact(record, name), artifact, dry_run=dry_run)
            brought[name] = replace(artifact, encrypted=None)
            continue
        try:
            _bring_artifact(project, record, artifact, dry_run=dry_run)
        except MlverError as error:
            if name == "weights":
                raise _build_missing_error(record, error) from error
            missing[name] = error
        else:
            brought[name] = replace(artifact, stored=True)
    return BroughtVersion(_mark_stored(record, brought), frozenset(kept), missing)


def _is_in_place(project: Project, artifact: Artifact, measured: MeasuredArtifact) -> bool:
    if measured.digest != artifact.digest:
        return False
    pinned = modes.pinned_executable(artifact)
    return not modes.find_other_modes(project, pinned, measured.executable)


def _mark_stored(record: VersionRecord, brought: dict[str, Artifact]) -> VersionRecord:
    data = {**record.data, **brought}
    weights = data.pop("weights", record.weights)
    return replace(record, weights=weights, data=data)


def _build_missing_error(record: VersionRecord, error: MlverError) -> MlverError:
    hints = error.hints or (shell_command("mlver", "show", f"{record.model}@{record.version}"),)
    return MlverError(
        f"the weights of {record.model} {record.version} are not stored by mlver, so"
        f" {printable_name(record.weights.path)} cannot be put there: {error.message}",
        hints=hints,
    )


def _is_registered(project: Project, model: str, name: str, digest: Digest) -> bool:
    for number in project.registry.list_versions(model):
        with suppress(MlverError):
            other, _ = project.registry.read_version(model, number)
            pinned = other.named_artifacts().get(name)
            if pinned is not None and pinned.digest == digest:
                return True
    return False


def _keep_working_files(project: Project, path: str, *, dry_run: bool) -> Iterator[bytes]:
    """Store the bytes that another version pins: their holder may not keep them for long."""
    deposit = None
    if dry_run:
        measured = measuring.measure_into(project, path, deposit, follow=True)
    else:
        with storing.open_batch_deposit(project) as deposit:
            measured = measuring.measure_into(project, path, deposit, follow=True)
    for _, hexadecimal in measuring.measured_files(measured, path):
        yield bytes.fromhex(hexadecimal)


def _bring_artifact(
    project: Project, record: VersionRecord, artifact: Artifact, *, dry_run: bool
) -> None:
    """Store an artifact's files; raise MlverError where nobody has these very bytes."""
    commit = record.code.commit
    if commit is None:
        raise MlverError("its record names no commit that may hold them")
    copies = ExternalCopies(project, proven=True)
    copy = copies.find_copy(commit, artifact.path)
    if copy.found.digest != artifact.digest:
        raise MlverError(f"{copy.holder} has other bytes of {commit[:10]}")
    if dry_run:
        return
    with storing.open_batch_deposit(project) as deposit:
        for name, hexadecimal in measuring.pinned_files(project, artifact):
            path = join_name(artifact.path, name)
            with _open_copy(project, copies, commit, path, Digest(hexadecimal)) as source:
                digest = deposit.put_object(source)
            if digest.hex != hexadecimal:
                raise MlverError(f"{printable_name(path)} changed while it was read")


def decrypt_artifact(
    project: Project, subject: str, artifact: Artifact, *, dry_run: bool = False
) -> None:
    """Store an artifact's files as they are, unless they are stored so already."""
    entries = measuring.pinned_files(project, artifact)
    digests = {Digest(hexadecimal) for _, hexadecimal in entries}
    store = storing.open_store(project)
    if not store.find_missing(digests):
        return
    encrypted_copies.require_identities(project, subject)
    if not dry_run:
        encrypted_copies.restore_plain(project, subject, artifact)


def _open_copy(
    project: Project, copies: ExternalCopies, commit: str, path: str, digest: Digest
) -> BinaryIO:
    location = copies.find_location(digest)
    if location is not None:
        try:
            return location.open("rb")
        except OSError as error:
            raise MlverError(f"{os.fspath(location)} cannot be read: {error.strerror}") from error
    (data,) = project.repository.whole_blobs([f"{commit}:{path}"])
    if data is None:
        raise MlverError(f"this clone lacks the contents of {printable_name(path)}")
    return io.BytesIO(data)
