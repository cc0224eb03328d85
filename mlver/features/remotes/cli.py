"""Command line of remote, push and pull."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import typer

from mlver.errors import UsageError
from mlver.features.remotes.add import AddOptions, add_remote
from mlver.features.remotes.inspect import list_known, show_remote
from mlver.features.remotes.remove import remove_remote
from mlver.features.remotes.result import RemoteResult
from mlver.features.remotes.runs_screen import draw_brought_runs, draw_sent_runs
from mlver.features.remotes.screen import draw_remote
from mlver.features.remotes.transfer_screen import draw_pull, draw_push
from mlver.project.remote.pulling import PullOptions, pull_versions
from mlver.project.remote.pushing import PushOptions, push_versions
from mlver.project.runs.exchange import pull_runs, push_runs
from mlver.records.sections.remotes import RemoteSettings
from mlver.storage.remote.team_store import DEFAULT_JOBS
from mlver.terminal.options import (
    DryRun,
    Json,
    ServedRefs,
    complete_remote,
    declare_refs,
    declare_remote,
)
from mlver.terminal.session import CommandSession, emit_result, find_session

REMOTE_EXAMPLES = (
    "mlver remote add storage s3://bucket/models",
    "mlver remote add storage s3://models --endpoint https://minio.example.org:9000",
    "mlver remote add share /mnt/team/models --init",
    "mlver remote add far ssh://kim@store.example.org/srv/models",
    "mlver remote add site /srv/www/models --init --listing",
    "mlver remote list",
    "mlver remote show storage --yes",
    "mlver remote remove storage",
)

_Action = Literal["add", "list", "show", "remove"]
# How many words each of them takes, at least and at most, and which.
_WORDS = {"add": (2, 2), "list": (0, 0), "show": (0, 1), "remove": (1, 1)}
_NAMED = {"add": "NAME URL", "list": "", "show": "[NAME]", "remove": "NAME"}


_What = Annotated[
    _Action, typer.Argument(metavar="WHAT", help=f"One of {', '.join(get_args(_Action))}.")
]
_Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME [URL]]",
        help="The remote's name; for add also its address or the path of a directory.",
        show_default=False,
        autocompletion=complete_remote,
    ),
]
_Endpoint = Annotated[
    str | None,
    typer.Option(metavar="URL", help="add: the server that answers for a bucket."),
]
_Region = Annotated[str | None, typer.Option(metavar="REGION", help="add: the region of a bucket.")]
_Insecure = Annotated[bool, typer.Option("--insecure", help="add: allow http without encryption.")]
_Init = Annotated[bool, typer.Option("--init", help="add: make a directory a new store.")]
_Listing = Annotated[
    bool,
    typer.Option("--listing", help="add: write the listing that people need who read it by HTTPS."),
]
_Offline = Annotated[bool, typer.Option("--offline", help="add: do not try it.")]
_Yes = Annotated[
    bool,
    typer.Option(
        "--yes",
        help="show: trust its host or directory from now on, as add always does.",
    ),
]


def remote_command(
    ctx: typer.Context,
    what: _What,
    words: _Words = None,
    endpoint: _Endpoint = None,
    region: _Region = None,
    insecure: _Insecure = False,
    init: _Init = False,
    listing: _Listing = False,
    offline: _Offline = False,
    yes: _Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Name the places that keep objects for a team.

    They are in .mlver/config.yaml, and the first one is the default. No secret is ever there: those
    come from the environment, credential chains and credential helpers.

    A remote that somebody else named is used once you have confirmed its host or directory. Exit
    code 1: the remote that show names cannot be used.
    """
    given = tuple(words or ())
    _check_words(what, given)
    only_add: dict[str, object] = {
        "--endpoint": endpoint,
        "--region": region,
        "--insecure": insecure,
    }
    only_add.update({"--init": init, "--listing": listing, "--offline": offline})
    _check_options(what, only_add, yes=yes)
    session = find_session(ctx)
    if what == "add":
        settings = RemoteSettings(url=given[1], endpoint=endpoint, region=region, insecure=insecure)
        options = AddOptions(init=init, listing=listing, offline=offline, dry_run=dry_run)
        result = add_remote(session.initialised_project, given[0], settings, options)
    else:
        result = _perform_action(session, what, given, yes=yes, dry_run=dry_run)
    emit_result(result, draw_remote, json=json, code=result.exit_code)


def _perform_action(
    session: CommandSession, what: str, given: tuple[str, ...], *, yes: bool, dry_run: bool
) -> RemoteResult:
    if what == "remove":
        return remove_remote(session.initialised_project, given[0], dry_run=dry_run)
    if what == "show":
        return show_remote(
            session.shown_project, next(iter(given), None), confirmed=yes, remember=not dry_run
        )
    return list_known(session.shown_project)


