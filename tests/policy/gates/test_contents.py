"""The gates that judge by a version's own record: each × pass, fail and inconclusive."""

from __future__ import annotations

from typing import Any

import pytest

from mlver.policy.gates.table import suggest_commands
from mlver.records.promotion import Result
from mlver.records.version import CodeState
from tests.policy.gates.candidates import judge_one, make_artifact, make_candidate, make_version

DIRTY = CodeState(commit="1" * 40, branch="main", dirty=True)
NO_COMMIT = CodeState(commit=None, branch=None, dirty=False)
SAFE = make_artifact(format="safetensors", size=4_294_967_296, license="MIT")
DATA = {"train": make_artifact(license="CC-BY-4.0 OR MIT")}
# rule, fields of the record, result, actual
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], Result, Any]] = {
    "an allowed format": (
        {"formats": ["onnx", "safetensors"]},
        {"weights": SAFE},
        "pass",
        "safetensors",
    ),
    "another format": ({"formats": ["onnx"]}, {"weights": SAFE}, "fail", "safetensors"),
    "a file that is not what its name says": (
        {"formats": ["safetensors"]},
        {"weights": SAFE, "unreadable": {"w.safetensors": "it ends too soon", "b": "no"}},
        "fail",
        "w.safetensors cannot be read: it ends too soon, and 1 more",
    ),
    "no format": ({"formats": ["onnx"]}, {}, "inconclusive", "its record names no format"),
    "the largest size": ({"max_size": "4GiB"}, {"weights": SAFE}, "pass", 4_294_967_296),
    "too large": ({"max_size": "4GB"}, {"weights": SAFE}, "fail", 4_294_967_296),
    "too large in bytes": ({"max_size": 4_294_967_295}, {"weights": SAFE}, "fail", 4_294_967_296),
    "clean code": ({"clean_code": True}, {}, "pass", "1111111111, clean"),
    "dirty code": (
        {"clean_code": True},
        {"code": DIRTY},
        "fail",
        "1111111111 with changes beside it",
    ),
    "no commit": ({"clean_code": True}, {"code": NO_COMMIT}, "fail", "trained from no commit"),
    "all kept": ({"stored": True}, {"data": DATA}, "pass", "all kept: weights, train"),
    "data not kept": (
        {"stored": True},
        {"data": {"train": make_artifact(stored=False)}},
        "fail",
        "no copy of train is kept",
    ),
    "a label": ({"labels": ["team"]}, {"labels": {"team": "risk"}}, "pass", "risk"),
    "no label": ({"labels": ["team"]}, {}, "fail", "it has no label team"),
    "an empty label": (
        {"labels": ["team"]},
        {"labels": {"team": " "}},
        "fail",
        "it has no label team",
    ),
    "that very label": ({"labels": ["team=risk"]}, {"labels": {"team": "risk"}}, "pass", "risk"),
    "another label": ({"labels": ["team=risk"]}, {"labels": {"team": "ads"}}, "fail", "ads"),
    "allowed licences": (
        {"licenses": ["MIT"]},
        {"weights": SAFE, "data": DATA},
        "pass",
        "weights is under MIT; train is under CC-BY-4.0 OR MIT",
    ),
    "another licence": (
        {"licenses": ["Apache-2.0", "CC-BY-4.0"]},
        {"weights": SAFE, "data": DATA},
        "fail",
        "weights is under MIT",
    ),
    "a message": ({"message": True}, {"message": "Better"}, "pass", "it has a message"),
    "no message": ({"message": True}, {"message": " \n"}, "fail", "its message is empty"),
    "a kind of training": ({"update": ["full"]}, {"update": "full"}, "pass", "full"),
    "another one": ({"update": ["full"]}, {"update": "hybrid"}, "fail", "hybrid"),
    "no licence": (
        {"licenses": ["MIT"]},
        {"weights": SAFE, "data": {"train": make_artifact()}},
        "inconclusive",
        "train has no licence in the record",
    ),
    "no SPDX expression": (
        {"licenses": ["MIT"]},
        {"weights": make_artifact(license="ours")},
        "inconclusive",
        "weights is under ours, which is no SPDX expression",
    ),
}


@pytest.mark.parametrize(("rule", "fields", "result", "actual"), CASES.values(), ids=CASES)
def test_what_a_record_says(
    rule: dict[str, Any], fields: dict[str, Any], result: Result, actual: Any
) -> None:
    found = judge_one(rule, make_candidate(make_version("1.1.0", {}, **fields)))
    assert (found.result, found.actual) == (result, actual)
    assert found.expected
    assert bool(suggest_commands("m@1.1.0", [found])) == (result != "pass")


@pytest.mark.parametrize(
    "rule",
    [
        {"formats": ["onnx"]},
        {"max_size": 1},
        {"clean_code": True},
        {"stored": True},
        {"labels": ["team"]},
        {"licenses": ["MIT"]},
        {"message": True},
        {"update": ["full"]},
    ],
    ids=str,
)
def test_a_record_that_nobody_looked_at_never_passes(rule: dict[str, Any]) -> None:
    assert judge_one(rule, make_candidate(None)).result == "inconclusive"
