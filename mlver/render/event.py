"""What a tag means, for people and for the forges' ways of passing values on.

What is printed in a forge's job is read by the forge, line by line, for commands to it. So no text of a record begins a
line, and none holds the mark that GitHub's runner looks for anywhere in one.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator

from mlver.commands.event import EventResult
from mlver.render import structured
from mlver.render.screen import TextScreen
from mlver.render.words import format_count, take_first_line, shorten_digest, format_size

_MARK = "##["
# What neither GitLab, which takes quotes for part of a value, nor a shell that reads the file can misunderstand.
_PLAIN = re.compile(r"[A-Za-z0-9._/@:+-]+")


def draw_event(result: EventResult, screen: TextScreen) -> None:
    what = f" {result.stage} {result.sequence}: {result.action}" if result.kind == "promotion" else ""
    screen.draw_line((f"{result.model} {result.version or ''}".rstrip(), "name"), what, (f"  {result.tag}", "dim"))
    rows = [(label, _defuse_runner_mark(value)) for label, value in _describe_event(result) if value]
    screen.draw_table([[(label, "dim"), value] for label, value in rows], indent=2, fold=1)
    for problem in result.problems:
        screen.draw_line("  ", ("broken", "bad"), f"  {_defuse_runner_mark(problem)}", hang=2)


def _describe_event(result: EventResult) -> Iterator[tuple[str, str | None]]:
    yield "message", None if result.message is None else take_first_line(result.message)
    yield "by", result.author
    yield "after", result.previous
    yield "commit", result.commit and result.commit[:10]
    yield "record", result.record and shorten_digest(result.record)
    for name, artifact in result.artifacts.items():
        told = f"{format_count(artifact.files, 'file')}, {format_size(artifact.size)}, {shorten_digest(str(artifact.digest))}"
        yield name, f"{artifact.path}  {told}"
    yield "seal", "whole" if result.verified else None


def collect_event_values(result: EventResult) -> dict[str, str]:
    """What is worth a name of its own in a pipeline; empty for what there is not."""
    weights = result.artifacts.get("weights")
    found = {
        "kind": result.kind,
        "tag": result.tag,
        "model": result.model,
        "version": result.version,
        "stage": result.stage,
        "sequence": None if result.sequence is None else str(result.sequence),
        "action": result.action,
        "previous": result.previous,
        "parent": result.parent,
        "record": result.record,
        "commit": result.commit,
        "created": result.created,
        "verified": "true" if result.verified else "false",
        "weights_path": weights and weights.path,
        "weights_digest": weights and str(weights.digest),
    }
    return {name: value or "" for name, value in found.items()}


def format_github_output(result: EventResult) -> str:
    """Lines for the file `$GITHUB_OUTPUT`, each value between delimiters that nobody can have known before."""
    everything = json.dumps(structured.build_document(result))
    told = {**collect_event_values(result), "author": result.author or "", "message": result.message or "", "event": everything}
    return "".join(f"{name}<<{mark}\n{value}\n{mark}\n" for name, value in told.items() for mark in [_choose_delimiter(value)])


def _choose_delimiter(value: str) -> str:
    mark = f"mlver_{secrets.token_hex(16)}"
    return _choose_delimiter(value) if mark in value else mark


def format_dotenv(result: EventResult) -> str:
    """Lines for GitLab's `artifacts:reports:dotenv`, which may hold 20; what is empty or not plain is left out."""
    return "".join(
        f"MLVER_{name.upper()}={value}\n" for name, value in collect_event_values(result).items() if _PLAIN.fullmatch(value)
    )


def dump_event(result: EventResult) -> str:
    """The one document of `--json`."""
    return structured.dump_document(result).replace(_MARK, "\\u0023#[")


def _defuse_runner_mark(said: str) -> str:
    return said.replace(_MARK, "# # [")
