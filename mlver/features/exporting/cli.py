"""Command line of export and card."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.features.exporting.card import describe_card
from mlver.features.exporting.card_page import MARK, build_card_page
from mlver.features.exporting.export import DEFAULT, FORMATS, ExportOptions, export_version
from mlver.features.exporting.published import export_published, is_published
from mlver.features.exporting.screen import draw_export
from mlver.terminal.options import REF_HELP, DryRun, Json, Ref, complete_ref
from mlver.terminal.page_file import choose_page
from mlver.terminal.session import emit_result, find_session

EXPORT_EXAMPLES = (
    "mlver export digits@production /tmp/digits",
    "mlver export digits@1.0.0 /tmp/digits --only weights",
    "mlver export digits@1.0.0 /tmp/digits --as environment",
)


def export_command(
    ctx: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="REF", help=REF_HELP, autocompletion=complete_ref)],
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="A new or an empty folder.", show_default=False)
    ],
    wanted_format: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="FORMAT",
            help=f"One of {', '.join(FORMATS)}.",
            autocompletion=lambda: list(FORMATS),
        ),
    ] = DEFAULT,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only weights, or this data set; may be repeated."),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write a version as plain files, for machines without git.

    The folder gets the artifacts, the record (RECORD.yaml) and SHA256SUMS, by which `sha256sum -c`
    checks all of it. It has everything, or is not there.

    With --as environment, what the version was trained in: files for pip, Conda and Docker.

    REF may be the address of a ModelPack in a registry, oci://HOST/NAME:TAG; that needs no
    repository, and the folder gets what the registry has.
    """
    options = ExportOptions(format=wanted_format, only=tuple(only or ()), dry_run=dry_run)
    session = find_session(ctx)
    if is_published(ref):
        result = export_published(ref, session.start, folder, options, session.reporter)
    else:
        result = export_version(session.initialised_project, ref, folder, options)
    emit_result(result, draw_export, json=json)


CARD_EXAMPLES = (
    "mlver card digits@production",
    "mlver card digits@1.0.0 -o MODEL_CARD.md",
)


def card_command(
    ctx: typer.Context,
    ref: Ref = None,
    file: Annotated[
        str | None, typer.Option("-o", metavar="FILE", help="Write it there; - is stdout.")
    ] = None,
    json: Json = False,
) -> None:
    """Write the model card of a version, for those who use it.

    Description, owner, licence, intended use and limits are those of model.yaml; results, data,
    parameters and known defects are those of the records.
    """
    project = find_session(ctx).shown_project
    draw = choose_page(project, file, build_card_page, mark=MARK)
    emit_result(describe_card(project, ref), draw, json=json)
