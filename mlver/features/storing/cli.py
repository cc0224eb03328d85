"""Command line of store."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mlver.errors import UsageError, shell_command
from mlver.features.storing.screen import draw_store
from mlver.features.storing.store import init_store, serve_store
from mlver.terminal.options import Json
from mlver.terminal.session import emit_result, find_session

STORE_EXAMPLES = ("mlver store --init shared/models", "mlver store --read-only shared/models")


def store_command(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PATH", help="The directory, on this machine.")],
    init: Annotated[
        bool, typer.Option("--init", help="Make the directory a store, and do nothing else.")
    ] = False,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Give objects out, and take none.")
    ] = False,
    json: Json = False,
) -> None:
    """Serve a directory of objects to the other end of an ssh session.

    A remote ssh://HOST/PATH runs this at its host; nobody types it. It speaks a protocol of its own
    on stdin and stdout, and serves no other directory than PATH.
    """
    folder = find_session(ctx).start / path
    if init and read_only:
        raise UsageError("--init makes a store, and --read-only changes none; use one of them")
    if init:
        emit_result(init_store(folder), draw_store, json=json)
        return
    if json:
        raise UsageError("--json goes with --init: what is served is no document")
    if sys.stdin.isatty():
        raise UsageError(
            "nobody types requests to `mlver store`: a remote ssh://HOST/PATH starts it by ssh",
            hint=shell_command("mlver", "store", "--init", path),
        )
    serve_store(folder, read_only=read_only)
