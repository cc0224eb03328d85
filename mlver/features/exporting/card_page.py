"""A model card as Markdown. What others wrote has no power over the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlver.features.exporting.card import CardArtifact, CardResult
from mlver.terminal.markdown import format_table, quote_block, quote_code
from mlver.terminal.words import (
    format_author,
    format_count,
    format_number,
    format_size,
    format_time,
)

# Every card begins with this: by it `mlver card` knows the files that it may replace.
MARK = "<!-- mlver card -->\n"
_MOST_PARAMS = 100


def build_card_page(card: CardResult) -> str:
    return MARK + build_card_body(card)


def build_card_body(card: CardResult) -> str:
    """The card without the mark: each part is left out of which the records say nothing."""
    parts = [f"# {quote_code(f'{card.model} {card.version}')}", *_list_parts(card)]
    return "\n\n".join(parts) + "\n"


def _list_parts(card: CardResult) -> Iterator[str]:
    if card.retired is not None:
        yield f"**Retired: do not use it.** {quote_code(card.retired)}"
    if card.description is not None:
        yield quote_block(card.description)
    yield _list_facts(card)
    for title, text in (("Intended use", card.intended_use), ("Limits", card.limits)):
        if text is not None:
            yield f"## {title}"
            yield quote_block(text)
    yield from _list_results(card)
    yield "## Made from"
    yield _tabulate_artifacts(card)
    if card.params:
        yield "## Parameters"
        yield _tabulate_values("parameter", card.params)
    if card.defects:
        yield "## Known defects"
        rows = [
            [format_time(one.created), quote_code(one.author), quote_code(one.message)]
            for one in card.defects
        ]
        yield format_table(("noted (UTC)", "by", "note"), rows)
    yield "## Proof"
    yield (
        f"The record of this version is {quote_code(card.record)}; `mlver verify"
        f" {card.model}@{card.version}` checks every byte that it names."
    )


def _list_facts(card: CardResult) -> str:
    facts: dict[str, str | None] = {
        "Owner": card.owner,
        "License": card.license,
        "Registered": f"{format_time(card.created)} UTC by {format_author(card.author)}",
        "Why": card.message,
        "Trained from": card.parent,
        "Code": _tell_code(card),
        "Command": card.command,
        "Python": card.python,
    }
    lines = [f"- {name}: {quote_code(told)}" for name, told in facts.items() if told is not None]
    for held in card.stages:
        lines.append(f"- In {quote_code(held.stage)} since {format_time(held.since)} UTC")
    return "\n".join(lines)


def _tell_code(card: CardResult) -> str | None:
    if card.commit is None:
        return None
    return f"{card.commit}, with changes that no commit holds" if card.dirty else card.commit


def _list_results(card: CardResult) -> Iterator[str]:
    if not card.metrics and not card.evaluations:
        return
    yield "## Results"
    if card.metrics:
        yield _tabulate_values("metric, of the training", card.metrics)
    rows: list[list[str]] = []
    for evaluation in card.evaluations:
        count = "" if evaluation.count is None else f"{evaluation.count:,}"
        for name, value in evaluation.metrics.items():
            day = format_time(evaluation.created)
            rows.append(
                [quote_code(evaluation.data), quote_code(name), format_number(value), count, day]
            )
    if rows:
        headers = ("measured on", "metric", "value", "examples", "time (UTC)")
        yield format_table(headers, rows, right=(2, 3), most=_MOST_PARAMS)


def _tabulate_values(heading: str, values: Mapping[str, Any]) -> str:
    rows = [[quote_code(name), quote_code(format_number(value))] for name, value in values.items()]
    return format_table((heading, "value"), rows, right=(1,), most=_MOST_PARAMS)


def _tabulate_artifacts(card: CardResult) -> str:
    rows = [_list_cells(artifact) for artifact in (card.weights, *card.data)]
    headers = ("", "path", "", "size", "digest", "license")
    return format_table(headers, rows, right=(3,), most=_MOST_PARAMS)


def _list_cells(artifact: CardArtifact) -> Sequence[str]:
    return [
        quote_code(artifact.name),
        quote_code(artifact.path),
        format_count(artifact.files, "file"),
        format_size(artifact.size),
        quote_code(artifact.digest),
        "" if artifact.license is None else quote_code(artifact.license),
    ]
