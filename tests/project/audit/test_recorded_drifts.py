"""A drift that was recorded is judged again: by the policy, by its numbers, and by profiles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlver.content.tables.engine import open_engine
from mlver.content.tables.profiling import profile_table
from mlver.content.tables.table import TableFiles, load_table
from mlver.digest import Digest
from mlver.document import codec
from mlver.policy.drift.recorded import keep_columns
from mlver.policy.drift.verdict import measure_tables
from mlver.records import layout
from mlver.records.evaluation import EvaluationRecord, ServedData
from mlver.records.measured_drift import MeasuredDrift
from mlver.records.profile import TableProfile
from mlver.records.sections.insight import DriftThresholds
from tests.features.drifting.made_tables import write_rows
from tests.policy.drift.drifts import SERVED, make_drift, make_drift_record
from tests.project.audit.forging import AFTER, Town
from tests.project.helpers import register_one, write_artifact

TRAIN = write_rows(1)
LOOSE = DriftThresholds(ks=0.9, js=0.9, psi=9)


@pytest.fixture
def trained(town: Town) -> Town:
    """m 1.2.0 was trained on a table, and production asks that it did not move."""
    town.enter("Ana", day=1)
    town.edit_rule(f"  production:\n{AFTER}", "  production:\n    requires: {drift: none}\n")
    write_artifact(town.repository, "w", {"a": "1.2.0"})
    town.repository.write("train.csv", TRAIN)
    town.repository.commit("Rows")
    register_one(town.project, version="1.2.0", data={"train": "train.csv"})
    town.enter("Kim", day=2)
    return town


def record(town: Town, drift: MeasuredDrift, number: int = 1, **fields: Any) -> EvaluationRecord:
    """Record a drift of m 1.2.0, whatever it says."""
    digest = town.project.registry.read_version_digest("m", "1.2.0")
    assert digest is not None
    own: dict[str, Any] = {"version": "1.2.0", "record": digest, "sequence": number}
    own["created"] = town.project.record_time
    made = make_drift_record(drift, **{**own, **fields})
    town.repository.write(made.record_path, codec.encode_document("evaluation", made.to_document()))
    town.repository.commit("Record a drift")
    return made


def drift_of(moved: int = 0, **fields: Any) -> MeasuredDrift:
    return make_drift(moved, **{"digest": Digest.of_bytes(TRAIN.encode()), **fields})


def name_gates(town: Town) -> list[str]:
    return [message for kind, message in town.name_findings() if kind == "gate"]


def test_data_that_did_not_move_is_no_alarm_and_is_named_as_evidence(trained: Town) -> None:
    made = record(trained, drift_of())
    trained.promote("1.2.0", "production")
    (result,) = [gate for gate in trained.read_last().gates if gate.gate == "drift none"]
    path = trained.repository.path / made.record_path
    assert result.evidence == Digest.of_bytes(path.read_bytes())
    assert trained.name_findings() == []
    trained.enter("Kim", day=5)
    record(trained, drift_of(2), number=2)
    assert trained.name_findings() == []


@pytest.mark.parametrize("moved", [None, 2])
def test_data_that_moved_is_named(trained: Town, moved: int | None) -> None:
    base = trained.repository.git("rev-parse", "HEAD")
    if moved is not None:
        record(trained, drift_of(moved))
    trained.enter("Kim", day=3)
    trained.force_through("1.2.0")
    (message,) = name_gates(trained)
    assert message.startswith("says that its gate `drift none` passed, which by the records")
    assert trained.check_range(base)[0] == 1


def test_a_promotion_that_names_another_drift_is_named(trained: Town) -> None:
    record(trained, drift_of(2))
    trained.enter("Kim", day=3)
    record(trained, drift_of(), number=2)
    trained.enter("Kim", day=4)
    trained.promote("1.2.0", "production")
    gates = [
        replace(gate, evidence=SERVED) if gate.evidence is not None else gate
        for gate in trained.read_last().gates
    ]
    trained.rewrite_last(gates=tuple(gates))
    (message,) = name_gates(trained)
    assert message.endswith(f"by {SERVED}, which is not what it was judged by")


def test_thresholds_that_were_loosened_for_a_recording_are_seen(trained: Town) -> None:
    settings = "insight:\n  drift: {ks: 0.9, js: 0.9, psi: 9}\n"
    path = trained.repository.path / layout.CONFIG
    before = path.read_text()
    path.write_text(before + settings)
    record(trained, drift_of(2, thresholds=LOOSE))
    path.write_text(before)
    trained.repository.commit("As before")
    trained.enter("Kim", day=3)
    trained.force_through("1.2.0")
    (message,) = name_gates(trained)
    assert "2 of 5 columns of train had moved" in message


def test_a_rule_that_was_loosened_for_a_promotion_is_seen(trained: Town) -> None:
    base = trained.repository.git("rev-parse", "HEAD")
    path = trained.repository.path / layout.CONFIG
    before = path.read_text()
    record(trained, drift_of(2, thresholds=LOOSE))
    path.write_text(before + "insight:\n  drift: {ks: 0.9, js: 0.9, psi: 9}\n")
    trained.repository.commit("Ask less")
    trained.enter("Kim", day=3)
    trained.promote("1.2.0", "production")
    path.write_text(before)
    trained.repository.commit("As before")
    findings = trained.name_findings()
    assert [kind for kind, _ in findings] == ["policy"]
    assert "`insight.drift.ks`" in findings[0][1]
    code, said = trained.check_range(base)
    assert code == 1
    assert "insight.drift.ks" in said


FORGED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "fewer moved": (
        {"moved": 2},
        {"metrics": {"drift": {"columns": 0, "judged": 5}}},
        "its own distances say otherwise",
    ),
    "other data": ({"digest": SERVED}, {}, "is not the data of 1.2.0"),
    "its own data": (
        {},
        {"data": {"live": ServedData(served="x", digest=Digest.of_bytes(TRAIN.encode()))}},
        "the bytes of train of m@1.2.0, which it was trained on",
    ),
    "before its version": ({}, {"created": "2020-01-01T00:00:00Z"}, "2020"),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_drift_that_contradicts_what_is_here_is_named(trained: Town, case: str) -> None:
    base = trained.repository.git("rev-parse", "HEAD")
    drift, fields, words = FORGED[case]
    record(trained, drift_of(**drift), **fields)
    done = trained.repository.mlver("verify", "--all")
    assert done.code == 1
    assert words in " ".join(done.out.split())
    assert trained.check_range(base)[0] == 1


def profile(town: Town, name: str, text: str) -> TableProfile:
    """The profile of a table, kept in the repository."""
    path = town.repository.path / ".git" / f"{name}.csv"
    path.write_text(text)
    with open_engine([path], path.parent / "spilled") as connection:
        found = profile_table(
            connection, load_table(connection, TableFiles(name, "csv", (path,)), "t")
        )
    digest = Digest.of_bytes(text.encode())
    town.repository.write(layout.profile_path(digest), found.to_bytes(digest))
    return found


@pytest.fixture
def pinned(town: Town) -> Town:
    """m 1.2.0 was trained on a table whose profile its record pins."""
    town.enter("Ana", day=1)
    town.edit_rule(f"  production:\n{AFTER}", "  production:\n    requires: {drift: none}\n")
    path = town.repository.path / layout.CONFIG
    path.write_text(path.read_text() + "insight: {profiles: true}\n")
    write_artifact(town.repository, "w", {"a": "1.2.0"})
    town.repository.write("train.csv", TRAIN)
    town.repository.commit("Rows")
    register_one(town.project, version="1.2.0", data={"train": "train.csv"})
    town.enter("Kim", day=2)
    return town


def measure_live(town: Town, *, without: str = "") -> MeasuredDrift:
    """What comparing the table with other rows tells, but for one column."""
    (path,) = (town.repository.path / ".mlver/profiles").iterdir()
    digest = Digest.of_bytes(TRAIN.encode())
    own = TableProfile.parse(path.read_bytes(), str(path), digest)
    ignore = tuple(name for name in ("id", without) if name)
    thresholds = DriftThresholds(ignore=ignore)
    measured = measure_tables(own, own, ("id",))
    columns = tuple(one for one in keep_columns(measured) if one.name != without)
    return drift_of(columns=columns, ignored=("id",), thresholds=thresholds)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"without": "income"}, "leaves out income of train, and the kept profile says otherwise"),
        ({"old_rows": 500}, "says how many rows train has, and the kept profile says otherwise"),
        ({}, None),
    ],
)
def test_an_invented_table_is_held_against_the_profile_that_is_pinned(
    pinned: Town, changes: dict[str, Any], words: str | None
) -> None:
    """What was served is an invented digest, of which nobody has a profile."""
    settings = pinned.repository.path / layout.CONFIG
    text = settings.read_text().replace("{profiles: true}", "{drift: {ignore: [id]}}")
    settings.write_text(text)
    pinned.repository.commit("Leave out the id")
    drift = measure_live(pinned, without=changes.get("without", ""))
    rows = changes.get("old_rows")
    made = record(pinned, drift if rows is None else replace(drift, old_rows=rows))
    pinned.enter("Kim", day=3)
    said = pinned.repository.mlver("gates", "m@1.2.0", "--to", "production")
    done = pinned.repository.mlver("verify", "--all")
    assert (said.code, done.code) == ((0, 0) if words is None else (1, 1)), said
    if words is not None:
        assert words in " ".join(said.out.split())
        assert words in " ".join(done.out.split())
        pinned.promote("1.2.0", "production", force=True)
        told = f"on {made.created} none of {len(drift.columns)} columns of train had moved"
        gates = [replace(gate, result="pass", actual=told) for gate in pinned.read_last().gates]
        pinned.rewrite_last(forced=False, gates=tuple(gates))
        (message,) = name_gates(pinned)
        assert words in message


@pytest.mark.parametrize("is_forged", [False, True])
def test_profiles_tell_whether_a_drift_was_measured(trained: Town, is_forged: bool) -> None:
    live = write_rows(2, shift=1.0)
    tables = [profile(trained, "train", TRAIN), profile(trained, "live", live)]
    honest = measure_tables(tables[0], tables[1])
    claimed = measure_tables(tables[0], tables[0]) if is_forged else honest
    served = {"live": ServedData(served="x", digest=Digest.of_bytes(live.encode()))}
    record(trained, drift_of(columns=keep_columns(claimed), exact=False), data=served)
    done = trained.repository.mlver("verify", "--all")
    assert done.code == int(is_forged)
    assert ("the kept profiles say otherwise" in " ".join(done.out.split())) == is_forged
