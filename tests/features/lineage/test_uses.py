"""A version says which versions of other models it uses; a stage asks that none is retired."""

from __future__ import annotations

from typing import Any

import pytest

from mlver.project.history.data_uses import list_data_sets
from mlver.project.history.version_uses import find_lost_uses
from mlver.project.project import Project
from mlver.records import layout
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.merging.merges import run_git

RULE = "schema: mlver/config/1\nstages:\n  staging:\n    requires: {uses: true}\n"
AGAIN = ("--bump", "minor", "--allow-dirty", "-m", "again")


@pytest.fixture
def pipeline(family: Repository) -> Repository:
    """words 1.1.0 uses digits 1.1.0, and sounds 1.0.0 uses words 1.1.0; staging asks."""
    family.write(layout.CONFIG, RULE)
    family.commit("Rule")
    assert_works(family, "register", "words", "--uses", "digits@staging", *AGAIN)
    sounds = ("--weights", "w", "--uses", "words@1.1.0", "--allow-dirty", "-m", "on words")
    assert_works(family, "register", "sounds", *sounds)
    return family


def judge(repository: Repository, ref: str) -> Any:
    document = read_document(repository.mlver("gates", ref, "--to", "staging", "--json"), "gates")
    (found,) = (gate for gate in document["gates"] if gate["gate"] == "uses")
    return found["result"], found["actual"]


def test_the_record_pins_what_is_used(pipeline: Repository) -> None:
    registry = Project.open_existing(pipeline.path).registry
    record, _ = registry.read_version("words", "1.1.0")
    _, digest = registry.read_version("digits", "1.1.0")
    assert [(use.model, use.version, use.record) for use in record.uses] == [
        ("digits", "1.1.0", digest)
    ]
    assert_works(pipeline, "verify", "--all")


def test_lineage_and_data_go_through_what_is_used(pipeline: Repository) -> None:
    shown = assert_works(pipeline, "lineage", "sounds@1.0.0", "--up")
    assert "uses  words 1.1.0" in shown
    assert "uses  digits 1.1.0  staging" in shown
    assert "used by  sounds 1.0.0" in assert_works(pipeline, "lineage", "words@1.1.0")
    audited = pipeline.mlver("audit", "--data", "digits@1.0.0:train", "--json")
    uses = read_document(audited, "dataaudit")["uses"]
    assert "sounds" in {use["model"] for use in uses}


def test_the_gate_shuts_when_something_below_is_retired(pipeline: Repository) -> None:
    assert judge(pipeline, "sounds@1.0.0") == ("pass", "in use: words@1.1.0; digits@1.1.0")
    assert_works(pipeline, "retire", "digits@1.1.0", "-m", "Biased")
    assert judge(pipeline, "sounds@1.0.0") == ("fail", "digits@1.1.0 is retired: Biased")
    assert judge(pipeline, "digits@1.0.0") == ("pass", "it uses no other model")
    refused = pipeline.mlver("promote", "sounds@1.0.0", "--to", "staging", "-m", "try")
    assert (refused.code, "hint: mlver show digits@1.1.0" in refused.out) == (1, True)
    assert_works(pipeline, "retire", "digits@1.1.0", "--restore", "-m", "Checked")
    assert judge(pipeline, "sounds@1.0.0")[0] == "pass"


def test_another_record_under_the_same_number_is_named(pipeline: Repository) -> None:
    path = layout.version_path("digits", "1.1.0")
    pipeline.write(path, (pipeline.path / path).read_text().replace("second", "Second"))
    result, actual = judge(pipeline, "words@1.1.0")
    assert (result, "another record now" in actual) == ("fail", True)
    shown = assert_works(pipeline, "lineage", "words@1.1.0")
    assert "another record than words 1.1.0 used" in shown


def test_a_retired_version_may_be_used_and_is_told(family: Repository) -> None:
    assert_works(family, "retire", "digits@1.0.0", "-m", "Old")
    done = family.mlver("register", "words", "--uses", "digits@1.0.0", *AGAIN)
    assert (done.code, done.err) == (0, "note: digits@1.0.0 is retired: Old\n")
    assert "uses  digits@1.0.0" in done.out


