"""What every command needs: where it was started, the project there, and how its result is put out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from mlver.cli.output import Result, put_out
from mlver.project.project import Project
from mlver.render.progress import TerminalReporter
from mlver.render.screen import Screen


@dataclass(frozen=True, slots=True)
class Session:
    start: Path
    wait: float

    @property
    def project(self) -> Project:
        """The project here; raise MlverError where there is none."""
        return replace(Project.open(self.start, TerminalReporter()), wait=self.wait)

    @property
    def repository(self) -> Project:
        """The same, where `mlver init` need not have run."""
        return replace(Project.find(self.start, TerminalReporter()), wait=self.wait)


def session(ctx: typer.Context) -> Session:
    found = ctx.find_object(Session)
    assert found is not None
    return found


def emit(result: Result, text: Callable[[Result, Screen], None], *, json: bool, code: int = 0) -> None:
    """Put a result out on stdout, as text or as JSON; end the command with `code` when that is not 0."""
    put_out(result, text, json=json)
    if code:
        raise typer.Exit(code)
