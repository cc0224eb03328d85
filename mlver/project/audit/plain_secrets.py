"""Versions that hold in plain what the settings call secret: git, or a remote, keeps it for ever.

Values are told to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlver.errors import printable_name, shell_command
from mlver.findings import Finding
from mlver.project.audit.record_history import RecordHistory
from mlver.project.history.policies import NO_SETTINGS
from mlver.records.sections.encrypt import EncryptSettings
from mlver.records.version import VersionRecord


def describe_plain_secrets(record: VersionRecord, settings: EncryptSettings) -> Iterator[Finding]:
    """Describe the params of a version that should be encrypted, and its artifacts."""
    parts: list[str] = []
    secret = settings.split_params(record.params).secret
    if secret:
        names = ", ".join(map(printable_name, secret))
        parts.append(f"holds {names} in plain text, which encrypt.params calls secret")
    artifacts = [
        name
        for name, artifact in record.named_artifacts().items()
        if artifact.is_plain and settings.covers_artifact(record.model, name)
    ]
    if artifacts:
        names = ", ".join(map(printable_name, artifacts))
        parts.append(f"keeps {names} in plain, which encrypt.artifacts calls secret")
    hint = shell_command("git", "log", "--oneline", "--", record.record_path)
    for part in parts:
        yield Finding("leak", record.record_path, part, (hint,))


def find_plain_secrets(
    history: RecordHistory, records: Iterable[VersionRecord]
) -> Iterator[Finding]:
    """Find the versions that hold in plain what was secret where they landed.

    What a branch brings that began before it was secret, nobody could know of.
    """
    for record in records:
        described: list[list[Finding]] = []
        for entry in history.additions.get(record.record_path, ()):
            ground = history.settings.get(history.grounds[entry.commit] or "", NO_SETTINGS)
            settings = EncryptSettings() if ground.config is None else ground.config.encrypt
            described.append(list(describe_plain_secrets(record, settings)))
        if described and all(described):
            yield from described[0]
