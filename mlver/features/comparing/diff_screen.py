"""What diff prints."""

from __future__ import annotations

import posixpath

from mlver.content.tensors.files import has_tensors
from mlver.errors import shell_command
from mlver.features.comparing.artifact_diff import ArtifactDiff
from mlver.features.comparing.artifact_screen import draw_artifact_changes
from mlver.features.comparing.diff import CodeDiff, DiffResult
from mlver.features.comparing.screen import (
    PACKAGES_SHOWN,
    draw_metric_changes,
    draw_value_changes,
)
from mlver.terminal.links import draw_hints
from mlver.terminal.sanitise import clean_lines
from mlver.terminal.screen import Cell, TextScreen
from mlver.terminal.words import format_count, take_first_line

_COMMITS_SHOWN = 8
_WORK_TREE = "(work tree)"


def draw_diff(result: DiffResult, screen: TextScreen) -> None:
    screen.draw_line((result.old, "name"), " → ", (result.new, "name"))
    for name, reason in result.retired.items():
        screen.draw_line("  ", (f"{name} is retired", "bad"), f": {reason}", hang=2)
    if not result.differs:
        screen.draw_line("  the same in every part")
    draw_value_changes("params", result.params, screen)
    # No model has a blank in its name.
    draw_metric_changes(result.new.partition(" ")[0], result.metrics, screen)
    draw_artifact_changes(result.artifacts, screen)
    draw_value_changes("environment", result.environment, screen, most=PACKAGES_SHOWN)
    draw_value_changes("labels", result.labels, screen)
    draw_value_changes("uses", result.uses, screen)
    _draw_code_changes(result.code, screen)
    _draw_further(result, screen)


def _draw_code_changes(code: CodeDiff, screen: TextScreen) -> None:
    # A clone of limited depth has the records of old versions, and not the code they name.
    if not code.known:
        screen.draw_line(("code", "bold"), ("  a commit is not in this clone", "warn"))
        draw_hints(code.fetch, screen)
        return
    if code.old is None or code.new is None:
        screen.draw_line(("code", "bold"), "  unknown: one was registered before the first commit")
        return
    if not code.commits and not code.new_dirty and not code.old_dirty:
        return
    count = format_count(len(code.commits), "commit")
    screen.draw_line(("code", "bold"), f"  {count}")
    commit_rows: list[list[Cell]] = []
    for commit in code.commits[:_COMMITS_SHOWN]:
        subject = take_first_line(commit.subject)
        commit_rows.append([(commit.id[:10], "dim"), subject])
    screen.draw_table(commit_rows, indent=2, fold=1)
    hidden = len(code.commits) - _COMMITS_SHOWN
    if hidden > 0:
        screen.draw_line((f"  and {hidden:,} more", "dim"))
    if code.stat:
        for stat_line in clean_lines(code.stat):
            screen.draw_line((f" {stat_line}", "dim"))
    if code.new_dirty:
        screen.draw_line(("  with changes that are not committed", "warn"))


def _draw_further(result: DiffResult, screen: TextScreen) -> None:
    """Name the command that compares the tensors, where weights with tensors changed."""
    if any(map(_has_changed_tensors, result.artifacts)):
        model, _, version = result.old.partition(" ")
        words = ["mlver", "diff", f"{model}@{version}"]
        other, _, new_version = result.new.partition(" ")
        if new_version != _WORK_TREE:
            words.append(f"@{new_version}" if other == model else f"{other}@{new_version}")
        screen.draw_next(shell_command(*words, "--weights"))


def _has_changed_tensors(artifact: ArtifactDiff) -> bool:
    if artifact.name != "weights" or artifact.state != "changed":
        return False
    # A single file is the artifact itself.
    return any(has_tensors(posixpath.join(artifact.path, name)) for name in artifact.changed)
