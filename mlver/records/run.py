"""The run record: one training that was recorded (`schemas/run.schema.json`).

It is the file `run.yaml` of a commit that no branch holds. Beside it lie the metric curves and the
uncommitted changes of the code, where there are any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlver.digest import Digest
from mlver.records.artifact import Artifact, artifacts_from_document, artifacts_to_document
from mlver.records.run_references import RunName
from mlver.records.values import (
    Document,
    Metrics,
    Values,
    drop_empty_values,
    read_format,
    thaw_value,
)
from mlver.records.version import CodeState, TrainingEnvironment

RunOutcome = Literal["finished", "failed", "interrupted"]
RECORD_FILE, CURVES_FILE, DIFF_FILE = "run.yaml", "curves.jsonl", "code.diff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a run ran on: `instructions` are the vector instructions that its processor has, and
    `blas` the kernels of linear algebra that it chose, None where nobody could tell (format 2).
    """

    processor: str | None = None
    processors: int | None = None
    instructions: tuple[str, ...] = ()
    memory: int | None = None
    accelerators: tuple[str, ...] = ()
    blas: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Machine:
        lists = {key: tuple(document.get(key, ())) for key in ("instructions", "accelerators")}
        return cls(**{**document, **lists})

    def to_document(self) -> Document:
        return drop_empty_values(
            processor=self.processor,
            processors=self.processors,
            instructions=list(self.instructions),
            memory=self.memory,
            accelerators=list(self.accelerators),
            blas=self.blas,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSources:
    """The files of params and metrics, and the folder of the environment, as `model.yaml` names
    them; None for an environment outside of the repository.
    """

    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    environment: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RunSources:
        return cls(
            params=tuple(document.get("params", ())),
            metrics=tuple(document.get("metrics", ())),
            environment=document.get("environment"),
        )

    def to_document(self) -> Document:
        return drop_empty_values(
            params=list(self.params), metrics=list(self.metrics), environment=self.environment
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedFile:
    """A file beside the record: its digest and its size in bytes."""

    digest: Digest
    size: int

    @classmethod
    def of_bytes(cls, data: bytes) -> AttachedFile:
        return cls(digest=Digest.of_bytes(data), size=len(data))

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> AttachedFile | None:
        if document is None:
            return None
        return cls(digest=Digest.parse(document["digest"]), size=document["size"])

    def to_document(self) -> Document:
        return {"digest": str(self.digest), "size": self.size}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One training. `created` is when it began, and `duration` how many seconds it took.

    `exit_code` is negative for a signal, and None where nobody knows it. `metrics` are what it
    measured in the end, and `points` how many rows its curves have. `weights` are those that it
    wrote, None where it wrote none. `remarks` say what could not be recorded. `variables` are those
    of the environment on which numbers may depend. Format 1 has no `sources`.
    """

    format: int = 2
    model: str
    run: str
    created: str
    author: str
    message: str = ""
    command: str | None = None
    outcome: RunOutcome
    exit_code: int | None = None
    duration: float
    resources: Mapping[str, float] = field(default_factory=dict)
    code: CodeState
    diff: AttachedFile | None = None
    data: Mapping[str, Artifact] = field(default_factory=dict)
    weights: Artifact | None = None
    sources: RunSources = field(default_factory=RunSources)
    params: Values = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=dict)
    curves: AttachedFile | None = None
    points: int = 0
    environment: TrainingEnvironment
    machine: Machine = field(default_factory=Machine)
    variables: Mapping[str, str] = field(default_factory=dict)
    pipeline: str | None = None
    step: str | None = None
    batch: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RunRecord:
        fields = {
            **document,
            "code": CodeState.from_document(document["code"]),
            "diff": AttachedFile.from_document(document.get("diff")),
            "curves": AttachedFile.from_document(document.get("curves")),
            "data": artifacts_from_document(document),
            "environment": TrainingEnvironment.from_document(document["environment"]),
            "sources": RunSources.from_document(document.get("sources", {})),
            "machine": Machine.from_document(document.get("machine", {})),
            "remarks": tuple(document.get("remarks", ())),
        }
        del fields["schema"]
        if "weights" in document:
            fields["weights"] = Artifact.from_document(document["weights"])
        return cls(format=read_format(document), **fields)

    def to_document(self) -> Document:
        return {
            "schema": f"mlver/run/{self.format}",
            "model": self.model,
            "run": self.run,
            "created": self.created,
            "author": self.author,
            **drop_empty_values(message=self.message or None, command=self.command),
            "outcome": self.outcome,
            **drop_empty_values(exit_code=self.exit_code),
            "duration": self.duration,
            **drop_empty_values(resources=dict(self.resources)),
            "code": self.code.to_document(),
            **drop_empty_values(
                diff=None if self.diff is None else self.diff.to_document(),
                data=artifacts_to_document(self.data),
                weights=None if self.weights is None else self.weights.to_document(),
                sources=self.sources.to_document(),
                params=thaw_value(self.params),
                secrets=dict(self.secrets),
                metrics=thaw_value(self.metrics),
                curves=None if self.curves is None else self.curves.to_document(),
                points=self.points or None,
            ),
            "environment": self.environment.to_document(),
            **drop_empty_values(
                machine=self.machine.to_document(),
                variables=dict(self.variables),
                pipeline=self.pipeline,
                step=self.step,
                batch=self.batch,
                labels=dict(self.labels),
                remarks=list(self.remarks),
            ),
        }

    @property
    def name(self) -> RunName:
        return RunName(self.model, self.run)
