"""`mlver gates` shows what promote would say, and writes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.document import codec
from mlver.project.project import Project
from mlver.records import layout
from mlver.terminal.screen import TextScreen
from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.policy.gates.candidates import make_artifact, make_evaluation

METRIC = "    gates:\n    - {metric: acc, on: golden, min: 0.5, max_drop: 0.005}\n"
PINS = f"datasets:\n  golden: {{path: data/golden, digest: '{make_artifact().digest}'}}\n"


def _write_rule(repository: Repository, rule: str, sections: str = "") -> None:
    path = repository.path / layout.CONFIG
    text = path.read_text().replace("  production:\n", f"  production:\n{rule}", 1)
    path.write_text(text + sections)
    repository.commit("Ask for more")


def _evaluate(repository: Repository, version: str, value: float) -> None:
    """Record an evaluation as `mlver evaluate` does."""
    registry = Project.open_existing(repository.path).registry
    _, digest = registry.read_version("digits", version)
    record = make_evaluation(version, {"acc": value}, model="digits", record=digest, count=1_000)
    path = layout.evaluation_path("digits", version, 1)
    data = codec.encode_document("evaluation", record.to_document())
    repository.write(path, data.decode())
    repository.commit("Evaluate")


def _list_files(repository: Repository) -> dict[Path, bytes]:
    found: dict[Path, bytes] = {}
    for path in repository.path.rglob("*"):
        if path.is_file() and path.suffix not in (".db", ".db-wal", ".db-shm"):
            found[path] = path.read_bytes()
    return found


@pytest.fixture
def measured(second: Repository) -> Repository:
    """digits 1.0.0 holds production, and both versions were evaluated on the golden data."""
    assert_works(second, "promote", "digits@1.0.0", "--to", "production", "-m", "first")
    _write_rule(second, METRIC, PINS)
    _evaluate(second, "1.0.0", 0.95)
    _evaluate(second, "1.1.0", 0.945)
    return second


def test_an_open_gate_is_exit_0_and_nothing_is_written(measured: Repository) -> None:
    before = _list_files(measured)
    said = measured.mlver("gates", "digits@1.1.0", "--to", "production")
    assert said.code == 0, said
    assert "digits 1.1.0 may have production; 1.0.0 is the baseline" in said.out
    assert "at least 0.945 (baseline - max_drop: 1.0.0 has 0.95, max_drop 0.005)" in said.out
    assert "note: max_drop 0.005 of acc on golden is finer than 1,000 examples" in said.out
    assert _list_files(measured) == before
    promoted = assert_works(measured, "promote", "digits@1.1.0", "--to", "production", "-m", "go")
    assert "metric acc on golden, max_drop" in promoted
    (_, (record, _)) = Project.open_existing(measured.path).registry.read_history(
        "digits", "production"
    )
    gate = next(gate for gate in record.gates if gate.gate.endswith("max_drop"))
    evaluations = Project.open_existing(measured.path).registry.read_evaluations("digits", "1.1.0")
    assert (gate.actual, gate.baseline) == (0.945, 0.95)
    assert (gate.data, gate.evidence) == (make_artifact().digest, evaluations[0][1])
    assert_works(measured, "verify", "--all")


def test_a_shut_gate_is_exit_1_and_says_what_would_settle_it(second: Repository) -> None:
    _write_rule(second, METRIC, PINS)
    said = second.mlver("gates", "digits@1.1.0", "--to", "production")
    assert said.code == 1
    assert "inconclusive  metric acc on golden, min" in said.out
    assert "mlver evaluate digits@1.1.0 --on golden -- COMMAND" in said.err + said.out


def test_it_has_a_document_of_its_own(measured: Repository) -> None:
    said = measured.mlver("gates", "digits@1.1.0", "--to", "production", "--json")
    document = read_document(said, "gates")
    assert document["ok"] is True
    assert (document["open"], document["baseline"]) == (True, "1.0.0")
    assert [gate["result"] for gate in document["gates"]] == ["pass"] * len(document["gates"])
    assert len(document["notes"]) == 1


def test_a_narrow_terminal_wraps_what_each_gate_saw_and_asked_for(
    measured: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TextScreen, "width", 80)
    said = measured.mlver("gates", "digits@1.1.0", "--to", "production")
    lines = said.out.splitlines()
    assert max(map(len, lines[1:-1])) <= 80, said.out
    assert "asked: at least 0.5" in said.out
    assert "baseline: 0.95" in " ".join(said.out.split())


def test_a_retired_version_is_shut_out_whatever_the_rule(second: Repository) -> None:
    assert_works(second, "retire", "digits@1.1.0", "-m", "broken")
    said = second.mlver("gates", "digits@1.1.0", "--to", "production")
    assert said.code == 1
    assert "retired: broken" in said.out
    assert "mlver retire digits@1.1.0 --restore -m WHY" in said.err + said.out


def test_what_the_main_branch_asks_counts_too(second: Repository) -> None:
    _write_rule(second, METRIC, PINS)
    config = second.path / layout.CONFIG
    config.write_text(config.read_text().replace(METRIC, ""))
    said = second.mlver("gates", "digits@1.1.0", "--to", "production")
    assert said.code == 1
    assert "the rule in the work tree differs from that of main; both have to pass" in said.out


def test_what_two_rules_ask_otherwise_is_told_of_each(second: Repository) -> None:
    _write_rule(second, "    gates: [{metric: accuracy, min: 0.5}]\n")
    config = second.path / layout.CONFIG
    config.write_text(config.read_text().replace("min: 0.5", "min: 0.6"))
    words = ("promote", "digits@1.1.0", "--to", "production", "-m", "Why", "--dry-run")
    said = " ".join(second.mlver(*words).out.split())
    gate = "pass metric accuracy, min 0.94; asked: at least"
    assert f"{gate} 0.6 {gate} 0.5 pass verified" in said


def test_a_stage_that_is_not_there_is_a_usage_error(second: Repository) -> None:
    assert second.mlver("gates", "digits@1.1.0", "--to", "nowhere").code == 2
