"""Command line of audit and report."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.errors import UsageError
from mlver.features.auditing.audit import audit_stages
from mlver.features.auditing.data_audit import audit_data
from mlver.features.auditing.data_screen import draw_data_audit
from mlver.features.auditing.report import report_model
from mlver.features.auditing.report_page import MARK, PageFormat, choose_builder
from mlver.features.auditing.screen import draw_audit
from mlver.features.auditing.tables import draw_audit_csv, draw_audit_markdown
from mlver.terminal.options import AsCsv, Json, Model, OneModel, complete_stage
from mlver.terminal.page_file import choose_page
from mlver.terminal.session import emit_result, find_session

AUDIT_EXAMPLES = (
    "mlver audit",
    "mlver audit digits --stage production",
    "mlver audit --stage production --at 2026-01-02",
    "mlver audit --since 2026-01-01 --strict",
    "mlver audit digits --markdown",
    "mlver audit --data digits@1.0.0:train",
)


At = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="What each stage held on a UTC day, at a time, or 2h ago."),
]
OneStage = Annotated[
    str | None,
    typer.Option(metavar="STAGE", help="Only this stage.", autocompletion=complete_stage),
]
Since = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Only what happened since a UTC day, a time or 2d."),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Say no where something is only unconfirmed.")
]
Against = Annotated[
    str | None,
    typer.Option(
        metavar="HEAD",
        help="Is all still there that an older head (sha256:…), or a saved --json, stands for?",
    ),
]
AuditedData = Annotated[
    str | None,
    typer.Option(
        metavar="DATA", help="Instead: what was trained on this data (sha256:…, a path, REF:NAME)."
    ),
]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="As Markdown.")]


def audit_command(
    ctx: typer.Context,
    model: Model = None,
    at: At = None,
    stage: OneStage = None,
    since: Since = None,
    strict: Strict = False,
    against: Against = None,
    data: AuditedData = None,
    as_csv: AsCsv = False,
    as_markdown: AsMarkdown = False,
    json: Json = False,
) -> None:
    """Tell who moved which stage, when, why and on what evidence.

    Everything that records and history allow is judged again, and each change of a rule is listed.
    What nothing confirms is called so. The head that it prints stands for the whole history: note
    it elsewhere, and --against tells later whether anything was rewritten. Exit 1 where something
    is damaged.
    """
    if as_csv + as_markdown + json > 1:
        raise UsageError("--csv, --markdown and --json are three ways to print: give one of them")
    project = find_session(ctx).shown_project
    if data is not None:
        if any((model, at, stage, since, strict, against, as_csv, as_markdown)):
            raise UsageError("--data goes with --json alone")
        emit_result(audit_data(project, data), draw_data_audit, json=json, paged=True)
        return
    # Never with the cache: somebody who can write to it could make a history look whole.
    result = audit_stages(
        project, model, stage=stage, at=at, since=since, strict=strict, against=against
    )
    is_page = as_csv or as_markdown
    draw = draw_audit
    if is_page:
        draw = draw_audit_csv if as_csv else draw_audit_markdown
    emit_result(result, draw, json=json, code=result.exit_code, paged=not is_page)


REPORT_EXAMPLES = (
    "mlver report digits --since 2026-03-01",
    "mlver report digits --since 30d -o march.html",
)


def report_command(
    ctx: typer.Context,
    model: OneModel = None,
    since: Annotated[
        str, typer.Option(metavar="DATE", help="From when on: a UTC day, a time or 30d.")
    ] = "30d",
    page: Annotated[
        PageFormat | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="markdown or html; without it, what FILE ends in says it.",
        ),
    ] = None,
    file: Annotated[
        str | None, typer.Option("-o", metavar="FILE", help="Write it there; - is stdout.")
    ] = None,
    json: Json = False,
) -> None:
    """Report what happened to a model, for the review of a month.

    Versions with what each metric gained, promotions, rollbacks with reasons and how long what was
    taken back had served, what was forced, changes of rules, known defects, and the audit head.
    """
    project = find_session(ctx).shown_project
    draw = choose_page(project, file, choose_builder(file, page), mark=MARK)
    emit_result(report_model(project, model, since=since), draw, json=json)
