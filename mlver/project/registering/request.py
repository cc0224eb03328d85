"""What a person asks `mlver register` for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlver import names
from mlver.errors import UsageError, shell_command
from mlver.project.project import Project
from mlver.records.version import Update
from mlver.version import Bump


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRequest:
    """Paths are as the person typed them; whatever is left out comes from `model.yaml`.

    `follow` says whether links out of the work tree are followed from now on.
    """

    model: str
    message: str
    weights: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    params_files: Sequence[str] = ()
    params: Sequence[str] = ()
    metrics_files: Sequence[str] = ()
    metrics: Sequence[str] = ()
    version: str | None = None
    bump: Bump | None = None
    allow_lower: bool = False
    parent: str | None = None
    update: Update = "full"
    labels: Mapping[str, str] = field(default_factory=dict)
    unstored: Sequence[str] = ()
    command: str | None = None
    environment: str | None = None
    follow: bool | None = None
    commit: bool = True
    allow_dirty: bool = False
    allow_mixed: bool = False
    dry_run: bool = False


def check_request(project: Project, request: RegisterRequest) -> None:
    """Raise UsageError where a name is none, where there is no message, or text is not UTF-8."""
    model = names.check_model(request.model)
    names.check_distinct(model, project.registry.list_models())
    for name in request.data:
        names.check_data_set(name)
    for label, value in request.labels.items():
        names.check_label(label)
        names.check_text(value, f"the label {label}")
    names.check_text(request.message, "the message")
    names.check_text(request.command or "", "the command")
    names.check_text(request.environment or "", "the environment's folder")
    if not request.message.strip():
        again = ["mlver", "register", request.model, *list_options(request)]
        raise UsageError("a version needs a reason", hint=shell_command(*again, "-m", "WHY"))


def list_options(request: RegisterRequest) -> list[str]:
    """List the options that name the same artifacts and number again."""
    words: list[str] = []
    if request.weights is not None:
        words += ["--weights", request.weights]
    for name, path in request.data.items():
        words += ["--data", f"{name}={path}"]
    for name in request.unstored:
        words += ["--no-store", name]
    if request.version is not None:
        words += ["--version", request.version]
    if request.bump is not None:
        words += ["--bump", request.bump]
    return words
