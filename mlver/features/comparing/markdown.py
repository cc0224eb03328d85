"""What a pull request changes, as a comment in it: Markdown as GitHub and GitLab read it.

Text that others chose (names, messages, values, paths) stands in a code span: in there nothing is
a link, a mention, an image or HTML. No text ends the span, because its fence is longer than any run
of backticks inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mlver.errors import shell_command
from mlver.features.comparing.added_retirement import AddedRetirement
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
from mlver.terminal.markdown import format_table, quote_code
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
        event = "Evaluated"
        if judgement.stage is not None:
            event = f"Approved for {quote_code(judgement.stage)}:"
        blocks.append(_format_judgement(event, judgement))
    for note in result.notes:
        blocks.append(_format_judgement("Noted on", note))
    for retirement in result.retirements:
        blocks.append(_format_retirement(retirement))
    for settings in result.settings:
        blocks.append(f"#### Settings {settings.state}: {quote_code(settings.path)}")
        blocks += _format_value_changes("setting", settings.changes)
    range_dots = ".." if result.direct else "..."
    command = shell_command("mlver", "diff", f"{result.old}{range_dots}{result.new}")
    commits = f"{result.base[:10]} → {result.head[:10]}"
    page = _assemble_page(blocks, command, commits)
    screen.write_page(page)


def draw_diff_markdown(result: DiffResult, screen: TextScreen) -> None:
    blocks = [f"### {quote_code(result.old)} → {quote_code(result.new)}"]
    if not result.differs:
        blocks.append("the same in every part")
    blocks += _format_metric_changes(result.metrics, "before", "after")
    blocks += _format_value_changes("param", result.params)
    blocks += _format_artifact_changes(result.artifacts)
    blocks += _format_value_changes("environment", result.environment)
    blocks += _format_value_changes("label", result.labels)
    blocks += _format_value_changes("model used", result.uses)
    commits = f"{format_count(len(result.code.commits), 'commit')} between"
    screen.write_page(_assemble_page(blocks, "mlver diff", commits))


def _quote_message(message: str, author: str) -> str:
    """The first line of a message, and who wrote it."""
    first_line = quote_code(take_first_line(message))
    writer = quote_code(format_author(author))
    return f"{first_line}, {writer}"


def _format_judgement(event: str, judgement: AddedJudgement) -> str:
    version = quote_code(f"{judgement.model} {judgement.version}")
    return f"{event} {version} ({_quote_message(judgement.message, judgement.author)})"


def _format_retirement(retirement: AddedRetirement) -> str:
    version = quote_code(f"{retirement.model} {retirement.version}")
    event = f"Retired {version}" if retirement.action == "retire" else f"Restored {version}"
    if retirement.in_favour_of:
        event += f" in favour of {quote_code(retirement.in_favour_of)}"
    return f"{event} ({_quote_message(retirement.message, retirement.author)})"


def _assemble_page(blocks: Sequence[str], command: str, commits: str) -> str:
    """The blocks that fit, each whole, between the marker and the command that made them."""
    footer = f"<sub>{quote_code(command)}, {commits}</sub>"
    cut_note = f"**Cut here**: a comment takes no more. The rest: {quote_code(command)}"
    # The last number is for the blank lines between marker, note and footer.
    room_left = LIMIT - len(MARKER) - len(footer) - len(cut_note) - 16
    kept_blocks = [MARKER]
    for block in blocks:
        room_left -= len(block) + 2
        if room_left < 0:
            kept_blocks.append(cut_note)
            break
        kept_blocks.append(block)
    return "\n\n".join([*kept_blocks, footer]) + "\n"


def _format_warnings(result: ReviewResult) -> str:
    warning_lines = ["**Look at this first**", ""]
    for warning in result.warnings[:_ROWS]:
        warning_line = f"- {quote_code(warning.subject)} {quote_code(warning.message)}"
        if warning.hints:
            commands = ", ".join(quote_code(hint) for hint in warning.hints)
            warning_line += f"; see {commands}"
        warning_lines.append(warning_line)
    hidden = len(result.warnings) - _ROWS
    if hidden > 0:
        warning_lines.append(f"- and {hidden:,} more")
    return "\n".join(warning_lines)


def _format_new_version(version: NewVersion) -> Iterator[str]:
    name = quote_code(f"{version.model} {version.version}")
    yield f"#### Registered {name}"
    reason = _quote_message(version.message, version.author)
    origin = quote_code(describe_new_version(version))
    record = quote_code(shorten_digest(version.record))
    yield f"{reason} — {origin}, record {record}"
    compared = version.compared or "before"
    yield from _format_metric_changes(version.metrics, compared, version.version)
    yield from _format_value_changes("param", version.params)
    yield from _format_artifact_changes(version.artifacts)
    yield from _format_value_changes("environment", version.environment)
    yield from _format_value_changes("label", version.labels)
    yield from _format_value_changes("model used", version.uses)


def _format_metric_changes(changes: Iterable[MetricChange], old: str, new: str) -> Iterator[str]:
    table_rows: list[list[str]] = []
    for change in changes:
        if change.old != change.new:
            table_rows.append(_format_metric_cells(change))
    if table_rows:
        headers = ["metric", quote_code(old), quote_code(new), "change", ""]
        yield format_table(headers, table_rows, right=(1, 2, 3))


def _format_metric_cells(change: MetricChange) -> list[str]:
    old_number, new_number = format_metric_pair(change)
    difference = []
    if change.delta is not None:
        difference.append(format_signed(change.delta))
    if change.percent is not None:
        difference.append(f"({format_percent(change.percent)})")
    verdict = _VERDICTS.get(change.verdict, "")
    return [quote_code(change.key), old_number, new_number, " ".join(difference), verdict]


def _format_value_changes(noun: str, changes: Sequence[ValueChange]) -> Iterator[str]:
    table_rows = [_format_value_cells(change) for change in changes]
    if table_rows:
        yield format_table([noun, "was", "is"], table_rows)


def _format_value_cells(change: ValueChange) -> list[str]:
    quoted_key = quote_code(change.key)
    if change.kind == "added":
        return [quoted_key, "", quote_code(format_exact(change.new))]
    if change.kind == "removed":
        return [quoted_key, quote_code(format_exact(change.old)), ""]
    old_text, new_text = distinguish_values(change.old, change.new)
    return [quoted_key, quote_code(old_text), quote_code(new_text)]


def _format_artifact_changes(artifacts: Iterable[ArtifactDiff]) -> Iterator[str]:
    table_rows = [_format_artifact_cells(artifact) for artifact in artifacts]
    if table_rows:
        yield format_table(["artifact", "", "path", "files", "size", "in it"], table_rows)


def _format_artifact_cells(artifact: ArtifactDiff) -> list[str]:
    files_text = f"{artifact.new_files:,}"
    size_text = format_size(artifact.new_size)
    if artifact.state != "added":
        if artifact.old_files != artifact.new_files:
            files_text = f"{artifact.old_files:,} → {files_text}"
        if artifact.old_size != artifact.new_size:
            size_text = f"{format_size(artifact.old_size)} → {size_text}"
    counts = (
        ("+", len(artifact.added)),
        ("−", len(artifact.removed)),
        ("~", len(artifact.changed)),
        ("→", len(artifact.renamed)),
    )
    change_counts: list[str] = []
    for sign, count in counts:
        if count:
            change_counts.append(f"{sign}{count:,}")
    if artifact.modes:
        change_counts.append(f"mode of {format_count(len(artifact.modes), 'file')}")
    quoted_name, quoted_path = quote_code(artifact.name), quote_code(artifact.path)
    return [
        quoted_name,
        artifact.state,
        quoted_path,
        files_text,
        size_text,
        " ".join(change_counts),
    ]


def _format_promotions(promotions: Sequence[PromotionRecord]) -> str:
    table_rows = list(map(_format_promotion_cells, promotions))
    return "#### Stages\n\n" + format_table(["", "stage", "gates", "why", "who"], table_rows)


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
    # Open gates say nothing new to a reviewer: they are only counted.
    shut_gates = [gate for gate in promotion.gates if gate.result != "pass"]
    gate_count = len(promotion.gates)
    yield f"{gate_count - len(shut_gates)} of {gate_count} open" if gate_count else "none"
    for gate in shut_gates:
        actual = quote_code(format_exact(gate.actual))
        yield f"{quote_code(gate.gate)} **{gate.result}**: {actual}"
    if promotion.forced:
        yield "**by force**"
    for approval in promotion.approvals:
        yield f"approved by {quote_code(format_author(approval.approver))}"
