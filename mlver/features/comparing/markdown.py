"""What a pull request changes, as a comment in it: Markdown as GitHub and GitLab read it.

Text that others chose (names, messages, values, paths) stands in a code span: in there nothing is
a link, a mention, an image or HTML. No text ends the span, because its fence is longer than any run
of backticks inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mlver.features.comparing.artifact_diff import ArtifactDiff
from mlver.features.comparing.diff import DiffResult
from mlver.features.comparing.review import AddedJudgement, NewVersion, ReviewResult
from mlver.features.comparing.screen import (
    describe_new_version,
    describe_stage_move,
    format_metric_pair,
    summarise_review,
)
from mlver.features.comparing.value_diff import MetricChange, ValueChange
from mlver.records.promotion import PromotionRecord
from mlver.terminal.sanitise import printable_name
from mlver.terminal.screen import TextScreen
from mlver.terminal.words import (
    distinguish_values,
    format_author,
    format_count,
    format_exact,
    format_percent,
    format_signed,
    format_size,
    shorten_digest,
    take_first_line,
)

# By which a later run finds its own comment again: never changed.
MARKER = "<!-- mlver:diff -->"
LIMIT = 65_536  # characters of a comment on GitHub; GitLab takes more
# Longer tables and texts would push the rest of the review out of the comment.
_ROWS = 30
_LONGEST = 300
_VERDICTS = {"better": "better", "worse": "**worse**"}


def draw_review_markdown(result: ReviewResult, screen: TextScreen) -> None:
    blocks = [f"### Models: {summarise_review(result)}"]
    if result.warnings:
        blocks.append(_format_warnings(result))
    for version in result.versions:
        blocks += _format_new_version(version)
    if result.promotions:
        blocks.append(_format_promotions(result.promotions))
    for judgement in (*result.evaluations, *result.approvals):
        blocks.append(_format_judgement(judgement))
    for settings in result.settings:
        blocks.append(f"#### Settings {settings.state}: {quote_code(settings.path)}")
        blocks += _format_value_changes("setting", settings.changes)
    dots = ".." if result.direct else "..."
    command = f"mlver diff {result.old}{dots}{result.new}"
    commits = f"{result.base[:10]} → {result.head[:10]}"
    screen.write_raw(_assemble_page(blocks, command, commits))


def draw_diff_markdown(result: DiffResult, screen: TextScreen) -> None:
    blocks = [f"### {quote_code(result.old)} → {quote_code(result.new)}"]
    if not result.differs:
        blocks.append("the same in every part")
    blocks += _format_metric_changes(result.metrics, "before", "after")
    blocks += _format_value_changes("param", result.params)
    blocks += _format_artifact_changes(result.artifacts)
    blocks += _format_value_changes("environment", result.environment)
    blocks += _format_value_changes("label", result.labels)
    commits = f"{format_count(len(result.code.commits), 'commit')} between"
    screen.write_raw(_assemble_page(blocks, "mlver diff", commits))


def quote_code(text: str) -> str:
    """Text that others chose, on one line and without any power over the page."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1]}…"
    # A table's cell ends at a bar even inside a code span, and GitHub and GitLab differ on how to
    # escape one.
    shown = printable_name(text).replace("|", "│") or " "
    longest_run = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest_run + 1)
    # One blank at each end is not shown, and keeps backticks inside apart from the fence.
    if longest_run or shown != shown.strip():
        shown = f" {shown} "
    return f"{fence}{shown}{fence}"


def _quote_message(message: str, author: str) -> str:
    """The first line of a message, and who wrote it."""
    return f"{quote_code(take_first_line(message))}, {quote_code(format_author(author))}"


def _format_judgement(judgement: AddedJudgement) -> str:
    event = "Evaluated"
    if judgement.stage is not None:
        event = f"Approved for {quote_code(judgement.stage)}:"
    version = quote_code(f"{judgement.model} {judgement.version}")
    return f"{event} {version} ({_quote_message(judgement.message, judgement.author)})"


def _assemble_page(blocks: Sequence[str], command: str, commits: str) -> str:
    """The blocks that fit, each whole, between the marker and the command that made them."""
    foot = f"<sub>{quote_code(command)}, {commits}</sub>"
    note = f"**Cut here**: a comment takes no more. The rest: {quote_code(command)}"
    room = LIMIT - len(MARKER) - len(foot) - len(note) - 16
    kept = [MARKER]
    for block in blocks:
        room -= len(block) + 2
        if room < 0:
            kept.append(note)
            break
        kept.append(block)
    return "\n\n".join([*kept, foot]) + "\n"


def _format_warnings(result: ReviewResult) -> str:
    lines = ["**Look at this first**", ""]
    for warning in result.warnings[:_ROWS]:
        line = f"- {quote_code(warning.subject)} {quote_code(warning.message)}"
        if warning.hints:
            commands = ", ".join(quote_code(hint) for hint in warning.hints)
            line += f"; see {commands}"
        lines.append(line)
    hidden = len(result.warnings) - _ROWS
    if hidden > 0:
        lines.append(f"- and {hidden:,} more")
    return "\n".join(lines)


