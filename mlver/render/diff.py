from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlver.policy.compare import MetricChange, ValueChange
from mlver.project.contrast import ArtifactDiff, Renamed
from mlver.render.sanitise import clean_lines
from mlver.render.screen import Cell, Screen, Style
from mlver.render.words import apart, count, exact, first_line, number, percent, signed, size

if TYPE_CHECKING:
    from mlver.commands.diff import CodeDiff, DiffResult

_FILES_SHOWN = 10
_PACKAGES_SHOWN = 12
_COMMITS_SHOWN = 8
_VERDICTS: dict[str, Style] = {"better": "good", "worse": "bad"}
_STATES: dict[str, Style] = {"added": "good", "removed": "bad", "changed": "warn", "missing": "bad"}


def text(result: DiffResult, screen: Screen) -> None:
    screen.line((result.old, "name"), " → ", (result.new, "name"))
    if not result.differs:
        screen.line("  the same in every part")
    values("params", result.params, screen)
    metrics(result.metrics, screen)
    artifacts(result.artifacts, screen)
    values("environment", result.environment, screen, most=_PACKAGES_SHOWN)
    values("labels", result.labels, screen)
    _code(result.code, screen)


def values(title: str, changes: Sequence[ValueChange], screen: Screen, most: int = 1000) -> None:
    if not changes:
        return
    screen.line((title, "bold"))
    screen.table([_value(change) for change in changes[:most]], indent=2, fold=1)
    if len(changes) > most:
        screen.line((f"  and {len(changes) - most} more (--json lists all)", "dim"))


def _value(change: ValueChange) -> list[Cell]:
    if change.kind == "added":
        return [change.key, [(exact(change.new), "good"), ("  added", "dim")]]
    if change.kind == "removed":
        return [change.key, [(exact(change.old), "bad"), ("  removed", "dim")]]
    return [change.key, " → ".join(apart(change.old, change.new))]


def metrics(changes: Sequence[MetricChange], screen: Screen) -> None:
    moved = [change for change in changes if change.old != change.new]
    if not moved:
        return
    screen.line(("metrics", "bold"))
    screen.table([_metric(change) for change in moved], right=(1, 2, 3), indent=2)
    if any(change.verdict == "unknown" and change.delta is not None for change in moved):
        screen.line(("  which way is better: `directions: {accuracy: higher}` in model.yaml", "dim"))


def _metric(change: MetricChange) -> list[Cell]:
    old, new = _numbers(change)
    delta = "" if change.delta is None else signed(change.delta)
    ratio = "" if change.percent is None else percent(change.percent)
    verdict, style = _verdict(change)
    return [
        change.key,
        f"{old} →" if old and new else f"{old}  ",
        new,
        (delta, style),
        (ratio, style),
        (verdict, style),
    ]


def _verdict(change: MetricChange) -> tuple[str, Style]:
    if change.old is None or change.new is None:
        return ("added" if change.old is None else "removed", "dim")
    if change.verdict in ("unknown", "same"):
        return "", "plain"
    return change.verdict, _VERDICTS[change.verdict]


def _numbers(change: MetricChange) -> tuple[str, str]:
    if change.old is not None and change.new is not None:
        return apart(change.old, change.new)
    return ("" if change.old is None else number(change.old), "" if change.new is None else number(change.new))


def artifacts(found: Sequence[ArtifactDiff], screen: Screen) -> None:
    changed = [artifact for artifact in found if artifact.state != "unchanged"]
    if not changed:
        return
    screen.line(("artifacts", "bold"))
    for artifact in changed:
        screen.line(
            f"  {artifact.name}  ",
            (artifact.state, _STATES[artifact.state]),
            f"  {artifact.path}  ",
            (_sizes(artifact), "dim"),
            hang=4,
        )
        _files(artifact, screen)


def _sizes(artifact: ArtifactDiff) -> str:
    old = f"{count(artifact.old_files, 'file')}, {size(artifact.old_size)}"
    new = f"{count(artifact.new_files, 'file')}, {size(artifact.new_size)}"
    if artifact.state == "added":
        return new
    return old if artifact.state in ("removed", "missing") or old == new else f"{old} → {new}"


def _files(artifact: ArtifactDiff, screen: Screen) -> None:
    rows: list[list[Cell]] = [[("−", "bad"), name] for name in artifact.removed if name]
    rows += [[("+", "good"), name] for name in artifact.added if name]
    rows += [[("~", "warn"), name] for name in artifact.changed if name]
    rows += [[("→", "warn"), _renamed(renamed, artifact)] for renamed in artifact.renamed]
    screen.table(rows[:_FILES_SHOWN], indent=4, fold=1)
    if len(rows) > _FILES_SHOWN:
        screen.line((f"    and {len(rows) - _FILES_SHOWN:,} more files (--json lists all)", "dim"))


def _renamed(renamed: Renamed, artifact: ArtifactDiff) -> str:
    """An artifact that is a single file has no name inside itself."""
    return f"{renamed.old} → {renamed.new or artifact.path}" if renamed.old else f"the file is {renamed.new} now"


def _code(code: CodeDiff, screen: Screen) -> None:
    if not code.known:
        screen.line(("code", "bold"), ("  a commit is not in this clone: git fetch --unshallow", "warn"))
        return
    if not code.commits and not (code.new_dirty or code.old_dirty):
        return
    screen.line(("code", "bold"), f"  {count(len(code.commits), 'commit')}")
    screen.table(
        [[(commit.id[:10], "dim"), first_line(commit.subject)] for commit in code.commits[:_COMMITS_SHOWN]],
        indent=2,
        fold=1,
    )
    if len(code.commits) > _COMMITS_SHOWN:
        screen.line((f"  and {len(code.commits) - _COMMITS_SHOWN} more", "dim"))
    for line in clean_lines(code.stat) if code.stat else []:
        screen.line((f" {line}", "dim"))
    if code.new_dirty:
        screen.line(("  with changes that are not committed", "warn"))
