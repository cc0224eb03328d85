"""Encrypted artifacts and params that hold something else than they should."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mlver.content.encryption import (
    NoMatchingKeyError,
    decrypt_value,
    list_readers,
    name_reader,
)
from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, shell_command, summarise_error
from mlver.findings import Finding, FindingKind
from mlver.project.artifacts import encrypted_copies
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord

_UNPROVEN = "is encrypted: its plain bytes were not checked"
_NEEDS = ", which takes a private key"
_UNREAD = f"is encrypted: its value was not checked{_NEEDS}"
_NAME_KEY = (shell_command("export", f"{encrypted_copies.IDENTITY_VARIABLE}=FILE"),)


@dataclass(slots=True)
class _KeyRing:
    """The private keys of whoever runs mlver, read once where they are asked for."""

    project: Project
    _identities: list[Any] | None = None

    def read(self) -> list[Any]:
        if self._identities is None:
            self._identities = encrypted_copies.find_identities(self.project)
        return self._identities


@dataclass(slots=True)
class EncryptionReport:
    """What holds something else than it should, and what nobody can tell without another key."""

    altered: list[Finding] = field(default_factory=list)
    unproven: list[Finding] = field(default_factory=list)

    def add_check(self, subject: str, kind: FindingKind, check: Callable[[], object]) -> None:
        """Note what comes of a check."""
        try:
            check()
        except NoMatchingKeyError as error:
            message = f"{_UNPROVEN}: {summarise_error(error, subject)}"
            self.unproven.append(Finding(kind, subject, message, _NAME_KEY))
        except MlverError as error:
            message = summarise_error(error, subject)
            self.altered.append(Finding(kind, subject, message, error.hints))


def judge_encrypted(
    project: Project, records: Sequence[VersionRecord], affected: Collection[Digest | None]
) -> EncryptionReport:
    """Judge the encrypted artifacts and params of some versions.

    Nobody can tell where whoever runs mlver named no private key. What is encrypted in the place of
    artifacts that are `affected` is missing or damaged, and told already.
    """
    report = EncryptionReport()
    keys = _KeyRing(project)
    for record in records:
        name_of_version = f"{record.model} {record.version}"
        for name, artifact in record.named_artifacts().items():
            if artifact.encrypted is not None and artifact.encrypted.object not in affected:
                _judge_artifact(project, f"{name_of_version} {name}", artifact, keys, report)
        for name, text in record.secrets.items():
            subject = f"{name_of_version} {printable_name(name)}"
            if keys.read():
                check = partial(decrypt_value, text, name, keys.read())
                report.add_check(subject, "record", check)
            else:
                report.unproven.append(Finding("record", subject, _UNREAD, _NAME_KEY))
    return report


def _judge_artifact(
    project: Project, subject: str, artifact: Artifact, keys: _KeyRing, report: EncryptionReport
) -> None:
    report.add_check(subject, "object", partial(_check_readers, project, subject, artifact))
    if not keys.read():
        report.unproven.append(Finding("object", subject, f"{_UNPROVEN}{_NEEDS}", _NAME_KEY))
        return
    check = partial(encrypted_copies.check_plain, project, subject, artifact, keys.read())
    report.add_check(subject, "object", check)


def _check_readers(project: Project, subject: str, artifact: Artifact) -> None:
    """Raise MlverError where an artifact is encrypted for other keys than its record names."""
    assert artifact.encrypted is not None
    named = artifact.encrypted.recipients
    kinds = list_readers(encrypted_copies.read_head(project, artifact.encrypted))
    # What is none of age's is told by who tries to decrypt it.
    if kinds is None or sorted(kinds) == sorted(map(name_reader, named)):
        return
    raise MlverError(
        f"{subject} is encrypted for other keys than the {len(named)} that its record names:"
        f" {', '.join(map(printable_name, kinds)) or 'none'}",
        hint=shell_command("git", "log", "-p", "-S", artifact.encrypted.object.hex),
    )
