"""What brings stored bytes that a clone does not have: a remote, or another clone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mlver.errors import MlverError, ObjectMissing, shell_command
from mlver.project.project import Project
from mlver.storage.store import suggest_copying


def has_remotes(project: Project) -> bool:
    """Whether the settings name a remote that may have the bytes."""
    with suppress(MlverError):
        return bool(project.registry.read_shown_config().remotes)
    return False


def suggest_bringing(project: Project, ref: str | None = None) -> tuple[str, ...]:
    """The commands that bring missing bytes: of the version `ref`, or of those in use."""
    if has_remotes(project):
        words = [] if ref is None else [ref]
        return (shell_command("mlver", "pull", *words),)
    return suggest_copying(project.state_directory, ())


@contextmanager
def naming_remotes(project: Project, ref: str) -> Iterator[None]:
    """Let the error for missing objects of a version say that a remote may have them, if so."""
    try:
        yield
    except ObjectMissing as error:
        if not has_remotes(project):
            raise
        raise ObjectMissing(
            f"files of {ref} are not here; a remote may have them",
            hints=suggest_bringing(project, ref),
        ) from error
