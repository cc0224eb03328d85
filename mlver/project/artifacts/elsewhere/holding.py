"""Judges artifacts that mlver keeps no copy of: whether git, git-lfs or DVC keeps their bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlver.errors import MlverError, printable_name
from mlver.findings import Finding, FindingKind
from mlver.project.artifacts.elsewhere.find import (
    DamagedContents,
    ExternalCopies,
    MissingContents,
)
from mlver.project.artifacts.measuring import measure_at
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord

# `kept`: somebody keeps the bytes, and they were read and are right. `working`: nobody does, but
# the work tree has them. `absent`: somebody keeps them, but not in this clone. `damaged`: what
# somebody keeps is wrong. `lost`: nobody has them here, and no pointer says who else does.
# `remote`: it lies at an address, and nobody looks there.
HoldState = Literal["kept", "working", "absent", "damaged", "lost", "remote"]


@dataclass(frozen=True, slots=True)
class UnstoredArtifact:
    """An artifact that mlver keeps no copy of, and why nobody else keeps it, if so.

    `owner` is the version, as `MODEL@VERSION`.
    """

    owner: str
    name: str
    state: HoldState
    finding: Finding

    @property
    def was_read(self) -> bool:
        return self.state in ("kept", "working")


def judge_unstored(
    copies: ExternalCopies, record: VersionRecord, name: str, artifact: Artifact
) -> UnstoredArtifact:
    """Look for the bytes of an artifact, in what is kept of the version's commit and here.

    Every byte that is found is read and hashed. What lies at an address is not looked for.
    """
    owner = f"{record.model}@{record.version}"
    subject = f"{record.model} {record.version} {name}"
    if artifact.is_remote:
        finding = Finding("object", subject, _describe_unread(artifact))
        return UnstoredArtifact(owner, name, "remote", finding)
    state, message, hints = _find_kept(copies, artifact, record.code.commit)
    if state == "kept":
        return UnstoredArtifact(owner, name, state, Finding("working", subject, "is kept"))
    working_state = "is not there"
    try:
        measured = measure_at(
            copies.project, artifact.path, fresh=True, follow=True, pinned=artifact
        )
    except MlverError as error:  # the working file cannot be hashed
        working_state = "cannot be read"
        hints = hints or error.hints
    else:
        if measured is not None:
            working_state = "holds other bytes"
        if measured is not None and measured.digest == artifact.digest and state != "damaged":
            state = "working"
            working_state = "is the only place that holds its bytes here"
    reasons = [f"{artifact.path} {working_state}"]
    if message:
        reasons.append(message)
    text = f"is not stored by mlver, and {', and '.join(reasons)}"
    if not hints and state != "working":
        text += "; put it back as it was, from wherever it is kept"
    kind: FindingKind = "working"
    # somebody keeps the bytes, and nothing is wrong with the work tree
    if state == "absent":
        kind = "object"
    return UnstoredArtifact(owner, name, state, Finding(kind, subject, text, hints))


def _describe_unread(artifact: Artifact) -> str:
    text = f"lies at {printable_name(artifact.path)}, and nothing of it was read"
    if artifact.claimed:
        text += "; its checksums are claimed by the server, not proven"
    return text


def _find_kept(
    copies: ExternalCopies, artifact: Artifact, commit: str | None
) -> tuple[HoldState, str, tuple[str, ...]]:
    """Find out who keeps the bytes; else what is wrong, and the commands that help."""
    if commit is None:
        return "lost", "", ()
    try:
        copy = copies.find_copy(commit, artifact.path)
    except DamagedContents as error:
        return "damaged", error.message, error.hints
    except MissingContents as error:
        return "absent", error.message, error.hints
    except MlverError:
        return "lost", "", ()
    if copy.found.digest == artifact.digest:
        return "kept", "", ()
    return "lost", f"{copy.holder} keeps other bytes of {commit[:10]}", ()
