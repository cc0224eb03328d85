"""The version that an application is to serve, as a source found it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlver.project.predictions.identity import ServedIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModel:
    """A version whose bytes were just proven; `weights` is its file or its folder."""

    identity: ServedIdentity
    weights: Path


class ModelSource(Protocol):
    """Where versions come from."""

    def read_state(self) -> object:
        """Say cheaply where the source stands: whatever is equal stands for the same version."""

    def find_model(self) -> FoundModel:
        """Find the version and prove its bytes; raise MlverError where that cannot be done."""
