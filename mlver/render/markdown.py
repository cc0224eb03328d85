"""What a pull request changes, as a comment in it: Markdown as GitHub and GitLab read it.

Whatever others chose (names, messages, values, paths) stands in a code span: in there nothing is a link, a mention, an
image or HTML, and no text ends the span, for its fence is longer than any run of backticks inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mlver.commands.diff import DiffResult
from mlver.commands.review import NewVersion, ReviewResult
from mlver.policy.compare import MetricChange, ValueChange
from mlver.project.contrast import ArtifactDiff
from mlver.records.promotion import PromotionRecord
from mlver.render.review import about, move, summary
from mlver.render.sanitise import clean
from mlver.render.screen import Screen
from mlver.render.words import apart, count, exact, first_line, number, percent, signed, size, who

# By which a later run finds its own comment again: never changed.
MARKER = "<!-- mlver:diff -->"
LIMIT = 65_536  # characters of a comment on GitHub; GitLab takes more
_ROWS = 30
_LONGEST = 300
_SIGNS = {"better": "better", "worse": "**worse**"}


def review(result: ReviewResult, screen: Screen) -> None:
    blocks = [f"### Models: {summary(result)}"]
    if result.warnings:
        blocks.append(_warnings(result))
    for version in result.versions:
        blocks += _version(version)
    if result.promotions:
        blocks.append(_promotions(result.promotions))
    for given in (*result.evaluations, *result.approvals):
        done = "Evaluated" if given.stage is None else f"Approved for {code(given.stage)}:"
        said = f"{code(first_line(given.message))}, {code(who(given.author))}"
        blocks.append(f"{done} {code(f'{given.model} {given.version}')} ({said})")
    for changed in result.settings:
        blocks.append(f"#### Settings {changed.state}: {code(changed.path)}")
        blocks += _values("setting", changed.changes)
    words = f"{result.old}{'..' if result.direct else '...'}{result.new}"
    screen.raw(_page(blocks, f"mlver diff {words}", f"{result.base[:10]} → {result.head[:10]}"))


def diff(result: DiffResult, screen: Screen) -> None:
    blocks = [f"### {code(result.old)} → {code(result.new)}"]
    blocks += ["the same in every part"] * (not result.differs)
    blocks += _metrics(result.metrics, "before", "after")
    blocks += _values("param", result.params)
    blocks += _artifacts(result.artifacts)
    blocks += [*_values("environment", result.environment), *_values("label", result.labels)]
    screen.raw(_page(blocks, "mlver diff", count(len(result.code.commits), "commit") + " between"))


def code(text: str) -> str:
    """Text that others chose, on one line and without any power over the page."""
    shown = clean(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")
    # a table's cell ends at a bar even inside a code span, and GitHub and GitLab differ on how to escape one
    shown = shown.replace("|", "│")
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest or not shown.strip() or shown != shown.strip() else ""
    return f"{fence}{pad}{shown or ' '}{pad}{fence}"


def _page(blocks: Sequence[str], command: str, about_it: str) -> str:
    """The blocks that fit, each whole, between the marker and where it all comes from."""
    foot = f"<sub>{code(command)}, {about_it}</sub>"
    note = f"**Cut here**: a comment takes no more. The rest: {code(command)}"
    room = LIMIT - len(MARKER) - len(foot) - len(note) - 16
    kept = [MARKER]
    for block in blocks:
        room -= len(block) + 2
        if room < 0:
            kept.append(note)
            break
        kept.append(block)
    return "\n\n".join([*kept, foot]) + "\n"


def _warnings(result: ReviewResult) -> str:
    lines = [f"- {code(one.path)} {code(one.message)}; see {code(one.hint)}" for one in result.warnings[:_ROWS]]
    more = len(result.warnings) - len(lines)
    return "\n".join(["**Look at this first**", "", *lines, *([f"- and {more:,} more"] if more > 0 else [])])


def _version(version: NewVersion) -> Iterator[str]:
    yield f"#### Registered {code(f'{version.model} {version.version}')}"
    said = f"{code(first_line(version.message))}, {code(who(version.author))}"
    yield f"{said} — {code(about(version))}, record {code(version.record[:19])}"
    yield from _metrics(version.metrics, version.compared or "before", version.version)
    yield from _values("param", version.params)
    yield from _artifacts(version.artifacts)
    yield from _values("environment", version.environment)
    yield from _values("label", version.labels)


def _metrics(changes: Iterable[MetricChange], old: str, new: str) -> Iterator[str]:
    rows = [_metric(change) for change in changes if change.old != change.new]
    if rows:
        yield _table(["metric", code(old), code(new), "change", ""], rows, right=(1, 2, 3))


def _metric(change: MetricChange) -> list[str]:
    if change.old is not None and change.new is not None:
        old, new = apart(change.old, change.new)
    else:
        old, new = ("" if value is None else number(value) for value in (change.old, change.new))
    moved = [signed(change.delta)] if change.delta is not None else []
    moved += [f"({percent(change.percent)})"] if change.percent is not None else []
    return [code(change.key), old, new, " ".join(moved), _SIGNS.get(change.verdict, "")]


def _values(what: str, changes: Sequence[ValueChange]) -> Iterator[str]:
    if changes:
        yield _table([what, "was", "is"], [_value(change) for change in changes])


def _value(change: ValueChange) -> list[str]:
    if change.kind == "added":
        return [code(change.key), "", code(exact(change.new))]
    if change.kind == "removed":
        return [code(change.key), code(exact(change.old)), ""]
    return [code(change.key), *map(code, apart(change.old, change.new))]


def _artifacts(found: Iterable[ArtifactDiff]) -> Iterator[str]:
    rows = [_artifact(artifact) for artifact in found]
    if rows:
        yield _table(["artifact", "", "path", "files", "size", "in it"], rows)


def _artifact(one: ArtifactDiff) -> list[str]:
    files = f"{one.old_files:,} → {one.new_files:,}" if one.old_files != one.new_files else f"{one.new_files:,}"
    sizes = f"{size(one.old_size)} → {size(one.new_size)}" if one.old_size != one.new_size else size(one.new_size)
    if one.state == "added":
        files, sizes = f"{one.new_files:,}", size(one.new_size)
    moved = [f"{sign}{len(names):,}" for sign, names in zip("+−~→", _moved(one), strict=True) if names]
    return [code(one.name), one.state, code(one.path), files, sizes, " ".join(moved)]


def _moved(one: ArtifactDiff) -> tuple[Sequence[object], ...]:
    return one.added, one.removed, one.changed, one.renamed


def _promotions(promotions: Sequence[PromotionRecord]) -> str:
    rows = [_promotion(promotion) for promotion in promotions]
    return "#### Stages\n\n" + _table(["", "stage", "gates", "why", "who"], rows)


def _promotion(one: PromotionRecord) -> list[str]:
    shut = [gate for gate in one.gates if gate.result != "pass"]
    gates = [f"{len(one.gates) - len(shut)} of {len(one.gates)} open" if one.gates else "none"]
    gates += [f"{code(gate.gate)} **{gate.result}**: {code(exact(gate.actual))}" for gate in shut]
    gates += ["**by force**"] * one.forced
    gates += [f"approved by {code(who(approval.approver))}" for approval in one.approvals]
    what = "**rolled back**" if one.action == "rollback" else f"{one.action}d"
    why = code(first_line(one.message))
    return [f"{what} {code(one.model)}", code(move(one)), ", ".join(gates), why, code(who(one.author))]


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    ruler = ["--:" if at in right else "---" for at in range(len(headers))]
    lines = [headers, ruler, *rows[:_ROWS]]
    told = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return told if len(rows) <= _ROWS else f"{told}\n\nand {len(rows) - _ROWS:,} more"
