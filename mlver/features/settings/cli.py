"""Command line of config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

import typer

from mlver.errors import UsageError
from mlver.features.settings.config import get_setting, list_settings, set_setting
from mlver.features.settings.keys import is_placeholder, list_keys
from mlver.features.settings.pin import pin_data
from mlver.features.settings.screen import draw_config
from mlver.project.project import Project
from mlver.terminal.options import DryRun, Json, complete_model, list_completions
from mlver.terminal.session import emit_result, find_session

CONFIG_EXAMPLES = (
    "mlver config list",
    "mlver config get guard.max_file_size",
    "mlver config set stages.production.after staging",
    "mlver config set --model digits directions.accuracy higher",
    "mlver config pin golden data/golden",
    "mlver config set --model digits --unset command",
)

_Action = Literal["get", "set", "list", "pin"]


def _complete_words(ctx: typer.Context, incomplete: str) -> list[str]:
    """The keys there are, with the stages and data sets of this repository; models for list."""
    if ctx.params.get("what") == "list":
        return complete_model(ctx, incomplete)
    model = ctx.params.get("model")

    def list_names(project: Project) -> Iterator[str]:
        if model is None:
            keys = list_keys("config", project.registry.read_shown_config().to_document())
        else:
            settings = project.registry.read_settings(model)
            keys = list_keys("model", {} if settings is None else settings.to_document())
        for key in keys:
            if not is_placeholder(key):
                yield key.name

    return list_completions(ctx, list_names, incomplete)


_What = Annotated[
    _Action, typer.Argument(metavar="WHAT", help=f"One of {', '.join(get_args(_Action))}.")
]
_Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY [VALUE…]]",
        help="A key, such as guard.pickle; for set its value, one for each entry of a list; for pin"
        " a name and a path.",
        show_default=False,
        autocompletion=_complete_words,
    ),
]
_Model = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="The settings of this model, not of the repository.",
        autocompletion=complete_model,
    ),
]
_Unset = Annotated[bool, typer.Option("--unset", help="set: take the key out.")]
_Every = Annotated[bool, typer.Option("--all", help="list: also the keys that are not set.")]


def config_command(
    ctx: typer.Context,
    what: _What,
    words: _Words = None,
    model: _Model = None,
    unset: _Unset = False,
    every: _Every = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Read and change the settings.

    They are in .mlver/config.yaml, and with --model in model.yaml of that model.

    set keeps comments and order, writes nothing that the schema refuses, and commits nothing. pin
    hashes and stores what lies at a path, and writes its digest as the data set of that name. Exit
    code 1: get found no value.
    """
    given = tuple(words or ())
    session = find_session(ctx)
    _check_words(what, given, model, unset=unset)
    if what == "list":
        project = session.shown_project
        result = list_settings(project, model or next(iter(given), None), every=every)
    elif what == "get":
        result = get_setting(session.shown_project, model, given[0])
    elif what == "pin":
        result = pin_data(session.initialised_project, given[0], given[1], dry_run=dry_run)
    else:
        result = set_setting(
            session.initialised_project, model, given[0], given[1:], dry_run=dry_run
        )
    emit_result(result, draw_config, json=json, code=result.exit_code)


def _check_words(what: _Action, given: tuple[str, ...], model: str | None, *, unset: bool) -> None:
    """Raise UsageError where an action has other words behind it than it takes."""
    if what == "list" and (len(given) > 1 or (given and model is not None)):
        raise UsageError("list takes one model at most", hint="mlver config list MODEL")
    if what == "get" and len(given) != 1:
        raise UsageError("get takes one KEY", hint="mlver config list")
    if what == "pin" and (len(given) != 2 or model is not None or unset):
        raise UsageError(
            "pin takes the NAME of a data set and its PATH",
            hint="mlver config pin golden data/golden",
        )
    if what == "set":
        _check_change(given, unset=unset)


def _check_change(given: tuple[str, ...], *, unset: bool) -> None:
    """Raise UsageError where `set` has no key, or no one thing to do with it."""
    if not given:
        raise UsageError("set takes a KEY and its VALUE", hint="mlver config list --all")
    if unset and len(given) > 1:
        raise UsageError("--unset takes a KEY, and no VALUE")
    if not unset and len(given) == 1:
        raise UsageError(f"set needs a VALUE for `{given[0]}`; --unset takes the key out")
