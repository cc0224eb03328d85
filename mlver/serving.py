"""For applications that answer with a model: load the version that holds a stage, switch to the
next one while running, and say which version answered.

import mlver.serving

served = mlver.serving.load("digits", stage="production", folder="serving", loader=joblib.load)
with served.predicting(request_id="r-17") as answer:
    answer.prediction = answer.model.predict(rows)
print(answer.version)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from mlver import names
from mlver.errors import UsageError
from mlver.extras import import_extra
from mlver.project.loading.found import ModelSource
from mlver.project.loading.middleware import VERSION_HEADER, ModelVersionMiddleware
from mlver.project.loading.switching import (
    OUTCOMES,
    FeatureChoice,
    ServedModel,
    ServedModelOptions,
)
from mlver.project.predictions.identity import Loaded, LoadedModel, ServedIdentity
from mlver.project.predictions.prediction import Prediction

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from mlver.project.predictions.metrics import PredictionMetrics
    from mlver.project.predictions.writing import PredictionLogWriter

__all__ = [
    "VERSION_HEADER",
    "LoadedModel",
    "ModelVersionMiddleware",
    "Prediction",
    "ServedIdentity",
    "ServedModel",
    "load",
]
AnyFolder = str | os.PathLike[str]
Role = Literal["stable", "canary"]
_POLL_S = 10.0


class ServingKeywords(TypedDict, total=False):
    """What `load` may be told besides; each has a default.

    `poll` is how many seconds lie between two looks at the source (10; None: call `refresh`).
    `metrics` are counted unless it is False, in `registry` where that is no global one, with
    `buckets` in seconds for the times; a limit of a verdict (`over: 0.25s`) needs a bucket.
    `outcomes` begin at 0. `log` is a folder for the log of predictions, `log_source` its
    CloudEvents source, and `log_features` whether it holds features, or which.
    """

    poll: float | None
    metrics: bool
    registry: CollectorRegistry | None
    buckets: Sequence[float]
    outcomes: Sequence[str]
    log: AnyFolder | None
    log_source: str
    log_features: FeatureChoice


def load(
    model: str,
    *,
    stage: str,
    loader: Callable[[Path], Loaded],
    folder: AnyFolder | None = None,
    repository: AnyFolder | None = None,
    role: Role = "stable",
    **options: Unpack[ServingKeywords],
) -> ServedModel[Loaded]:
    """Load the version of a model that holds a stage, every byte proven, and follow the stage.

    It comes from a `folder` that `mlver deploy` wrote in the layout `directories`, where `role`
    says which link is followed, or from a `repository`, a git work tree. `loader` is given the path
    of the weights, and is called again whenever another version is to be served. Raise MlverError
    where that cannot be done now; later, the version before is kept.
    """
    names.check_model(model)
    names.check_stage(stage)
    source = _open_source(model, stage, folder, repository, role)
    outcomes = tuple(dict.fromkeys((*OUTCOMES, *options.get("outcomes", ()))))
    return ServedModel(
        source,
        loader,
        ServedModelOptions(
            poll=options.get("poll", _POLL_S),
            outcomes=outcomes,
            metrics=_open_metrics(options),
            log=_open_log(model, options),
            features=options.get("log_features", False),
        ),
    )


def _open_source(
    model: str, stage: str, folder: AnyFolder | None, repository: AnyFolder | None, role: Role
) -> ModelSource:
    """Open where versions come from: what it needs is imported by whoever needs it."""
    if (folder is None) == (repository is None):
        raise UsageError("versions come from a folder or from a repository: name one of them")
    if role not in ("stable", "canary"):
        raise UsageError(f"a role is `stable` or `canary`, not `{role}`")
    if folder is not None:
        from mlver.project.loading.deployed_folder import DeployedFolder

        # A process may change its folder later.
        return DeployedFolder(folder=Path(folder).absolute(), model=model, stage=stage, role=role)
    if role != "stable":
        raise UsageError(
            "a repository gives the holder of a stage; a canary is served from a folder"
        )
    assert repository is not None
    from mlver.project.loading.registered import RegisteredStage
    from mlver.project.project import Project

    project = Project.open_existing(Path(repository).absolute())
    return RegisteredStage(project=project, model=model, stage=stage)


def _open_metrics(options: ServingKeywords) -> PredictionMetrics | None:
    if not options.get("metrics", True):
        return None
    module = import_extra("mlver.project.predictions.metrics", "serving")
    metrics: PredictionMetrics = module.share_metrics(
        options.get("registry"), options.get("buckets")
    )
    return metrics


def _open_log(model: str, options: ServingKeywords) -> PredictionLogWriter | None:
    folder = options.get("log")
    if folder is None:
        return None
    from mlver.project.predictions.writing import PredictionLogWriter

    return PredictionLogWriter(folder, source=options.get("log_source", f"/{model}"))
