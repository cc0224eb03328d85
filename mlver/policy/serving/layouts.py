"""The layouts that there are, by the name that the settings use."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.policy.serving import (
    bentoml,
    compose,
    directories,
    kserve,
    kubernetes,
    tensorflow_serving,
    triton,
)
from mlver.policy.serving.rendering import ServingLayout

LAYOUTS: Mapping[str, ServingLayout] = {
    "directories": directories.LAYOUT,
    "tensorflow-serving": tensorflow_serving.LAYOUT,
    "triton": triton.LAYOUT,
    "kserve": kserve.LAYOUT,
    "bentoml": bentoml.LAYOUT,
    "kubernetes": kubernetes.LAYOUT,
    "compose": compose.LAYOUT,
}