def _format_new_version(version: NewVersion) -> Iterator[str]:
    yield f"#### Registered {quote_code(f'{version.model} {version.version}')}"
    reason = _quote_message(version.message, version.author)
    origin = quote_code(describe_new_version(version))
    yield f"{reason} — {origin}, record {quote_code(shorten_digest(version.record))}"
    compared = version.compared or "before"
    yield from _format_metric_changes(version.metrics, compared, version.version)
    yield from _format_value_changes("param", version.params)
    yield from _format_artifact_changes(version.artifacts)
    yield from _format_value_changes("environment", version.environment)
    yield from _format_value_changes("label", version.labels)


def _format_metric_changes(changes: Iterable[MetricChange], old: str, new: str) -> Iterator[str]:
    rows = [_format_metric_cells(change) for change in changes if change.old != change.new]
    if rows:
        headers = ["metric", quote_code(old), quote_code(new), "change", ""]
        yield _format_table(headers, rows, right=(1, 2, 3))


def _format_metric_cells(change: MetricChange) -> list[str]:
    old, new = format_metric_pair(change)
    difference = []
    if change.delta is not None:
        difference.append(format_signed(change.delta))
    if change.percent is not None:
        difference.append(f"({format_percent(change.percent)})")
    verdict = _VERDICTS.get(change.verdict, "")
    return [quote_code(change.key), old, new, " ".join(difference), verdict]


def _format_value_changes(noun: str, changes: Sequence[ValueChange]) -> Iterator[str]:
    rows = [_format_value_cells(change) for change in changes]
    if rows:
        yield _format_table([noun, "was", "is"], rows)


def _format_value_cells(change: ValueChange) -> list[str]:
    key = quote_code(change.key)
    if change.kind == "added":
        return [key, "", quote_code(format_exact(change.new))]
    if change.kind == "removed":
        return [key, quote_code(format_exact(change.old)), ""]
    old, new = distinguish_values(change.old, change.new)
    return [key, quote_code(old), quote_code(new)]


def _format_artifact_changes(artifacts: Iterable[ArtifactDiff]) -> Iterator[str]:
    rows = [_format_artifact_cells(artifact) for artifact in artifacts]
    if rows:
        yield _format_table(["artifact", "", "path", "files", "size", "in it"], rows)


def _format_artifact_cells(artifact: ArtifactDiff) -> list[str]:
    files = f"{artifact.new_files:,}"
    size = format_size(artifact.new_size)
    if artifact.state != "added":
        if artifact.old_files != artifact.new_files:
            files = f"{artifact.old_files:,} → {files}"
        if artifact.old_size != artifact.new_size:
            size = f"{format_size(artifact.old_size)} → {size}"
    counts = (
        ("+", len(artifact.added)),
        ("−", len(artifact.removed)),
        ("~", len(artifact.changed)),
        ("→", len(artifact.renamed)),
    )
    moved = [f"{sign}{count:,}" for sign, count in counts if count]
    name, path = quote_code(artifact.name), quote_code(artifact.path)
    return [name, artifact.state, path, files, size, " ".join(moved)]


def _format_promotions(promotions: Sequence[PromotionRecord]) -> str:
    rows = [_format_promotion_cells(promotion) for promotion in promotions]
    return "#### Stages\n\n" + _format_table(["", "stage", "gates", "why", "who"], rows)


def _format_promotion_cells(promotion: PromotionRecord) -> list[str]:
    event = f"{promotion.action}d"
    if promotion.action == "rollback":
        event = "**rolled back**"
    return [
        f"{event} {quote_code(promotion.model)}",
        quote_code(describe_stage_move(promotion)),
        ", ".join(_format_gates(promotion)),
        quote_code(take_first_line(promotion.message)),
        quote_code(format_author(promotion.author)),
    ]


def _format_gates(promotion: PromotionRecord) -> Iterator[str]:
    """How many gates were open, which were not, and who let the version through."""
    shut = [gate for gate in promotion.gates if gate.result != "pass"]
    total = len(promotion.gates)
    yield f"{total - len(shut)} of {total} open" if total else "none"
    for gate in shut:
        actual = quote_code(format_exact(gate.actual))
        yield f"{quote_code(gate.gate)} **{gate.result}**: {actual}"
    if promotion.forced:
        yield "**by force**"
    for approval in promotion.approvals:
        yield f"approved by {quote_code(format_author(approval.approver))}"


def _format_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()
) -> str:
    ruler = ["--:" if column in right else "---" for column in range(len(headers))]
    lines = [f"| {' | '.join(cells)} |" for cells in (headers, ruler, *rows[:_ROWS])]
    hidden = len(rows) - _ROWS
    if hidden > 0:
        lines += ["", f"and {hidden:,} more"]
    return "\n".join(lines)
