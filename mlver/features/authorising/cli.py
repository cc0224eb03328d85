"""The command line of what data may be used for."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from mlver.errors import UsageError
from mlver.features.authorising.screen import draw_authorise
from mlver.project.authorising.authorise import Grant, authorise_data, withdraw_data
from mlver.terminal.options import DryRun, Json
from mlver.terminal.session import emit_result, find_session

AUTHORISE_EXAMPLES = (
    "mlver authorise digits@1.0.0:train --basis consent --purpose training"
    ' --reference "form 2026-07" -m "consent was given"',
    'mlver authorise digits@latest:train --personal none --purpose training -m "is synthetic"',
    'mlver authorise digits@1.0.0:train --withdraw -m "consent was withdrawn, ticket 4711"',
)

_DATA_HELP = (
    "sha256: and its digits, REF:NAME for a data set of a version (digits@1.2.0:train), or the name"
    " of a pinned data set."
)
_BASIS_HELP = (
    "The lawful basis of GDPR Art. 6(1): consent, contract, legal_obligation, vital_interests,"
    " public_task or legitimate_interests."
)
_PERSONAL_HELP = (
    "How far it is about people: none, pseudonymous, personal (if left out), or special (GDPR Art."
    " 9)."
)


Data = Annotated[str, typer.Argument(metavar="DATA", help=_DATA_HELP)]
ReasonForEver = Annotated[
    str,
    typer.Option(
        "-m",
        "--message",
        metavar="WHY",
        help="Why: it is recorded for ever. Name nobody that the data is about.",
    ),
]
Purposes = Annotated[
    list[str] | None,
    typer.Option("--purpose", metavar="WORD", help="What for, such as training; may be repeated."),
]
LawfulBasis = Annotated[
    Literal[
        "consent",
        "contract",
        "legal_obligation",
        "vital_interests",
        "public_task",
        "legitimate_interests",
    ]
    | None,
    typer.Option(metavar="BASIS", help=_BASIS_HELP, show_default=False),
]
PersonalKind = Annotated[
    Literal["none", "pseudonymous", "personal", "special"] | None,
    typer.Option(metavar="KIND", help=_PERSONAL_HELP, show_default=False),
]
LastDay = Annotated[
    str | None, typer.Option(metavar="DAY", help="The last day, in UTC; no end, if left out.")
]
Reference = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="Where it is written: a contract, a form, a ticket. Never a data subject's name.",
    ),
]
Withdraw = Annotated[
    bool, typer.Option("--withdraw", help="Take it back: for --purpose, or for everything.")
]


def authorise_command(
    ctx: typer.Context,
    data: Data,
    message: ReasonForEver = "",
    purpose: Purposes = None,
    basis: LawfulBasis = None,
    personal: PersonalKind = None,
    until: LastDay = None,
    reference: Reference = None,
    withdraw: Withdraw = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Record what data may be used for, or that it may not any more.

    The records stay in git for ever: names of data subjects never belong in them. Stages with
    the gate `authorised` take no version that was trained on data without a live grant.
    """
    project = find_session(ctx).initialised_project
    purposes = tuple(purpose or ())
    if withdraw:
        if basis is not None or personal is not None or until is not None:
            raise UsageError("--basis, --personal and --until are for a grant, not for --withdraw")
        result = withdraw_data(
            project, data, message=message, purposes=purposes, reference=reference, dry_run=dry_run
        )
    else:
        grant = Grant(
            purposes=purposes,
            basis=basis,
            personal=personal or "personal",
            reference=reference,
            until=until,
        )
        result = authorise_data(project, data, grant, message=message, dry_run=dry_run)
    emit_result(result, draw_authorise, json=json)
