"""What the last reproduction and used versions say of a promotion, judged again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.records.reproduction import (
    ComparedValues,
    ReproductionAnswer,
    ReproductionEnvironment,
    ReproductionRecord,
)
from tests.project.audit.forging import AFTER, Town

_PLACE = ReproductionEnvironment(source="given", python="3.11.7", platform="linux-x86_64")


def ask(town: Town, rule: str) -> str:
    """Ask something of production; return the commit before that."""
    town.enter("Ana", day=1)
    base = town.repository.git("rev-parse", "HEAD")
    town.edit_rule(f"  production:\n{AFTER}", f"  production:\n    requires: {{{rule}}}\n")
    return base


def write(town: Town, path: str, data: bytes) -> Digest:
    town.repository.write(path, data)
    town.repository.commit("Record it")
    return Digest.of_bytes(data)


def reproduce(
    town: Town,
    answer: ReproductionAnswer,
    number: int,
    prior: Digest | None,
    weights: Digest | None = None,
    *,
    of: Digest | None = None,
    values: ComparedValues | None = None,
) -> Digest:
    digest = of or town.project.registry.read_version_digest("m", "1.1.0")
    assert digest is not None
    record = ReproductionRecord(
        model="m",
        version="1.1.0",
        sequence=number,
        created=town.project.record_time,
        author=town.project.repository.author(),
        message="",
        answer=answer,
        weights=weights or Digest.of_bytes(b"weights"),
        values=values,
        command="train",
        duration=1.0,
        environment=_PLACE,
        inputs=(),
        differing=(),
        record=digest,
        prior=prior,
    )
    data = codec.encode_document("reproduction", record.to_document())
    return write(town, record.record_path, data)


@pytest.mark.parametrize("answers", [(), ("different",), ("identical", "different")])
def test_a_reproduction_that_nobody_made_is_named(
    town: Town, answers: tuple[ReproductionAnswer, ...]
) -> None:
    base = ask(town, "reproduced: identical")
    prior: Digest | None = None
    for number, answer in enumerate(answers, 1):
        town.enter("Kim", day=1 + number)
        prior = reproduce(town, answer, number, prior)
    town.enter("Kim", day=9)
    town.force_through("1.1.0")
    ((kind, message),) = town.name_findings()
    assert kind == "gate"
    assert message.startswith("says that its gate `reproduced identical` passed, and ")
    assert ("different on" in message) == bool(answers)
    assert town.check_range(base)[0] == 1


def test_a_reproduction_of_another_record_counts_for_nothing(town: Town) -> None:
    ask(town, "reproduced: identical")
    town.enter("Kim", day=2)
    reproduce(town, "identical", 1, None, of=Digest.of_bytes(b"another record"))
    town.enter("Kim", day=3)
    town.force_through("1.1.0")
    (message,) = [words for kind, words in town.name_findings() if kind == "gate"]
    assert message == "says that its gate `reproduced identical` passed, and nobody reproduced it"


def test_a_reproduction_that_was_made_is_no_alarm(town: Town) -> None:
    ask(town, "reproduced: within")
    town.enter("Kim", day=2)
    prior = reproduce(town, "different", 1, None)
    town.enter("Kim", day=3)
    near = ComparedValues(tensors=1, largest=1e-9, relative=1e-9, tolerance=1e-6)
    named = reproduce(town, "within", 2, prior, values=near)
    town.promote("1.1.0", "production")
    (result,) = [gate for gate in town.read_last().gates if gate.gate.startswith("reproduced")]
    assert (result.gate, result.evidence) == ("reproduced within 1e-06", named)
    # What came later was not known.
    town.enter("Kim", day=5)
    reproduce(town, "different", 3, town.project.registry.read_version_digest("m", "1.1.0"))
    assert [words for kind, words in town.name_findings() if kind == "gate"] == []


@pytest.mark.parametrize(
    ("rule", "largest"), [("{within: 1e-12}", 1e-9), ("within", 0.5), ("within", None)]
)
def test_a_pass_beyond_the_bound_is_named(town: Town, rule: str, largest: float | None) -> None:
    """Whoever trains again may allow any tolerance; the policy's bound counts."""
    ask(town, f"reproduced: {rule}")
    town.enter("Kim", day=2)
    far = ComparedValues(tensors=1, largest=largest, relative=None, tolerance=1e9)
    reproduce(town, "within", 1, None, values=far)
    town.enter("Kim", day=3)
    town.force_through("1.1.0")
    (message,) = [words for kind, words in town.name_findings() if kind == "gate"]
    assert message.startswith("says that its gate `reproduced within 1e-")
    assert "passed, and within on" in message


@pytest.mark.parametrize("evidence", [None, Digest.of_bytes(b"another")])
def test_a_pass_by_another_record_than_the_one_that_decides_is_named(
    town: Town, evidence: Digest | None
) -> None:
    ask(town, "reproduced: identical")
    town.enter("Kim", day=2)
    reproduce(town, "identical", 1, None)
    town.enter("Kim", day=3)
    town.promote("1.1.0", "production")
    assert [words for kind, words in town.name_findings() if kind == "gate"] == []
    gates = [
        replace(gate, evidence=evidence) if gate.gate.startswith("reproduced") else gate
        for gate in town.read_last().gates
    ]
    town.rewrite_last(gates=tuple(gates))
    (message,) = [words for kind, words in town.name_findings() if kind == "gate"]
    assert message.endswith("which is not what it was judged by")


@pytest.mark.parametrize(
    ("answer", "is_own", "words"),
    [
        ("identical", False, "says `identical`, and that other weights came out"),
        ("different", True, "says `different`, and that the version's own weights came out"),
    ],
)
def test_an_answer_that_contradicts_its_weights_is_named(
    town: Town, answer: ReproductionAnswer, is_own: bool, words: str
) -> None:
    town.enter("Kim", day=2)
    version, _ = town.project.registry.read_version("m", "1.1.0")
    weights = version.weights.digest if is_own else Digest.of_bytes(b"others")
    reproduce(town, answer, 1, None, weights)
    done = town.repository.mlver("verify", "--all")
    assert done.code == 1
    assert words in " ".join(done.out.split())


def test_numbers_beyond_the_tolerance_are_named(town: Town) -> None:
    town.enter("Kim", day=2)
    beyond = ComparedValues(tensors=1, largest=99.0, relative=0.5, tolerance=0.001)
    reproduce(town, "within", 1, None, values=beyond)
    done = town.repository.mlver("verify", "--all")
    assert done.code == 1
    assert "says `within` 0.001, and that numbers differ by more" in " ".join(done.out.split())


def test_a_reproduction_from_before_its_version_is_named(town: Town) -> None:
    town.enter("Kim", day=-400)
    reproduce(town, "different", 1, None)
    done = town.repository.mlver("verify", "--all")
    assert done.code == 1
    assert "reproductions/1.1.0/0001.yaml" in done.out
    assert "date" in done.out
