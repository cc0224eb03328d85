"""The gate `reproduced` goes by the last reproduction, and by the policy's own bound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.policy.gates.gate import NOBODY
from mlver.policy.gates.reproduced import judge_reproduction
from mlver.policy.gates.table import suggest_commands
from mlver.records.promotion import GateResult
from mlver.records.reproduction import (
    ComparedValues,
    ReproductionAnswer,
    ReproductionEnvironment,
    ReproductionRecord,
)

EVIDENCE = Digest.of_bytes(b"evidence")
BEFORE = Digest.of_bytes(b"before")


def describe(
    answer: ReproductionAnswer, largest: float | None = None, tolerance: float = 1e-6
) -> ReproductionRecord:
    values = None
    if answer != "identical":
        values = ComparedValues(tensors=1, largest=largest, relative=None, tolerance=tolerance)
    return ReproductionRecord(
        model="m",
        version="1.0.0",
        sequence=1,
        created="2026-06-15T12:00:00Z",
        author="Kim <kim@example.org>",
        message="",
        answer=answer,
        weights=EVIDENCE,
        values=values,
        command="train",
        duration=1.0,
        environment=ReproductionEnvironment(source="s", python="3.11.7", platform="linux-x86_64"),
        inputs=(),
        differing=(),
        record=EVIDENCE,
        prior=None,
    )


def judge(asked: Any, *records: ReproductionRecord) -> GateResult:
    pairs = [(record, BEFORE) for record in records[:-1]]
    pairs += [(record, EVIDENCE) for record in records[-1:]]
    return judge_reproduction(replace(NOBODY, reproductions=tuple(pairs)), asked)


@pytest.mark.parametrize(
    ("asked", "record", "result"),
    [
        ("identical", describe("identical"), "pass"),
        ("identical", describe("within", 0.0), "fail"),
        ("within", describe("identical"), "pass"),
        ("within", describe("within", 1e-6), "pass"),
        ("within", describe("within", 1.1e-6, tolerance=1e9), "fail"),
        ("within", describe("within", None), "fail"),
        ("within", describe("different", 1e-9), "fail"),
        ({"within": 1e-12}, describe("within", 1e-12), "pass"),
        ({"within": 1e-12}, describe("within", 1e-11), "fail"),
        ({"within": 0}, describe("within", 1e-300), "fail"),
        ({"within": 0.5}, describe("within", 0.4, tolerance=1), "pass"),
    ],
)
def test_the_bound_of_the_policy_decides(
    asked: Any, record: ReproductionRecord, result: str
) -> None:
    judged = judge(asked, record)
    assert (judged.result, judged.evidence) == (result, EVIDENCE)


def test_the_last_one_counts() -> None:
    assert judge("within", describe("different"), describe("identical")).result == "pass"
    assert judge("within", describe("identical"), describe("different")).result == "fail"


def test_without_one_nobody_knows() -> None:
    judged = judge("within")
    assert (judged.result, judged.evidence) == ("inconclusive", None)
    assert judge_reproduction(NOBODY, "within").result == "inconclusive"


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_no_pass_is_beyond_the_bound(bound: float, apart: float) -> None:
    judged = judge({"within": bound}, describe("within", apart, tolerance=1e9))
    assert (judged.result == "pass") == (apart <= bound)


def test_the_command_measures_as_it_is_asked_for() -> None:
    assert suggest_commands("m@1.0.0", [judge({"within": 1e-12})]) == (
        "mlver reproduce m@1.0.0 --within 1e-12",
    )
    assert suggest_commands("m@1.0.0", [judge("within")]) == ("mlver reproduce m@1.0.0",)
    assert suggest_commands("m@1.0.0", [judge("identical")]) == ("mlver reproduce m@1.0.0",)
