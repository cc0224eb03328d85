"""Each result's dataclass and its schema say the same, field by field."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Union, get_args, get_origin, get_type_hints

import jsonschema
import pytest

from mlver.features.adopting.adopt import AdoptResult
from mlver.features.auditing.audit_result import AuditResult
from mlver.features.auditing.data_audit import DataAuditResult
from mlver.features.auditing.report import ReportResult
from mlver.features.checking.doctor import DoctorResult
from mlver.features.checking.verify import VerifyResult
from mlver.features.comparing.compare import CompareResult
from mlver.features.comparing.data_diff import DataDiffResult
from mlver.features.comparing.diff import DiffResult
from mlver.features.comparing.plot import PlotResult
from mlver.features.comparing.review import ReviewResult
from mlver.features.comparing.status import StatusResult
from mlver.features.comparing.weights_diff import WeightsResult
from mlver.features.deploying.served import ServedResult
from mlver.features.drifting.drift import DriftResult
from mlver.features.exporting.card import CardResult
from mlver.features.exporting.export import ExportResult
from mlver.features.gating.gates import GatesResult
from mlver.features.hashing.hash import HashResult
from mlver.features.hooks.checks import HookResult
from mlver.features.hooks.install import InstallResult
from mlver.features.lineage.lineage import LineageResult
from mlver.features.looking import architecture
from mlver.features.looking.list import ListResult
from mlver.features.looking.log_result import LogResult
from mlver.features.looking.parameters import ParamsResult
from mlver.features.looking.show_result import ShowResult
from mlver.features.looking.stages import StagesResult
from mlver.features.merging.driver import DriverResult
from mlver.features.merging.resolve import ResolveResult
from mlver.features.monitoring.monitor import MonitorResult
from mlver.features.releasing.ci import CiResult
from mlver.features.releasing.event import EventResult
from mlver.features.releasing.release_result import ReleaseResult
from mlver.features.releasing.tag import TagResult
from mlver.features.remotes.result import RemoteResult
from mlver.features.retention.du import DuResult
from mlver.features.retention.gc import GcResult
from mlver.features.runs.comparing import ComparedRunsResult
from mlver.features.runs.listing import RunsResult
from mlver.features.runs.showing import ShownRunResult
from mlver.features.scoring.replay import ReplayResult
from mlver.features.scoring.request import ScoreResult
from mlver.features.settings.config import ConfigResult
from mlver.features.storing.store import StoreResult
from mlver.features.watching.events import WatchResult
from mlver.project.approvals.approve import ApproveResult
from mlver.project.authorising.authorise import AuthoriseResult
from mlver.project.checkout import CheckoutResult
from mlver.project.corrections.note import NoteResult
from mlver.project.corrections.retire import RetireResult
from mlver.project.drilling.drill import DrillResult
from mlver.project.evaluating.request import EvaluateResult
from mlver.project.judging.judge import JudgeResult
from mlver.project.judging.plan import VerdictPlanResult
from mlver.project.registering.register import RegisterResult
from mlver.project.remote.pulling import PullResult
from mlver.project.remote.pushing import PushResult
from mlver.project.reproducing.request import ReproduceResult
from mlver.project.retraining.due import DueResult
from mlver.project.runs.exchange import BroughtRunsResult, SentRunsResult
from mlver.project.runs.removing import RemovedRunsResult
from mlver.project.runs.request import RunResult
from mlver.project.serving.deploying import DeployResult
from mlver.project.setup import InitResult
from mlver.project.stages.empty import EmptyResult
from mlver.project.stages.promote import PromoteResult
from mlver.project.stages.rollback_request import RollbackResult
from mlver.project.stages.rollout_request import RolloutResult
from mlver.records import values
from mlver.terminal import structured
from mlver.terminal.failure import ErrorResult
from tests.cli.results import RESULTS, read_schema

KINDS: dict[str, type] = {
    structured.name_result_kind(result): result
    for result in (
        *(
            AdoptResult,
            AuditResult,
            ApproveResult,
            CheckoutResult,
            CiResult,
            CompareResult,
            ConfigResult,
            DataAuditResult,
            DataDiffResult,
            DeployResult,
            DiffResult,
            DoctorResult,
            DriverResult,
            ErrorResult,
            EventResult,
            HashResult,
            ExportResult,
            HookResult,
        ),
        *(
            InitResult,
            InstallResult,
            JudgeResult,
            MonitorResult,
            VerdictPlanResult,
            ScoreResult,
            ReplayResult,
            LineageResult,
            ListResult,
            LogResult,
            EvaluateResult,
            NoteResult,
            GcResult,
            DuResult,
            PlotResult,
            ParamsResult,
            PromoteResult,
            RegisterResult,
            ReleaseResult,
            RemoteResult,
        ),
        *(
            ResolveResult,
            CardResult,
            ReportResult,
            ReproduceResult,
            RetireResult,
            ReviewResult,
            RollbackResult,
            ServedResult,
            RolloutResult,
            ShowResult,
            StagesResult,
            StatusResult,
            PullResult,
            PushResult,
            TagResult,
            EmptyResult,
            StoreResult,
            VerifyResult,
            AuthoriseResult,
            DriftResult,
            DrillResult,
            DueResult,
            WatchResult,
            GatesResult,
            RunResult,
            RunsResult,
            ShownRunResult,
            ComparedRunsResult,
            WeightsResult,
            SentRunsResult,
            BroughtRunsResult,
            RemovedRunsResult,
        ),
    )
}


def test_every_result_has_a_schema_and_every_schema_a_result() -> None:
    assert sorted(f"result-{kind}" for kind in KINDS) == RESULTS


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_is_one_and_says_what_it_is(kind: str) -> None:
    schema = read_schema(f"result-{kind}")
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"https://mlver.dev/schemas/result-{kind}.schema.json"
    assert schema["properties"]["schema"]["const"] == f"mlver/result/{kind}/1"
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("kind", KINDS)
def test_schema_and_dataclass_say_the_same(kind: str) -> None:
    root = read_schema(f"result-{kind}")
    seen = dict(_pairs(KINDS[kind], root, root))
    assert set(seen.values()) == {"the whole", *root.get("$defs", {})}, "a definition nothing uses"


def _pairs(
    result: type, part: dict[str, Any], root: dict[str, Any], name: str = "the whole"
) -> Iterator[tuple[type, str]]:
    """Every dataclass in a result, with the name of its definition; fails where they differ."""
    yield result, name
    hints = get_type_hints(result, localns={**vars(values), **vars(architecture)})
    names = [field.name for field in dataclasses.fields(result)]
    answers = [
        answer
        for answer, source in (("ok", "exit_code"), ("differs", "differs"))
        if hasattr(result, source)
    ]
    assert list(part["properties"]) == [
        *(["schema"] if name == "the whole" else []),
        *answers,
        *names,
    ]
    assert part["required"] == list(part["properties"])
    assert part["additionalProperties"] is False
    for field in names:
        stated = part["properties"][field]
        assert _says_something(stated), f"{name}.{field} has no description"
        for inner in _dataclasses(hints[field]):
            yield from _inner(inner, stated, root)


def _inner(inner: type, stated: dict[str, Any], root: dict[str, Any]) -> Iterator[tuple[type, str]]:
    reference = _reference(stated)
    if hasattr(inner, "to_document"):
        assert ".schema.json" in reference, f"{inner} appears as on disk: refer to its own schema"
        return
    file, _, name = reference.partition("#/$defs/")
    if file:  # of another result's, where it is counted
        other = read_schema(file.removesuffix(".schema.json"))
        list(_pairs(inner, other["$defs"][name], other, name))
    else:
        yield from _pairs(inner, root["$defs"][name], root, name)


def _reference(stated: dict[str, Any]) -> str:
    for place in (
        stated,
        stated.get("items", {}),
        stated.get("additionalProperties", {}),
        *stated.get("anyOf", ()),
        *stated.get("items", {}).get("anyOf", ()),
    ):
        if "$ref" in place:
            return str(place["$ref"])
    return ""


def _says_something(stated: dict[str, Any]) -> bool:
    return bool(stated.get("description") or _reference(stated))


def _dataclasses(hint: Any) -> Iterator[type]:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        yield hint
    elif get_origin(hint) in (tuple, Union, types.UnionType, Mapping, Sequence):
        for part in get_args(hint):
            yield from _dataclasses(part)


@dataclasses.dataclass(frozen=True)
class OddResult:
    names: tuple[str, ...]
    nothing: None


def test_a_document_is_plain_ascii_with_what_is_not_there_as_null() -> None:
    text = structured.dump_document(OddResult(("é\x1b[31m", "\udcff"), None))
    assert text.isascii()
    assert "\x1b" not in text
    assert text.endswith("}\n")
    assert json.loads(text) == {
        "schema": "mlver/result/odd/1",
        "names": ["é\x1b[31m", "\udcff"],
        "nothing": None,
    }
