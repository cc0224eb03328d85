from __future__ import annotations

from mlver.commands.review import Given, NewVersion, ReviewResult
from mlver.records.promotion import PromotionRecord
from mlver.render import diff
from mlver.render.promote import gates
from mlver.render.screen import Part, Screen, Style
from mlver.render.words import count, first_line, who

_DONE: dict[str, tuple[str, Style]] = {
    "promote": ("promoted", "good"),
    "rollback": ("rolled back", "bad"),
    "retire": ("retired", "warn"),
}


def text(result: ReviewResult, screen: Screen) -> None:
    dots = " against " if result.direct else " since it left "
    screen.line((result.new, "name"), dots, (result.old, "name"), (f"  {result.base[:10]} → {result.head[:10]}", "dim"))
    if not result.differs:
        screen.line("  says nothing new of any model")
    for warned in result.warnings:
        screen.line(("warning: ", "warn"), (warned.path, "bold"), f" {warned.message}", hang=2)
        screen.unbroken("  ", ("hint: ", "dim"), warned.hint)
    for version in result.versions:
        _version(version, screen)
    if result.promotions:
        screen.blank()
    for promotion in result.promotions:
        _promotion(promotion, screen)
    for given in (*result.evaluations, *result.approvals):
        _given(given, screen)
    for changed in result.settings:
        screen.line((changed.path, "bold"), f"  {changed.state}")
        diff.values("settings", changed.changes, screen)


def about(version: NewVersion) -> str:
    """How a version came about: `minor, incremental, from 1.0.0`."""
    bump = version.bump or "the first"
    parent = f", from {version.parent}" if version.parent else ""
    against = f", compared with {version.compared}" if version.compared not in (None, version.parent) else ""
    return f"{bump}, {version.update}{parent}{against}"


def summary(result: ReviewResult) -> str:
    """`1 version registered, 2 promotions`, or that there is nothing."""
    rollbacks = sum(promotion.action == "rollback" for promotion in result.promotions)
    told = [
        (len(result.versions), count(len(result.versions), "version") + " registered"),
        (len(result.promotions) - rollbacks, count(len(result.promotions) - rollbacks, "stage move")),
        (rollbacks, count(rollbacks, "rollback")),
        (len(result.evaluations), count(len(result.evaluations), "evaluation")),
        (len(result.approvals), count(len(result.approvals), "approval")),
        (len(result.settings), count(len(result.settings), "change") + " of settings"),
        (len(result.warnings), count(len(result.warnings), "warning")),
    ]
    return ", ".join(said for number, said in told if number) or "nothing new of any model"


def move(promotion: PromotionRecord) -> str:
    """`production: 1.0.0 → 1.1.0`."""
    now = "(empty)" if promotion.action == "retire" else promotion.version
    return f"{promotion.stage}: {promotion.previous or '(empty)'} → {now}"


def _version(version: NewVersion, screen: Screen) -> None:
    screen.blank()
    screen.line(("registered ", "bold"), (f"{version.model} {version.version}", "name"), f"  ({about(version)})")
    screen.line(f"  {first_line(version.message)}", (f"  {who(version.author)}", "dim"), hang=2)
    diff.metrics(version.metrics, screen)
    diff.values("params", version.params, screen)
    diff.artifacts(version.artifacts, screen)
    diff.values("environment", version.environment, screen, most=12)
    diff.values("labels", version.labels, screen)


def _promotion(promotion: PromotionRecord, screen: Screen) -> None:
    done, style = _DONE[promotion.action]
    forced: Part = ("  by force", "warn") if promotion.forced else ""
    screen.line((done, style), " ", (f"{promotion.model} {promotion.version}", "name"), f"  {move(promotion)}", forced)
    screen.line(f"  {first_line(promotion.message)}", (f"  {who(promotion.author)}", "dim"), hang=2)
    gates(promotion.gates, screen)
    for approval in promotion.approvals:
        screen.line("  approved by ", approval.approver)


def _given(given: Given, screen: Screen) -> None:
    done = "evaluated" if given.stage is None else f"approved for {given.stage}"
    screen.line((done, "bold"), " ", (f"{given.model} {given.version}", "name"))
    screen.line(f"  {first_line(given.message)}", (f"  {who(given.author)}", "dim"), hang=2)
