"""What every command needs: where it was started, the project there, and how its result is put out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from mlver.project.project import Project
from mlver.terminal.output import Result, print_result
from mlver.terminal.progress import TerminalReporter
from mlver.terminal.screen import TextScreen


@dataclass(frozen=True, slots=True)
class CommandSession:
    start: Path
    wait: float

    @property
    def initialised_project(self) -> Project:
        """The project here; raise MlverError where there is none."""
        return replace(Project.open_existing(self.start, TerminalReporter()), wait=self.wait)

    @property
    def shown_project(self) -> Project:
        """The same, for a command that only looks; says so where a newer mlver wrote the settings."""
        project = self.initialised_project
        project.note_newer_settings()
        return project

    @property
    def uninitialised_project(self) -> Project:
        """The same, where `mlver init` need not have run."""
        return replace(Project.find_from(self.start, TerminalReporter()), wait=self.wait)


def find_session(ctx: typer.Context) -> CommandSession:
    found = ctx.find_object(CommandSession)
    assert found is not None
    return found


def emit_result(
    result: Result, text: Callable[[Result, TextScreen], None], *, json: bool, code: int = 0
) -> None:
    """Put a result out on stdout, as text or as JSON; end the command with `code` when that is not 0."""
    print_result(result, text, json=json)
    if code:
        raise typer.Exit(code)
