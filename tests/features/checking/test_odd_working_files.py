"""Working files without bytes, or that cannot be read, stop nobody who only looks or replaces."""

from __future__ import annotations

import os

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository


def dangle(repository: Repository, path: str) -> None:
    location = repository.path / path
    location.unlink()
    location.symlink_to("gone")


@pytest.mark.parametrize("path", ["model/weights.safetensors", "data/train.csv"])
@pytest.mark.parametrize("to", [(), ("--to", ".")])
def test_a_link_that_leads_nowhere_is_replaced(
    first: Repository, path: str, to: tuple[str, ...]
) -> None:
    before = (first.path / path).read_bytes()
    dangle(first, path)
    shown = assert_works(first, "checkout", "digits", *to)
    assert "1 file written, 2 unchanged" in shown
    assert not (first.path / path).is_symlink()
    assert (first.path / path).read_bytes() == before


def test_status_and_diff_tell_of_a_link_that_leads_nowhere(first: Repository) -> None:
    dangle(first, "model/weights.safetensors")
    shown = assert_works(first, "status")
    assert "  weights  missing  model" in shown
    assert "next: mlver checkout digits@1.0.0" in shown
    assert "missing" in assert_works(first, "diff")
    (first.path / "model/config.json").unlink()
    dangle(first, "data/train.csv")
    assert assert_works(first, "status").count("missing") == 2


def test_verify_names_each_fault_on_a_line_of_its_own(first: Repository) -> None:
    os.mkfifo(first.path / "model/pipe")
    os.mkfifo(first.path / "model/other")
    found = read_document(first.mlver("verify", "--json"), "verify")
    assert found["ok"]
    assert [(note["subject"], note["message"]) for note in found["notes"]] == [
        ("model", "other is a FIFO, which has no content to keep"),
        ("model", "pipe is a FIFO, which has no content to keep"),
    ]
    shown = assert_works(first, "verify")
    assert "\\n" not in shown
    assert shown.count("a FIFO") == 2
