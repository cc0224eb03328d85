"""Files that are kept beside a version's record: believed only as the record pins them."""

from __future__ import annotations

from mlver.errors import MlverError, shell_command
from mlver.records.version import VersionRecord


class ForgedFile(MlverError):
    """What is kept beside a version is not what its record pins."""


def build_forged_error(record: VersionRecord, path: str) -> ForgedFile:
    """Say that the file at a path is not the one that a version was registered with."""
    return ForgedFile(
        f"{path} is not what {record.model} {record.version} was registered with: its record pins"
        " another digest of it, so nothing in it is believed",
        hint=shell_command("git", "log", "-p", "--", path),
    )