def test_an_amended_version_keeps_what_it_uses(pipeline: Repository) -> None:
    amended = read_document(
        pipeline.mlver("register", "sounds", "--amend", "-m", "on words, still", "--json"),
        "register",
    )
    assert amended["uses"] == ["words@1.1.0"]
    amended = read_document(
        pipeline.mlver("register", "sounds", "--amend", "--uses", "digits@1.0.0", "--json"),
        "register",
    )
    assert amended["uses"] == ["digits@1.0.0"]


@pytest.mark.parametrize(
    ("uses", "code", "message"),
    [
        (("words@1.0.0",), 2, "--uses is for versions of other models"),
        (("digits@1.0.0", "digits@1.0"), 2, "--uses names digits@1.0.0 twice"),
        (("digits@9.9.9",), 3, "has no version 9.9.9"),
        (("moon@1.0.0",), 3, "moon"),
        (("digits@@",), 2, "is neither a version nor a stage"),
    ],
)
def test_what_cannot_be_used_is_refused(
    family: Repository, uses: tuple[str, ...], code: int, message: str
) -> None:
    words = [word for ref in uses for word in ("--uses", ref)]
    assert message in assert_refused(family, "register", "words", *words, *AGAIN, code=code)


def test_what_was_used_is_found_through_what_uses_it(pipeline: Repository) -> None:
    registry = Project.open_existing(pipeline.path).registry
    sounds, _ = registry.read_version("sounds", "1.0.0")
    found = [(use.model, fault) for use, fault in find_lost_uses(registry, sounds)]
    assert found == [("words", None), ("digits", None)]
    (pipeline.path / layout.version_path("digits", "1.1.0")).unlink()
    registry = Project.open_existing(pipeline.path).registry
    (_, (used, fault)) = find_lost_uses(registry, sounds)
    assert (used.model, fault) == ("digits", "is no version that is here as it was used")


def test_a_promotion_that_rests_on_a_lost_version_is_named(pipeline: Repository) -> None:
    assert_works(pipeline, "promote", "sounds@1.0.0", "--to", "staging", "-m", "Ready")
    pipeline.git("rm", "--quiet", layout.version_path("digits", "1.1.0"))
    pipeline.commit("Lose it")
    done = pipeline.mlver("verify", "--all")
    said = " ".join(done.out.split())
    assert done.code == 1
    assert "its gate `uses` passed, and digits@1.1.0 is no version that is here" in said


def test_the_next_version_uses_what_the_one_before_does(pipeline: Repository) -> None:
    done = pipeline.mlver("register", "words", *AGAIN)
    said = "uses  digits@1.1.0  as 1.1.0 does; --uses or --no-uses says otherwise"
    assert (done.code, said in " ".join(done.out.split("\n")), done.err) == (0, True, "")
    assert "digits@1.1.0" in assert_works(pipeline, "show", "words@1.2.0")
    assert "uses" not in assert_works(pipeline, "diff", "words@1.1.0", "@1.2.0")


def test_it_can_use_others_or_none(pipeline: Repository) -> None:
    other = read_document(
        pipeline.mlver("register", "words", "--uses", "digits@1.2.0", *AGAIN, "--json"), "register"
    )
    assert (other["uses"], other["inherited_uses"]) == (["digits@1.2.0"], False)
    none = read_document(
        pipeline.mlver("register", "words", "--no-uses", *AGAIN, "--json"), "register"
    )
    assert (none["uses"], none["inherited_uses"]) == ([], False)
    changed = assert_works(pipeline, "diff", "words@1.1.0", "@1.2.0")
    assert "uses\n  digits  1.1.0 → 1.2.0\n" in changed
    assert "digits  1.2.0  removed" in assert_works(pipeline, "diff", "words@1.2.0", "@1.3.0")
    both = ("--no-uses", "--uses", "digits@1.2.0")
    said = assert_refused(pipeline, "register", "words", *both, *AGAIN, code=2)
    assert "--no-uses says that it uses no other model" in said


def test_an_amended_version_may_use_nothing_any_more(pipeline: Repository) -> None:
    amended = pipeline.mlver("register", "sounds", "--amend", "--no-uses", "--json")
    assert read_document(amended, "register")["uses"] == []


