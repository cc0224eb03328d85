"""Command line of verify and doctor."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.errors import UsageError
from mlver.features.checking.doctor import diagnose_project
from mlver.features.checking.screen import draw_doctor, draw_verify
from mlver.features.checking.verify import RemoteDataOptions, verify_versions
from mlver.terminal.options import DryRun, Json, Offline, ServedRefs
from mlver.terminal.preferences import find_preferences
from mlver.terminal.session import emit_result, find_session

VERIFY_EXAMPLES = (
    "mlver verify",
    "mlver verify digits@production",
    "mlver verify --all",
    "mlver verify digits@production --require-bytes",
    "mlver verify --all --strict",
)


_Everything = Annotated[
    bool, typer.Option("--all", help="Every version, all history, all objects.")
]
_RequireBytes = Annotated[
    bool, typer.Option("--require-bytes", help="Say no where a byte could not be read.")
]
_Strict = Annotated[
    bool, typer.Option("--strict", help="Say no where something is only unconfirmed.")
]
_RemoteData = Annotated[
    bool, typer.Option("--remote-data", help="Read data at an address again, there.")
]
_Executor = Annotated[
    str | None,
    typer.Option(metavar="MODULE:FUNCTION", help="--remote-data: on the executor it makes."),
]
_Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="--remote-data: on this Dask cluster.")
]


def verify_command(
    ctx: typer.Context,
    refs: ServedRefs = None,
    everything: _Everything = False,
    require_bytes: _RequireBytes = False,
    strict: _Strict = False,
    remote_data: _RemoteData = False,
    executor: _Executor = None,
    scheduler: _Scheduler = None,
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Check the whole chain, and name each broken link.

    Tag, record, manifest, object, working file; every byte is read. Exit 1 when a link is broken.
    """
    # Never with the cache: somebody who can write to it could make damage look whole.
    project = find_session(ctx).initialised_project
    result = verify_versions(
        project,
        refs or (),
        everything=everything,
        require_bytes=require_bytes,
        strict=strict,
        remote_data=_read_choice(remote_data, executor, scheduler),
    )
    emit_result(result, draw_verify, json=json, code=result.exit_code)


def _read_choice(
    wanted: bool, executor: str | None, scheduler: str | None
) -> RemoteDataOptions | None:
    if not wanted and (executor or scheduler):
        raise UsageError(
            "--executor and --scheduler say where data at an address are read, and verify reads"
            " them with --remote-data only"
        )
    if wanted and find_preferences().offline:
        raise UsageError("--offline asks no remote, and --remote-data reads from one")
    return RemoteDataOptions(executor, scheduler) if wanted else None


DOCTOR_EXAMPLES = (
    "mlver doctor",
    "mlver doctor --fix",
    "mlver doctor --fix --dry-run",
)


def doctor_command(
    ctx: typer.Context,
    fix: Annotated[
        bool, typer.Option("--fix", help="Repair what can be repaired without losing anything.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Inspect repository, store and git; say what to type."""
    result = diagnose_project(find_session(ctx).uninitialised_project, fix=fix, dry_run=dry_run)
    emit_result(result, draw_doctor, json=json, code=result.exit_code)
