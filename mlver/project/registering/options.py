"""What a Python program gives to register a version: the options of `mlver register`, as values."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypedDict

from mlver import argument_types
from mlver.document.objects import copy_plain
from mlver.errors import UsageError
from mlver.names import find_similar
from mlver.project.registering.request import RegisterRequest
from mlver.records.version import Update
from mlver.version import BUMPS, Bump

StrPath: TypeAlias = str | os.PathLike[str]
_TEXTS = (
    "owner",
    "description",
    "version",
    "pre",
    "parent",
    "command",
    "executor",
    "scheduler",
    "run",
)
_PATHS = ("weights", "environment")
_LISTS = ("params_files", "metrics_files", "param_keys", "metric_keys", "unstored", "uses")
_MAPS = ("data", "params", "metrics", "labels", "licenses", "batches", "listings")


class RegisterOptions(TypedDict, total=False):
    """Paths are relative to the folder that the registry was opened with.

    `params` and `metrics` are maps, which may be nested; they are added to those of `params_files`
    and `metrics_files`, of which `param_keys` and `metric_keys` pick names, and replace values of
    the same name. `licenses` and `batches` are by the names of artifacts. Whatever is left out
    comes from `model.yaml`, as on the command line;
    `environment` is the Python that runs, if it is a virtual environment. `commit=False` stages
    the files for a pull request. Without `uses`, a version uses what the one before does, and an
    empty list says that it uses nothing.
    """

    weights: StrPath
    data: Mapping[str, StrPath]
    params: Mapping[str, object]
    metrics: Mapping[str, object]
    params_files: Sequence[StrPath]
    metrics_files: Sequence[StrPath]
    param_keys: Sequence[str]
    metric_keys: Sequence[str]
    labels: Mapping[str, str]
    licenses: Mapping[str, str]
    batches: Mapping[str, str]
    owner: str
    description: str
    version: str
    bump: Bump
    pre: str
    allow_lower: bool
    parent: str
    update: Update
    uses: Sequence[str]
    command: str
    environment: StrPath
    unstored: Sequence[str]
    listings: Mapping[str, StrPath]
    executor: str
    scheduler: str
    hash_all: bool
    trust_server_checksums: bool
    follow: bool
    commit: bool
    allow_dirty: bool
    allow_mixed: bool
    allow_unfinished: bool
    dry_run: bool
    amend: bool
    run: str


def build_request(model: str, message: str, options: RegisterOptions) -> RegisterRequest:
    """The same as `mlver register` asks for.

    Raise TypeError for an option that there is not or that is of a wrong type, UsageError for a
    `bump` that is none, and InvalidDocument for a value that no record can hold.
    """
    # Types are not checked at run time, and a misspelt option would be lost.
    unknown = sorted(options.keys() - RegisterOptions.__annotations__.keys())
    if unknown:
        meant = find_similar(unknown[0], RegisterOptions.__annotations__)
        proposal = f"; did you mean {meant}?" if meant else ""
        raise TypeError(f"register() has no option {', '.join(unknown)}{proposal}")
    bump = options.get("bump")
    if bump is not None and bump not in BUMPS:
        raise UsageError(f"bump is one of {', '.join(BUMPS)}, not {bump!r}")
    argument_types.require_texts("register", model=model, message=message)
    _require_types(options)
    weights = options.get("weights")
    return RegisterRequest(
        model=model,
        message=message,
        weights=None if weights is None else os.fspath(weights),
        data={name: os.fspath(path) for name, path in options.get("data", {}).items()},
        params_files=_list_paths(options.get("params_files", ())),
        metrics_files=_list_paths(options.get("metrics_files", ())),
        param_keys=_list_paths(options.get("param_keys", ())),
        metric_keys=_list_paths(options.get("metric_keys", ())),
        param_values=copy_plain(options.get("params", {}), f"params of {model}"),
        metric_values=copy_plain(options.get("metrics", {}), f"metrics of {model}"),
        labels=dict(options.get("labels", {})),
        licenses=dict(options.get("licenses", {})),
        batches=dict(options.get("batches", {})),
        owner=options.get("owner"),
        description=options.get("description"),
        version=options.get("version"),
        bump=bump,
        pre=options.get("pre"),
        allow_lower=options.get("allow_lower", False),
        parent=options.get("parent"),
        update=options.get("update", "full"),
        uses=tuple(options["uses"]) if "uses" in options else None,
        command=options.get("command"),
        # That of a run was recorded with it.
        environment=None if options.get("run") else _choose_environment(options.get("environment")),
        unstored=_list_paths(options.get("unstored", ())),
        listings={name: os.fspath(path) for name, path in options.get("listings", {}).items()},
        executor=options.get("executor"),
        scheduler=options.get("scheduler"),
        hash_all=options.get("hash_all", False),
        trust_claims=options.get("trust_server_checksums", False),
        follow=options.get("follow"),
        commit=options.get("commit", True),
        allow_dirty=options.get("allow_dirty", False),
        allow_mixed=options.get("allow_mixed", False),
        allow_unfinished=options.get("allow_unfinished", False),
        dry_run=options.get("dry_run", False),
        amend=options.get("amend", False),
        run=options.get("run"),
    )


def _require_types(options: Mapping[str, object]) -> None:
    for name in _MAPS:
        given = options.get(name, {})
        if not isinstance(given, Mapping):
            instead = f"; {name}_files takes paths" if name in ("params", "metrics") else ""
            raise TypeError(f"{name} of register() takes a dict, not {given!r:.80}{instead}")
        if name in ("data", "listings"):
            argument_types.require_path_map("register", name, given)
        elif name not in ("params", "metrics"):
            argument_types.require_text_map("register", name, given)
    for name in _TEXTS:
        argument_types.require_optional_texts("register", **{name: options.get(name)})
    argument_types.require_texts("register", update=options.get("update", "full"))
    for name in _PATHS:
        if options.get(name) is not None:
            argument_types.require_path("register", name, options[name])
    for name in _LISTS:
        argument_types.require_words("register", name, options.get(name, ()))


def _list_paths(given: Sequence[StrPath]) -> list[str]:
    # One path is a sequence as well, of letters.
    if isinstance(given, str | os.PathLike):
        return [os.fspath(given)]
    return [os.fspath(path) for path in given]


def _choose_environment(given: StrPath | None) -> str | None:
    """What runs this trained the model; a Python that is no virtual environment is found anyway."""
    if given is not None:
        return os.fspath(given)
    return sys.prefix if sys.prefix != sys.base_prefix else None
