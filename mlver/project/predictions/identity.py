"""Which version answers, and what an application loaded of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

Loaded = TypeVar("Loaded")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedIdentity:
    """Which version answers.

    `digest` is that of the version's record (`sha256:…`), `stage` the stage that it is served for,
    and `sequence` the number of the record that brought it there. `variant` is its role beside
    others, such as `stable` or `canary`.
    """

    model: str
    version: str
    digest: str
    stage: str
    sequence: int
    variant: str

    def __str__(self) -> str:
        return f"{self.model} {self.version} ({self.stage})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel(Generic[Loaded]):
    """A version, and what the application's loader made of its weights."""

    identity: ServedIdentity
    weights: Path
    model: Loaded
