"""Names that differ by letter case only.

They are one file or folder on many machines, so a clone there has but one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mlver.errors import shell_command
from mlver.findings import Finding
from mlver.git.process import GitFailed
from mlver.project.project import Project
from mlver.records import file_names, layout


def check_names(project: Project) -> Iterator[Finding]:
    """Find the models and the versions that differ by letter case only.

    Two branches may have added them.
    """
    models = set(project.registry.list_models())
    committed: list[str] = []
    head = project.repository.head().commit
    if head is not None:
        # Where they are one folder here, only git still knows both.
        committed = project.repository.files_at(head, layout.MODELS)
        models.update(record_path.split("/")[2] for record_path in committed)
    yield from find_model_twins(models)
    yield from find_version_twins(project, models, committed)


def find_model_twins(models: Iterable[str]) -> Iterator[Finding]:
    """Find models that differ by letter case only, each after the first."""
    first: dict[str, str] = {}
    for model in sorted(models):
        other = first.setdefault(model.casefold(), model)
        if other != model:
            record_path = f"{layout.MODELS}/{model}"
            message = (
                f"differs from the model `{other}` by letter case only: one folder on many machines"
            )
            show_log = shell_command("git", "log", "--", record_path)
            yield Finding("name", record_path, message, (show_log,))


def find_version_twins(
    project: Project, models: Iterable[str], committed: Iterable[str] = ()
) -> Iterator[Finding]:
    """Find versions of one model that differ by letter case only, each after the oldest.

    The records of the work tree count, and those at the paths that are `committed`.
    """
    record_paths = set(filter(_has_letters, committed))
    for model in filter(file_names.is_model_name, models):
        for number in project.registry.list_versions(model):
            if number.prerelease is not None:
                record_paths.add(layout.version_path(model, number))
    for twins in group_twins(record_paths):
        oldest, *others = order_by_age(project, twins)
        for record_path in others:
            show_log = shell_command("git", "log", "--", record_path)
            yield Finding("name", record_path, describe_twin(oldest), (show_log,))


def _has_letters(record_path: str) -> bool:
    """Whether this may be the record of a pre-release: no other version's number has letters."""
    return "-" in record_path.rpartition("/")[2] and layout.is_version_path(record_path)


def group_twins(record_paths: Iterable[str]) -> list[list[str]]:
    """Group the paths of one folder whose last parts differ by letter case only."""
    groups: dict[tuple[str, str], list[str]] = {}
    for record_path in sorted(record_paths):
        folder, _, name = record_path.rpartition("/")
        groups.setdefault((folder, name.casefold()), []).append(record_path)
    return [group for group in groups.values() if len(group) > 1]


def find_older_twins(project: Project, commit: str, unsealed: Sequence[str]) -> dict[str, str]:
    """Find, for records that no tag seals yet, the twin that `commit` had before or has sealed."""
    candidates = set(filter(_has_letters, unsealed))
    if not candidates:
        return {}
    folders = {record_path.rpartition("/")[0] for record_path in candidates}
    committed = project.repository.files_at(commit, *sorted(folders))
    older: dict[str, str] = {}
    for twins in group_twins(committed):
        if candidates.isdisjoint(twins):
            continue
        by_age = order_by_age(project, twins, commit)
        # A seal is there for good, whatever came first.
        oldest, *others = sorted(by_age, key=lambda record_path: record_path in candidates)
        for record_path in candidates.intersection(others):
            older[record_path] = oldest
    return older


def order_by_age(project: Project, record_paths: Sequence[str], tip: str = "HEAD") -> list[str]:
    """Order records by when the history of `tip` added them; those that it lacks come last."""
    try:
        added_by = project.repository.added_by(record_paths, tip)
    except GitFailed:
        return list(record_paths)  # there is no commit yet
    oldest_first = list(reversed(added_by))
    return [*oldest_first, *(path for path in record_paths if path not in added_by)]


def describe_twin(other: str) -> str:
    return f"differs from `{other}` by letter case only: one file on many machines"
