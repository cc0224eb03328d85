"""Lineage tells what a version was made from, what came of it, and what came of data."""

from __future__ import annotations

from typing import Any

import pytest

from mlver.digest import Digest
from mlver.records import layout
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

FIRST_ROWS = str(Digest.of_bytes(b"first rows"))


def trace(repository: Repository, *arguments: str) -> Any:
    return read_document(repository.mlver("lineage", *arguments, "--json"), "lineage")


def list_edges(document: Any, way: str, relation: str) -> list[tuple[str, str]]:
    found = []
    for edge in document["edges"]:
        if (edge["way"], edge["relation"]) == (way, relation):
            found.append((edge["origin"], edge["result"]))
    return found


def test_a_version_is_shown_with_everything_around_it(family: Repository) -> None:
    document = trace(family, "digits@1.1.0")
    assert document["root"] == "version:digits@1.1.0"
    assert list_edges(document, "up", "parent") == [("version:digits@1.0.0", document["root"])]
    assert list_edges(document, "down", "parent") == [(document["root"], "version:digits@1.2.0")]
    ((_, promotion),) = list_edges(document, "down", "promotion")
    assert promotion == "promotion:digits@staging.1"
    assert [result for _, result in list_edges(document, "beside", "data")] == [
        "version:words@1.0.0"
    ]
    assert len(list_edges(document, "up", "code")) == 2
    nodes = {node["id"]: node for node in document["nodes"]}
    assert nodes[document["root"]]["stages"] == ["staging"]
    assert (document["hidden_up"], document["hidden_down"]) == (0, 0)


def test_the_tree_names_each_step(family: Repository) -> None:
    shown = assert_works(family, "lineage", "digits@1.1.0")
    lines = [line.split("  ") for line in shown.splitlines()]
    assert lines[0][:2] == ["digits 1.1.0", "staging"]
    assert lines[1][:2] == ["├─ trained from", "digits 1.0.0"]
    assert "│  └─ also trained words 1.0.0" in shown
    assert "├─ led to  digits 1.2.0" in shown
    assert "└─ moved  digits@staging.1  promoted to staging" in shown


def test_up_goes_all_the_way_and_down_as_well(family: Repository) -> None:
    up = trace(family, "digits@1.2.0", "--up")
    assert len(list_edges(up, "up", "parent")) == 2
    down = trace(family, "digits@1.0.0", "--down")
    assert len(list_edges(down, "down", "parent")) == 2
    near = trace(family, "digits@1.2.0", "--up", "--depth", "1")
    assert (len(list_edges(near, "up", "parent")), near["hidden_up"]) == (1, 1)
    shown = assert_works(family, "lineage", "digits@1.0.0")
    assert shown.endswith("1 more version further down: mlver lineage digits@1.0.0 --down\n")


@pytest.mark.parametrize("data", ["rows/a.csv", FIRST_ROWS, FIRST_ROWS[:20]])
def test_a_file_in_a_data_set_leads_to_all_that_came_of_it(family: Repository, data: str) -> None:
    if len(data) == 20:
        assert_works(
            family, "authorise", FIRST_ROWS, "--basis", "contract", "--purpose", "any", "-m", "Ok"
        )
    document = trace(family, "--data", data)
    assert document["root"] == f"data:{FIRST_ROWS}"
    assert len(list_edges(document, "down", "holds")) == 1
    trained = {result for _, result in list_edges(document, "down", "data")}
    versions = ("digits@1.0.0", "digits@1.1.0", "words@1.0.0")
    assert trained == {f"version:{name}" for name in versions}
    assert ("version:digits@1.1.0", "version:digits@1.2.0") in list_edges(
        document, "down", "parent"
    )


@pytest.mark.parametrize("data", ["rows/a.csv", "rows", "digits@1.2.0:train"])
def test_audit_finds_the_same_uses_of_data(family: Repository, data: str) -> None:
    audited = read_document(family.mlver("audit", "--data", data, "--json"), "dataaudit")
    traced = trace(family, "--data", data)
    found = {(node["name"], tuple(node["stages"])) for node in traced["nodes"]}
    uses = {(f"{use['model']} {use['version']}", tuple(use["stages"])) for use in audited["uses"]}
    assert uses
    assert uses == {(name, stages) for name, stages in found if " " in name}


def test_what_speaks_against_a_node_is_told(family: Repository) -> None:
    assert_works(family, "retire", "digits@1.0.0", "-m", "Wrong labels")
    family.git("tag", "--delete", "digits@v1.1.0", "digits@staging.1")
    nodes = {node["id"]: node["remarks"] for node in trace(family, "digits@1.1.0")["nodes"]}
    assert "retired: Wrong labels" in nodes["version:digits@1.0.0"]
    assert {"unsealed", "no seal gives it staging"} <= set(nodes["version:digits@1.1.0"])
    assert nodes["promotion:digits@staging.1"] == ["unsealed"]


def test_a_record_that_cannot_be_read_hides_no_other(family: Repository) -> None:
    family.write(layout.version_path("digits", "1.0.0"), "no: record\n")
    document = trace(family, "digits@1.1.0")
    nodes = {node["id"]: node["remarks"] for node in document["nodes"]}
    assert nodes["version:digits@1.0.0"] == ["no record that can be read"]
    assert document["unread"][0].startswith(".mlver/models/digits/versions/1.0.0.yaml")
    assert "unreadable: " in assert_works(family, "lineage", "digits@1.1.0")


def test_an_evaluation_stands_below_its_version_and_its_data(family: Repository) -> None:
    family.write("golden.csv", "7\n8\n")
    assert_works(family, "config", "pin", "golden", "golden.csv")
    family.commit("Pin")
    script = "import os; open(os.environ['MLVER_METRICS'], 'w').write('{\"accuracy\": 0.5}')"
    assert (
        family.mlver(
            "evaluate", "digits@1.1.0", "--on", "golden", "-m", "try", "--", "python3", "-c", script
        ).code
        == 0
    )
    document = trace(family, "digits@1.1.0")
    ((_, evaluation),) = list_edges(document, "down", "evaluation")
    nodes = {node["id"]: node for node in document["nodes"]}
    assert nodes[evaluation]["detail"] == "accuracy 0.5"
    assert "evaluated  on golden  accuracy 0.5" in assert_works(family, "lineage", "digits@1.1.0")
    golden = trace(family, "--data", "golden")
    assert golden["edges"] == []
    said = assert_works(family, "lineage", "--data", "golden")
    assert said.endswith("\n  nothing here was trained on it\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("digits", "--up", "--down"), "give --up or --down"),
        (("digits", "--data", "rows"), "--data takes the place of REF"),
        (("--data", "rows", "--up"), "--data takes the place of REF"),
        (("--data", "sha256:xyz"), "is no digest"),
        (("--data", "nowhere.csv"), "is neither a pinned data set"),
        (("--data", "train"), "say whose: digits@1.2.0:train"),
        (("digits", "--depth", "0"), "--depth"),
        (("digits", "--format", "svg"), "--format"),
    ],
)
def test_a_wrong_question_is_refused(
    family: Repository, arguments: tuple[str, ...], message: str
) -> None:
    assert message in assert_refused(family, "lineage", *arguments, code=2)


def test_json_is_asked_for_in_one_way(family: Repository) -> None:
    asked = family.mlver("lineage", "digits@1.1.0", "--format", "json")
    assert asked.out == family.mlver("lineage", "digits@1.1.0", "--json").out
    assert family.mlver("lineage", "digits", "--format", "dot", "--json").code == 2
