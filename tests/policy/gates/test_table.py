from __future__ import annotations

import pytest

from mlver.document.schema import load_schema
from mlver.policy import looser
from mlver.policy.gates.gate import StageCandidate
from mlver.policy.gates.table import (
    ALWAYS,
    GATES,
    apply_gates,
    find_gate,
    is_open,
    suggest_commands,
)
from mlver.records.promotion import GateResult, Result
from mlver.records.sections.stages import StageSettings
from mlver.records.values import Document


def candidate(
    *,
    unsealed: str | None = None,
    held: frozenset[str] = frozenset(),
    damage: tuple[str, ...] | None = None,
) -> StageCandidate:
    return StageCandidate(version="1.0.0", unsealed=unsealed, stages_held=held, damage=damage)


def judged(rule: StageSettings, asked: StageCandidate) -> dict[str, Result]:
    return {gate.gate: gate.result for gate in apply_gates(rule, asked)}


PLAIN, VERIFIED, AFTER = (
    StageSettings(),
    StageSettings(gates={"verified": True}),
    StageSettings(gates={"after": ["canary", "staging"]}),
)
BOTH = frozenset(("canary", "staging"))
CASES: dict[str, tuple[StageSettings, StageCandidate, dict[str, Result]]] = {
    "a seal is always asked for": (PLAIN, candidate(), {"sealed": "pass"}),
    "no seal": (PLAIN, candidate(unsealed="no tag"), {"sealed": "fail"}),
    "whole": (VERIFIED, candidate(damage=()), {"sealed": "pass", "verified bytes": "pass"}),
    "damaged": (
        VERIFIED,
        candidate(damage=("w is damaged",)),
        {"sealed": "pass", "verified bytes": "fail"},
    ),
    "not looked at": (
        VERIFIED,
        candidate(damage=None),
        {"sealed": "pass", "verified bytes": "inconclusive"},
    ),
    "damage nobody asked for": (PLAIN, candidate(damage=("w is damaged",)), {"sealed": "pass"}),
    "held both before": (
        AFTER,
        candidate(held=BOTH),
        {"sealed": "pass", "after canary": "pass", "after staging": "pass"},
    ),
    "held one before": (
        AFTER,
        candidate(held=frozenset(("staging", "other"))),
        {"sealed": "pass", "after canary": "fail", "after staging": "pass"},
    ),
    "everything at once": (
        StageSettings(gates={"verified": True, "after": ["staging"]}),
        candidate(unsealed="no tag", damage=("w is damaged", "d is missing")),
        {"sealed": "fail", "after staging": "fail", "verified bytes": "fail"},
    ),
}


@pytest.mark.parametrize(("rule", "asked", "expected"), CASES.values(), ids=CASES)
def test_each_gate_says_what_it_saw(
    rule: StageSettings, asked: StageCandidate, expected: dict[str, Result]
) -> None:
    assert judged(rule, asked) == expected
    assert list(judged(rule, asked)) == list(expected)
    assert is_open(apply_gates(rule, asked)) == (set(expected.values()) == {"pass"})


def test_what_is_wrong_with_a_seal_is_told_in_the_record() -> None:
    (found,) = apply_gates(PLAIN, candidate(unsealed="is a lightweight tag"))
    assert found.actual == "is a lightweight tag"
    assert apply_gates(PLAIN, candidate())[0].actual == "sealed"


def test_damage_is_told_in_the_record() -> None:
    found = apply_gates(VERIFIED, candidate(damage=("w is damaged", "d is missing")))
    assert found[-1] == GateResult(
        gate="verified bytes",
        result="fail",
        expected="every byte is present and right",
        actual="w is damaged; d is missing",
    )


def test_a_record_names_only_the_first_of_much_damage() -> None:
    found = apply_gates(
        VERIFIED, candidate(damage=tuple(f"f{number} is missing" for number in range(5000)))
    )
    assert found[-1].actual == "f0 is missing; f1 is missing; f2 is missing; and 4,997 more"


@pytest.mark.parametrize(
    ("result", "opens"), [("pass", True), ("fail", False), ("inconclusive", False)]
)
def test_only_a_pass_opens(result: Result, opens: bool) -> None:
    gates = [
        GateResult(gate=str(n), result=result if n == 1 else "pass", expected=None, actual=None)
        for n in range(3)
    ]
    assert is_open(gates) == opens
    assert is_open([])


def test_every_gate_has_its_schema_and_its_key_in_a_stage() -> None:
    schema = load_schema("config", 1)
    stage = schema["$defs"]["stage_settings"]["properties"]
    required = schema["$defs"]["stage_requires"]["properties"]
    named = [name for name in GATES if name not in ALWAYS]
    assert list(dict.fromkeys([*list(stage)[1:-1], *required])) == named
    assert list(stage)[-1] == "requires"
    for name in named:
        assert {**required, **stage}[name]["$ref"] == f"#/$defs/gate_{name}"


def test_a_gate_that_is_switched_off_is_not_asked() -> None:
    off = StageSettings(gates={"verified": False, "after": [], "sealed": False})
    assert judged(off, candidate()) == {"sealed": "pass"}


SUGGESTED = {
    "sealed": ("mlver tag", "mlver verify m@1.0.0"),
    "after staging": ("mlver promote m@1.0.0 --to staging -m WHY",),
    "verified bytes": ("mlver verify m@1.0.0",),
}


@pytest.mark.parametrize(("name", "commands"), SUGGESTED.items())
def test_the_first_shut_gate_names_the_next_commands(name: str, commands: tuple[str, ...]) -> None:
    results = [
        GateResult(gate="sealed", result="pass", expected=None, actual=None),
        GateResult(gate=name, result="inconclusive", expected=None, actual=None),
    ]
    assert suggest_commands("m@1.0.0", results) == commands
    assert suggest_commands("m@1.0.0", results[:1]) == ()


@pytest.mark.parametrize(
    "actual",
    ["was edited after its tag sealed it", "points at a commit that holds another record"],
)
def test_no_tag_is_proposed_where_one_seals_another_record(actual: str) -> None:
    shut = GateResult(gate="sealed", result="fail", expected=None, actual=actual)
    assert suggest_commands("m@1.0.0", [shut]) == ("mlver verify m@1.0.0",)


def test_every_result_is_found_by_the_name_of_its_gate() -> None:
    required: Document = {
        "recoverable": True,
        "copies": 2,
        "authorised": "training",
        "signed": True,
        "formats": ["onnx"],
        "max_size": "4GiB",
        "clean_code": True,
        "message": True,
        "update": ["full"],
        "stored": True,
        "labels": ["team"],
        "licenses": ["MIT"],
        "drilled": "30d",
        "uses": True,
        "reproduced": "within",
        "drift": "none",
        "verdict": "pass",
    }
    everything = StageSettings(
        gates={
            "after": ["staging"],
            "hold": "48h",
            "gates": [{"metric": "accuracy", "min": 0.9}],
            "verified": True,
            "approvals": {"min": 1},
            "requires": required,
        }
    )
    shut = candidate(unsealed="no tag", damage=("w is damaged",))
    results = apply_gates(everything, shut)
    assert [find_gate(result.gate) for result in results] == list(GATES.values())
    assert all(suggest_commands("m@1.0.0", [result]) for result in results)


def test_every_gate_says_which_way_is_looser() -> None:
    """Of a gate without a direction, asking for more would count as looser as well."""
    assert set(GATES) <= set(looser._COMPARISONS)
