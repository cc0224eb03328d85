"""What status and the review of a branch print, and what diff shares with them."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.errors import shell_command
from mlver.features.comparing.added_retirement import AddedRetirement
from mlver.features.comparing.artifact_screen import draw_artifact_changes
from mlver.features.comparing.review import AddedJudgement, NewVersion, ReviewResult
from mlver.features.comparing.status import ModelStatus, StatusResult
from mlver.features.comparing.value_diff import MetricChange, ValueChange
from mlver.policy.directions import guess_direction
from mlver.records.promotion import PromotionRecord
from mlver.terminal.gates import draw_gates
from mlver.terminal.links import (
    draw_empty_registry,
    draw_faults,
    draw_findings,
    draw_hidden_count,
    draw_hints,
)
from mlver.terminal.screen import Cell, Part, Style, TextScreen
from mlver.terminal.shares import format_share
from mlver.terminal.words import (
    distinguish_values,
    format_author,
    format_count,
    format_exact,
    format_number,
    format_percent,
    format_signed,
    join_listed,
    take_first_line,
)

# A screen shows the first of many; --json and the comment of a pull request have more room.
PACKAGES_SHOWN = 12
_VERDICTS: dict[str, Style] = {"better": "good", "worse": "bad"}


def draw_value_changes(
    title: str, changes: Sequence[ValueChange], screen: TextScreen, most: int = 1000
) -> None:
    if not changes:
        return
    screen.draw_line((title, "bold"))
    table_rows = map(_format_value_row, changes[:most])
    screen.draw_table(table_rows, indent=2, fold=1)
    draw_hidden_count(len(changes) - most, screen, indent=2)


def _format_value_row(change: ValueChange) -> list[Cell]:
    if change.kind == "added":
        return [change.key, [(format_exact(change.new), "good"), ("  added", "dim")]]
    if change.kind == "removed":
        return [change.key, [(format_exact(change.old), "bad"), ("  removed", "dim")]]
    return [change.key, " → ".join(distinguish_values(change.old, change.new))]


def draw_direction_advice(model: str, metric: str, screen: TextScreen) -> None:
    """Say how to set which way a metric is better; its name may lead to a proposal, no more."""
    guess = guess_direction(metric)
    words = ("mlver", "config", "set", "--model", model, f"directions.{metric}", guess or "higher")
    alternative = "" if guess else "   (or lower)"
    screen.draw_unbroken(
        ("  which way is better: ", "dim"), shell_command(*words), (alternative, "dim")
    )


def draw_metric_changes(model: str, changes: Sequence[MetricChange], screen: TextScreen) -> None:
    moved_metrics = [change for change in changes if change.old != change.new]
    if not moved_metrics:
        return
    screen.draw_line(("metrics", "bold"))
    screen.draw_table(
        [_format_metric_row(change) for change in moved_metrics], right=(1, 2, 3), indent=2
    )
    for change in moved_metrics:
        if change.verdict == "unknown" and change.delta is not None:
            draw_direction_advice(model, change.key, screen)
            break


def _format_metric_row(change: MetricChange) -> list[Cell]:
    old_number, new_number = format_metric_pair(change)
    delta_text = "" if change.delta is None else format_signed(change.delta)
    ratio_text = "" if change.percent is None else format_percent(change.percent)
    verdict, style = _style_verdict(change)
    arrow = "→" if old_number and new_number else " "
    return [
        change.key,
        f"{old_number} {arrow}",
        new_number,
        (delta_text, style),
        (ratio_text, style),
        (verdict, style),
    ]


def _style_verdict(change: MetricChange) -> tuple[str, Style]:
    if change.old is None:
        return "added", "dim"
    if change.new is None:
        return "removed", "dim"
    if change.verdict in ("unknown", "same"):
        return "", "plain"
    return change.verdict, _VERDICTS[change.verdict]


def format_metric_pair(change: MetricChange) -> tuple[str, str]:
    """The old and the new number, written so that they look different; blank where absent."""
    if change.old is not None and change.new is not None:
        return distinguish_values(change.old, change.new)
    old_text = "" if change.old is None else format_number(change.old)
    new_text = "" if change.new is None else format_number(change.new)
    return old_text, new_text


def draw_status(result: StatusResult, screen: TextScreen) -> None:
    draw_faults(result.faults, screen)
    if not result.models and not result.faults:
        draw_empty_registry(screen)
    for index, model_status in enumerate(result.models):
        if index:
            screen.draw_blank_line()
        _draw_model_status(model_status, screen)
    if result.unshared:
        screen.draw_line(("others", "warn"), " could not get all of this")
        draw_findings(result.unshared, screen, "warn")


def _draw_model_status(model: ModelStatus, screen: TextScreen) -> None:
    title: Part = (f"{model.model} {model.version}", "name")
    against = "  against the work tree"
    if model.version != model.latest:
        against += f" (the highest is {model.latest})"
    screen.draw_line(title, (against, "dim"))
    if model.retired is not None:
        screen.draw_line("  ", ("retired", "bad"), f": {model.retired}", hang=2)
    for share in model.rollouts:
        screen.draw_line("  ", ("rollout", "warn"), f": {format_share(share)} of {share.stage}")
    draw_artifact_changes(model.artifacts, screen)
    if model.ignore_file is not None:
        action = "" if model.ignore_file == "changed" else "was "
        screen.draw_line(
            "  ",
            (".mlverignore", "warn"),
            f" {action}{model.ignore_file} since {model.version}, so a directory's digest can"
            " change though no file did",
            hang=2,
        )
    if model.left_out:
        listed = join_listed(model.left_out)
        screen.draw_line(
            "  ", (".mlverignore", "warn"), f" leaves {listed} out of the next version", hang=2
        )
    draw_value_changes("params", model.params, screen)
    draw_metric_changes(model.model, model.metrics, screen)
    if model.lacking:
        screen.draw_line(("missing  ", "warn"), join_listed(model.lacking))
    _draw_code_status(model, screen)
    _draw_next_command(model, screen)


def _draw_next_command(model: ModelStatus, screen: TextScreen) -> None:
    fetching = [artifact.fetch for artifact in model.artifacts if artifact.state == "pointer"]
    unreadable = [artifact for artifact in model.artifacts if artifact.state == "unreadable"]
    if model.fetch:
        where = "copy them from one that has them"
        if model.fetch[0].startswith("mlver pull"):
            where = "a remote may have them"
        screen.draw_line(f"  missing bytes are not in this clone; {where}")
        draw_hints(model.fetch, screen)
        return
    command, remark = shell_command("mlver", "checkout", f"{model.model}@{model.version}"), ""
    if unreadable:
        command = unreadable[0].fetch or shell_command("ls", "-la", "--", unreadable[0].path)
        remark = "   (nothing can be registered before it can be read)"
    elif fetching:
        command, remark = fetching[0] or "", "   (fetches the content)"
    elif model.bump:
        command = shell_command("mlver", "register", model.model, "--bump", model.bump, "-m", "WHY")
        remark = f"   (makes {model.next})"
    elif not model.lacks_artifact:
        if model.version == model.latest:
            screen.draw_line("  weights, data and params are as registered")
            return
        # Without the files of its values, the next version would be a mixture.
        command = shell_command("mlver", "checkout", f"{model.model}@{model.latest}", "--inputs")
        remark = "   (goes forward again)"
    screen.draw_next(command, (remark, "dim"))


def _draw_code_status(model: ModelStatus, screen: TextScreen) -> None:
    remarks = []
    if model.commits:
        remarks.append(f"{format_count(model.commits, 'commit')} since")
    if model.dirty:
        remarks.append("changes that are not committed")
    if remarks:
        screen.draw_line(("code", "bold"), f"  {', '.join(remarks)}")


_EVENTS: dict[str, tuple[str, Style]] = {
    "promote": ("promoted", "good"),
    "rollback": ("rolled back", "bad"),
    "retire": ("emptied", "warn"),
}


def draw_review(result: ReviewResult, screen: TextScreen) -> None:
    relation = " against " if result.direct else " since it left "
    screen.draw_line(
        (result.new, "name"),
        relation,
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
    for judgement in (*result.evaluations, *result.approvals):
        event = "evaluated" if judgement.stage is None else f"approved for {judgement.stage}"
        _draw_judgement(event, judgement, screen)
    for note in result.notes:
        _draw_judgement("noted on", note, screen)
    for retirement in result.retirements:
        _draw_retirement(retirement, screen)
    for changed in result.settings:
        screen.draw_line((changed.path, "bold"), f"  {changed.state}")
        draw_value_changes("settings", changed.changes, screen)


def describe_new_version(version: NewVersion) -> str:
    """How a version came about: `minor, incremental, from 1.0.0`, or `minor, full, after 1.0.0`."""
    phrases: list[str] = [version.bump or "the first", version.update]
    if version.parent:
        phrases.append(f"from {version.parent}")
    elif version.compared:
        return ", ".join([*phrases, f"after {version.compared}"])
    if version.compared not in (None, version.parent):
        phrases.append(f"compared with {version.compared}")
    return ", ".join(phrases)


def summarise_review(result: ReviewResult) -> str:
    """`1 version registered, 2 promotions`, or that there is nothing."""
    rollbacks = 0
    for promotion in result.promotions:
        if promotion.action == "rollback":
            rollbacks += 1
    counts = (
        (len(result.versions), "version", " registered"),
        (len(result.promotions) - rollbacks, "stage move", ""),
        (rollbacks, "rollback", ""),
        (len(result.evaluations), "evaluation", ""),
        (len(result.approvals), "approval", ""),
        (len(result.notes), "note", ""),
        (len(result.retirements), "retirement", ""),
        (len(result.settings), "change", " of settings"),
        (len(result.warnings), "warning", ""),
    )
    phrases = []
    for number, noun, ending in counts:
        if number:
            phrases.append(f"{format_count(number, noun)}{ending}")
    return ", ".join(phrases) or "nothing new of any model"


def describe_stage_move(promotion: PromotionRecord) -> str:
    """`production: 1.0.0 → 1.1.0`."""
    old_holder = promotion.previous or "(empty)"
    new_holder = "(empty)" if promotion.action == "retire" else promotion.version
    return f"{promotion.stage}: {old_holder} → {new_holder}"


def _draw_new_version(version: NewVersion, screen: TextScreen) -> None:
    screen.draw_blank_line()
    screen.draw_line(
        ("registered ", "bold"),
        (f"{version.model} {version.version}", "name"),
        f"  ({describe_new_version(version)})",
    )
    _draw_reason(version.message, version.author, screen)
    draw_metric_changes(version.model, version.metrics, screen)
    draw_value_changes("params", version.params, screen)
    draw_artifact_changes(version.artifacts, screen)
    draw_value_changes("environment", version.environment, screen, most=PACKAGES_SHOWN)
    draw_value_changes("labels", version.labels, screen)
    draw_value_changes("uses", version.uses, screen)


def _draw_promotion(promotion: PromotionRecord, screen: TextScreen) -> None:
    line_parts: list[Part] = [
        _EVENTS[promotion.action],
        " ",
        (f"{promotion.model} {promotion.version}", "name"),
        f"  {describe_stage_move(promotion)}",
    ]
    if promotion.forced:
        line_parts.append(("  by force", "warn"))
    screen.draw_line(*line_parts)
    _draw_reason(promotion.message, promotion.author, screen)
    draw_gates(promotion.gates, screen)
    for approval in promotion.approvals:
        screen.draw_line("  approved by ", approval.approver)


def _draw_judgement(event: str, judgement: AddedJudgement, screen: TextScreen) -> None:
    screen.draw_line((event, "bold"), " ", (f"{judgement.model} {judgement.version}", "name"))
    _draw_reason(judgement.message, judgement.author, screen)


def _draw_retirement(retirement: AddedRetirement, screen: TextScreen) -> None:
    event = "retired" if retirement.action == "retire" else "restored"
    instead = f"; use {retirement.in_favour_of} instead" if retirement.in_favour_of else ""
    version: Part = (f"{retirement.model} {retirement.version}", "name")
    screen.draw_line((event, "bold"), " ", version, instead)
    _draw_reason(retirement.message, retirement.author, screen)


def _draw_reason(message: str, author: str, screen: TextScreen) -> None:
    """Why something was done, and by whom."""
    reason = f"  {take_first_line(message)}"
    screen.draw_line(reason, (f"  {format_author(author)}", "dim"), hang=2)
