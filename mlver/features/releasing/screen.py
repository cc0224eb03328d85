"""What `tag`, `release`, `event` and `ci` show, and the forges' ways of passing values on.

A forge reads what its job prints, line by line, for commands to it. So no text of a record begins a
line, and none holds the mark that GitHub's runner looks for anywhere in one.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from mlver.errors import shell_command
from mlver.features.releasing.ci import CiResult, WrittenPipeline
from mlver.features.releasing.event import EventResult
from mlver.features.releasing.pipelines.emit import PipelineFile
from mlver.features.releasing.pipelines.settings import example_words
from mlver.features.releasing.release_result import ReleaseResult
from mlver.features.releasing.tag import TagResult
from mlver.findings import Finding
from mlver.project.tags.missing_seals import SealedRecord
from mlver.terminal import structured
from mlver.terminal.links import draw_hints
from mlver.terminal.screen import Cell, TextScreen
from mlver.terminal.words import format_count, format_size, shorten_digest, take_first_line


def draw_tag(result: TagResult, screen: TextScreen) -> None:
    draw_new_seals(result.made, screen, dry_run=result.dry_run)
    _draw_mirrored(result.mirrored, screen, dry_run=result.dry_run)
    draw_refused_records(result.refused, screen)
    if not (result.made or result.mirrored or result.refused):
        screen.draw_line("every record on HEAD is sealed already")
    if result.remote is not None:
        screen.draw_line(f"pushed {format_count(len(result.pushed), 'tag')} to {result.remote}")
    elif (result.made or result.mirrored) and not result.dry_run:
        screen.draw_next("mlver tag --push")


def _draw_mirrored(names: Sequence[str], screen: TextScreen, *, dry_run: bool) -> None:
    verb = "Would mirror" if dry_run else "Mirrored"
    for name in names:
        screen.draw_line((verb, "bold"), " ", (name, "name"), ("  for GTO", "dim"))


def draw_release(result: ReleaseResult, screen: TextScreen) -> None:
    draw_new_seals(result.made, screen, dry_run=result.dry_run)
    verb = "Would push" if result.dry_run else "Pushed"
    for tag in result.pushed:
        screen.draw_line((verb, "bold"), " ", (tag, "name"), (f"  to {result.remote}", "dim"))
    for tag in result.mirrored:
        where = f"  to {result.remote}, for GTO"
        screen.draw_line((verb, "bold"), " ", (tag, "name"), (where, "dim"))
    # Two people, or two jobs, may release at once: the slower one has nothing left to do.
    for tag in result.accepted:
        screen.draw_line(
            "Found ", (tag, "name"), (f"  at {result.remote}, which seals the same record", "dim")
        )
    draw_refused_records(result.refused, screen)
    if not (result.pushed or result.mirrored or result.accepted or result.refused):
        screen.draw_line(
            f"{result.remote} has a tag of every record on its {result.branch} already"
        )


# Of many refused records, these many are shown.
_SHOWN = 20
# GitLab takes quotes for a part of the value, and a shell that reads the file does not: only values
# that need none are passed on.
_PLAIN = re.compile(r"[A-Za-z0-9._/@:+-]+")


def draw_event(result: EventResult, screen: TextScreen) -> None:
    subject = result.model
    if result.version:
        subject += f" {result.version}"
    move_text = ""
    if result.kind == "promotion":
        move_text = f" {result.stage} {result.sequence}: {result.action}"
    screen.draw_line((subject, "name"), move_text, (f"  {result.tag}", "dim"))
    table_rows: list[list[Cell]] = []
    for label, value in _describe_event(result):
        if value:
            table_rows.append([(label, "dim"), value])
    screen.draw_table(table_rows, indent=2, fold=1)
    if result.later is not None:
        note = "  is the stage's last promotion, not this one"
        screen.draw_line("  ", ("later", "warn"), f"  {result.later}{note}", hang=2)
    for problem in result.problems:
        screen.draw_line("  ", ("broken", "bad"), f"  {problem}", hang=2)


def _describe_event(result: EventResult) -> Iterator[tuple[str, str | None]]:
    yield "message", take_first_line(result.message or "")
    yield "by", result.author
    yield "after", result.previous
    if result.commit:
        yield "commit", result.commit[:10]
    if result.record:
        yield "record", shorten_digest(result.record)
    for artifact_name, artifact in result.artifacts.items():
        count = format_count(artifact.files, "file")
        size = format_size(artifact.size)
        digest = shorten_digest(str(artifact.digest))
        yield artifact_name, f"{artifact.path}  {count}, {size}, {digest}"
    if result.verified:
        yield "seal", "whole"


def collect_event_values(result: EventResult) -> dict[str, str]:
    """What is worth a name of its own in a pipeline; empty for what a record does not say."""
    weights = result.artifacts.get("weights")
    values = {
        "kind": result.kind,
        "tag": result.tag,
        "model": result.model,
        "version": result.version,
        "stage": result.stage,
        "sequence": result.sequence,
        "action": result.action,
        "previous": result.previous,
        "parent": result.parent,
        "record": result.record,
        "commit": result.commit,
        "created": result.created,
        "verified": "true" if result.verified else "false",
        "weights_path": weights and weights.path,
        "weights_digest": weights and weights.digest,
    }
    texts: dict[str, str] = {}
    for name, value in values.items():
        texts[name] = "" if value is None else str(value)
    return texts


def format_github_output(result: EventResult) -> str:
    """Lines for the file `$GITHUB_OUTPUT`.

    Each value stands between delimiters that nobody can have known before.
    """
    values = {
        **collect_event_values(result),
        "author": result.author or "",
        "message": result.message or "",
        "event": json.dumps(structured.build_document(result)),
    }
    blocks: list[str] = []
    for output_name, value in values.items():
        delimiter = _choose_delimiter(value)
        blocks.append(f"{output_name}<<{delimiter}\n{value}\n{delimiter}\n")
    return "".join(blocks)


def _choose_delimiter(value: str) -> str:
    while True:
        delimiter = f"mlver_{secrets.token_hex(16)}"
        if delimiter not in value:
            return delimiter


def format_dotenv(result: EventResult) -> str:
    """Lines for GitLab's `artifacts:reports:dotenv`, which may hold 20.

    Values that are empty or not plain are left out.
    """
    variable_lines: list[str] = []
    for value_name, value in collect_event_values(result).items():
        if _PLAIN.fullmatch(value):
            variable_lines.append(f"MLVER_{value_name.upper()}={value}\n")
    return "".join(variable_lines)


def draw_ci(result: CiResult, screen: TextScreen) -> None:
    due_files = [file for file in result.files if file.state not in ("unchanged", "kept")]
    if due_files:
        verb = "Would write" if result.dry_run else "Wrote"
        screen.draw_line((verb, "bold"), f" pipelines for {result.forge}")
        screen.draw_table(map(_build_file_row, result.files), indent=2)
    else:
        screen.draw_line(f"the pipelines for {result.forge} are here already; nothing changed")
    if result.include:
        kept_path = next(file.path for file in result.files if file.state == "kept")
        screen.draw_line(("add to your own ", "warn"), kept_path)
        screen.draw_unbroken(f"  include: [{{ {result.include.removeprefix('- ')} }}]")
    for skipped in result.left_out:
        screen.draw_line(("left out ", "dim"), skipped.pipeline, (", which needs", "dim"))
        for setting_name in skipped.needs:
            screen.draw_unbroken("  ", shell_command(*example_words(setting_name)))
    if due_files and not result.dry_run:
        folders: dict[str, None] = {}
        for file in due_files:
            folders[PurePosixPath(file.path).parts[0]] = None
        add_command = shell_command("git", "add", *folders)
        screen.draw_next(add_command, ", then commit and push")


def _build_file_row(file: WrittenPipeline) -> list[Cell]:
    # The heading says already that files were written.
    state_text = "" if file.state == "written" else file.state
    return [file.path, (state_text, "dim")]


def draw_pipeline_files(files: Sequence[PipelineFile], screen: TextScreen) -> None:
    """The files themselves, one after the other."""
    for pipeline_file in files:
        if len(files) > 1:
            screen.write_raw(f"# {pipeline_file.path}\n")
        screen.write_raw(pipeline_file.text)


def draw_new_seals(seals: Iterable[SealedRecord], screen: TextScreen, *, dry_run: bool) -> None:
    verb = "Would seal" if dry_run else "Sealed"
    for sealed_record in seals:
        commit = f"  on commit {sealed_record.commit[:10]}"
        screen.draw_line((verb, "bold"), " ", (sealed_record.tag, "name"), (commit, "dim"))


def draw_refused_records(records: Sequence[Finding], screen: TextScreen) -> None:
    for record in records[:_SHOWN]:
        screen.draw_line(
            ("Refused", "bad"), " ", (record.subject, "bold"), f" {record.message}", hang=2
        )
        draw_hints(record.hints, screen, indent=2)
    if len(records) > _SHOWN:
        screen.draw_line(f"and {len(records) - _SHOWN} more: --json names them all")
