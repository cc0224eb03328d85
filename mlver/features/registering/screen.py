"""What `mlver init` and `mlver register` print."""

from __future__ import annotations

import re
import shlex

from mlver.errors import shell_command
from mlver.project.registering.register import RegisterResult
from mlver.project.registering.registered_artifacts import RegisteredArtifact
from mlver.project.setup import InitResult
from mlver.terminal.links import draw_hints
from mlver.terminal.screen import Cell, TextScreen
from mlver.terminal.words import (
    describe_mixture,
    format_count,
    format_number,
    format_size,
    join_listed,
    shorten_digest,
)

# Of the files that were left out; `--json` has all.
_NAMES_SHOWN = 4


def draw_register(result: RegisterResult, screen: TextScreen) -> None:
    verb = "Would register" if result.dry_run else "Registered"
    if result.amended is not None:
        verb = "Would amend" if result.dry_run else "Amended"
    version = f"{result.model} {result.version}"
    screen.draw_line((verb, "bold"), " ", (version, "name"), (_describe_origin(result), "dim"))
    table_rows = map(_draw_artifact, result.artifacts)
    screen.draw_table(table_rows, right=(2, 3), indent=2, fold=1)
    if result.metrics:
        metric_texts: list[str] = []
        for key, value in result.metrics.items():
            metric_texts.append(f"{key} {format_number(value)}")
        screen.draw_line("  ", ("metrics  ", "bold"), join_listed(metric_texts), hang=9)
    if result.secrets:
        listed = join_listed(result.secrets, _NAMES_SHOWN)
        screen.draw_line("  ", ("encrypted  ", "bold"), listed, hang=11)
    screen.draw_line("  ", ("environment  ", "bold"), result.environment, hang=13)
    if result.left_out:
        listed = join_listed(result.left_out, _NAMES_SHOWN)
        screen.draw_line("  ", (f"left out by .mlverignore: {listed}", "dim"), hang=2)
    if result.mixed:
        screen.draw_line("  ", (describe_mixture(result.mixed), "warn"), hang=2)
    _draw_uses(result, screen)
    if result.dirty:
        screen.draw_line("  ", ("the code was not committed; the record says so", "warn"))
    if result.commit and result.tag:
        commit = result.commit[:10]
        screen.draw_unbroken("  ", (f"commit {commit}, tag {result.tag}", "dim"))
    _draw_dropped(result, screen)
    _draw_unreadable(result, screen)
    _draw_next_steps(result, screen)


def _draw_uses(result: RegisterResult, screen: TextScreen) -> None:
    if not result.uses:
        return
    listed = join_listed(result.uses, _NAMES_SHOWN)
    origin = ""
    if result.inherited_uses:
        origin = f"  as {result.previous} does; --uses or --no-uses says otherwise"
    screen.draw_line("  ", ("uses  ", "bold"), listed, (origin, "dim"), hang=8)


def _draw_dropped(result: RegisterResult, screen: TextScreen) -> None:
    """Warn of left-out files of earlier versions, also where it has to be quiet."""
    for version in dict.fromkeys(result.dropped.values()):
        paths = [path for path, holder in result.dropped.items() if holder == version]
        listed = join_listed(paths, _NAMES_SHOWN)
        screen.draw_line(
            ("warning: ", "warn"),
            f"{version} has {listed}, and .mlverignore left that out of {result.version}",
            hang=2,
        )
    if result.dropped:
        draw_hints((shell_command("cat", "-n", "--", ".mlverignore"),), screen, indent=2)


def _draw_unreadable(result: RegisterResult, screen: TextScreen) -> None:
    """Warn of weights that are not what their names say, also where it has to be quiet."""
    for path, reason in list(result.unreadable.items())[:_NAMES_SHOWN]:
        screen.draw_line(("warning: ", "warn"), f"{path} cannot be read: {reason}", hang=2)
    if result.unreadable:
        screen.draw_note("the record says so, and no gate `formats` will pass")


def _describe_origin(result: RegisterResult) -> str:
    """Say what a version was trained from, else which one it follows."""
    if result.parent:
        return f"  from {result.parent}"
    return f"  after {result.previous}" if result.previous else ""


def _draw_artifact(artifact: RegisteredArtifact) -> list[Cell]:
    remarks: list[str] = []
    if artifact.unchanged:
        remarks.append("unchanged")
    if artifact.encrypted:
        remarks.append("encrypted")
    if not artifact.stored:
        remarks.append("not stored")
    if artifact.claimed:
        remarks.append("checksums claimed, not proven")
    return [
        (artifact.name, "bold"),
        artifact.path,
        format_count(artifact.files, "file"),
        format_size(artifact.size),
        (shorten_digest(artifact.digest), "dim"),
        (", ".join(remarks), "dim"),
    ]


def _draw_next_steps(result: RegisterResult, screen: TextScreen) -> None:
    if result.unchanged:
        screen.draw_note(f"artifacts, params and metrics are all those of {result.previous}")
    if result.untracked:
        screen.draw_note(
            f"no commit holds {join_listed(result.untracked, 4)};"
            " if the model needs it, git add it",
        )
    if result.uncommitted:
        screen.draw_note(
            f"HEAD does not have {join_listed(result.uncommitted, 4)} as registered;"
            " once committed, checkout --inputs can restore them"
        )
    if result.leftovers and not screen.is_quiet:
        screen.draw_unbroken(
            ("leave out what programs left behind: ", "dim"),
            f"printf '%s\\n' {shlex.join(result.leftovers)} >> .mlverignore",
        )
    if result.unignored and not screen.is_quiet:
        patterns = [_format_ignore_pattern(path) for path in result.unignored]
        # quoted, as a path may hold what a shell would expand
        quoted_patterns = shlex.join(patterns)
        screen.draw_unbroken(
            ("keep large files out of git: ", "dim"),
            f"printf '%s\\n' {quoted_patterns} >> .gitignore",
        )
    if result.dry_run:
        screen.draw_line(("nothing was written", "dim"))
    elif result.tag is None:
        screen.draw_unbroken(("staged: ", "dim"), "git commit, and once it is merged: mlver tag")
    elif result.remote is not None:
        screen.draw_next("mlver push", (f"  (so that {result.remote} has it, too)", "dim"))
    elif result.previous is None:
        ref = f"{result.model}@{result.version}"
        screen.draw_next(shell_command("mlver", "promote", ref, "--to", "STAGE", "-m", "WHY"))


def _format_ignore_pattern(path: str) -> str:
    """The line of a .gitignore that means just this path."""
    return "/" + re.sub(r"([\\*?\[])", r"\\\1", path)


def draw_init(result: InitResult, screen: TextScreen) -> None:
    if not result.created:
        screen.draw_line("mlver is set up here already; nothing changed")
        return
    verb = "Would write" if result.dry_run else "Set up mlver in"
    screen.draw_line((verb, "bold"), " ", result.top)
    for created_path in result.created:
        screen.draw_line("  ", created_path)
    if not result.dry_run:
        screen.draw_next("mlver register MODEL --weights PATH -m WHY")
