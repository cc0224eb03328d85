"""What finds the place of a mutation finds that one only, and changes nothing else."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from tests.faults.mutate import Mutation, change_source

MODULE = """
import os

from kit import discard, lock, report, sync, temporary

OPTIONS = (*("-c", "a=1"), *("-c", "b=2"))


def write(path, data):
    prepared = temporary(path.parent, data)
    with lock(path):
        prepared.replace(path)
        report(path, loud=True, also=[data])
    if data and path.exists() and path.is_file():
        sync(path)
    else:
        discard(path)
    return os.fspath(path)


class Store:
    def sync(self):
        for path in self.paths:
            sync(path)

    def drop(self):
        def undo():
            return sync(self.paths)

        return sync(undo)
"""


def changed(function: str, old: str, new: str) -> str:
    return change_source(MODULE, f"module:{function}", textwrap.dedent(old), textwrap.dedent(new))


def expected(*replacements: tuple[str, str]) -> str:
    text = MODULE
    for old, new in replacements:
        assert text.count(old) == 1, "the test itself is wrong"
        text = text.replace(old, new)
    return ast.unparse(ast.parse(text))


@pytest.mark.parametrize(
    ("function", "old", "new", "text", "instead"),
    [
        pytest.param(
            "Store.sync",
            "sync(path)",
            "pass",
            "            sync(path)\n\n",
            "            pass\n\n",
            id="method",
        ),
        pytest.param(
            "Store.drop.undo",
            "sync(self.paths)",
            "None",
            "sync(self.paths)",
            "None",
            id="inner-function",
        ),
        pytest.param(
            "",
            '*("-c", "a=1")',
            "",
            '*("-c", "a=1"), *("-c", "b=2")',
            '*("-c", "b=2"),',
            id="item-of-a-tuple",
        ),
        pytest.param("write", "also=_", "", ", also=[data]", "", id="keyword-removed"),
        pytest.param(
            "write", "also=[_1]", "also=_1", "also=[data]", "also=data", id="keyword-replaced"
        ),
        pytest.param(
            "write",
            "report(_1, ...)",
            "report(_1)",
            ", loud=True, also=[data]",
            "",
            id="rest-of-a-call",
        ),
        pytest.param(
            "write", "path.is_file()", "", " and path.is_file()", "", id="part-of-a-condition"
        ),
        pytest.param("write", "os.fspath(_1)", "_1", "os.fspath(path)", "path", id="expression"),
        pytest.param("write", "_.exists()", "False", "path.exists()", "False", id="wildcard"),
        pytest.param(
            "write",
            "_1.replace(_2)",
            "_2.write_bytes(data)\n_1.unlink()",
            "prepared.replace(path)",
            "path.write_bytes(data); prepared.unlink()",
            id="statement-by-two",
        ),
        pytest.param(
            "write",
            "prepared.replace(_)\nreport(...)",
            "pass",
            "prepared.replace(path)\n        report(path, loud=True, also=[data])",
            "pass",
            id="two-statements-by-one",
        ),
        pytest.param(
            "write",
            "with lock(_1): ...",
            "if _1: ...",
            "with lock(path):",
            "if path:",
            id="block-is-kept",
        ),
        pytest.param(
            "write",
            """
            if _:
                ...
            else:
                ...
            """,
            """
            if True:
                ...
            else:
                ...
            """,
            "if data and path.exists() and path.is_file():",
            "if True:",
            id="two-blocks-are-kept-in-order",
        ),
    ],
)
def test_one_place_is_changed(function: str, old: str, new: str, text: str, instead: str) -> None:
    assert changed(function, old, new) == expected((text, instead))


def test_a_block_that_loses_its_only_statement_passes() -> None:
    assert changed("Store.sync", "sync(_)", "") == expected(
        ("            sync(path)\n\n", "            pass\n\n")
    )


def test_what_stands_nowhere_is_refused() -> None:
    with pytest.raises(LookupError, match="write has 0 places like: sync_directory"):
        changed("write", "sync_directory(...)", "")


def test_what_stands_in_two_places_is_refused() -> None:
    with pytest.raises(LookupError, match="Store has 2 places"):
        changed("Store", "return sync(...)", "return")


def test_the_same_text_elsewhere_is_left_alone() -> None:
    assert changed("write", "sync(path)", "").count("sync(path)") == 1


@pytest.mark.parametrize("function", ["gone", "Store.gone", "undo"])
def test_a_function_that_is_not_there_is_refused(function: str) -> None:
    with pytest.raises(LookupError, match="0 definitions of"):
        changed(function, "sync(...)", "")


def test_a_wildcard_that_appears_twice_stands_for_one_thing() -> None:
    source = "def compare(a, b):\n    a.x == b.x\n    a.x == a.x\n"
    assert change_source(source, "module:compare", "_1.x == _1.x", "True").endswith(
        "a.x == b.x\n    True"
    )


def test_a_number_is_not_a_truth_value() -> None:
    with pytest.raises(LookupError, match="0 places"):
        changed("write", "loud=1", "")


def test_a_part_that_nothing_else_could_stand_for_is_not_removed() -> None:
    """Half of a comparison, or the value of a return, has to be replaced by something."""
    with pytest.raises(LookupError, match="0 places"):
        change_source("def f(a, b):\n    return a < b\n", "module:f", "b", "")


def test_a_replacement_that_reads_an_unknown_name_is_refused() -> None:
    """A local that has another name since would end in a NameError, and any campaign would notice
    that.
    """
    with pytest.raises(NameError, match="knows nothing of content"):
        changed("write", "_.replace(_1)", "_1.write_bytes(content)")
    assert "write_bytes(data)" in changed("write", "_.replace(_1)", "_1.write_bytes(data)")


def test_a_package_is_found_as_a_module_is(tmp_path: Path) -> None:
    (tmp_path / "storage").mkdir()
    for where, file in (
        ("storage:f", "storage/__init__.py"),
        ("storage.deposit:D.f", "storage/deposit.py"),
    ):
        assert Mutation(where, "", "", "", "").find_file(tmp_path) == tmp_path / file
