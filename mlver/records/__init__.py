"""What the files under `.mlver/` say, as frozen dataclasses: pure, no I/O, no YAML.

Each record builds from a document that has passed its schema (`from_document`) and gives one back with its keys in the
schema's order (`to_document`).
"""

from __future__ import annotations

from mlver.records.approval import ApprovalRecord
from mlver.records.artifact import Artifact
from mlver.records.config import Config, GuardSettings, StageSettings, TagSettings
from mlver.records.evaluation import EvaluationRecord
from mlver.records.model import ArtifactSettings, Direction, ModelSettings
from mlver.records.promotion import Action, ApprovalReference, GateResult, PromotionRecord, Result
from mlver.records.values import Document, Leaf, Metrics, Value, Values, flatten
from mlver.records.version import Code, Environment, Update, VersionRecord

__all__ = [
    "Action",
    "ApprovalRecord",
    "ApprovalReference",
    "Artifact",
    "ArtifactSettings",
    "Code",
    "Config",
    "Direction",
    "Document",
    "Environment",
    "EvaluationRecord",
    "GateResult",
    "GuardSettings",
    "Leaf",
    "Metrics",
    "ModelSettings",
    "PromotionRecord",
    "Result",
    "StageSettings",
    "TagSettings",
    "Update",
    "Value",
    "Values",
    "VersionRecord",
    "flatten",
]
