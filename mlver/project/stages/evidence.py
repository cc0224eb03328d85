"""The evidence that a rollback is made on: a file, of which the record keeps the digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, refusal_error, shell_command
from mlver.policy.alerts import AlertGroup, parse_alert_group
from mlver.project.project import Project
from mlver.system.regular import reading_regular

# No group of alerts is larger; whatever is, is evidence of another kind.
_ALERT_BYTES = 4 << 20
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class GivenEvidence:
    """The digest of a file's bytes, and the alerts in it, where an Alertmanager sent it."""

    digest: Digest
    alerts: AlertGroup | None = None


def read_evidence(project: Project, given: str) -> GivenEvidence:
    """Read the evidence in a file, whose path begins where the person stands.

    It may be of any size and kind. Raise MlverError for one that is empty or cannot be read.
    """
    shown = printable_name(given)
    try:
        with reading_regular(project.start / given, follow=True) as file:
            data = file.read(_ALERT_BYTES + 1)
            hasher = hashlib.sha256(data)
            while more := file.read(_READ_BYTES):
                hasher.update(more)
    except OSError as error:
        raise refusal_error(f"reading {shown}", error) from error
    if not data:
        raise MlverError(
            f"{shown} is empty, so it is no evidence of anything",
            hint=shell_command("ls", "-l", given),
        )
    alerts = parse_alert_group(data) if len(data) <= _ALERT_BYTES else None
    return GivenEvidence(Digest(hasher.hexdigest()), alerts)
