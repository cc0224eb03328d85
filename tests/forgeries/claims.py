"""Forgeries whose records contradict other records, or say of themselves what exempts them.

They are judged like those of `kinds`, however they arrive.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlver.document import emit
from mlver.policy.promotion_dates import format_seconds
from mlver.records import layout
from tests.forgeries.commits import ALICE, MALLORY
from tests.forgeries.ground import (
    HOUR,
    Ground,
    edit_record,
    name_digest,
    promotion_path,
    read_record,
    version_path,
)
from tests.forgeries.kinds import Forgery, list_forgeries
from tests.forgeries.registrations import list_registrations


def list_every_forgery(ground: Ground) -> Iterator[Forgery]:
    """List those of `kinds`, of this file and of `registrations`, and those of notes."""
    yield from list_forgeries(ground)
    yield from list_claims(ground)
    yield from list_registrations(ground, age_record)
    yield from _list_notes(ground)


def list_claims(ground: Ground) -> Iterator[Forgery]:
    yield from _list_before_seals(ground)
    yield from _list_wrong_order(ground)
    yield from _list_false_claims(ground)


def _list_notes(ground: Ground) -> Iterator[Forgery]:
    """Take back what a note says, put one in that follows nothing, retire by another record."""
    first, second = (layout.note_path("digits", "1.1.0", number) for number in (1, 2))
    edited = edit_record(ground.read_file(first), message="Quick on long input")
    yield Forgery(kind="note", name="edited", steps=[{first: edited}], subject=first, early="third")
    changes = {"schema": "mlver/retirement/1", "action": "retire", "in_favour_of": None}
    note = read_record(ground.read_file(first))
    retired = layout.retirement_path("digits", "1.1.0", 1)
    other = emit.dump_document(
        {**note, **changes, "record": name_digest(ground.read_file(version_path("1.0.0")))},
        "a record",
    )
    yield Forgery(
        kind="retirement", name="of another record", steps=[{retired: other}], subject=retired
    )
    inserted = edit_record(ground.read_file(first), sequence=2, author=MALLORY.author)
    yield Forgery(kind="note", name="that follows none", steps=[{second: inserted}], subject=second)


def age_record(data: bytes, kind: str, **changes: Any) -> bytes:
    """Write a record in the format that was there before policies and seals of promotions."""
    document = {**read_record(data), "schema": f"mlver/{kind}/1", **changes}
    for key in ("policy", "baseline"):
        document.pop(key, None)
    if kind == "version":
        del document["previous"]
        document["code"].pop("tree", None)
        del document["environment"]
    return emit.dump_document(document, "a record")


def list_placeholders(ground: Ground) -> Iterator[Forgery]:
    """Keep a promotion's number free under a stricter rule, by a record that nobody can read.

    After a squash, nothing is left of that: it is the last step alone.
    """
    path = promotion_path("staging", 3)
    record = edit_record(ground.samples["staging"], author=MALLORY.author)
    seal = f"digits 1.2.0 staging 3: promote\n\nAs agreed\n\nMlver-Record: {name_digest(record)}\n"
    settings = ground.read_file(layout.CONFIG)
    weak = b"  staging:\n"
    strict = b"  canary:\n    verified: true\n  staging:\n    after: [canary]\n"
    assert weak in settings
    before: list[dict[str, bytes | None]] = [
        {path: b"schema: mlver/promotion/99\n"},
        {layout.CONFIG: settings.replace(weak, strict)},
    ]
    ways: dict[str, list[dict[str, bytes | None]]] = {"overwritten": [], "deleted": [{path: None}]}
    for name, removal in ways.items():
        yield Forgery(
            kind="placeholder",
            name=name,
            steps=[*before, *removal, {path: record}],
            subject=path,
            early="third",
            sealed=[("digits@staging.3", seal)],
        )


def _list_before_seals(ground: Ground) -> Iterator[Forgery]:
    """Write a promotion of the format that nobody judges, where there is none yet."""
    first: dict[str, Any] = {
        "sequence": 1,
        "previous": None,
        "prior": None,
        "gates": [],
        "forced": False,
    }
    stage = age_record(ground.samples["staging"], "promotion", stage="canary", **first)
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
    version = age_record(ground.read_file(version_path("1.2.0")), "version", model="words")
    promotion = age_record(
        ground.samples["staging"],
        "promotion",
        **{**first, "model": "words", "stage": "production", "record": name_digest(version)},
    )
    path = layout.promotion_path("words", "production", 1)
    changes = {layout.version_path("words", "1.2.0"): version, path: promotion}
    yield Forgery(kind="before seals", name="a model", steps=[changes], subject=path, early="third")


def _list_wrong_order(ground: Ground) -> Iterator[Forgery]:
    """Promote to production what goes to staging only later, as the dates say."""
    forced = ground.samples["forced"]
    gates = read_record(forced)["gates"]
    passing = [{**gate, "result": "pass", "actual": "as it should be"} for gate in gates]
    changes = {"author": MALLORY.author, "gates": passing, "forced": False}
    release = edit_record(forced, **changes, created=format_seconds(ground.now + HOUR))
    later = format_seconds(ground.now + 2 * HOUR)
    trial = edit_record(ground.samples["staging"], author=MALLORY.author, created=later)
    path, trial_path = promotion_path("production", 3), promotion_path("staging", 3)
    orders: dict[str, list[dict[str, bytes]]] = {
        "in one commit": [{path: release, trial_path: trial}],
        "staging in the commit before": [{trial_path: trial}, {path: release}],
        "staging in the commit after": [{path: release}, {trial_path: trial}],
    }
    for name, steps in orders.items():
        yield Forgery(kind="wrong order", name=name, steps=steps, subject=path, early="third")


def _list_false_claims(ground: Ground) -> Iterator[Forgery]:
    """Claim in a promotion what was compared, and who said yes."""
    path = promotion_path("staging", 3)
    first = name_digest(ground.read_file(version_path("1.0.0")))
    nobody = {"approver": ALICE.author, "record": f"sha256:{'ab' * 32}"}
    claims: dict[str, dict[str, Any]] = {
        "another version held the stage": {"baseline": {"version": "1.0.0", "record": first}},
        "the holder had another record": {"baseline": {"version": "1.1.0", "record": first}},
        "an approval that is nowhere": {"approvals": [nobody]},
    }
    for name, changes in claims.items():
        forged = edit_record(ground.samples["staging"], author=MALLORY.author, **changes)
        yield Forgery(
            kind="false claim", name=name, steps=[{path: forged}], subject=path, early="third"
        )
    version = name_digest(ground.read_file(version_path("1.2.0")))
    for name, changes in (
        ("somebody else approved", {"author": MALLORY.author, "record": version}),
        ("another version was approved", {"record": first, "version": "1.0.0"}),
        ("it was approved for another stage", {"record": version, "stage": "production"}),
    ):
        approval, place = _write_approval(**changes)
        named = {"approver": ALICE.author, "record": name_digest(approval)}
        forged = edit_record(ground.samples["staging"], author=MALLORY.author, approvals=[named])
        yield Forgery(
            kind="false claim",
            name=name,
            steps=[{place: approval, path: forged}],
            subject=path,
            early="third",
        )


def _write_approval(**changes: Any) -> tuple[bytes, str]:
    """Write an approval by Alice of 1.2.0 for staging, but for `changes`; and its path."""
    document = {
        "schema": "mlver/approval/2",
        "model": "digits",
        "version": "1.2.0",
        "stage": "staging",
        "sequence": 1,
        "action": "approve",
        "created": "2026-01-05T20:00:00Z",
        "author": ALICE.author,
        "message": "Fine",
        "policy": None,
        "baseline": None,
        **changes,
    }
    path = layout.approval_path("digits", document["version"], document["stage"], 1)
    return emit.dump_document(document, "a record"), path
