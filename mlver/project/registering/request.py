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
    """Paths are as the person typed them; whatever is left out comes from `model.yaml`."""

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
        words = ["mlver", "register", request.model]
        if request.weights is not None:
            words += ["--weights", request.weights]
        if request.version is not None:
            words += ["--version", request.version]
        if request.bump is not None:
            words += ["--bump", request.bump]
        raise UsageError("a version needs a reason", hint=shell_command(*words, "-m", "WHY"))
