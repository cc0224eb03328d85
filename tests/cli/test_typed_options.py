"""What counts as an option: never the value of another one, nor what stands behind `--`."""

from __future__ import annotations

import pytest

from mlver.cli.typed_options import list_typed_options
from tests.cli.results import read_document
from tests.conftest import Repository


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("register m -m --json", ["-m"]),
        ("register m -m x --json", ["-m", "--json"]),
        ("register m -mx --json", ["-mx", "--json"]),
        ("register m --message=x --json", ["--message=x", "--json"]),
        ("register m --dry-run --json", ["--dry-run", "--json"]),
        ("register m --label --json --no-such", ["--label", "--no-such"]),
        ("-C --json list", ["-C"]),
        ("-C x list --json", ["-C", "--json"]),
        ("list -- --json", []),
        ("no-such-command -m --json", ["-m", "--json"]),
        ("--json", ["--json"]),
        ("hook check --from --json", ["--from"]),
    ],
)
def test_the_value_of_an_option_is_no_option(line: str, options: list[str]) -> None:
    assert list_typed_options(line.split()) == options


def test_a_message_that_looks_like_the_option_asks_for_no_json(second: Repository) -> None:
    words = ("promote", "digits@7.0.0", "--to", "production", "-m", "--json")
    result = second.mlver(*words)
    assert (result.code, result.out) == (3, "")
    read_document(second.mlver(*words, "--json"), "error")
