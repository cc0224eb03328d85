"""Working files without bytes, or that cannot be read, stop nobody who only looks or replaces."""

from __future__ import annotations

import os
import shutil

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


@pytest.mark.parametrize("command", ["status", "diff"])
def test_what_cannot_be_read_is_named_beside_the_rest(first: Repository, command: str) -> None:
    os.mkfifo(first.path / "model/pipe")
    first.write("params.yaml", "seed: 99\n")
    shown = assert_works(first, command)
    assert "weights  unreadable  model  cannot be read; remove or fix these" in shown
    assert "pipe is a FIFO, which has no content to keep" in shown
    assert "99" in shown
    assert "mlver register" not in shown


def test_status_says_how_to_look_at_a_link_out_of_the_work_tree(first: Repository) -> None:
    (first.path / "model/out").symlink_to("/etc/hostname")
    shown = assert_works(first, "status")
    assert "out is a symlink to /etc/hostname" in shown
    assert "next: ls -la -- model   (nothing can be registered before it can be read)\n" in shown
    (model,) = read_document(first.mlver("status", "--json"), "status")["models"]
    (weights, *_) = model["artifacts"]
    assert (weights["state"], model["bump"], model["differs"]) == ("unreadable", None, True)
    assert "outside of the work tree" in weights["unreadable"]


def test_status_proposes_no_checkout_of_what_is_lost(second: Repository) -> None:
    """The store holds the objects of other versions."""
    shutil.rmtree(second.path / "model")
    assert "next: mlver checkout digits@1.1.0" in assert_works(second, "status")
    for pack in second.path.glob(".git/mlver/packs/*.pack"):
        if b"weights of run 2" in pack.read_bytes():
            pack.unlink()
            pack.with_suffix(".idx").unlink(missing_ok=True)
    shown = assert_works(second, "status")
    assert "missing bytes are not in this clone; copy them from one that has them" in shown
    assert "hint: cp -Rn CLONE/.git/mlver/objects" in shown
    assert "checkout" not in shown
