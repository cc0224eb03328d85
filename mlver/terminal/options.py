"""Options and arguments that several commands share, each with its completion in the shell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from mlver.errors import MlverError
from mlver.project.project import Project
from mlver.terminal import preferences


def _open_project(ctx: typer.Context) -> Project:
    directory = ctx.find_root().params.get("directory") or ""
    return Project.open_existing(Path.cwd() / directory)


def list_completions(
    ctx: typer.Context, words: Callable[[Project], Iterator[str]], incomplete: str
) -> list[str]:
    """Names for the shell; none outside a project."""
    # A message would disturb the line that is being typed.
    with suppress(MlverError, OSError):
        return [word for word in words(_open_project(ctx)) if word.startswith(incomplete)]
    return []


def complete_model(ctx: typer.Context, incomplete: str) -> list[str]:
    return list_completions(ctx, lambda project: iter(project.registry.list_models()), incomplete)


def complete_stage(ctx: typer.Context, incomplete: str) -> list[str]:
    return list_completions(
        ctx, lambda project: iter(project.registry.read_shown_config().stages), incomplete
    )


def complete_ref(ctx: typer.Context, incomplete: str) -> list[str]:
    """Models; where only one matches, its stages and versions (newest first) behind `@` as well.

    So the shell does not take a lone model for the whole word, and goes on with `@`. Where there is
    one model, the number of a version begins a REF.
    """
    model, at, selector = incomplete.partition("@")

    def list_matching_refs(project: Project) -> Iterator[str]:
        names = project.registry.list_models()
        if at and model:
            matching = [name for name in names if name == model]
        else:
            matching = [name for name in names if name.startswith(model)]
        if not at:
            yield from matching
            if not matching and len(names) == 1:
                yield from map(str, reversed(project.registry.list_versions(names[0])))
        if len(matching) == 1:
            # Behind a bare `@` the model is left out, as it was typed.
            typed_model = model if at else matching[0]
            for meant in project.list_selectors(matching[0], selector):
                yield f"{typed_model}@{meant}"

    return list_completions(ctx, list_matching_refs, incomplete)


def complete_remote(ctx: typer.Context, incomplete: str) -> list[str]:
    """The remotes that keep objects, by the settings."""
    return list_completions(
        ctx, lambda project: iter(project.registry.read_shown_config().remotes), incomplete
    )


Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")]
Message = Annotated[
    str, typer.Option("-m", "--message", metavar="WHY", help="Why: it is recorded.")
]


def choose_offline(wanted: bool) -> None:
    """Prefer to ask no remote; a callback of Typer's."""
    preferences.prefer_option(offline=wanted or None)


Offline = Annotated[
    bool,
    typer.Option(
        "--offline",
        help="Ask no remote for what is missing here.",
        is_eager=True,
        callback=choose_offline,
    ),
]
REF_HELP = (
    "MODEL, or MODEL@ and 1.2.0, 1.2, production, latest, production~1 (before), ~1 or sha256:…; "
    "where there is one model, 1.2.0 or @production."
)
Model = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        help="All of them, if left out.",
        show_default=False,
        autocompletion=complete_model,
    ),
]
OneModel = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        help="The only one, if left out.",
        show_default=False,
        autocompletion=complete_model,
    ),
]
OneRef = Annotated[str, typer.Argument(metavar="REF", help=REF_HELP, autocompletion=complete_ref)]
Ref = Annotated[
    str | None,
    typer.Argument(
        metavar="[REF]",
        help=REF_HELP,
        show_default=False,
        autocompletion=complete_ref,
    ),
]
Stage = Annotated[
    str, typer.Option("--stage", metavar="STAGE", help="The stage.", autocompletion=complete_stage)
]
ToStage = Annotated[
    str, typer.Option("--to", metavar="STAGE", help="The stage.", autocompletion=complete_stage)
]
AsCsv = Annotated[bool, typer.Option("--csv", help="As comma-separated values.")]


def declare_refs(help_text: str) -> Any:
    """The argument of a command that takes any number of versions."""
    return typer.Argument(metavar="[REF]...", help=help_text, autocompletion=complete_ref)


def declare_remote(help_text: str) -> Any:
    """The option that names a remote which keeps objects, or several."""
    return typer.Option(
        "--remote",
        metavar="NAME",
        help=help_text,
        show_default=False,
        autocompletion=complete_remote,
    )


ServedRefs = Annotated[
    list[str] | None, declare_refs("What each stage and `latest` name, if left out.")
]
