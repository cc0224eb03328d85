"""Doctor says of golden, and of every other holder, that all of it is here."""

from __future__ import annotations

import shutil

from tests.cli.conftest import assert_works
from tests.conftest import Repository


def test_holders_are_proven_again(second: Repository) -> None:
    told = assert_works(second, "doctor")
    assert "holders" in told
    assert "all bytes are here of digits 1.0.0 (production)" in told


def test_a_retired_holder_is_named(second: Repository) -> None:
    assert_works(second, "retire", "digits@1.0.0", "-m", "Old")
    told = second.mlver("doctor")
    assert told.code == 0
    assert "holds production, and is retired: Old" in " ".join(told.out.split())


def test_a_holder_whose_bytes_are_gone_is_not_called_whole(second: Repository) -> None:
    for folder in ("objects", "packs"):
        shutil.rmtree(second.path / ".git/mlver" / folder)
    assert "all bytes are here" not in second.mlver("doctor").out
