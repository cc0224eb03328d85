"""What a tag means, for people and for the forges' ways of passing values on.

What is printed in a forge's job is read by the forge, line by line, for commands to it. So no text of a record begins a
line, and none holds the mark that GitHub's runner looks for anywhere in one.
 New tags, and records that may have none, as `tag` and `release` show them."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from mlver.errors import shell_command
from mlver.features.releasing.ci import CiResult
from mlver.features.releasing.event import EventResult
from mlver.features.releasing.pipelines.emit import PipelineFile
from mlver.features.releasing.pipelines.settings import NEEDED
from mlver.features.releasing.release import ReleaseResult
from mlver.features.releasing.tag import TagResult
from mlver.findings import Finding
from mlver.project.tags.missing_seals import SealedRecord
from mlver.terminal import structured
from mlver.terminal.links import draw_hints
from mlver.terminal.screen import TextScreen
from mlver.terminal.words import format_count, format_size, shorten_digest, take_first_line


def draw_tag(result: TagResult, screen: TextScreen) -> None:
    draw_new_seals(result.made, screen, dry_run=result.dry_run)
    draw_refused_records(result.refused, screen)
    if not result.made and not result.refused:
        screen.draw_line("every record on HEAD is sealed already")
    if result.remote is not None:
        screen.draw_line(f"pushed {format_count(len(result.pushed), 'tag')} to {result.remote}")
    elif result.made and not result.dry_run:
        screen.draw_unbroken(("next: ", "dim"), "mlver tag --push")


def draw_release(result: ReleaseResult, screen: TextScreen) -> None:
    draw_new_seals(result.made, screen, dry_run=result.dry_run)
    verb = "Would push" if result.dry_run else "Pushed"
    for tag in result.pushed:
        screen.draw_line((verb, "bold"), " ", (tag, "name"), (f"  to {result.remote}", "dim"))
    for tag in result.accepted:
        screen.draw_line(
            "Found ", (tag, "name"), (f"  at {result.remote}, which seals the same record", "dim")
        )
    draw_refused_records(result.refused, screen)
    if not (result.pushed or result.accepted or result.refused):
        screen.draw_line(
            f"{result.remote} has a tag of every record on its {result.branch} already"
        )


_MARK = "##["
# What neither GitLab, which takes quotes for part of a value, nor a shell that reads the file can misunderstand.
_PLAIN = re.compile(r"[A-Za-z0-9._/@:+-]+")


def draw_event(result: EventResult, screen: TextScreen) -> None:
    what = (
        f" {result.stage} {result.sequence}: {result.action}" if result.kind == "promotion" else ""
    )
    screen.draw_line(
        (f"{result.model} {result.version or ''}".rstrip(), "name"),
        what,
        (f"  {result.tag}", "dim"),
    )
    rows = [
        (label, _defuse_runner_mark(value)) for label, value in _describe_event(result) if value
    ]
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
        extent = f"{format_count(artifact.files, 'file')}, {format_size(artifact.size)}"
        yield name, f"{artifact.path}  {extent}, {shorten_digest(str(artifact.digest))}"
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
    told = {
        **collect_event_values(result),
        "author": result.author or "",
        "message": result.message or "",
        "event": everything,
    }
    return "".join(
        f"{name}<<{mark}\n{value}\n{mark}\n"
        for name, value in told.items()
        for mark in [_choose_delimiter(value)]
    )


def _choose_delimiter(value: str) -> str:
    mark = f"mlver_{secrets.token_hex(16)}"
    return _choose_delimiter(value) if mark in value else mark


def format_dotenv(result: EventResult) -> str:
    """Lines for GitLab's `artifacts:reports:dotenv`, which may hold 20; what is empty or not plain is left out."""
    return "".join(
        f"MLVER_{name.upper()}={value}\n"
        for name, value in collect_event_values(result).items()
        if _PLAIN.fullmatch(value)
    )


def dump_event(result: EventResult) -> str:
    """The one document of `--json`."""
    return structured.dump_document(result).replace(_MARK, "\\u0023#[")


def _defuse_runner_mark(said: str) -> str:
    return said.replace(_MARK, "# # [")


def draw_ci(result: CiResult, screen: TextScreen) -> None:
    due = [file for file in result.files if file.state not in ("unchanged", "kept")]
    if due:
        screen.draw_line(
            ("Would write" if result.dry_run else "Wrote", "bold"), f" pipelines for {result.forge}"
        )
        screen.draw_table(
            [[f.path, (f.state if f.state != "written" else "", "dim")] for f in result.files],
            indent=2,
        )
    else:
        screen.draw_line(f"the pipelines for {result.forge} are here already; nothing changed")
    if result.include:
        screen.draw_line(
            ("add to your own ", "warn"), next(f.path for f in result.files if f.state == "kept")
        )
        screen.draw_unbroken(f"  include: [{{ {result.include.removeprefix('- ')} }}]")
    for one in result.left_out:
        screen.draw_line(("left out ", "dim"), one.pipeline, (", which needs", "dim"))
        for name in one.needs:
            screen.draw_unbroken("  ", NEEDED[name])
    if due and not result.dry_run:
        places = dict.fromkeys(PurePosixPath(f.path).parts[0] for f in due)
        screen.draw_unbroken(
            ("next: ", "dim"), shell_command("git", "add", *places), ", then commit and push"
        )


def draw_pipeline_files(files: Sequence[PipelineFile], screen: TextScreen) -> None:
    """The files themselves, one after the other."""
    for file in files:
        if len(files) > 1:
            screen.write_raw(f"# {file.path}\n")
        screen.write_raw(file.text)


def draw_new_seals(found: Iterable[SealedRecord], screen: TextScreen, *, dry_run: bool) -> None:
    verb = "Would seal" if dry_run else "Sealed"
    for sealed in found:
        screen.draw_line(
            (verb, "bold"), " ", (sealed.tag, "name"), (f"  on commit {sealed.commit[:10]}", "dim")
        )


def draw_refused_records(found: Iterable[Finding], screen: TextScreen) -> None:
    for record in found:
        screen.draw_line(
            ("Refused", "bad"), " ", (record.subject, "bold"), f" {record.message}", hang=2
        )
        draw_hints(record.hints, screen, indent=2)
