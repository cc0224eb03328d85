"""Command line of init and register."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import typer

from mlver.errors import UsageError
from mlver.features.registering.screen import draw_init, draw_register
from mlver.project.registering.amend import amend_version
from mlver.project.registering.register import register_version
from mlver.project.registering.request import RegisterRequest
from mlver.project.setup import init_project
from mlver.terminal.options import DryRun, Json, complete_model, complete_ref
from mlver.terminal.pairs import check_number_pairs, parse_pairs
from mlver.terminal.session import emit_result, find_session
from mlver.version import Bump

REGISTER_EXAMPLES = (
    'mlver register digits --weights model --data train=data/train -m "first"',
    "mlver register digits --params params.yaml --metrics metrics.json"
    ' --bump minor -m "wider layer"',
    'mlver register digits --bump patch --metric accuracy=0.94 -m "another seed"',
)

Many = list[str] | None

ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="The model's name; the first time, a new one.",
        autocompletion=complete_model,
    ),
]
Message = Annotated[
    str,
    typer.Option(
        "-m",
        "--message",
        metavar="WHY",
        help="What changed: it is recorded.",
        show_default=False,
    ),
]

# `--help` lists the options below in these panels.
_WHERE = "Where it is"
_WHAT = "What it says"
_NUMBER = "Its number"
_HOW = "How it lands"

_VALUE_FILE = typer.Option(
    metavar="FILE", help="YAML, JSON, TOML, JSON Lines or CSV (repeatable).", rich_help_panel=_WHERE
)
Weights = Annotated[
    str | None, typer.Option(metavar="PATH", help="File or directory.", rich_help_panel=_WHERE)
]
DataSets = Annotated[
    Many,
    typer.Option(
        metavar="NAME=PATH",
        help="A data set, also one at s3://… (repeatable).",
        rich_help_panel=_WHERE,
    ),
]
ParamsFiles = Annotated[Many, _VALUE_FILE]
MetricsFiles = Annotated[Many, _VALUE_FILE]
ParamKeys = Annotated[
    Many,
    typer.Option(
        "--param-key",
        metavar="NAME",
        help="Of params files, only this value or group (repeatable); kept.",
        rich_help_panel=_WHERE,
    ),
]
MetricKeys = Annotated[
    Many,
    typer.Option(
        "--metric-key",
        metavar="NAME",
        help="Of metrics files, only this value or group (repeatable); kept.",
        rich_help_panel=_WHERE,
    ),
]
Unstored = Annotated[
    Many,
    typer.Option(
        metavar="NAME",
        help="Pin this artifact, keep no copy (repeatable).",
        rich_help_panel=_WHERE,
    ),
]
Listings = Annotated[
    Many,
    typer.Option(
        "--listing",
        metavar="NAME=FILE",
        help="What `mlver hash` wrote of a remote data set (repeatable).",
        rich_help_panel=_WHERE,
    ),
]
ExecutorFactory = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:FUNCTION",
        help="Hash remote data on the executor that this makes.",
        rich_help_panel=_HOW,
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="Hash remote data on this Dask cluster.", rich_help_panel=_HOW
    ),
]
HashAll = Annotated[
    bool,
    typer.Option(
        "--hash-all", help="Read remote data again that has not changed.", rich_help_panel=_HOW
    ),
]
TrustClaims = Annotated[
    bool,
    typer.Option(
        "--trust-server-checksums",
        help="Take a SHA-256 that a server claims, unread; recorded as claimed.",
        rich_help_panel=_HOW,
    ),
]
Environment = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="The Python environment it was trained in.",
        rich_help_panel=_WHERE,
    ),
]
FollowLinks = Annotated[
    bool | None,
    typer.Option(
        "--follow/--no-follow",
        help="Through symlinks out of the work tree; kept.",
        rich_help_panel=_WHERE,
        show_default=False,
    ),
]

Params = Annotated[
    Many, typer.Option(metavar="K=V", help="One parameter (repeatable).", rich_help_panel=_WHAT)
]
Metrics = Annotated[
    Many, typer.Option(metavar="K=V", help="One metric (repeatable).", rich_help_panel=_WHAT)
]
Labels = Annotated[
    Many,
    typer.Option(
        metavar="K=V", help="One label of this version (repeatable).", rich_help_panel=_WHAT
    ),
]
TrainingCommand = Annotated[
    str | None,
    typer.Option(
        "--command", metavar="TEXT", help="What trained this version.", rich_help_panel=_WHAT
    ),
]
Licenses = Annotated[
    Many,
    typer.Option(
        "--license",
        metavar="NAME=SPDX",
        help="Licence of weights or a data set; kept.",
        rich_help_panel=_WHAT,
    ),
]
Batches = Annotated[
    Many,
    typer.Option(
        "--batch",
        metavar="NAME=TEXT",
        help="The delivery a data set came in; kept.",
        rich_help_panel=_WHAT,
    ),
]
Owner = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Who answers for the model; kept.", rich_help_panel=_WHAT),
]
Description = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="What the model is for; kept.", rich_help_panel=_WHAT),
]
Parent = Annotated[
    str | None,
    typer.Option(
        metavar="VERSION", help="What it was trained from, or none.", rich_help_panel=_WHAT
    ),
]
Uses = Annotated[
    Many,
    typer.Option(
        metavar="REF",
        help="A version of another model that it uses (repeatable); else as before.",
        rich_help_panel=_WHAT,
        autocompletion=complete_ref,
    ),
]
NoUses = Annotated[
    bool,
    typer.Option(
        "--no-uses",
        help="It uses no other model, though the version before does.",
        rich_help_panel=_WHAT,
    ),
]
UpdateKind = Annotated[
    Literal["full", "incremental", "hybrid"],
    typer.Option(help="How it was trained.", rich_help_panel=_WHAT),
]

VersionNumber = Annotated[
    str | None, typer.Option(metavar="X.Y.Z", help="This number.", rich_help_panel=_NUMBER)
]
BumpedPart = Annotated[
    Bump | None, typer.Option(help="The next of this kind.", rich_help_panel=_NUMBER)
]
PreRelease = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="With --bump: the next pre-release, such as 1.1.0-rc.1.",
        rich_help_panel=_NUMBER,
        show_default=False,
    ),
]
AllowLower = Annotated[
    bool,
    typer.Option(
        "--allow-lower",
        help="Below the highest: a fix to an old line.",
        rich_help_panel=_NUMBER,
    ),
]

NoCommit = Annotated[
    bool,
    typer.Option("--no-commit", help="Stage the files for a pull request.", rich_help_panel=_HOW),
]
AllowDirty = Annotated[
    bool,
    typer.Option("--allow-dirty", help="Though code is not committed.", rich_help_panel=_HOW),
]
AllowMixed = Annotated[
    bool,
    typer.Option(
        "--allow-mixed",
        help="Though some files are another version's.",
        rich_help_panel=_HOW,
    ),
]

AllowUnfinished = Annotated[
    bool,
    typer.Option(
        "--allow-unfinished",
        help="Though the run failed or was interrupted.",
        rich_help_panel=_HOW,
    ),
]
FromRun = Annotated[
    str | None,
    typer.Option(
        "--run",
        metavar="RUN",
        help="Take everything from this recorded run: its ID, or its last digits.",
        rich_help_panel=_WHERE,
        show_default=False,
    ),
]
Amend = Annotated[
    bool,
    typer.Option(
        "--amend",
        help="Replace the version of HEAD's own commit; its number stays.",
        rich_help_panel=_HOW,
    ),
]


def register_command(
    ctx: typer.Context,
    model: ModelName,
    message: Message = "",
    weights: Weights = None,
    data: DataSets = None,
    params: ParamsFiles = None,
    metrics: MetricsFiles = None,
    param_key: ParamKeys = None,
    metric_key: MetricKeys = None,
    no_store: Unstored = None,
    listing: Listings = None,
    environment: Environment = None,
    follow: FollowLinks = None,
    param: Params = None,
    metric: Metrics = None,
    label: Labels = None,
    command_line: TrainingCommand = None,
    licenses: Licenses = None,
    batches: Batches = None,
    owner: Owner = None,
    description: Description = None,
    parent: Parent = None,
    update: UpdateKind = "full",
    uses: Uses = None,
    no_uses: NoUses = False,
    version: VersionNumber = None,
    bump: BumpedPart = None,
    pre: PreRelease = None,
    allow_lower: AllowLower = False,
    no_commit: NoCommit = False,
    allow_dirty: AllowDirty = False,
    allow_mixed: AllowMixed = False,
    allow_unfinished: AllowUnfinished = False,
    executor: ExecutorFactory = None,
    scheduler: Scheduler = None,
    hash_all: HashAll = False,
    trust_server_checksums: TrustClaims = False,
    amend: Amend = False,
    run: FromRun = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Register a version: store, record, commit, seal with a tag.

    Hashes and stores the artifacts, commits the record and nothing else.

    What an option says of the model or an artifact is kept in model.yaml for the next version.
    """
    request = RegisterRequest(model=model, message=message, parent=parent, update=update)
    request = replace(request, uses=_choose_uses(uses, without=no_uses))
    request = replace(request, weights=weights, data=parse_pairs(data, "--data"))
    request = replace(request, params_files=params or (), metrics_files=metrics or ())
    request = replace(request, param_keys=param_key or (), metric_keys=metric_key or ())
    request = replace(request, unstored=no_store or (), environment=environment)
    request = replace(request, follow=follow, listings=parse_pairs(listing, "--listing"))
    request = replace(request, executor=executor, scheduler=scheduler, hash_all=hash_all)
    request = replace(request, trust_claims=trust_server_checksums)
    request = replace(request, params=param or (), metrics=check_number_pairs(metric, "--metric"))
    request = replace(request, labels=parse_pairs(label, "--label"), command=command_line)
    request = replace(request, licenses=parse_pairs(licenses, "--license"), owner=owner)
    request = replace(request, batches=parse_pairs(batches, "--batch"), description=description)
    request = replace(request, version=version, bump=bump, pre=pre, allow_lower=allow_lower)
    request = replace(request, commit=not no_commit, dry_run=dry_run)
    request = replace(request, allow_dirty=allow_dirty, allow_mixed=allow_mixed, amend=amend)
    request = replace(request, run=run, allow_unfinished=allow_unfinished)
    carry_out = amend_version if amend else register_version
    result = carry_out(find_session(ctx).initialised_project, request)
    emit_result(result, draw_register, json=json)


def _choose_uses(given: Many, *, without: bool) -> Many:
    """The versions that it uses; None where that is left to the version before."""
    if given and without:
        raise UsageError("--no-uses says that it uses no other model, so --uses has no place there")
    return [] if without else given or None


INIT_EXAMPLES = ("mlver init",)


def init_command(ctx: typer.Context, dry_run: DryRun = False, json: Json = False) -> None:
    """Set a git repository up for mlver.

    Writes .mlver/, which the first registration commits. Running it again changes nothing.
    """
    result = init_project(find_session(ctx).uninitialised_project, dry_run=dry_run)
    emit_result(result, draw_init, json=json)