def _check_words(what: str, given: tuple[str, ...]) -> None:
    least, most = _WORDS[what]
    if not least <= len(given) <= most:
        wanted = f"takes {_NAMED[what]}" if most else "takes no name"
        raise UsageError(f"{what} {wanted}", hint="mlver remote --help")


def _check_options(what: str, only_add: dict[str, object], *, yes: bool) -> None:
    """Raise UsageError for an option of another action.

    `add` and `remove` ask nothing, so `--yes` is right there and changes nothing.
    """
    for name, value in only_add.items():
        if value and what != "add":
            raise UsageError(f"{name} belongs to add", hint="mlver remote --help")
    if yes and what == "list":
        raise UsageError(
            "list asks no remote, and confirms none; show confirms one",
            hint="mlver remote show NAME --yes",
        )


RemoteNames = Annotated[list[str] | None, declare_remote("This remote; may be repeated.")]
Jobs = Annotated[
    int, typer.Option("--jobs", metavar="N", min=1, max=64, help="So many calls at once.")
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Trust a remote that nobody has confirmed here yet.")
]

PUSH_EXAMPLES = (
    "mlver push",
    "mlver push --runs",
    "mlver push digits@1.0.0 --remote storage --objects",
    "mlver push --verify",
)


_SentRefs = Annotated[list[str] | None, declare_refs("Versions to send; all of HEAD, if left out.")]
_GitRemote = Annotated[
    str | None,
    typer.Option(
        "--git-remote",
        metavar="NAME",
        help="Where git pushes to. [default: what the branch follows]",
    ),
]
_Objects = Annotated[bool, typer.Option("--objects", help="Send objects only; git pushes nothing.")]
_Verify = Annotated[
    bool, typer.Option("--verify", help="Read everything back; repair what is damaged there.")
]


def push_command(
    ctx: typer.Context,
    refs: _SentRefs = None,
    remote: RemoteNames = None,
    to: _GitRemote = None,
    objects: _Objects = False,
    runs: Annotated[
        bool, typer.Option("--runs", help="Send recorded runs, and only these.")
    ] = False,
    verify: _Verify = False,
    jobs: Jobs = DEFAULT_JOBS,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Send objects, then the branch and its seals.

    Every object is confirmed before git names it. Where somebody pushed first, nothing is sent, and
    the message says what to type.
    """
    if runs:
        _refuse_beside_runs({"REF": refs, "--remote": remote, "--objects": objects})
        sent = push_runs(find_session(ctx).initialised_project, to, dry_run=dry_run)
        emit_result(sent, draw_sent_runs, json=json, code=sent.exit_code)
        return
    options = PushOptions(
        remotes=tuple(remote or ()),
        git_remote=to,
        objects_only=objects,
        verify=verify,
        confirmed=yes,
        jobs=jobs,
        dry_run=dry_run,
    )
    result = push_versions(find_session(ctx).initialised_project, refs or (), options)
    emit_result(result, draw_push, json=json, code=result.exit_code)


PULL_EXAMPLES = (
    "mlver pull",
    "mlver pull --runs",
    "mlver pull digits@production --only weights",
    "mlver pull --all --remote storage",
)


_FetchedRemote = Annotated[
    str | None,
    typer.Option(
        "--git-remote",
        metavar="NAME",
        help="With --runs: where they are. [default: what the branch follows]",
    ),
]


def _refuse_beside_runs(given: dict[str, object]) -> None:
    """Raise UsageError for what says which versions or objects are meant."""
    for name, value in given.items():
        if value:
            raise UsageError(f"--runs exchanges runs and nothing else, so it takes no {name}")


def pull_command(
    ctx: typer.Context,
    refs: ServedRefs = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only weights, or this data set; may be repeated."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every version.")] = False,
    runs: Annotated[
        bool, typer.Option("--runs", help="Bring recorded runs, and only these.")
    ] = False,
    git_remote: _FetchedRemote = None,
    remote: RemoteNames = None,
    jobs: Jobs = DEFAULT_JOBS,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Bring the objects of versions, and their seals.

    Every byte is hashed. Exit 1 where some are neither here nor at a remote. `checkout`, `rollback`
    and others bring what they need by themselves.
    """
    if runs:
        _refuse_beside_runs({"REF": refs, "--remote": remote, "--only": only, "--all": everything})
        brought = pull_runs(find_session(ctx).initialised_project, git_remote, dry_run=dry_run)
        emit_result(brought, draw_brought_runs, json=json, code=brought.exit_code)
        return
    if git_remote is not None:
        raise UsageError("--git-remote says where --runs come from", hint="mlver pull --help")
    options = PullOptions(
        only=tuple(only or ()),
        everything=everything,
        remotes=tuple(remote or ()),
        confirmed=yes,
        jobs=jobs,
        dry_run=dry_run,
    )
    result = pull_versions(find_session(ctx).initialised_project, refs or (), options)
    emit_result(result, draw_pull, json=json, code=result.exit_code)
