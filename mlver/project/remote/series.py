"""Reads which files of the models form series."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from mlver.errors import MlverError
from mlver.policy.series import SeriesFile, VersionFiles, list_series
from mlver.project.artifacts.pinned import stored_files
from mlver.project.project import Project
from mlver.project.registry.attached import ROLLOUTS, list_shared_stages
from mlver.records.version import VersionRecord


def read_series(project: Project) -> list[SeriesFile]:
    """The series of all models, each file after the one before it.

    A version that cannot be read is no part of one: `verify` names it.
    """
    series: list[SeriesFile] = []
    for model in project.registry.list_models():
        series += list_series(_read_files(project, model))
    return series


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A stored file by the first version that has it, and its name there."""

    model: str
    version: str
    name: str
    digest: str


def name_files(project: Project) -> dict[str, NamedFile]:
    """The stored files of all versions that can be read, by their digests."""
    named: dict[str, NamedFile] = {}
    for model in project.registry.list_models():
        for version in _read_files(project, model):
            for name, digest in version.files.items():
                named.setdefault(digest, NamedFile(model, version.version, name, digest))
    return named


def _read_files(project: Project, model: str) -> Iterator[VersionFiles]:
    promoted = set(_list_promoted(project, model))
    numbers = project.registry.list_versions(model)
    for outcome in project.registry.read_versions(model, numbers):
        if isinstance(outcome, MlverError):
            continue
        record, _ = outcome
        before = record.parent or record.predecessor
        files = dict(_list_files(project, record))
        yield VersionFiles(record.version, before, record.version in promoted, files)


def _list_promoted(project: Project, model: str) -> Iterator[str]:
    """The versions that hold a stage, or have held one, or had a share of its traffic."""
    for stage in project.registry.list_stages(model):
        for promotion, _ in project.registry.read_history(model, stage):
            yield promotion.version
    for stage in list_shared_stages(project.registry, model):
        for rollout, _ in ROLLOUTS.read_digested(project.registry, model, stage):
            yield rollout.version


def _list_files(project: Project, record: VersionRecord) -> Iterator[tuple[str, str]]:
    """The name of each stored file in its version, and its digest.

    The only file of an artifact may be called otherwise in the next version.
    """
    for name, artifact in record.named_artifacts().items():
        if not artifact.stored:
            continue
        with suppress(MlverError):
            listing = stored_files(project, artifact)
            for path, digest in listing:
                yield (f"{name}/{os.fsdecode(path)}" if len(listing) > 1 else name), digest
