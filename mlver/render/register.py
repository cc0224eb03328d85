from __future__ import annotations

import re
import shlex

from mlver.commands.register import RegisteredArtifact, RegisterResult
from mlver.render.screen import Cell, Screen
from mlver.render.words import count, listed, number, short, size


def text(result: RegisterResult, screen: Screen) -> None:
    verb = "Would register" if result.dry_run else "Registered"
    parent = f"  from {result.parent}" if result.parent else ""
    screen.line((verb, "bold"), " ", (f"{result.model} {result.version}", "name"), (parent, "dim"))
    rows: list[list[Cell]] = [
        [
            (artifact.name, "bold"),
            artifact.path,
            count(artifact.files, "file"),
            size(artifact.size),
            (short(artifact.digest), "dim"),
            (", ".join(_remarks(artifact)), "dim"),
        ]
        for artifact in result.artifacts
    ]
    screen.table(rows, right=(2, 3), indent=2, fold=1)
    if result.metrics:
        shown = [f"{key} {number(value)}" for key, value in result.metrics.items()]
        screen.line("  ", ("metrics  ", "bold"), listed(shown), hang=9)
    if result.dirty:
        screen.line("  ", ("the code was not committed; the record says so", "warn"))
    if result.tag:
        screen.unbroken("  ", (f"commit {(result.commit or '')[:10]}, tag {result.tag}", "dim"))
    _next(result, screen)


def _next(result: RegisterResult, screen: Screen) -> None:
    if result.untracked:
        screen.line(
            ("note: ", "warn"), f"no commit holds {listed(result.untracked, 4)}; if the model needs it, git add it"
        )
    if result.unignored:
        lines = " ".join(shlex.quote(_pattern(path)) for path in result.unignored)
        screen.unbroken(("keep large files out of git: ", "dim"), f"printf '%s\\n' {lines} >> .gitignore")
    if result.dry_run:
        screen.line(("nothing was written", "dim"))
    elif result.tag is None:
        screen.unbroken(("staged: ", "dim"), "git commit, and once it is merged: mlver tag")


def _pattern(path: str) -> str:
    """The line of a .gitignore that means just this path."""
    return "/" + re.sub(r"([\\*?\[])", r"\\\1", path)


def _remarks(artifact: RegisteredArtifact) -> list[str]:
    return ["unchanged"] * artifact.unchanged + ["not stored"] * (not artifact.stored)
