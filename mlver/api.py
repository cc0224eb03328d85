"""For programs that must say which model answered: a version resolved, its files proven, without
the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlver.errors import MlverError, shell_command
from mlver.git import gitpython
from mlver.project.artifacts import measuring, private_copies
from mlver.project.project import Project
from mlver.project.tags import trust
from mlver.records.version import VersionRecord

if TYPE_CHECKING:
    from mlver.git.gitpython import GitRepo, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedModel:
    """A version and its weights.

    `digest` is of the weights (`sha256:…`), `record` of the version record's bytes. `path` is the
    weights' file or directory, of which every byte was hashed when this was made; `data` are the
    digests of the data sets, by name.
    """

    name: str
    version: str
    digest: str
    record: str
    path: Path
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]
    data: Mapping[str, str]
    labels: Mapping[str, str]
    created: str
    message: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.digest[:19]})"


@dataclass(frozen=True, slots=True)
class Registry:
    """The models of one git work tree."""

    project: Project

    @classmethod
    def find(cls, place: Place) -> Registry:
        """The registry of the work tree that a path (or a `git.Repo`) is in.

        Raise MlverError where there is none.
        """
        return cls(Project.open_existing(gitpython.folder_of(place)))

    @property
    def repo(self) -> GitRepo:
        """A `git.Repo` (GitPython) of the work tree, a new one each time; close it after use."""
        return gitpython.open_repo(self.project.top_folder)

    def models(self) -> list[str]:
        """The names of the models."""
        return self.project.registry.list_models()

    def versions(self, model: str) -> list[str]:
        """A model's versions, lowest first."""
        return [
            str(number)
            for number in self.project.registry.list_versions(self.project.resolve_model(model))
        ]

    def resolve(self, ref: str) -> ResolvedModel:
        """The version `ref` names (`digits@production`, `digits@1.2.0`, `digits`) with the path of
        its proven weights.

        The path is the working one where its bytes are this version's, else a private copy made
        from the object store. Raise MlverError when the version is unknown, its record is not the
        one that was sealed or promoted, or its bytes cannot be had.
        """
        record, digest = trust.read_vouched_record(self.project, ref)
        return ResolvedModel(
            name=record.model,
            version=record.version,
            digest=str(record.weights.digest),
            record=str(digest),
            path=self._proven(record),
            params=record.params,
            metrics=record.metrics,
            data={name: str(artifact.digest) for name, artifact in record.data.items()},
            labels=record.labels,
            created=record.created,
            message=record.message,
        )

    def _proven(self, record: VersionRecord) -> Path:
        weights = record.weights
        try:
            measured = measuring.measure_at(self.project, weights.path, fresh=True)
        except MlverError:  # what is there cannot be hashed: a dangling link, a socket
            measured = None
        if measured is not None and measured.digest == weights.digest:
            return self.project.top_folder / weights.path
        if not weights.stored:
            raise MlverError(
                f"mlver keeps no copy of the weights of {record.model} {record.version}, "
                f"and {weights.path} is another; put it back as it was, from wherever it is kept",
                hint=shell_command("mlver", "show", f"{record.model}@{record.version}"),
            )
        return private_copies.make_private_copy(self.project, weights)
