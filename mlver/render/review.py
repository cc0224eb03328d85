from __future__ import annotations

from mlver.commands.review import Given, NewVersion, ReviewResult
from mlver.records.promotion import PromotionRecord
from mlver.render import diff
from mlver.render.promote import draw_gates
from mlver.render.screen import Part, TextScreen, Style
from mlver.render.words import format_count, take_first_line, format_author

_DONE: dict[str, tuple[str, Style]] = {
    "promote": ("promoted", "good"),
    "rollback": ("rolled back", "bad"),
    "retire": ("retired", "warn"),
}


def draw_review(result: ReviewResult, screen: TextScreen) -> None:
    dots = " against " if result.direct else " since it left "
    screen.draw_line((result.new, "name"), dots, (result.old, "name"), (f"  {result.base[:10]} → {result.head[:10]}", "dim"))
    if not result.differs:
        screen.draw_line("  says nothing new of any model")
    for warned in result.warnings:
        screen.draw_line(("warning: ", "warn"), (warned.path, "bold"), f" {warned.message}", hang=2)
        screen.draw_unbroken("  ", ("hint: ", "dim"), warned.hint)
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
        diff.draw_value_changes("settings", changed.changes, screen)


def describe_new_version(version: NewVersion) -> str:
    """How a version came about: `minor, incremental, from 1.0.0`."""
    bump = version.bump or "the first"
    parent = f", from {version.parent}" if version.parent else ""
    against = f", compared with {version.compared}" if version.compared not in (None, version.parent) else ""
    return f"{bump}, {version.update}{parent}{against}"


def summarise_review(result: ReviewResult) -> str:
    """`1 version registered, 2 promotions`, or that there is nothing."""
    rollbacks = sum(promotion.action == "rollback" for promotion in result.promotions)
    told = [
        (len(result.versions), format_count(len(result.versions), "version") + " registered"),
        (len(result.promotions) - rollbacks, format_count(len(result.promotions) - rollbacks, "stage move")),
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
    screen.draw_line(("registered ", "bold"), (f"{version.model} {version.version}", "name"), f"  ({describe_new_version(version)})")
    screen.draw_line(f"  {take_first_line(version.message)}", (f"  {format_author(version.author)}", "dim"), hang=2)
    diff.draw_metric_changes(version.metrics, screen)
    diff.draw_value_changes("params", version.params, screen)
    diff.draw_artifact_changes(version.artifacts, screen)
    diff.draw_value_changes("environment", version.environment, screen, most=12)
    diff.draw_value_changes("labels", version.labels, screen)


def _draw_promotion(promotion: PromotionRecord, screen: TextScreen) -> None:
    done, style = _DONE[promotion.action]
    forced: Part = ("  by force", "warn") if promotion.forced else ""
    screen.draw_line((done, style), " ", (f"{promotion.model} {promotion.version}", "name"), f"  {describe_stage_move(promotion)}", forced)
    screen.draw_line(f"  {take_first_line(promotion.message)}", (f"  {format_author(promotion.author)}", "dim"), hang=2)
    draw_gates(promotion.gates, screen)
    for approval in promotion.approvals:
        screen.draw_line("  approved by ", approval.approver)


def _draw_evaluation_or_approval(given: Given, screen: TextScreen) -> None:
    done = "evaluated" if given.stage is None else f"approved for {given.stage}"
    screen.draw_line((done, "bold"), " ", (f"{given.model} {given.version}", "name"))
    screen.draw_line(f"  {take_first_line(given.message)}", (f"  {format_author(given.author)}", "dim"), hang=2)
