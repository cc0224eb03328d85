"""Records of every kind and format, drawn field by field."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.document.schema import Kind
from mlver.records.approval import ApprovalRecord
from mlver.records.artifact import Artifact
from mlver.records.authorisation import AuthorisationRecord
from mlver.records.config import ProjectConfig
from mlver.records.deployment import DeployedVersion, DeploymentRecord
from mlver.records.evaluation import EvaluationRecord, ServedData
from mlver.records.measured_drift import MeasuredDrift
from mlver.records.model import ModelSettings
from mlver.records.note import NoteRecord
from mlver.records.promotion import PromotionRecord
from mlver.records.references import Renumbering
from mlver.records.reproduction import ReproductionRecord
from mlver.records.retirement import RetirementRecord
from mlver.records.rollout import RolloutRecord
from mlver.records.run import RunRecord
from mlver.records.sections.auto_rollback import AutoRollbackSettings
from mlver.records.sections.deploy import TargetSettings
from mlver.records.sections.due import DueSettings
from mlver.records.sections.verdict import BadEventRule
from mlver.records.verdict import MetricCount, VerdictRecord, VerdictSource
from mlver.records.version import VersionRecord

RECORDS: dict[Kind, Any] = {
    "version": VersionRecord,
    "promotion": PromotionRecord,
    "model": ModelSettings,
    "config": ProjectConfig,
    "evaluation": EvaluationRecord,
    "approval": ApprovalRecord,
    "note": NoteRecord,
    "retirement": RetirementRecord,
    "reproduction": ReproductionRecord,
    "verdict": VerdictRecord,
    "rollout": RolloutRecord,
    "authorisation": AuthorisationRecord,
    "deployment": DeploymentRecord,
    "run": RunRecord,
}
# What format 2 added, by class.
LATER_FIELDS = {
    "VersionRecord": "previous mixed run pipeline step secrets uses renumbered imported kept"
    " unreadable",
    "CodeState": "tree",
    "Artifact": "executable encrypted listing claimed",
    "TrainingEnvironment": "source",
    "PromotionRecord": "policy baseline because rollout adopted renumbered",
    "GateResult": "baseline data evidence",
    "ApprovalReference": "signed",
    "EvaluationRecord": "count samples code environment duration resources untouched window"
    " coverage label_age drift",
    "ApprovalRecord": "action policy baseline",
    "NoteRecord": "drill",
    "RunRecord": "sources",
    "Machine": "blas",
}


Strategy = st.SearchStrategy[Any]
LINES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), min_size=1, max_size=8
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
VERSIONS = st.sampled_from(["0.1.0", "1.10.0", "2.0.0-rc.1", "1.0.0-0a.b-c"])
DIGESTS = st.binary(min_size=1, max_size=2).map(Digest.of_bytes)
PATHS = st.sampled_from(["a", "models/ü b.bin", "data/...", "no", "1.10", "a:b #c"])
NAMES = st.sampled_from(["train", "golden", "no", "y", "e1"])
TIMES = st.datetimes().map(lambda when: f"{when:%m-%dT%H:%M:%SZ}").map(lambda rest: f"2026-{rest}")
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | st.integers(-(2**64), 2**64) | FLOATS | TEXTS
VALUES = st.dictionaries(
    TEXTS,
    st.recursive(LEAVES, lambda i: st.lists(i, max_size=2) | st.dictionaries(TEXTS, i, max_size=2)),
    max_size=3,
)
METRICS = st.dictionaries(
    TEXTS.filter(bool),
    st.recursive(
        FLOATS | st.integers(), lambda i: st.dictionaries(TEXTS.filter(bool), i, max_size=2)
    ),
    max_size=3,
)
OPTIONAL = st.none() | LINES
OBJECT_IDS = st.sampled_from(["1" * 40, "12e45678" * 5, "ab" * 32])
COUNTS = st.integers(0, 2**63 - 1)
EVENTS = st.integers(0, 2**53 - 1)
LEAVES_OF_OPTIONS = st.booleans() | st.integers(0, 2**53 - 1) | st.floats(-1e18, 1e18) | LINES
COMMAND = st.none() | TEXTS.filter(bool)

SPECIAL: dict[tuple[str, str], Strategy] = {
    ("CodeState", "commit"): st.none() | st.sampled_from(["1" * 40, "12e45678" * 5, "ab" * 32]),
    ("CodeState", "branch"): OPTIONAL,
    ("CodeState", "tree"): st.none() | OBJECT_IDS,
    ("PolicyReference", "commit"): st.none() | OBJECT_IDS,
    ("AdoptedTag", "object"): OBJECT_IDS,
    ("AdoptedTag", "commit"): st.none(),  # see is_written
    ("EncryptedCopy", "object"): DIGESTS,
    ("EncryptedCopy", "recipients"): st.lists(LINES, min_size=1, max_size=2, unique=True).map(
        tuple
    ),
    ("Artifact", "executable"): st.lists(TEXTS.filter(bool), max_size=2, unique=True).map(tuple),
    ("ApprovalReference", "signed"): OPTIONAL,
    ("GateResult", "expected"): LEAVES,
    ("GateResult", "actual"): LEAVES,
    ("GateResult", "baseline"): LEAVES,
    ("GateResult", "data"): st.none() | DIGESTS,
    ("EvaluationRecord", "count"): st.none() | COUNTS,
    ("EvaluationRecord", "duration"): st.none() | st.floats(0, 1e9) | st.integers(0, 10**9),
    ("EvaluationRecord", "label_age"): st.none() | st.floats(0, 1e9),
    ("EvaluationRecord", "coverage"): st.none() | st.floats(0, 1),
    ("EvaluationRecord", "untouched"): st.none() | st.booleans(),
    ("EvaluationRecord", "resources"): st.dictionaries(NAMES, FLOATS, max_size=2),
    ("RunRecord", "run"): st.sampled_from(["20261121T030405Z-1a2b3c", "20261121T030405Z-123e45"]),
    ("RunRecord", "message"): TEXTS,
    ("RunRecord", "exit_code"): st.none() | st.integers(-1000, 10**6),
    ("RunRecord", "duration"): st.floats(0, 1e9) | st.integers(0, 10**9),
    ("RunRecord", "resources"): st.dictionaries(NAMES, st.floats(-1e18, 1e18), max_size=2),
    ("RunRecord", "secrets"): st.dictionaries(TEXTS.filter(bool), TEXTS.filter(bool), max_size=2),
    ("RunRecord", "points"): COUNTS,
    ("RunRecord", "variables"): st.dictionaries(NAMES, LINES, max_size=2),
    ("RunRecord", "remarks"): st.lists(TEXTS.filter(bool), max_size=2).map(tuple),
    ("RunSources", "params"): st.lists(PATHS, max_size=2).map(tuple),
    ("RunSources", "metrics"): st.lists(PATHS, max_size=2).map(tuple),
    ("RunSources", "environment"): st.none() | PATHS,
    ("KeptPins", "tensors"): st.dictionaries(DIGESTS, DIGESTS, max_size=2),
    ("AttachedFile", "size"): COUNTS,
    ("Machine", "processor"): OPTIONAL,
    ("Machine", "blas"): OPTIONAL,
    ("Machine", "processors"): st.none() | st.integers(1, 10**6),
    ("Machine", "memory"): st.none() | COUNTS,
    ("Machine", "instructions"): st.lists(LINES, max_size=2, unique=True).map(tuple),
    ("Machine", "accelerators"): st.lists(LINES, max_size=2).map(tuple),
    ("ServingWindow", "start"): TIMES,
    ("ServingWindow", "end"): TIMES,
    ("ServedData", "digest"): st.none() | DIGESTS,
    ("VersionRecord", "mixed"): st.dictionaries(NAMES, VERSIONS, max_size=2),
    ("VersionRecord", "imported"): VALUES,
    ("VersionRecord", "secrets"): st.dictionaries(
        TEXTS.filter(bool), TEXTS.filter(bool), max_size=2
    ),
    ("TrainingEnvironment", "packages"): st.dictionaries(TEXTS.filter(bool), TEXTS, max_size=3),
    ("TrainingEnvironment", "files"): st.dictionaries(PATHS, DIGESTS, max_size=2),
    ("TrainingEnvironment", "seed"): st.none() | st.integers(),
    ("ModelSettings", "params"): st.lists(PATHS, max_size=2).map(tuple),
    ("ModelSettings", "metrics"): st.lists(PATHS, max_size=2).map(tuple),
    ("ModelSettings", "directions"): st.dictionaries(
        TEXTS.filter(bool), st.sampled_from(["higher", "lower"]), max_size=2
    ),
    ("GuardSettings", "max_file_size"): st.integers(65_536, 2**40),
    ("RemoteSettings", "endpoint"): st.none() | st.sampled_from(["https://minio.example.org:9000"]),
    ("RemoteSettings", "insecure"): st.booleans(),
    ("RetentionSettings", "grace"): st.sampled_from(["1d", "14d", "9w"]),
    ("RetentionSettings", "keep_for"): st.none() | st.sampled_from(["90d", "12w"]),
    ("RetentionSettings", "keep_labels"): st.sampled_from([(), ("audit",), ("team=risk", "a")]),
    ("RetentionSettings", "keep_last"): st.integers(0, 1_000_000),
    ("RetentionSettings", "keep_stages"): st.sampled_from([(), ("production", "canary")]),
    ("RemoteSettings", "region"): st.none() | st.sampled_from(["eu-central-1"]),
    ("ProjectConfig", "groups"): st.dictionaries(
        NAMES, st.sampled_from([("kim@example.org",), ("Ana <ana@example.org>", "a@b")]), max_size=2
    ),
    ("EncryptSettings", "params"): st.sampled_from([(), ("db.*", "key")]),
    ("EncryptSettings", "artifacts"): st.sampled_from([(), ("weights", "digits/train")]),
    ("EncryptSettings", "recipients"): st.sampled_from([(), ("age1qqq", "ssh-ed25519 AAAA kim")]),
    ("InsightSettings", "profiles"): st.booleans(),
    ("DriftThresholds", "ks"): st.sampled_from([0.05, 0.1, 1]),
    ("DriftThresholds", "js"): st.sampled_from([0.01, 0.02]),
    ("DriftThresholds", "psi"): st.sampled_from([0.1, 0.25]),
    ("DriftThresholds", "p"): st.sampled_from([0.01, 0.05]),
    ("DriftThresholds", "rows"): st.integers(200, 10_000),
    ("DriftThresholds", "ignore"): st.sampled_from([(), ("id", "Überschrift 1")]),
    **dict.fromkeys(
        [("MeasuredColumn", name) for name in ("ks", "js", "p", "missing_p")],
        st.none() | st.floats(0, 1),
    ),
    ("MeasuredColumn", "name"): TEXTS,
    ("MeasuredColumn", "psi"): st.none() | FLOATS,
    ("MeasuredColumn", "old_missing"): st.floats(0, 1),
    ("MeasuredColumn", "new_missing"): st.floats(0, 1),
    ("MeasuredColumn", "old_count"): COUNTS,
    ("MeasuredColumn", "new_count"): COUNTS,
    ("MeasuredDrift", "dataset"): NAMES,
    ("MeasuredDrift", "old_rows"): COUNTS,
    ("MeasuredDrift", "new_rows"): COUNTS,
    ("MeasuredDrift", "exact"): st.booleans(),
    ("MeasuredDrift", "repeated"): st.none() | st.floats(0, 1),
    ("MeasuredDrift", "removed"): st.sampled_from([(), ("label", "")]),
    ("MeasuredDrift", "ignored"): st.sampled_from([(), ("id",)]),
    ("PolicySettings", "branch"): st.none() | st.sampled_from(["main", "release/2026"]),
    ("PolicySettings", "signers"): st.just(".mlver/allowed_signers"),
    ("StageSettings", "gates"): st.fixed_dictionaries(
        {},
        optional={
            "after": st.lists(NAMES, max_size=2),
            "verified": st.booleans(),
            "requires": st.fixed_dictionaries({}, optional={"copies": st.integers(1, 9)}),
        },
    ),
    ("ComparedValues", "tensors"): COUNTS,
    ("ComparedValues", "tolerance"): st.floats(0, 1e9),
    ("ComparedValues", "largest"): st.none() | st.floats(0, 1e9),
    ("ComparedValues", "relative"): st.none() | st.floats(0, 1e9),
    ("ReproductionRecord", "duration"): st.floats(0, 1e9) | st.integers(0, 10**9),
    ("ReproductionRecord", "command"): TEXTS.filter(bool),
    ("TargetSettings", "path"): st.sampled_from(["serving", "/srv/models"]),
    ("TargetSettings", "model"): st.none() | st.just("kr2en"),
    ("TargetSettings", "stages"): st.sampled_from(
        [{"stable": "production"}, {"canary": "canary", "stable": "production"}]
    ),
    ("TargetSettings", "keep"): st.integers(1, 1000),
    ("TargetSettings", "data"): st.booleans(),
    ("TargetSettings", "keep_serving"): st.lists(VERSIONS, max_size=2, unique=True).map(tuple),
    ("TargetSettings", "options"): st.dictionaries(NAMES, LEAVES_OF_OPTIONS, max_size=2),
    ("RouteSettings", "file"): st.none() | PATHS,
    ("RouteSettings", "upstreams"): st.dictionaries(
        st.sampled_from(["stable", "canary"]), st.just("127.0.0.1:9001"), max_size=2
    ),
    ("RouteSettings", "options"): st.dictionaries(NAMES, LEAVES_OF_OPTIONS, max_size=2),
    ("DeployedShare", "percent"): st.floats(0, 100),
    ("DeploymentRecord", "target"): st.sampled_from(["host", "production-host"]),
    ("DeploymentRecord", "roles"): st.deferred(
        lambda: st.dictionaries(
            st.sampled_from(["stable", "canary"]), made(DeployedVersion, 1), max_size=2
        )
    ),
    ("DeploymentRecord", "files"): st.dictionaries(PATHS, DIGESTS, max_size=2),
    ("DeployedVersion", "folder"): st.none() | PATHS,
    ("VerdictSettings", "metrics"): st.dictionaries(
        NAMES,
        st.sampled_from(
            [
                BadEventRule(bad='outcome="error"', margin=0.01),
                BadEventRule(bad='code!="200"', max=0.5, margin=0),
                BadEventRule(over="0.25s", max=1),
            ]
        ),
        max_size=2,
    ),
    ("VerdictSettings", "min"): st.integers(20, 10**9),
    ("VerdictSettings", "alpha"): st.floats(0.000001, 0.5),
    ("VerdictSettings", "window"): st.sampled_from(["30m", "2h", "7d"]),
    ("VerdictSettings", "fresh"): st.sampled_from(["1m", "10m"]),
    ("AutoRollbackSettings", "stages"): st.sampled_from([(), ("production", "canary")]),
    ("DueSettings", "age"): st.none() | st.sampled_from(["12h", "30d", "2w"]),
    ("DueSettings", "drift"): st.booleans(),
    ("DueSettings", "data"): st.booleans(),
    ("DueSettings", "metric"): st.dictionaries(NAMES, st.floats(-1, 1), max_size=2),
    ("DueSettings", "fall"): st.dictionaries(NAMES, st.floats(0, 1) | st.just("5%"), max_size=2),
    ("VerdictSettings", "warm_up"): st.sampled_from([None, "5m"]),
    ("MetricCount", "both"): st.none() | st.integers(0, 2**53 - 1),
    ("VerdictLook", "at"): TIMES,
    ("VerdictLook", "candidate"): EVENTS,
    ("VerdictLook", "baseline"): st.none() | EVENTS,
    ("VerdictLook", "metrics"): st.deferred(
        lambda: st.dictionaries(NAMES, made(MetricCount, 1), max_size=2)
    ),
    ("EventCount", "bad"): EVENTS,
    ("EventCount", "events"): EVENTS,
    ("LimitInterval", "metric"): NAMES,
    ("LimitInterval", "low"): st.floats(-1, 1),
    ("LimitInterval", "high"): st.floats(-1, 1),
    ("VerdictRecord", "source"): st.sampled_from(
        [
            VerdictSource(predictions="log.jsonl", digest=Digest.of_bytes(b"log")),
            VerdictSource(prometheus="http://127.0.0.1:9090", queries=("up", 'up{a="b"}')),
        ]
    ),
    ("VerdictRecord", "stages"): st.sampled_from([("production",), ("canary", "production")]),
    ("RolloutRecord", "share"): st.floats(0, 100),
    ("RolloutRecord", "header"): st.none() | st.just("X-User-Id"),
    ("VerdictRecord", "rule"): st.integers(1, 10),
    ("VerdictRecord", "share"): st.none() | st.floats(0.01, 0.99),
    ("VerdictRecord", "spent"): st.floats(0, 1),
    ("DrillReport", "holder"): VERSIONS,
    ("DrillReport", "bytes"): COUNTS,
    ("DrillReport", "seconds"): COUNTS,
    ("AuthorisationRecord", "data"): DIGESTS,
    ("AuthorisationRecord", "purposes"): st.sampled_from([(), ("training",), ("a-b", "x_1")]),
    ("AuthorisationRecord", "reference"): OPTIONAL,
    ("AuthorisationRecord", "until"): st.none() | st.sampled_from(["2027-12-31", "0001-01-01"]),
    ("ProjectConfig", "unknown_sections"): st.just(()),
}
BY_NAME: dict[str, Strategy] = {
    "model": st.sampled_from(["kr2en", "HEAD", "1.0", "no"]),
    "stage": NAMES,
    "version": VERSIONS,
    "parent": st.none() | VERSIONS,
    "previous": st.none() | VERSIONS,
    "created": TIMES,
    "message": TEXTS,
    "path": PATHS,
    "digest": DIGESTS,
    "record": DIGESTS,
    "prior": st.none() | DIGESTS,
    "size": COUNTS,
    "files": COUNTS,
    "sequence": st.integers(1, 10**6),
    "params": VALUES,
    "extra": VALUES,
    "metrics": METRICS,
    "labels": st.dictionaries(NAMES, TEXTS, max_size=2),
    "command": COMMAND,
    "description": COMMAND,
    "stored": st.booleans(),
    "follow": st.booleans(),
    "dirty": st.booleans(),
    "forced": st.booleans(),
    "verified": st.booleans(),
    "push": st.booleans(),
    "promotions": st.booleans(),
    "signed": st.booleans(),
    "author": LINES,
    "approver": LINES,
    "gate": LINES,
    "python": LINES,
    "platform": LINES,
}
Record = TypeVar("Record")


def made(record: type[Record], number: int) -> st.SearchStrategy[Record]:
    """Records of this format with every field drawn, by its name or its type."""
    later = LATER_FIELDS.get(record.__name__, "").split() if number == 1 else []
    hints = get_type_hints(
        record,
        localns={
            **dict.fromkeys(("Leaf", "Value", "Values", "Metrics"), Any),
            "MeasuredDrift": MeasuredDrift,
            "TargetSettings": TargetSettings,
            "DueSettings": DueSettings,
            "AutoRollbackSettings": AutoRollbackSettings,
        },
    )
    chosen = {
        field.name: next(
            strategy
            for strategy in known(record, field.name, hints[field.name], number)
            if strategy is not None
        )
        for field in dataclasses.fields(record)  # type: ignore[arg-type]
        if field.name not in later
    }
    drawn = st.builds(record, **chosen)
    return drawn.map(place_remote) if record is Artifact else drawn


def place_remote(artifact: Any) -> Any:
    """An artifact with a listing lies at an address, and all others in the repository."""
    if artifact.listing is None:
        return artifact
    return dataclasses.replace(artifact, path="s3://bucket/kr2en")


def known(record: type, name: str, hint: Any, number: int) -> Iterator[Strategy | None]:
    if name == "format" and record in RECORDS.values():
        yield st.just(number)
    if (record, name) == (EvaluationRecord, "data"):
        data: Strategy = made(Artifact, number)
        if number > 1:
            data |= made(ServedData, number)
        yield st.dictionaries(NAMES, data, min_size=1, max_size=2)
    yield SPECIAL.get((record.__name__, name))
    yield BY_NAME.get(name)
    yield by_type(hint, number)


def by_type(hint: Any, number: int) -> Strategy:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin is tuple:
        return st.lists(by_type(inner[0], number), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(NAMES, by_type(inner[1], number), max_size=2)
    if origin in (Union, types.UnionType):
        return st.none() | by_type(inner[0], number)
    if hint is Digest:
        return DIGESTS
    if origin is Renumbering:
        numbers = VERSIONS if inner[0] is str else st.integers(1, 10**6)
        return st.builds(Renumbering, number=numbers, record=DIGESTS)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return made(hint, number)
    return LINES
