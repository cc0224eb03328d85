"""What a pull request changes, as a comment in it: Markdown as GitHub and GitLab read it.

Whatever others chose (names, messages, values, paths) stands in a code span: in there nothing is a link, a mention, an
image or HTML, and no text ends the span, for its fence is longer than any run of backticks inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mlver.features.comparing.artifact_diff import ArtifactDiff
from mlver.features.comparing.diff import DiffResult
from mlver.features.comparing.review import NewVersion, ReviewResult
from mlver.features.comparing.screen import (
    describe_new_version,
    describe_stage_move,
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
    format_number,
    format_percent,
    format_signed,
    format_size,
    take_first_line,
)

# By which a later run finds its own comment again: never changed.
MARKER = "<!-- mlver:diff -->"
LIMIT = 65_536  # characters of a comment on GitHub; GitLab takes more
_ROWS = 30
_LONGEST = 300
_SIGNS = {"better": "better", "worse": "**worse**"}


def draw_review_markdown(result: ReviewResult, screen: TextScreen) -> None:
    blocks = [f"### Models: {summarise_review(result)}"]
    if result.warnings:
        blocks.append(_format_warnings(result))
    for version in result.versions:
        blocks += _format_new_version(version)
    if result.promotions:
        blocks.append(_format_promotions(result.promotions))
    for given in (*result.evaluations, *result.approvals):
        done = "Evaluated" if given.stage is None else f"Approved for {quote_code(given.stage)}:"
        said = f"{quote_code(take_first_line(given.message))}, {quote_code(format_author(given.author))}"
        blocks.append(f"{done} {quote_code(f'{given.model} {given.version}')} ({said})")
    for changed in result.settings:
        blocks.append(f"#### Settings {changed.state}: {quote_code(changed.path)}")
        blocks += _format_value_changes("setting", changed.changes)
    words = f"{result.old}{'..' if result.direct else '...'}{result.new}"
    screen.write_raw(
        _assemble_page(blocks, f"mlver diff {words}", f"{result.base[:10]} → {result.head[:10]}")
    )


def draw_diff_markdown(result: DiffResult, screen: TextScreen) -> None:
    blocks = [f"### {quote_code(result.old)} → {quote_code(result.new)}"]
    blocks += ["the same in every part"] * (not result.differs)
    blocks += _format_metric_changes(result.metrics, "before", "after")
    blocks += _format_value_changes("param", result.params)
    blocks += _format_artifact_changes(result.artifacts)
    blocks += [
        *_format_value_changes("environment", result.environment),
        *_format_value_changes("label", result.labels),
    ]
    screen.write_raw(
        _assemble_page(
            blocks, "mlver diff", format_count(len(result.code.commits), "commit") + " between"
        )
    )


def quote_code(text: str) -> str:
    """Text that others chose, on one line and without any power over the page."""
    shown = printable_name(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")
    # a table's cell ends at a bar even inside a code span, and GitHub and GitLab differ on how to escape one
    shown = shown.replace("|", "│")
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest or not shown.strip() or shown != shown.strip() else ""
    return f"{fence}{pad}{shown or ' '}{pad}{fence}"


def _assemble_page(blocks: Sequence[str], command: str, about_it: str) -> str:
    """The blocks that fit, each whole, between the marker and where it all comes from."""
    foot = f"<sub>{quote_code(command)}, {about_it}</sub>"
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
    lines = []
    for warning in result.warnings[:_ROWS]:
        commands = ", ".join(quote_code(hint) for hint in warning.hints)
        line = f"- {quote_code(warning.subject)} {quote_code(warning.message)}"
        lines.append(f"{line}; see {commands}" if commands else line)
    more = len(result.warnings) - len(lines)
    return "\n".join(
        ["**Look at this first**", "", *lines, *([f"- and {more:,} more"] if more > 0 else [])]
    )


def _format_new_version(version: NewVersion) -> Iterator[str]:
    yield f"#### Registered {quote_code(f'{version.model} {version.version}')}"
    said = f"{quote_code(take_first_line(version.message))}, {quote_code(format_author(version.author))}"
    yield f"{said} — {quote_code(describe_new_version(version))}, record {quote_code(version.record[:19])}"
    yield from _format_metric_changes(
        version.metrics, version.compared or "before", version.version
    )
    yield from _format_value_changes("param", version.params)
    yield from _format_artifact_changes(version.artifacts)
    yield from _format_value_changes("environment", version.environment)
    yield from _format_value_changes("label", version.labels)


def _format_metric_changes(changes: Iterable[MetricChange], old: str, new: str) -> Iterator[str]:
    rows = [_format_metric_cells(change) for change in changes if change.old != change.new]
    if rows:
        yield _format_table(
            ["metric", quote_code(old), quote_code(new), "change", ""], rows, right=(1, 2, 3)
        )


def _format_metric_cells(change: MetricChange) -> list[str]:
    if change.old is not None and change.new is not None:
        old, new = distinguish_values(change.old, change.new)
    else:
        old, new = (
            "" if value is None else format_number(value) for value in (change.old, change.new)
        )
    moved = [format_signed(change.delta)] if change.delta is not None else []
    moved += [f"({format_percent(change.percent)})"] if change.percent is not None else []
    return [quote_code(change.key), old, new, " ".join(moved), _SIGNS.get(change.verdict, "")]


def _format_value_changes(what: str, changes: Sequence[ValueChange]) -> Iterator[str]:
    if changes:
        yield _format_table(
            [what, "was", "is"], [_format_value_cells(change) for change in changes]
        )


def _format_value_cells(change: ValueChange) -> list[str]:
    if change.kind == "added":
        return [quote_code(change.key), "", quote_code(format_exact(change.new))]
    if change.kind == "removed":
        return [quote_code(change.key), quote_code(format_exact(change.old)), ""]
    return [quote_code(change.key), *map(quote_code, distinguish_values(change.old, change.new))]


def _format_artifact_changes(found: Iterable[ArtifactDiff]) -> Iterator[str]:
    rows = [_format_artifact_cells(artifact) for artifact in found]
    if rows:
        yield _format_table(["artifact", "", "path", "files", "size", "in it"], rows)


def _format_artifact_cells(one: ArtifactDiff) -> list[str]:
    files = (
        f"{one.old_files:,} → {one.new_files:,}"
        if one.old_files != one.new_files
        else f"{one.new_files:,}"
    )
    sizes = (
        f"{format_size(one.old_size)} → {format_size(one.new_size)}"
        if one.old_size != one.new_size
        else format_size(one.new_size)
    )
    if one.state == "added":
        files, sizes = f"{one.new_files:,}", format_size(one.new_size)
    moved = [
        f"{sign}{len(names):,}"
        for sign, names in zip("+−~→", _list_moved_files(one), strict=True)
        if names
    ]
    return [quote_code(one.name), one.state, quote_code(one.path), files, sizes, " ".join(moved)]


def _list_moved_files(one: ArtifactDiff) -> tuple[Sequence[object], ...]:
    return one.added, one.removed, one.changed, one.renamed


def _format_promotions(promotions: Sequence[PromotionRecord]) -> str:
    rows = [_format_promotion_cells(promotion) for promotion in promotions]
    return "#### Stages\n\n" + _format_table(["", "stage", "gates", "why", "who"], rows)


def _format_promotion_cells(one: PromotionRecord) -> list[str]:
    shut = [gate for gate in one.gates if gate.result != "pass"]
    gates = [f"{len(one.gates) - len(shut)} of {len(one.gates)} open" if one.gates else "none"]
    gates += [
        f"{quote_code(gate.gate)} **{gate.result}**: {quote_code(format_exact(gate.actual))}"
        for gate in shut
    ]
    gates += ["**by force**"] * one.forced
    gates += [
        f"approved by {quote_code(format_author(approval.approver))}" for approval in one.approvals
    ]
    what = "**rolled back**" if one.action == "rollback" else f"{one.action}d"
    why = quote_code(take_first_line(one.message))
    return [
        f"{what} {quote_code(one.model)}",
        quote_code(describe_stage_move(one)),
        ", ".join(gates),
        why,
        quote_code(format_author(one.author)),
    ]


def _format_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()
) -> str:
    ruler = ["--:" if at in right else "---" for at in range(len(headers))]
    lines = [headers, ruler, *rows[:_ROWS]]
    told = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return told if len(rows) <= _ROWS else f"{told}\n\nand {len(rows) - _ROWS:,} more"
