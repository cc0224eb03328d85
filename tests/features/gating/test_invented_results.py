"""Promotions made by hand, whose gates say that they passed: records tell that they did not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.project.history.policies import read_judging_rules
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.promotion import GateResult
from mlver.records.references import VersionReference
from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.policy.gates.candidates import OTHER, make_artifact, make_evaluation
from tests.promotions import write_promotion

RULE = """\
    gates:
    - {metric: acc, on: golden, min: 0.9, max_drop: 0.01}
"""
PINS = f"datasets:\n  golden: {{path: data/golden, digest: '{make_artifact().digest}'}}\n"
GATES = ("metric acc on golden, min", "metric acc on golden, max_drop")


def write_rule(repository: Repository, rule: str) -> None:
    path = repository.path / layout.CONFIG
    text = path.read_text().replace("  production:\n", f"  production:\n{rule}", 1)
    path.write_text(text + PINS)
    repository.commit("Ask for more")


@pytest.fixture
def ruled(second: Repository) -> Repository:
    """digits 1.0.0 holds production and has 0.95; 1.1.0 was not evaluated yet."""
    assert_works(second, "promote", "digits@1.0.0", "--to", "production", "-m", "first")
    write_rule(second, RULE)
    evaluate(second, "1.0.0", 0.95)
    return second


def evaluate(repository: Repository, version: str, value: float, **fields: Any) -> Digest:
    """Commit an evaluation; return the digest of its record."""
    registry = Project.open_existing(repository.path).registry
    _, digest = registry.read_version("digits", version)
    number = (
        len(registry.list_sequences(layout.attached_folder("evaluation", "digits", version))) + 1
    )
    usual = {"model": "digits", "record": digest, **fields}
    record = make_evaluation(version, {"acc": value}, number, **usual)
    data = codec.encode_document("evaluation", record.to_document())
    repository.write(record.record_path, data.decode())
    repository.commit("Evaluate")
    return Digest.of_bytes(data)


def forge(
    repository: Repository,
    evidence: Digest | None,
    gates: tuple[str, ...] = GATES,
    version: str = "1.1.0",
    **more: Any,
) -> str:
    """Commit a promotion that says that all gates passed."""
    project = Project.open_existing(repository.path)
    results: list[GateResult] = []
    for name in ("sealed", "verified bytes"):
        results.append(GateResult(gate=name, result="pass", expected="yes", actual="yes"))
    for name in gates:
        results.append(
            GateResult(
                gate=name,
                result="pass",
                expected="at least 0.9",
                actual=0.99,
                evidence=evidence,
                data=make_artifact().digest,
            )
        )
    _, held = project.registry.read_version("digits", "1.0.0")
    return write_promotion(
        repository,
        version,
        format=2,
        policy=read_judging_rules(project, "production").reference,
        gates=tuple(results),
        baseline=VersionReference("1.0.0", held),
        **more,
    )


def say_what_is_wrong(repository: Repository) -> str:
    done = repository.mlver("verify", "--all")
    audited = repository.mlver("audit", "--stage", "production")
    assert (done.code, audited.code) == (1, 1), done.out + audited.out
    return " ".join(done.out.split())


def test_what_promote_made_is_right(ruled: Repository) -> None:
    evaluate(ruled, "1.1.0", 0.97)
    assert_works(ruled, "promote", "digits@1.1.0", "--to", "production", "-m", "better")
    evaluate(ruled, "1.0.0", 0.999)
    evaluate(ruled, "1.1.0", 0.5)
    assert_works(ruled, "verify", "--all")
    assert_works(ruled, "audit", "--strict")


def test_what_was_never_measured(ruled: Repository) -> None:
    forge(ruled, None)
    assert "passed, by an evaluation that is not here" in say_what_is_wrong(ruled)


def test_evidence_that_nobody_has(ruled: Repository) -> None:
    evaluate(ruled, "1.1.0", 0.97)
    forge(ruled, Digest.of_bytes(b"never"))
    assert "passed, by an evaluation that is not here" in say_what_is_wrong(ruled)


def test_a_value_that_is_too_low(ruled: Repository) -> None:
    forge(ruled, evaluate(ruled, "1.1.0", 0.8))
    said = say_what_is_wrong(ruled)
    assert "asked for is at least 0.9, and found is 0.8" in said
    assert "`metric acc on golden, max_drop` passed, which by the records it did not" in said


def test_a_drop_that_is_too_large(ruled: Repository) -> None:
    forge(ruled, evaluate(ruled, "1.1.0", 0.93))
    said = say_what_is_wrong(ruled)
    assert "`metric acc on golden, max_drop` passed, which by the records it did not" in said
    assert "`metric acc on golden, min` passed with 0.99; its evidence says 0.93" in said


def test_the_holder_s_evaluation_as_its_own(ruled: Repository) -> None:
    evaluate(ruled, "1.1.0", 0.8)
    registry = Project.open_existing(ruled.path).registry
    _, theirs = registry.read_evaluations("digits", "1.0.0")[0]
    forge(ruled, theirs)
    assert "passed, by an evaluation that is not here" in say_what_is_wrong(ruled)


def test_an_easier_exam(ruled: Repository) -> None:
    evidence = evaluate(ruled, "1.1.0", 0.97, data={"golden": make_artifact(OTHER)})
    forge(ruled, evidence)
    assert "on another golden than the one that is pinned" in say_what_is_wrong(ruled)


def test_an_evaluation_that_came_afterwards(ruled: Repository) -> None:
    base = ruled.git("rev-parse", "HEAD")
    evidence = evaluate(ruled, "1.1.0", 0.97)
    path = layout.evaluation_path("digits", "1.1.0", 1)
    data = (ruled.path / path).read_text()
    ruled.git("reset", "--quiet", "--hard", base)
    forge(ruled, evidence)
    ruled.write(path, data)
    ruled.commit("Measured before, I swear")
    assert "passed, by an evaluation that is not here" in say_what_is_wrong(ruled)


def test_the_better_of_two(ruled: Repository) -> None:
    evidence = evaluate(ruled, "1.1.0", 0.97)
    evaluate(ruled, "1.1.0", 0.7)
    forge(ruled, evidence)
    assert "asked for is at least 0.9, and found is 0.7" in say_what_is_wrong(ruled)


def test_what_nobody_committed_opens_nothing(ruled: Repository) -> None:
    evaluate(ruled, "1.1.0", 0.97)
    ruled.git("reset", "--quiet", "--mixed", "HEAD~1")
    refused = ruled.mlver("promote", "digits@1.1.0", "--to", "production", "-m", "better")
    assert refused.code == 1
    assert "1.1.0 was not evaluated on golden" in " ".join((refused.out + refused.err).split())


def test_an_evaluation_that_was_taken_away_for_a_moment(ruled: Repository) -> None:
    evaluate(ruled, "1.1.0", 0.97)
    evaluate(ruled, "1.1.0", 0.7)
    (ruled.path / layout.evaluation_path("digits", "1.1.0", 2)).unlink()
    refused = ruled.mlver("promote", "digits@1.1.0", "--to", "production", "-m", "better")
    assert refused.code == 3
    assert "evaluations/1.1.0/0002.yaml is not what HEAD has there" in refused.err


@pytest.mark.parametrize(
    ("rule", "gate"),
    [
        ("    requires: {formats: [onnx]}\n", "formats"),
        ("    requires: {max_size: 1}\n", "max_size"),
        ("    requires: {labels: [ticket]}\n", "labels ticket"),
        ("    requires: {licenses: [MIT]}\n", "licenses"),
        ("    gates: [{metric: accuracy, min: 1.5}]\n", "metric accuracy, min"),
    ],
)
def test_what_the_version_s_record_does_not_say(second: Repository, rule: str, gate: str) -> None:
    assert_works(second, "promote", "digits@1.0.0", "--to", "production", "-m", "first")
    write_rule(second, rule)
    forge(second, None, (gate,))
    said = say_what_is_wrong(second)
    assert f"says that its gate `{gate}` passed, which by the records it did not" in said


@pytest.mark.parametrize(
    ("rule", "gate", "words"),
    [
        ("    after: [staging]\n    hold: 48h\n", "hold 48h", "staging held it only since"),
        ("    requires: {drilled: 30d}\n", "drilled 30d", "no such drill had been recorded"),
        (
            "    requires: {authorised: training}\n",
            "authorised training",
            "digits@1.1.0:train is not authorised for training",
        ),
    ],
)
def test_what_had_not_happened_by_then(
    second: Repository, rule: str, gate: str, words: str
) -> None:
    assert_works(second, "promote", "digits@1.0.0", "--to", "production", "-m", "first")
    write_rule(second, rule)
    assert_works(second, "promote", "digits@1.1.0", "--to", "staging", "-m", "try it")
    forge(second, None, ("after staging", gate) if "hold" in gate else (gate,))
    said = say_what_is_wrong(second)
    assert f"says that its gate `{gate}` passed, and " in said
    assert words in said


def test_a_version_that_it_uses_and_that_was_retired(second: Repository) -> None:
    words = ("register", "words", "--weights", "model", "-m", "words")
    assert_works(second, *words)
    again = ("--uses", "words@1.0.0", "--bump", "minor", "--allow-dirty", "-m", "on words")
    assert_works(second, "register", "digits", *again)
    assert_works(second, "promote", "digits@1.0.0", "--to", "production", "-m", "first")
    write_rule(second, "    requires: {uses: true}\n")
    assert_works(second, "retire", "words@1.0.0", "-m", "biased")
    forge(second, None, ("uses",), version="1.2.0", created="2026-01-02T03:04:06Z")
    done = second.mlver("verify", "--all")
    said = " ".join(done.out.split())
    assert "says that its gate `uses` passed, and words@1.0.0 had been retired on" in said


def test_a_grant_that_came_afterwards(second: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_works(second, "promote", "digits@1.0.0", "--to", "production", "-m", "first")
    write_rule(second, "    requires: {authorised: training}\n")
    forge(second, None, ("authorised training",))
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_DATE", "2026-01-02T09:00:00Z")
    words = ("authorise", "digits@1.1.0:train", "--basis", "consent", "--purpose", "training")
    assert_works(second, *words, "-m", "it was all right")
    assert "digits@1.1.0:train is not authorised for training" in say_what_is_wrong(second)


def test_a_file_that_was_withdrawn_by_hand(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody may use one file of the directory any more, and the gate says that all is allowed."""
    repository.write("w", "weights")
    for name in ("a", "b"):
        repository.write(f"rows/{name}", name)
    assert_works(repository, "init")
    repository.commit("Ground")
    data = ("--weights", "w", "--data", "train=rows", "--allow-dirty")
    assert_works(repository, "register", "digits", *data, "-m", "first")
    write_rule(repository, "    requires: {authorised: training}\n")
    words = ("--basis", "consent", "--purpose", "training", "-m", "agreed")
    assert_works(repository, "authorise", "digits@1.0.0:train", *words)
    withdrawal = ("authorise", str(Digest.of_bytes(b"a")), "--withdraw", "-m", "asked to")
    assert_works(repository, *withdrawal)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_DATE", "2026-01-02T09:00:00Z")
    forged = ("promote", "digits@1.0.0", "--to", "production", "-m", "go", "--force")
    assert_works(repository, *forged)
    project = Project.open_existing(repository.path)
    record, _ = project.registry.read_history("digits", "production")[-1]
    repository.git("tag", "--delete", "digits@production.1")
    gates = [replace(gate, result="pass", actual="it may be used") for gate in record.gates]
    told = replace(record, forced=False, gates=tuple(gates))
    repository.git("reset", "--quiet", "--soft", "HEAD~1")
    contents = codec.encode_document("promotion", told.to_document())
    repository.write(record.record_path, contents.decode())
    repository.commit("Promote")
    assert "holds a file that was withdrawn 2026-01-02" in say_what_is_wrong(repository)


def test_a_version_that_was_retired(second: Repository) -> None:
    assert_works(second, "promote", "digits@1.0.0", "--to", "production", "-m", "first")
    write_rule(second, "")
    assert_works(second, "retire", "digits@1.1.0", "-m", "biased")
    forge(second, None, (), created="2026-01-02T03:04:06Z")
    assert "was made though 1.1.0 had been retired" in say_what_is_wrong(second)


def test_none_of_it_is_let_in(ruled: Repository) -> None:
    base = ruled.git("rev-parse", "HEAD")
    ruled.git("switch", "--quiet", "-c", "review")
    forge(ruled, evaluate(ruled, "1.1.0", 0.8))
    done = ruled.mlver("hook", "check", "--from", base, "--to", "review")
    assert done.code == 1
    assert "passed, which by the records it did not" in " ".join((done.out + done.err).split())
