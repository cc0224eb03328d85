"""Options and arguments that several commands share, each with what completes it in the shell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from mlver.errors import MlverError
from mlver.project.project import Project


def _open_project(ctx: typer.Context) -> Project:
    directory = ctx.find_root().params.get("directory") or ""
    return Project.open_existing(Path.cwd() / directory)


def _list_completions(
    ctx: typer.Context, words: Callable[[Project], Iterator[str]], incomplete: str
) -> list[str]:
    """Names for the shell; outside a project there are none, and no message may disturb the prompt."""
    with suppress(MlverError, OSError):
        return [word for word in words(_open_project(ctx)) if word.startswith(incomplete)]
    return []


def complete_model(ctx: typer.Context, incomplete: str) -> list[str]:
    return _list_completions(ctx, lambda project: iter(project.registry.list_models()), incomplete)


def complete_stage(ctx: typer.Context, incomplete: str) -> list[str]:
    return _list_completions(
        ctx, lambda project: iter(project.registry.read_shown_config().stages), incomplete
    )


def complete_ref(ctx: typer.Context, incomplete: str) -> list[str]:
    """Models; once it is clear which, its stages and versions (newest first) behind `@` as well.

    So the shell does not take a lone model for the whole word, and goes on with `@`.
    """

    def list_matching_refs(project: Project) -> Iterator[str]:
        model, at, _ = incomplete.partition("@")
        models = project.registry.list_models()
        meant = [
            name for name in models if (name == model if at and model else name.startswith(model))
        ]
        if not at:
            yield from meant
        if len(meant) == 1:
            told = model if at else meant[0]
            yield from (f"{told}@{stage}" for stage in project.registry.find_holders(meant[0]))
            yield from (
                f"{told}@{version}"
                for version in reversed(project.registry.list_versions(meant[0]))
            )

    return _list_completions(ctx, list_matching_refs, incomplete)


Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")]
Message = Annotated[
    str, typer.Option("-m", "--message", metavar="WHY", help="Why: it is recorded.")
]
REF_HELP = "MODEL, MODEL@1.2.0, MODEL@production, MODEL@latest; @… where there is one model."
Model = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        help="All of them, if left out.",
        show_default=False,
        autocompletion=complete_model,
    ),
]
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
