from __future__ import annotations

from typing import Any

from mlver.commands.show import ShowResult
from mlver.records.values import flatten
from mlver.render.sanitise import clean_lines
from mlver.render.screen import Cell, TextScreen
from mlver.render.words import format_count, format_exact, shorten_digest, format_size, format_time


def draw_show(result: ShowResult, screen: TextScreen) -> None:
    record = result.record
    stages = "".join(f"  {stage}" for stage in result.stages)
    screen.draw_line((f"{record.model} {record.version}", "name"), (stages, "good"))
    for line in clean_lines(record.message):
        screen.draw_line("  ", line)
    code = record.code
    where = f"{code.commit[:10] if code.commit else 'no commit yet'}" + (f" on {code.branch}" if code.branch else "")
    rows: list[list[Cell]] = [
        [("registered", "dim"), f"{format_time(record.created)} UTC by {record.author}"],
        [("parent", "dim"), f"{record.parent or 'none'}, update {record.update}"],
        [("code", "dim"), [where, ("  with uncommitted changes" if code.dirty else "", "warn")]],
        [("sealed", "dim"), _describe_seal(result)],
    ]
    if record.environment:
        packages = record.environment.packages
        more = f", {format_count(len(packages), 'package')}" if packages else ""
        rows.append([("python", "dim"), f"{record.environment.python} on {record.environment.platform}{more}"])
        rows += [
            [(name, "dim"), str(value)]
            for name in ("command", "accelerator", "seed")
            if (value := getattr(record.environment, name)) is not None
        ]
    rows += [[(f"label {key}", "dim"), value] for key, value in record.labels.items()]
    screen.draw_table(rows, indent=2, fold=1)
    _draw_artifacts(result, screen)
    _draw_values("params", record.params, screen)
    _draw_values("metrics", record.metrics, screen)
    for evaluation in result.evaluations:
        _draw_values(f"evaluated {format_time(evaluation.created)} on {', '.join(evaluation.data)}", evaluation.metrics, screen)
    for approval in result.approvals:
        screen.draw_line(("approved", "bold"), f" for {approval.stage} by {approval.author}: {approval.message}", hang=2)


def _describe_seal(result: ShowResult) -> Cell:
    if result.tag is None:
        return [("no tag seals it yet", "warn"), "  (mlver tag)"]
    if result.unsealed is not None:
        return [(f"no: {result.tag} {result.unsealed}", "bad"), "  (mlver verify)"]
    if result.landed is not None:
        return f"adopted from {result.tag}, by commit {result.landed[:10]}"
    return f"{result.tag} on {(result.commit or '')[:10]}"


def _draw_artifacts(result: ShowResult, screen: TextScreen) -> None:
    screen.draw_line(("artifacts", "bold"))
    screen.draw_table(
        [
            [
                name,
                found.path,
                format_count(found.files, "file"),
                format_size(found.size),
                (shorten_digest(str(found.digest)), "dim"),
                (" ".join(filter(None, (found.format, found.batch, found.license))), "dim"),
                ("" if found.stored else "not stored", "dim"),
            ]
            for name, found in result.record.artifacts().items()
        ],
        right=(2, 3),
        indent=2,
        fold=1,
    )


def _draw_values(title: str, values: Any, screen: TextScreen) -> None:
    if values:
        screen.draw_line((title, "bold"))
        screen.draw_table([[key, format_exact(value)] for key, value in flatten(values).items()], indent=2, fold=1)
