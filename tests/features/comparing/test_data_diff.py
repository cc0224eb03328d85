"""Two tables are compared by schema, by rows and by columns."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

OLD = "id,age,city\n" + "".join(f"{n},{20 + n},Bern\n" for n in range(10))
# 0 is gone, 10 is new, 3 moved, and 4 is older; there is another column.
NEW = "id,city,age,score\n" + "".join(
    f"{n},{'Chur' if n == 3 else 'Bern'},{50 if n == 4 else 20 + n},0.5\n" for n in range(1, 11)
)
WORDS = ("diff", "digits@1.1.0", "@1.2.0", "--data", "train")


def register(repository: Repository, rows: str) -> None:
    repository.write("data/train.csv", rows)
    assert_works(repository, "register", "digits", "--bump", "minor", "-m", "Rows")


@pytest.fixture
def changed(first: Repository) -> Repository:
    register(first, OLD)
    register(first, NEW)
    return first


def diff(repository: Repository, *arguments: str, code: int = 0) -> Any:
    done = repository.mlver(*arguments, "--json")
    assert (done.code, done.err) == (code, "")
    return read_document(done, "datadiff")


def test_rows_are_compared_by_their_key(changed: Repository) -> None:
    document = diff(changed, *WORDS, "--key", "id", "--exit-code", code=1)
    assert document["rows"] == {
        "key": ["id"],
        "added": 1,
        "removed": 1,
        "changed": 2,
        "cells": {"age": 1, "city": 1},
    }
    columns = {column["name"]: column for column in document["columns"]}
    assert list(columns) == ["id", "city", "age", "score"]
    assert (columns["score"]["old_type"], columns["score"]["new_type"]) == (None, "DOUBLE")
    assert columns["age"]["old"]["quantiles"] == [20, 22, 24, 27, 29]
    assert columns["age"]["old"]["mean"] == 24.5
    assert columns["city"]["added"] == ["Chur"]


def test_rows_without_a_key_are_compared_as_a_whole(changed: Repository) -> None:
    document = diff(changed, *WORDS)
    assert document["rows"] == {"key": [], "added": 3, "removed": 3, "changed": None, "cells": {}}


def test_the_screen_says_it_in_a_few_lines(changed: Repository) -> None:
    said = assert_works(changed, *WORDS, "--key", "id").splitlines()
    assert said[:3] == [
        "train of digits 1.1.0 → train of digits 1.2.0",
        "  rows     10 → 10  1 added  1 removed  2 changed  by id",
        "  columns  4 of 4 differ",
    ]
    assert said[3].split() == ["column", "changed", "mean", "variance", "median"]
    assert said[-1].split() == ["score", "added:", "DOUBLE"]


def test_a_version_is_compared_with_the_work_tree(changed: Repository) -> None:
    changed.write("data/train.csv", NEW + "99,Bern,7,0.5\n")
    document = diff(changed, "diff", "digits@1.2.0", "--data", "train", "--key", "id")
    assert (document["new"], document["rows"]["added"]) == ("data/train.csv", 1)
    assert diff(changed, *WORDS[:2], "@1.1.0", "--data", "train")["differs"] is False


def test_a_key_of_several_columns(first: Repository) -> None:
    register(first, "a,b,x\n1,1,5\n1,2,5\n2,1,5\n")
    register(first, "a,b,x\n1,1,5\n1,2,6\n2,2,5\n")
    rows = diff(first, *WORDS, "--key", "a,b")["rows"]
    assert (rows["added"], rows["removed"], rows["changed"]) == (1, 1, 1)


def test_types_that_differ_are_named_and_values_compared(first: Repository) -> None:
    register(first, "id,x,y\n1,5,7\n2,6,8\n")
    register(first, "id,x,y\n1,5.0,7\n2,6.5,eight\n")
    document = diff(first, *WORDS, "--key", "id")
    assert document["rows"]["cells"] == {"x": 1, "y": 1}
    columns = {column["name"]: column for column in document["columns"]}
    assert (columns["y"]["old_type"], columns["y"]["new_type"]) == ("BIGINT", "VARCHAR")


def test_missing_values_are_equal_to_each_other_only(first: Repository) -> None:
    register(first, "id,x\n1,\n2,5\n3,NA\n")
    register(first, "id,x\n1,NULL\n2,\n3,6\n")
    document = diff(first, *WORDS, "--key", "id")
    assert document["rows"]["cells"] == {"x": 2}
    (column,) = [column for column in document["columns"] if column["name"] == "x"]
    assert (column["old"]["missing"], column["new"]["missing"]) == (2, 2)


REFUSED = {
    "no such key": (("--key", "name"), "--key names name, and both tables have id, age, city"),
    "no key": (("--key", "city"), "city is no key of train of digits 1.1.0: it has 1 keys of"),
    "a range": (("--markdown",), "--data compares two versions, or one with files, on a screen"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_key_is_refused(changed: Repository, case: str) -> None:
    arguments, message = REFUSED[case]
    assert message in assert_refused(changed, *WORDS, *arguments, code=2)


def test_a_key_needs_a_table(changed: Repository) -> None:
    said = assert_refused(changed, "diff", "digits@1.1.0", "--key", "id", code=2)
    assert "--key is for --data" in said


def test_rows_without_a_key_value_are_refused(first: Repository) -> None:
    register(first, "id,x\n1,5\n,6\n")
    register(first, "id,x\n1,5\n2,6\n")
    said = assert_refused(first, *WORDS, "--key", "id", code=2)
    assert "it has 1 rows without one" in said


def test_a_folder_of_tables_is_one_table(first: Repository) -> None:
    shutil.rmtree(first.path / "data")
    for number in range(3):
        first.write(f"data/parts/{number}.csv", f"id,x\n{number},{number}\n")
    words = ("--data", "train=data/parts", "--bump", "minor")
    assert_works(first, "register", "digits", *words, "-m", "Parts")
    first.write("data/parts/3.csv", "id,x\n3,3\n")
    assert_works(first, "register", "digits", "--bump", "minor", "-m", "One more")
    document = diff(first, *WORDS, "--key", "id")
    assert (document["old_rows"], document["new_rows"], document["rows"]["added"]) == (3, 4, 1)
    said = assert_refused(first, "diff", "digits@1.2.0", "--data", "train", code=2)
    assert "data/parts is no single file: name a second version" in said
