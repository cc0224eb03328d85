"""Files that seal approvals: each is a signed tag object of the record beside it."""

from __future__ import annotations

from collections.abc import Iterator

from mlver.digest import Digest
from mlver.errors import shell_command
from mlver.findings import Finding
from mlver.git.detached_seals import parse_seal
from mlver.project.project import Project


def check_seal_file(project: Project, path: str) -> Iterator[Finding]:
    """Check that a seal is of the record beside it; whose key made it, the gates ask."""
    log_command = shell_command("git", "log", "--", path)
    record = project.registry.read_file(f"{path.removesuffix('.seal')}.yaml")
    data = project.registry.read_file(path)
    if record is None:
        yield Finding("signature", path, "seals a record that is not here", (log_command,))
        return
    seal = None if data is None else parse_seal(data)
    if seal is None:
        yield Finding("signature", path, "is no signed tag object", (log_command,))
    elif seal.tag.seals != str(Digest.of_bytes(record)):
        message = "seals another record than the one beside it"
        yield Finding("signature", path, message, (log_command,))
