"""Runs the person's own command that lets a proxy or a server take up what was written.

It comes from the command line alone: no file of a repository names a command.
"""

from __future__ import annotations

import os
import shlex

from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.project.project import Project
from mlver.project.serving.pending import drop_reload
from mlver.system.running import RunCommand, run_command

_STANDARD_ERROR = 2
_TIMEOUT_S = 300.0


def split_command(text: str) -> tuple[str, ...]:
    """Split a command into words, as a shell would; no shell runs it."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"--reload cannot be split into words: {error}") from None
    if not words:
        raise UsageError("--reload is empty, and takes a command such as 'nginx -s reload'")
    return words


def reload_server(project: Project, target: str, command: str) -> None:
    """Run the command where the person stands; raise MlverError where it fails.

    What it should take up is in place by then, and the next deployment runs it again.
    """
    words = split_command(command)
    name = printable_name(words[0])
    run = run_command(
        RunCommand(
            words=words,
            folder=project.start,
            environment=os.environ,
            output=_STANDARD_ERROR,
            timeout=_TIMEOUT_S,
        )
    )
    if run.timed_out:
        raise _build_error(target, f"{name} did not end within {_TIMEOUT_S:.0f} s", command)
    if run.code:
        ended = f"exit code {run.code}" if run.code > 0 else f"signal {-run.code}"
        raise _build_error(target, f"{name} failed with {ended}", command)
    drop_reload(project, target)


def _build_error(target: str, reason: str, command: str) -> MlverError:
    return MlverError(
        f"{target} is deployed, and everything is in place, but it was not reloaded: {reason}",
        hint=shell_command("mlver", "deploy", target, "--reload", command),
    )
