"""A gate that opens to a version which answers as the stage's holder does."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.records import layout
from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

# Ten rows; the second version answers another word in as many as it is told.
MEASURE = """\
for row in 0 1 2 3 4 5 6 7 8 9; do
  answer=yes
  if [ "$MLVER_VERSION" = 1.1.0 ] && [ "$row" -lt "$OTHERS" ]; then answer=no; fi
  printf '1\\t%s\\n' "$answer"
done > {samples}
printf '{"accuracy": 1}' > {metrics}
"""


def ask_for(repository: Repository, least: str) -> None:
    path = repository.path / layout.CONFIG
    gate = f"{{agreement: {least}, on: golden}}"
    text = path.read_text().replace("  production:\n", f"  production:\n    gates: [{gate}]\n", 1)
    path.write_text(text)
    repository.commit("Ask for agreement")


def measure(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, version: str, others: int
) -> None:
    monkeypatch.setenv("OTHERS", str(others))
    words = ("evaluate", f"digits@{version}", "--on", "golden", "--", "sh", "-c", MEASURE)
    assert_works(repository, *words)


def promote(repository: Repository) -> tuple[str, str, str]:
    """The gate's result for 1.1.0, what it found, and all that is printed."""
    words = ("promote", "digits@1.1.0", "--to", "production", "-m", "New", "--dry-run")
    done = repository.mlver(*words, "--json")
    document = read_document(done, "promote")
    (gate,) = [item for item in document["gates"] if item["gate"] == "agreement on golden"]
    assert done.code == (0 if gate["result"] == "pass" else 1)
    return gate["result"], gate["actual"], repository.mlver(*words).out


@pytest.mark.parametrize(
    ("others", "least", "result"),
    [(0, "1", "pass"), (1, "0.9", "pass"), (2, "0.9", "fail"), (1, "0.91", "fail")],
)
def test_rows_with_the_same_answer_are_counted_and_a_tie_passes(
    examined: Repository, monkeypatch: pytest.MonkeyPatch, others: int, least: str, result: str
) -> None:
    ask_for(examined, least)
    measure(examined, monkeypatch, "1.0.0", 0)
    measure(examined, monkeypatch, "1.1.0", others)
    share = {0: "1", 1: "0.9", 2: "0.8"}[others]
    told, actual, _ = promote(examined)
    assert told == result
    assert actual.startswith(share)
    assert actual.endswith(f": the same answers in {10 - others} of 10 rows")


def test_whatever_is_missing_is_inconclusive_and_says_what_settles_it(
    examined: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_for(examined, "0.9")
    told = promote(examined)
    assert told[:2] == ("inconclusive", "1.1.0 was not evaluated on golden")
    assert "mlver evaluate digits@1.1.0 --on golden -- COMMAND" in told[2]
    measure(examined, monkeypatch, "1.1.0", 0)
    told = promote(examined)
    assert told[:2] == ("inconclusive", "1.0.0 was not evaluated on golden")
    assert "mlver evaluate digits@1.0.0 --on golden -- COMMAND" in told[2]
    plain = ("sh", "-c", "printf '{\"accuracy\": 1}' > {metrics}")
    assert_works(examined, "evaluate", "digits@1.0.0", "--on", "golden", "--", *plain)
    assert promote(examined)[1] == "1.0.0 was evaluated on golden without samples"
    short = ("sh", "-c", "printf '{\"accuracy\": 1}' > {metrics}; printf '1\\tyes\\n' > {samples}")
    assert_works(examined, "evaluate", "digits@1.0.0", "--on", "golden", "--", *short)
    assert promote(examined)[:2] == (
        "inconclusive",
        "its samples have 10 rows, and 1.0.0 has 1",
    )


def test_samples_that_are_not_here_are_missed(
    examined: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_for(examined, "0.9")
    measure(examined, monkeypatch, "1.0.0", 0)
    measure(examined, monkeypatch, "1.1.0", 1)
    for folder in ("objects", "packs"):
        place = examined.path / ".git/mlver" / folder
        if place.exists():
            place.rename(place.with_name(f"{folder}-elsewhere"))
    told, actual, hint = promote(examined)
    assert (told, actual) == ("inconclusive", "the samples of 1.1.0 on golden are not here")
    assert "mlver pull digits@1.1.0" in hint
    assert "mlver evaluate digits@1.1.0 --on golden -- COMMAND" in hint


def test_pull_brings_the_samples(
    examined: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ask_for(examined, "0.9")
    measure(examined, monkeypatch, "1.0.0", 0)
    measure(examined, monkeypatch, "1.1.0", 1)
    assert_works(examined, "remote", "add", "storage", str(tmp_path / "store"), "--init")
    examined.commit("A remote")
    assert examined.mlver("push", "--objects").code == 0
    for folder in ("objects", "packs"):
        place = examined.path / ".git/mlver" / folder
        if place.exists():
            place.rename(tmp_path / folder)
    assert ask_gates(examined) == ["the samples of 1.1.0 on golden are not here"]
    assert_works(examined, "pull", "digits@1.1.0", "--only", "weights")
    assert ask_gates(examined) == ["the samples of 1.1.0 on golden are not here"]
    assert_works(examined, "pull", "digits@1.1.0", "digits@1.0.0")
    assert ask_gates(examined) == ["0.9: the same answers in 9 of 10 rows"]


def ask_gates(repository: Repository) -> list[str]:
    """What the gate of agreement finds, whatever the others do."""
    words = ("gates", "digits@1.1.0", "--to", "production", "--json")
    gates = read_document(repository.mlver(*words), "gates")["gates"]
    return [gate["actual"] for gate in gates if gate["gate"] == "agreement on golden"]


def test_the_settings_say_what_an_entry_may_hold(examined: Repository) -> None:
    for entry in ("{agreement: 1.5, on: golden}", "{agreement: 0.9}", "{agreement: 0, on: golden}"):
        path = examined.path / layout.CONFIG
        before = path.read_text()
        path.write_text(
            before.replace("  production:\n", f"  production:\n    gates: [{entry}]\n", 1)
        )
        assert examined.mlver("list").code == 0
        done = examined.mlver("promote", "digits@1.1.0", "--to", "production", "-m", "New")
        assert (done.code, "agreement" in done.err or "on" in done.err) == (3, True)
        path.write_text(before)
