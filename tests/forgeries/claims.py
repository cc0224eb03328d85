"""Forgeries whose records contradict other records, or say of themselves what exempts them.

They are judged like those of `kinds`, however they arrive.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlver.document import emit
from mlver.records import layout
from tests.forgeries.ground import (
    Ground,
    name_digest,
    read_record,
    version_path,
)
from tests.forgeries.kinds import Forgery, list_forgeries


def list_every_forgery(ground: Ground) -> Iterator[Forgery]:
    """List those of `kinds`, and those of this file."""
    yield from list_forgeries(ground)
    yield from list_claims(ground)


def list_claims(ground: Ground) -> Iterator[Forgery]:
    yield from _list_before_seals(ground)


def _age_record(data: bytes, kind: str, **changes: Any) -> bytes:
    """Write a record in the format that was there before policies and seals of promotions."""
    document = {**read_record(data), "schema": f"mlver/{kind}/1", **changes}
    for key in ("policy", "baseline"):
        document.pop(key, None)
    if kind == "version":
        del document["previous"]
        document["code"].pop("tree", None)
        del document["environment"]
    return emit.dump_document(document, "a record")


def _list_before_seals(ground: Ground) -> Iterator[Forgery]:
    """Write a promotion of the format that nobody judges, where there is none yet."""
    first: dict[str, Any] = {
        "sequence": 1,
        "previous": None,
        "prior": None,
        "gates": [],
        "forced": False,
    }
    stage = _age_record(ground.samples["staging"], "promotion", stage="canary", **first)
    path = layout.promotion_path("digits", "canary", 1)
    yield Forgery(
        kind="before seals", name="a stage", steps=[{path: stage}], subject=path, early="third"
    )
    moved = {"renumbered": {"from": 2, "record": f"sha256:{'ab' * 32}"}, "policy": None}
    document = {**read_record(stage), "schema": "mlver/promotion/2", "baseline": None, **moved}
    claimed = emit.dump_document(document, "a record")
    yield Forgery(
        kind="before seals",
        name="a stage, and it says that a merge moved it",
        steps=[{path: claimed}],
        subject=path,
        early="third",
    )
    version = _age_record(ground.read_file(version_path("1.2.0")), "version", model="words")
    promotion = _age_record(
        ground.samples["staging"],
        "promotion",
        **{**first, "model": "words", "stage": "production", "record": name_digest(version)},
    )
    path = layout.promotion_path("words", "production", 1)
    changes = {layout.version_path("words", "1.2.0"): version, path: promotion}
    yield Forgery(kind="before seals", name="a model", steps=[changes], subject=path, early="third")
