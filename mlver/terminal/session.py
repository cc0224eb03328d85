"""What every command needs: where it was started, the project there, and a way to emit a result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from mlver.project.project import Project
from mlver.terminal.output import Result, print_result
from mlver.terminal.preferences import find_preferences
from mlver.terminal.progress import TerminalReporter
from mlver.terminal.screen import TextScreen


@dataclass(frozen=True, slots=True)
class CommandSession:
    """`start` is the folder the command works in, `wait` how many seconds it waits for the lock."""

    start: Path
    wait: float
    reporter: TerminalReporter

    @property
    def initialised_project(self) -> Project:
        """The project here; raise MlverError where there is none."""
        project = Project.open_existing(self.start, self.reporter)
        return replace(project, wait=self.wait, offline=find_preferences().offline)

    @property
    def shown_project(self) -> Project:
        """The same, for a command that only looks.

        It says so where a newer mlver wrote the settings.
        """
        project = self.initialised_project
        project.note_newer_settings()
        return project

    @property
    def cached_project(self) -> Project:
        """The same with its cache, for a command whose answer nobody audits."""
        project = self.initialised_project.cached
        project.note_newer_settings()
        return project

    @property
    def uninitialised_project(self) -> Project:
        """The same, where `mlver init` need not have run."""
        project = Project.find_from(self.start, self.reporter)
        return replace(project, wait=self.wait, offline=find_preferences().offline)


def find_session(ctx: typer.Context) -> CommandSession:
    session = ctx.find_object(CommandSession)
    assert session is not None
    return session


def emit_result(
    result: Result,
    text: Callable[[Result, TextScreen], None],
    *,
    json: bool,
    code: int = 0,
    paged: bool = False,
) -> None:
    """Print a result as text or as JSON; end the command with `code` when that is not 0.

    `paged`: a text that is longer than the terminal goes through the pager.
    """
    print_result(result, text, json=json, paged=paged)
    if code:
        raise typer.Exit(code)
