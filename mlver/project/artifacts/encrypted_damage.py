"""Encrypted artifacts that hold other bytes than they should."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command, summarise_error
from mlver.findings import Finding
from mlver.project.artifacts import encrypted_copies
from mlver.project.project import Project
from mlver.records.artifact import Artifact

_UNPROVEN = "is encrypted: its plain bytes were not checked, which takes a private key"
_NAME_KEY = (shell_command("export", f"{encrypted_copies.IDENTITY_VARIABLE}=FILE"),)


def judge_encrypted(
    project: Project,
    named: Iterable[tuple[str, Artifact]],
    affected: Collection[Digest | None],
) -> tuple[list[Finding], list[Finding]]:
    """Find encrypted artifacts that hold other bytes than they should, and those nobody can tell.

    The second are all of them where whoever runs mlver named no private key. `named` are artifacts
    with what people call them. What is encrypted in the place of those that are `affected` is
    missing or damaged, and told already.
    """
    altered: list[Finding] = []
    unproven: list[Finding] = []
    identities: list[Any] | None = None
    for subject, artifact in named:
        copy = artifact.encrypted
        if copy is None or copy.object in affected:
            continue
        if identities is None:
            identities = encrypted_copies.find_identities(project)
        if not identities:
            unproven.append(Finding("object", subject, _UNPROVEN, _NAME_KEY))
            continue
        try:
            encrypted_copies.check_plain(project, subject, artifact, identities)
        except MlverError as error:
            message = summarise_error(error, subject)
            altered.append(Finding("object", subject, message, error.hints))
    return altered, unproven
