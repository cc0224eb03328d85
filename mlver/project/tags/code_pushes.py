"""Sending out the references that keep code commits, so that every clone can get them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from mlver.errors import MlverError
from mlver.git import references
from mlver.git.process import GitFailed
from mlver.git.repository import GitRepository
from mlver.project.registry.registry import decode_version
from mlver.records import layout
from mlver.records.code_references import CODE_REFERENCES, name_code_reference
from mlver.records.layout import VersionPath

if TYPE_CHECKING:
    from mlver.git.transfer_progress import TransferReporter


def name_code_references(paths: Iterable[str]) -> list[str]:
    """Name the references of the versions among the records at these paths."""
    names: list[str] = []
    for path in paths:
        place = layout.parse_path(path)
        if isinstance(place, VersionPath):
            names.append(name_code_reference(place.model, place.version))
    return names


def push_code_references(
    repository: GitRepository,
    remote: str,
    names: Collection[str],
    published: Mapping[str, str],
    reporter: TransferReporter | None = None,
) -> list[str]:
    """Push those of these references that are here and that `remote` lacks.

    `published` are the references that it has. Return in words what did not go: one that names
    another commit there is left as it is, and a remote may take none. Neither is a reason to stop.
    It is no news where the one there is right: `resolve` gave the version here another number.
    """
    if not names:
        return []
    lacking, notes = _compare_references(repository, remote, set(names), published)
    if not lacking:
        return notes
    try:
        references.push_references(repository, remote, lacking, reporter)
    except GitFailed as failed:
        lines = failed.output.strip().splitlines() or ["(it printed nothing)"]
        versions = f"{len(lacking)} version{'s' * (len(lacking) != 1)}"
        notes.append(
            f"{remote} did not take the code commits of {versions} (below {CODE_REFERENCES}/):"
            f" {lines[-1].strip()}"
        )
    return notes


def _compare_references(
    repository: GitRepository,
    remote: str,
    wanted: Collection[str],
    published: Mapping[str, str],
) -> tuple[list[str], list[str]]:
    """Those of the wanted references that the remote lacks, and in words those that differ."""
    lacking: list[str] = []
    notes: list[str] = []
    for name, commit in references.list_references(repository, CODE_REFERENCES).items():
        if name not in wanted or published.get(name) == commit:
            continue
        if name not in published:
            lacking.append(name)
        elif published[name] != _read_recorded(repository, name):
            notes.append(
                f"{name} names {commit[:10]} here and {published[name][:10]} at {remote};"
                " the one there was left as it is"
            )
    return lacking, notes


def _read_recorded(repository: GitRepository, name: str) -> str | None:
    """The code commit that HEAD's record says of the version that a reference is named by."""
    model, _, version = name.removeprefix(f"{CODE_REFERENCES}/").partition("/")
    path = layout.version_path(model, version)
    (data,) = repository.blobs([f"HEAD:{path}"])
    if data is None:
        return None
    try:
        return decode_version(data, path).code.commit
    except MlverError:
        return None
