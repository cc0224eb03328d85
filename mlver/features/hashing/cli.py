"""Command line of hash."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.features.hashing.hash import HashOptions, hash_place
from mlver.features.hashing.screen import draw_hash
from mlver.project.listings.executors import ExecutorChoice
from mlver.terminal.options import Json
from mlver.terminal.session import emit_result, find_session

HASH_EXAMPLES = (
    "mlver hash data/train -o train.json",
    "mlver hash data/train --shard 1/2 -o shard-1.json",
)


_Places = Annotated[
    list[str], typer.Argument(metavar="URL", help="An address or a folder; with --merge, shards.")
]
_Output = Annotated[
    str | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write the listing to this file."),
]
_Shard = Annotated[
    str | None, typer.Option(metavar="I/N", help="Hash only this shard, such as 1/8.")
]
_Merge = Annotated[bool, typer.Option("--merge", help="Merge the files of all shards.")]
_Everything = Annotated[bool, typer.Option("--all", help="Read again what has not changed, too.")]
_TrustClaims = Annotated[
    bool,
    typer.Option(
        "--trust-server-checksums",
        help="Take a SHA-256 that the server claims, unread; recorded as claimed.",
    ),
]
_Executor = Annotated[
    str | None,
    typer.Option(metavar="MODULE:FUNCTION", help="Hash on the executor that this function makes."),
]
_Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Hash on the Dask cluster of this scheduler."),
]


def hash_command(
    ctx: typer.Context,
    places: _Places,
    output: _Output = None,
    shard: _Shard = None,
    merge: _Merge = False,
    everything: _Everything = False,
    trust_server_checksums: _TrustClaims = False,
    executor: _Executor = None,
    scheduler: _Scheduler = None,
    json: Json = False,
) -> None:
    """Hash the objects of a prefix, where they can be read.

    The listing has a SHA-256 an object; `register --listing` pins it. Only digests come here.

    A run that was killed goes on where it was. What has the same size, etag and version as before
    is not read again, unless --all is given.
    """
    session = find_session(ctx)
    options = HashOptions(
        places=places,
        shard=shard,
        merge=merge,
        everything=everything,
        trust_claims=trust_server_checksums,
        output=output,
        chosen=ExecutorChoice(executor, scheduler),
    )
    emit_result(hash_place(session.start, session.reporter, options), draw_hash, json=json)
