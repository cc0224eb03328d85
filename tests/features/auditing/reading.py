"""Reads what `mlver audit --json` prints, checked by its schema."""

from __future__ import annotations

from typing import Any

from mlver.records import layout
from tests.cli.results import read_document
from tests.conftest import CommandOutcome, Repository

FIRST = layout.promotion_path("m", "production", 1)


def audit(repository: Repository, *arguments: str) -> tuple[int, Any]:
    done: CommandOutcome = repository.mlver("audit", *arguments, "--json")
    assert done.code in (0, 1), done.err
    return done.code, read_document(done, "audit")


def list_moves(document: Any, stage: str = "production") -> list[Any]:
    (found,) = [one for one in document["stages"] if one["stage"] == stage]
    moves: list[Any] = found["moves"]
    return moves
