"""What a person asks `mlver register` for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mlver import names
from mlver.errors import UsageError
from mlver.project.project import Project
from mlver.records.values import Values
from mlver.records.version import Update
from mlver.version import Bump


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRequest:
    """Paths are as the person typed them; whatever is left out comes from `model.yaml`.

    `follow` says whether links out of the work tree are followed from now on. `param_values` and
    `metric_values` are what a program gives, and `params` and `metrics` KEY=VALUE words. `licenses`
    and `batches` are by the names of artifacts. `param_keys` and `metric_keys` are the dotted names
    to pick from the files. `data` may also be addresses of remote prefixes; `listings` are files
    that say what these hold, by the names of data sets, and `executor`, `scheduler` and `hash_all`
    say how the others are hashed. `trust_claims`: a SHA-256 that their server claims is taken.
    `uses` are versions of other models, as a person names them, None for those that the version
    before uses; `run` names the recorded run that
    it comes from.
    """

    model: str
    message: str
    weights: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    params_files: Sequence[str] = ()
    params: Sequence[str] = ()
    metrics_files: Sequence[str] = ()
    metrics: Sequence[str] = ()
    param_keys: Sequence[str] = ()
    metric_keys: Sequence[str] = ()
    param_values: Values = field(default_factory=dict)
    metric_values: Values = field(default_factory=dict)
    version: str | None = None
    bump: Bump | None = None
    pre: str | None = None
    allow_lower: bool = False
    parent: str | None = None
    update: Update = "full"
    uses: Sequence[str] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    licenses: Mapping[str, str] = field(default_factory=dict)
    batches: Mapping[str, str] = field(default_factory=dict)
    owner: str | None = None
    description: str | None = None
    unstored: Sequence[str] = ()
    listings: Mapping[str, str] = field(default_factory=dict)
    executor: str | None = None
    scheduler: str | None = None
    hash_all: bool = False
    trust_claims: bool = False
    command: str | None = None
    environment: str | None = None
    follow: bool | None = None
    commit: bool = True
    allow_dirty: bool = False
    allow_mixed: bool = False
    allow_unfinished: bool = False
    dry_run: bool = False
    amend: bool = False
    run: str | None = None


def check_request(project: Project, request: RegisterRequest) -> None:
    """Raise UsageError where a name is none, where there is no message, or text is not UTF-8."""
    model = names.check_model(request.model)
    names.check_distinct(model, project.registry.list_models())
    for name in request.data:
        names.check_data_set(name)
    for label, value in request.labels.items():
        names.check_label(label)
        names.check_text(value, f"the label {label}")
    for option, text in _list_descriptions(request):
        names.check_text(text, option)
        if not text.strip():
            raise UsageError(f"{option} says nothing; give it a text")
    _check_keys(request.param_keys, "--param-key")
    _check_keys(request.metric_keys, "--metric-key")
    # A version that is amended has a reason already.
    if request.message.strip() or not request.amend:
        again = ["mlver", "register", request.model, *list_options(request)]
        names.check_reason(request.message, "a version", again, is_kept=not request.dry_run)
    names.check_text(request.command or "", "the command")
    names.check_text(request.environment or "", "the environment's folder")


def _check_keys(keys: Sequence[str], option: str) -> None:
    for key in keys:
        names.check_text(key, option)
        if keys.count(key) > 1:
            raise UsageError(f"{option} names `{key}` twice; give each name once")


def list_options(request: RegisterRequest) -> list[str]:
    """List the options that ask for the same again, but for the message."""
    words = [*_list_files(request), *_list_values(request)]
    single = {
        "--version": request.version,
        "--bump": request.bump,
        "--run": request.run,
        "--pre": request.pre,
        "--parent": request.parent,
        "--command": request.command,
        "--owner": request.owner,
        "--description": request.description,
        "--environment": request.environment,
        "--executor": request.executor,
        "--scheduler": request.scheduler,
        "--update": None if request.update == "full" else request.update,
    }
    for option, value in single.items():
        if value is not None:
            words += [option, value]
    flags = {
        "--hash-all": request.hash_all,
        "--trust-server-checksums": request.trust_claims,
        "--allow-lower": request.allow_lower,
        "--follow": request.follow is True,
        "--no-follow": request.follow is False,
        "--no-commit": not request.commit,
        "--allow-dirty": request.allow_dirty,
        "--allow-mixed": request.allow_mixed,
        "--allow-unfinished": request.allow_unfinished,
        "--no-uses": request.uses is not None and not request.uses,
        "--amend": request.amend,
        "--dry-run": request.dry_run,
    }
    words += [option for option, is_given in flags.items() if is_given]
    return words


def _list_files(request: RegisterRequest) -> list[str]:
    words: list[str] = []
    if request.weights is not None:
        words += ["--weights", request.weights]
    for name, path in request.data.items():
        words += ["--data", f"{name}={path}"]
    for name, path in request.listings.items():
        words += ["--listing", f"{name}={path}"]
    for name in request.unstored:
        words += ["--no-store", name]
    for path in request.params_files:
        words += ["--params", path]
    for path in request.metrics_files:
        words += ["--metrics", path]
    for key in request.param_keys:
        words += ["--param-key", key]
    for key in request.metric_keys:
        words += ["--metric-key", key]
    return words


def _list_values(request: RegisterRequest) -> list[str]:
    words: list[str] = []
    for value in request.params:
        words += ["--param", value]
    for value in request.metrics:
        words += ["--metric", value]
    for ref in request.uses or ():
        words += ["--uses", ref]
    for name, value in request.labels.items():
        words += ["--label", f"{name}={value}"]
    for name, value in request.licenses.items():
        words += ["--license", f"{name}={value}"]
    for name, value in request.batches.items():
        words += ["--batch", f"{name}={value}"]
    return words


def _list_descriptions(request: RegisterRequest) -> Iterator[tuple[str, str]]:
    """Yield each text that describes the model or an artifact, with its option."""
    for name, text in request.licenses.items():
        yield f"--license {name}", text
    for name, text in request.batches.items():
        yield f"--batch {name}", text
    if request.owner is not None:
        yield "--owner", request.owner
    if request.description is not None:
        yield "--description", request.description
