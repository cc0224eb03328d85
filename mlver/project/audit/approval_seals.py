"""Files that seal approvals: each is a signed tag object of the record beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.git.detached_seals import parse_seal
from mlver.project.history.given_approvals import find_sealed_digest
from mlver.project.project import Project
from mlver.records import layout


def check_seal_file(project: Project, path: str) -> Iterator[Finding]:
    """Check that a seal is of the record beside it; whose key made it, the gates ask."""
    log_command = shell_command("git", "log", "--", path)
    record = project.registry.read_file(f"{path.removesuffix('.seal')}.yaml")
    data = project.registry.read_file(path)
    if record is None:
        yield Finding("signature", path, "seals a record that is not here", (log_command,))
        return
    seal = None if data is None else parse_seal(data)
    if data is None or seal is None:
        yield Finding("signature", path, "is no signed tag object", (log_command,))
    elif seal.tag.seals != str(_find_digest(project, path, record, data)):
        message = "seals another record than the one beside it"
        yield Finding("signature", path, message, (log_command,))


def _find_digest(project: Project, path: str, record: bytes, seal: bytes) -> Digest:
    """Find the digest that a seal has to name; of a record that cannot be read, its bytes'."""
    digest = Digest.of_bytes(record)
    place = layout.parse_approval(f"{path.removesuffix('.seal')}.yaml")
    if place is None or place.version is None or place.stage is None:
        return digest
    with suppress(MlverError):
        approval, _ = project.registry.read_approval(
            place.model, place.version, place.stage, place.sequence
        )
        return find_sealed_digest(approval, digest, seal)
    return digest
