"""One prediction of an application: what was asked, what came of it, and which version answered."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic

from mlver.project.predictions.identity import Loaded, LoadedModel, ServedIdentity


def _make_request_id() -> str:
    return str(uuid.uuid4())


@dataclass(slots=True)
class Prediction(Generic[Loaded]):
    """What `ServedModel.predicting` gives to a `with` block.

    `model` is what the loader made of the version's weights; it stays the same though another
    version is served meanwhile. Set `prediction` and, as you like, `probability`, `features` and
    `labels` (further fields of the log); set `outcome` where it is neither `ok` nor an exception.
    """

    loaded: LoadedModel[Loaded]
    request_id: str = field(default_factory=_make_request_id)
    prediction: object = None
    probability: object = None
    features: Mapping[str, Any] | None = None
    labels: dict[str, Any] = field(default_factory=dict)
    outcome: str = "ok"

    @property
    def model(self) -> Loaded:
        return self.loaded.model

    @property
    def version(self) -> str:
        """The version that answers, such as `1.2.0`."""
        return self.loaded.identity.version

    @property
    def identity(self) -> ServedIdentity:
        return self.loaded.identity
