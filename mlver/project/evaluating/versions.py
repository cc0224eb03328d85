"""Which versions are measured: one that a REF names, or several of a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlver.errors import UsageError, shell_command
from mlver.project.evaluating.exam import Exam
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.attached import is_retired
from mlver.selectors import parse_ref
from mlver.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionChoice:
    """Several versions of a model: all of them, or the `last` so many; of these, with `missing`,
    those that were not measured on the data set yet.
    """

    all: bool = False
    last: int | None = None
    missing: bool = False

    @property
    def is_several(self) -> bool:
        return self.all or self.missing or self.last is not None

    def __post_init__(self) -> None:
        if self.all and self.last is not None:
            raise UsageError("--all and --last contradict each other; name one of them")


ONE_VERSION = VersionChoice()


@dataclass(frozen=True, slots=True)
class ChosenVersions:
    """The versions to measure, lowest first, and those that were left out: `retired`, or
    `measured` on the data set already.
    """

    model: str
    versions: tuple[Version, ...]
    retired: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()


def choose_versions(
    project: Project, ref: str, exam: Exam, choice: VersionChoice
) -> ChosenVersions:
    """Choose what is measured; raise UsageError where a REF names one version and options many."""
    if not choice.is_several:
        chosen = project.resolve_ref(ref)
        return ChosenVersions(chosen.model, (chosen.version,))
    model = _require_model(project, ref)
    numbers = project.registry.list_versions(model)
    usable = [number for number in numbers if is_retired(project.registry, model, number) is False]
    retired = [str(number) for number in numbers if number not in usable]
    if choice.last is not None:
        usable = usable[-choice.last :]
    measured: list[Version] = []
    if choice.missing:
        measured = list(_find_measured(project, model, usable, exam))
    return ChosenVersions(
        model,
        tuple(number for number in usable if number not in measured),
        tuple(retired),
        tuple(map(str, measured)),
    )


def _require_model(project: Project, ref: str) -> str:
    if parse_ref(ref).selector is None:
        return project.resolve_model(ref)
    chosen: ResolvedRef = project.resolve_ref(ref)
    raise UsageError(
        f"{ref} is one version; --all, --last and --missing take a model",
        hint=shell_command("mlver", "evaluate", chosen.model, "--all", "--on", "NAME", "--", "…"),
    )


def _find_measured(
    project: Project, model: str, numbers: list[Version], exam: Exam
) -> Iterator[Version]:
    for number in numbers:
        digest = project.registry.read_version_digest(model, number)
        for evaluation, _ in project.registry.read_evaluations(model, number):
            data = evaluation.data.get(exam.name)
            is_same = data is not None and data.digest == exam.digest
            if is_same and evaluation.record == digest:
                yield number
                break
