"""What diff and status print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlver.features.comparing.artifact_diff import ArtifactDiff, RenamedFile
from mlver.features.comparing.review import AddedJudgement, NewVersion, ReviewResult
from mlver.features.comparing.status import ModelStatus, StatusResult
from mlver.features.comparing.value_diff import MetricChange, ValueChange
from mlver.records.promotion import PromotionRecord
from mlver.terminal.gates import draw_gates
from mlver.terminal.links import draw_hints
from mlver.terminal.sanitise import clean_lines
from mlver.terminal.screen import Cell, Part, Style, TextScreen
from mlver.terminal.words import (
    distinguish_values,
    format_author,
    format_count,
    format_exact,
    format_number,
    format_percent,
    format_signed,
    format_size,
    join_listed,
    take_first_line,
)

if TYPE_CHECKING:
    from mlver.features.comparing.diff import CodeDiff, DiffResult

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


def draw_value_changes(
    title: str, changes: Sequence[ValueChange], screen: TextScreen, most: int = 1000
) -> None:
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
        screen.draw_line(
            ("  which way is better: `directions: {accuracy: higher}` in model.yaml", "dim")
        )


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
    return (
        "" if change.old is None else format_number(change.old),
        "" if change.new is None else format_number(change.new),
    )


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
    rows += [
        [("→", "warn"), _describe_renamed_file(renamed, artifact)] for renamed in artifact.renamed
    ]
    screen.draw_table(rows[:_FILES_SHOWN], indent=4, fold=1)
    if len(rows) > _FILES_SHOWN:
        screen.draw_line(
            (f"    and {len(rows) - _FILES_SHOWN:,} more files (--json lists all)", "dim")
        )


def _describe_renamed_file(renamed: RenamedFile, artifact: ArtifactDiff) -> str:
    """An artifact that is a single file has no name inside itself."""
    return (
        f"{renamed.old} → {renamed.new or artifact.path}"
        if renamed.old
        else f"the file is {renamed.new} now"
    )


def _draw_code_changes(code: CodeDiff, screen: TextScreen) -> None:
    if not code.known:
        screen.draw_line(
            ("code", "bold"), ("  a commit is not in this clone: git fetch --unshallow", "warn")
        )
        return
    if not code.commits and not (code.new_dirty or code.old_dirty):
        return
    screen.draw_line(("code", "bold"), f"  {format_count(len(code.commits), 'commit')}")
    screen.draw_table(
        [
            [(commit.id[:10], "dim"), take_first_line(commit.subject)]
            for commit in code.commits[:_COMMITS_SHOWN]
        ],
        indent=2,
        fold=1,
    )
    if len(code.commits) > _COMMITS_SHOWN:
        screen.draw_line((f"  and {len(code.commits) - _COMMITS_SHOWN} more", "dim"))
    for line in clean_lines(code.stat) if code.stat else []:
        screen.draw_line((f" {line}", "dim"))
    if code.new_dirty:
        screen.draw_line(("  with changes that are not committed", "warn"))


def draw_status(result: StatusResult, screen: TextScreen) -> None:
    for fault in result.faults:
        screen.draw_line(
            ("unreadable: ", "bad"), take_first_line(fault), " (mlver verify --all)", hang=2
        )
    if not result.models and not result.faults:
        screen.draw_line("no model is registered here yet")
        screen.draw_unbroken(("next: ", "dim"), "mlver register MODEL --weights PATH -m WHY")
    for index, model in enumerate(result.models):
        if index:
            screen.draw_blank_line()
        _draw_model_status(model, screen)


def _draw_model_status(model: ModelStatus, screen: TextScreen) -> None:
    latest = "" if model.version == model.latest else f" (the latest is {model.latest})"
    screen.draw_line(
        (f"{model.model} {model.version}", "name"), (f"  against the work tree{latest}", "dim")
    )
    draw_artifact_changes(model.artifacts, screen)
    draw_value_changes("params", model.params, screen)
    draw_metric_changes(model.metrics, screen)
    if model.lacking:
        screen.draw_line(("missing  ", "warn"), join_listed(model.lacking))
    _draw_code_status(model, screen)
    missing = [artifact.path for artifact in model.artifacts if artifact.state == "missing"]
    if model.bump:
        screen.draw_unbroken(
            ("next: ", "dim"),
            f"mlver register {model.model} --bump {model.bump} -m WHY",
            _describe_next_version(model),
        )
    elif missing:
        screen.draw_unbroken(("next: ", "dim"), f"mlver checkout {model.model}@{model.version}")
    elif latest:
        screen.draw_unbroken(
            ("next: ", "dim"),
            f"mlver checkout {model.model}@{model.latest}",
            ("   (goes forward again)", "dim"),
        )
    else:
        screen.draw_line("  weights, data and params are as registered")


def _describe_next_version(model: ModelStatus) -> Part:
    return (f"   (makes {model.next})", "dim")


def _draw_code_status(model: ModelStatus, screen: TextScreen) -> None:
    said = []
    if model.commits:
        said.append(f"{format_count(model.commits, 'commit')} since")
    if model.dirty:
        said.append("changes that are not committed")
    if said:
        screen.draw_line(("code", "bold"), f"  {', '.join(said)}")


_DONE: dict[str, tuple[str, Style]] = {
    "promote": ("promoted", "good"),
    "rollback": ("rolled back", "bad"),
    "retire": ("retired", "warn"),
}


def draw_review(result: ReviewResult, screen: TextScreen) -> None:
    dots = " against " if result.direct else " since it left "
    screen.draw_line(
        (result.new, "name"),
        dots,
        (result.old, "name"),
        (f"  {result.base[:10]} → {result.head[:10]}", "dim"),
    )
    if not result.differs:
        screen.draw_line("  says nothing new of any model")
    for warned in result.warnings:
        screen.draw_line(
            ("warning: ", "warn"), (warned.subject, "bold"), f" {warned.message}", hang=2
        )
        draw_hints(warned.hints, screen, indent=2)
    for version in result.versions:
        _draw_new_version(version, screen)
    if result.promotions:
        screen.draw_blank_line()
    for promotion in result.promotions:
        _draw_promotion(promotion, screen)
    for given in (*result.evaluations, *result.approvals):
        _draw_evaluation_or_approval(given, screen)
    for changed in result.settings:
        screen.draw_line((changed.path, "bold"), f"  {changed.state}")
        draw_value_changes("settings", changed.changes, screen)


def describe_new_version(version: NewVersion) -> str:
    """How a version came about: `minor, incremental, from 1.0.0`."""
    bump = version.bump or "the first"
    parent = f", from {version.parent}" if version.parent else ""
    against = (
        f", compared with {version.compared}"
        if version.compared not in (None, version.parent)
        else ""
    )
    return f"{bump}, {version.update}{parent}{against}"


def summarise_review(result: ReviewResult) -> str:
    """`1 version registered, 2 promotions`, or that there is nothing."""
    rollbacks = sum(promotion.action == "rollback" for promotion in result.promotions)
    told = [
        (len(result.versions), format_count(len(result.versions), "version") + " registered"),
        (
            len(result.promotions) - rollbacks,
            format_count(len(result.promotions) - rollbacks, "stage move"),
        ),
        (rollbacks, format_count(rollbacks, "rollback")),
        (len(result.evaluations), format_count(len(result.evaluations), "evaluation")),
        (len(result.approvals), format_count(len(result.approvals), "approval")),
        (len(result.settings), format_count(len(result.settings), "change") + " of settings"),
        (len(result.warnings), format_count(len(result.warnings), "warning")),
    ]
    return ", ".join(said for number, said in told if number) or "nothing new of any model"


def describe_stage_move(promotion: PromotionRecord) -> str:
    """`production: 1.0.0 → 1.1.0`."""
    now = "(empty)" if promotion.action == "retire" else promotion.version
    return f"{promotion.stage}: {promotion.previous or '(empty)'} → {now}"


def _draw_new_version(version: NewVersion, screen: TextScreen) -> None:
    screen.draw_blank_line()
    screen.draw_line(
        ("registered ", "bold"),
        (f"{version.model} {version.version}", "name"),
        f"  ({describe_new_version(version)})",
    )
    screen.draw_line(
        f"  {take_first_line(version.message)}",
        (f"  {format_author(version.author)}", "dim"),
        hang=2,
    )
    draw_metric_changes(version.metrics, screen)
    draw_value_changes("params", version.params, screen)
    draw_artifact_changes(version.artifacts, screen)
    draw_value_changes("environment", version.environment, screen, most=12)
    draw_value_changes("labels", version.labels, screen)


def _draw_promotion(promotion: PromotionRecord, screen: TextScreen) -> None:
    done, style = _DONE[promotion.action]
    forced: Part = ("  by force", "warn") if promotion.forced else ""
    screen.draw_line(
        (done, style),
        " ",
        (f"{promotion.model} {promotion.version}", "name"),
        f"  {describe_stage_move(promotion)}",
        forced,
    )
    screen.draw_line(
        f"  {take_first_line(promotion.message)}",
        (f"  {format_author(promotion.author)}", "dim"),
        hang=2,
    )
    draw_gates(promotion.gates, screen)
    for approval in promotion.approvals:
        screen.draw_line("  approved by ", approval.approver)


def _draw_evaluation_or_approval(given: AddedJudgement, screen: TextScreen) -> None:
    done = "evaluated" if given.stage is None else f"approved for {given.stage}"
    screen.draw_line((done, "bold"), " ", (f"{given.model} {given.version}", "name"))
    screen.draw_line(
        f"  {take_first_line(given.message)}", (f"  {format_author(given.author)}", "dim"), hang=2
    )
