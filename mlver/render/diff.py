from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlver.policy.compare import MetricChange, ValueChange
from mlver.project.contrast import ArtifactDiff, Renamed
from mlver.render.sanitise import clean_lines
from mlver.render.screen import Cell, TextScreen, Style
from mlver.render.words import distinguish_values, format_count, format_exact, take_first_line, format_number, format_percent, format_signed, format_size

if TYPE_CHECKING:
    from mlver.commands.diff import CodeDiff, DiffResult

_FILES_SHOWN = 10
_PACKAGES_SHOWN = 12
_COMMITS_SHOWN = 8
_VERDICTS: dict[str, Style] = {"better": "good", "worse": "bad"}
_STATES: dict[str, Style] = {"added": "good", "removed": "bad", "changed": "warn", "missing": "bad"}


def draw_diff(result: DiffResult, screen: TextScreen) -> None:
    screen.draw_line((result.old, "name"), " → ", (result.new, "name"))
    if not result.differs:
        screen.draw_line("  the same in every part")
    draw_value_changes("params", result.params, screen)
    draw_metric_changes(result.metrics, screen)
    draw_artifact_changes(result.artifacts, screen)
    draw_value_changes("environment", result.environment, screen, most=_PACKAGES_SHOWN)
    draw_value_changes("labels", result.labels, screen)
    _draw_code_changes(result.code, screen)


def draw_value_changes(title: str, changes: Sequence[ValueChange], screen: TextScreen, most: int = 1000) -> None:
    if not changes:
        return
    screen.draw_line((title, "bold"))
    screen.draw_table([_format_value_row(change) for change in changes[:most]], indent=2, fold=1)
    if len(changes) > most:
        screen.draw_line((f"  and {len(changes) - most} more (--json lists all)", "dim"))


def _format_value_row(change: ValueChange) -> list[Cell]:
    if change.kind == "added":
        return [change.key, [(format_exact(change.new), "good"), ("  added", "dim")]]
    if change.kind == "removed":
        return [change.key, [(format_exact(change.old), "bad"), ("  removed", "dim")]]
    return [change.key, " → ".join(distinguish_values(change.old, change.new))]


def draw_metric_changes(changes: Sequence[MetricChange], screen: TextScreen) -> None:
    moved = [change for change in changes if change.old != change.new]
    if not moved:
        return
    screen.draw_line(("metrics", "bold"))
    screen.draw_table([_format_metric_row(change) for change in moved], right=(1, 2, 3), indent=2)
    if any(change.verdict == "unknown" and change.delta is not None for change in moved):
        screen.draw_line(("  which way is better: `directions: {accuracy: higher}` in model.yaml", "dim"))


def _format_metric_row(change: MetricChange) -> list[Cell]:
    old, new = _format_metric_pair(change)
    delta = "" if change.delta is None else format_signed(change.delta)
    ratio = "" if change.percent is None else format_percent(change.percent)
    verdict, style = _style_verdict(change)
    return [
        change.key,
        f"{old} →" if old and new else f"{old}  ",
        new,
        (delta, style),
        (ratio, style),
        (verdict, style),
    ]


def _style_verdict(change: MetricChange) -> tuple[str, Style]:
    if change.old is None or change.new is None:
        return ("added" if change.old is None else "removed", "dim")
    if change.verdict in ("unknown", "same"):
        return "", "plain"
    return change.verdict, _VERDICTS[change.verdict]


def _format_metric_pair(change: MetricChange) -> tuple[str, str]:
    if change.old is not None and change.new is not None:
        return distinguish_values(change.old, change.new)
    return ("" if change.old is None else format_number(change.old), "" if change.new is None else format_number(change.new))


def draw_artifact_changes(found: Sequence[ArtifactDiff], screen: TextScreen) -> None:
    changed = [artifact for artifact in found if artifact.state != "unchanged"]
    if not changed:
        return
    screen.draw_line(("artifacts", "bold"))
    for artifact in changed:
        screen.draw_line(
            f"  {artifact.name}  ",
            (artifact.state, _STATES[artifact.state]),
            f"  {artifact.path}  ",
            (_describe_artifact_sizes(artifact), "dim"),
            hang=4,
        )
        _draw_file_changes(artifact, screen)


def _describe_artifact_sizes(artifact: ArtifactDiff) -> str:
    old = f"{format_count(artifact.old_files, 'file')}, {format_size(artifact.old_size)}"
    new = f"{format_count(artifact.new_files, 'file')}, {format_size(artifact.new_size)}"
    if artifact.state == "added":
        return new
    return old if artifact.state in ("removed", "missing") or old == new else f"{old} → {new}"


def _draw_file_changes(artifact: ArtifactDiff, screen: TextScreen) -> None:
    rows: list[list[Cell]] = [[("−", "bad"), name] for name in artifact.removed if name]
    rows += [[("+", "good"), name] for name in artifact.added if name]
    rows += [[("~", "warn"), name] for name in artifact.changed if name]
    rows += [[("→", "warn"), _describe_renamed_file(renamed, artifact)] for renamed in artifact.renamed]
    screen.draw_table(rows[:_FILES_SHOWN], indent=4, fold=1)
    if len(rows) > _FILES_SHOWN:
        screen.draw_line((f"    and {len(rows) - _FILES_SHOWN:,} more files (--json lists all)", "dim"))


def _describe_renamed_file(renamed: Renamed, artifact: ArtifactDiff) -> str:
    """An artifact that is a single file has no name inside itself."""
    return f"{renamed.old} → {renamed.new or artifact.path}" if renamed.old else f"the file is {renamed.new} now"


def _draw_code_changes(code: CodeDiff, screen: TextScreen) -> None:
    if not code.known:
        screen.draw_line(("code", "bold"), ("  a commit is not in this clone: git fetch --unshallow", "warn"))
        return
    if not code.commits and not (code.new_dirty or code.old_dirty):
        return
    screen.draw_line(("code", "bold"), f"  {format_count(len(code.commits), 'commit')}")
    screen.draw_table(
        [[(commit.id[:10], "dim"), take_first_line(commit.subject)] for commit in code.commits[:_COMMITS_SHOWN]],
        indent=2,
        fold=1,
    )
    if len(code.commits) > _COMMITS_SHOWN:
        screen.draw_line((f"  and {len(code.commits) - _COMMITS_SHOWN} more", "dim"))
    for line in clean_lines(code.stat) if code.stat else []:
        screen.draw_line((f" {line}", "dim"))
    if code.new_dirty:
        screen.draw_line(("  with changes that are not committed", "warn"))