def test_what_is_inherited_is_told_if_it_is_retired(pipeline: Repository) -> None:
    assert_works(pipeline, "retire", "digits@1.1.0", "-m", "Biased")
    done = pipeline.mlver("register", "words", *AGAIN)
    assert (done.code, done.err) == (0, "note: digits@1.1.0 is retired: Biased\n")


def test_what_is_gone_is_not_inherited(pipeline: Repository) -> None:
    pipeline.git("rm", "--quiet", layout.version_path("digits", "1.1.0"))
    pipeline.commit("Lose it")
    said = assert_refused(pipeline, "register", "words", *AGAIN)
    assert "words 1.1.0 uses digits@1.1.0, which is no longer here as it was used" in said
    assert "hint: mlver register words --uses digits@VERSION --bump minor" in said
    assert "--no-uses" in said


@pytest.mark.parametrize("message", [("-m", "again"), ()], ids=["said why", "said nothing"])
def test_the_hint_for_an_own_version_does_not_repeat_the_fault(
    family: Repository, message: tuple[str, ...]
) -> None:
    words = ("register", "digits", "--uses", "words@1.0.0", "--uses", "digits@1.0.0")
    said = assert_refused(family, *words, "--bump", "minor", *message, code=2)
    (hint,) = (line for line in said.splitlines() if line.startswith("hint: "))
    again = "mlver register digits --uses words@1.0.0 --bump minor --parent 1.0.0 -m"
    assert hint == f"hint: {again} {'again' if message else 'WHY'}"


def test_a_wrong_name_is_told_before_anything_is_stored(family: Repository) -> None:
    family.write("w", "weights that nobody has stored")
    store = family.path / ".git/mlver/objects"
    before = sorted(store.rglob("*"))
    assert_refused(family, "register", "words", "--uses", "digits@9.9.9", *AGAIN)
    assert sorted(store.rglob("*")) == before


def test_a_version_that_a_merge_renumbered_is_still_the_one_that_is_used(
    family: Repository,
) -> None:
    """It has another number and another digest by then; its record names those from before."""
    family.write(layout.CONFIG, RULE)
    family.commit("Rule")
    family.git("switch", "--quiet", "-c", "side")
    family.write("rows/a.csv", "rows of the branch")
    assert_works(family, "register", "words", "--param", "side=1", *AGAIN)
    sounds = ("--weights", "w", "--uses", "words@1.1.0", "--allow-dirty", "-m", "on words")
    assert_works(family, "register", "sounds", *sounds)
    family.git("tag", "--delete", "words@v1.1.0")
    family.git("switch", "--quiet", "main")
    family.write("rows/a.csv", "first rows")
    assert_works(family, "register", "words", "--param", "main=1", *AGAIN)
    assert run_git(family, "merge", "--quiet", "side") != 0
    assert "→ words/versions/1.2.0" in assert_works(family, "resolve")
    family.git("commit", "--quiet", "--no-edit")
    registry = Project.open_existing(family.path).registry
    record, _ = registry.read_version("sounds", "1.0.0")
    ((used, fault),) = find_lost_uses(registry, record)
    assert (record.uses[0].version, used.version, fault) == ("1.1.0", "1.2.0", None)
    assert judge(family, "sounds@1.0.0") == ("pass", "in use: words@1.2.0")
    shown = assert_works(family, "lineage", "sounds", "--up")
    assert "uses  words 1.2.0" in shown
    assert "another record" not in shown
    audited = family.mlver("audit", "--data", "words@1.2.0:train", "--json")
    through = {use["model"]: use["through"] for use in read_document(audited, "dataaudit")["uses"]}
    assert through == {"words": None, "sounds": "words@1.2.0"}
    assert [data for _, _, data in list_data_sets(registry, record)[0]] == [
        registry.read_version("words", "1.2.0")[0].data["train"].digest
    ]
    assert "uses  words@1.2.0" in assert_works(family, "register", "sounds", *AGAIN)
    registry = Project.open_existing(family.path).registry
    record, _ = registry.read_version("sounds", "1.1.0")
    _, digest = registry.read_version("words", "1.2.0")
    assert [use.record for use in record.uses] == [digest]
