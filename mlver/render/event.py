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
from mlver.render.screen import Screen
from mlver.render.words import count, first_line, short, size

_MARK = "##["
# What neither GitLab, which takes quotes for part of a value, nor a shell that reads the file can misunderstand.
_PLAIN = re.compile(r"[A-Za-z0-9._/@:+-]+")


def text(result: EventResult, screen: Screen) -> None:
    what = f" {result.stage} {result.sequence}: {result.action}" if result.kind == "promotion" else ""
    screen.line((f"{result.model} {result.version or ''}".rstrip(), "name"), what, (f"  {result.tag}", "dim"))
    rows = [(label, _quiet(value)) for label, value in _lines(result) if value]
    screen.table([[(label, "dim"), value] for label, value in rows], indent=2, fold=1)
    for problem in result.problems:
        screen.line("  ", ("broken", "bad"), f"  {_quiet(problem)}", hang=2)


def _lines(result: EventResult) -> Iterator[tuple[str, str | None]]:
    yield "message", None if result.message is None else first_line(result.message)
    yield "by", result.author
    yield "after", result.previous
    yield "commit", result.commit and result.commit[:10]
    yield "record", result.record and short(result.record)
    for name, artifact in result.artifacts.items():
        told = f"{count(artifact.files, 'file')}, {size(artifact.size)}, {short(str(artifact.digest))}"
        yield name, f"{artifact.path}  {told}"
    yield "seal", "whole" if result.verified else None


def values(result: EventResult) -> dict[str, str]:
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


def github(result: EventResult) -> str:
    """Lines for the file `$GITHUB_OUTPUT`, each value between delimiters that nobody can have known before."""
    everything = json.dumps(structured.document(result))
    told = {**values(result), "author": result.author or "", "message": result.message or "", "event": everything}
    return "".join(f"{name}<<{mark}\n{value}\n{mark}\n" for name, value in told.items() for mark in [_mark(value)])


def _mark(value: str) -> str:
    mark = f"mlver_{secrets.token_hex(16)}"
    return _mark(value) if mark in value else mark


def dotenv(result: EventResult) -> str:
    """Lines for GitLab's `artifacts:reports:dotenv`, which may hold 20; what is empty or not plain is left out."""
    return "".join(
        f"MLVER_{name.upper()}={value}\n" for name, value in values(result).items() if _PLAIN.fullmatch(value)
    )


def dumps(result: EventResult) -> str:
    """The one document of `--json`."""
    return structured.dumps(result).replace(_MARK, "\\u0023#[")


def _quiet(said: str) -> str:
    return said.replace(_MARK, "# # [")
