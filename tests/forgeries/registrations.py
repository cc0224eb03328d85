"""Versions that somebody writes by hand: in another person's name, or dated as they cannot be.

They are judged like the forgeries of `kinds`, however they arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mlver.policy.promotion_dates import format_seconds
from tests.forgeries.commits import ALICE, KIM, MALLORY
from tests.forgeries.ground import HOUR, Ground, edit_record, name_digest, version_path
from tests.forgeries.kinds import DAY, Forgery

_VERSION = "1.3.0"


def list_registrations(ground: Ground, age: Callable[..., bytes]) -> Iterator[Forgery]:
    """List them all; `age` writes a record in the format before seals."""
    yield from _list_other_author(ground, age)
    yield from _list_late_dates(ground)


def _list_other_author(ground: Ground, age: Callable[..., bytes]) -> Iterator[Forgery]:
    """Each has a seal, of the forger's: a version without one is damage already."""
    old = name_digest(ground.read_file(version_path("1.1.0")))
    origin = {"tag": "release-3", "object": ground.tip, "commit": ground.tip}
    own_seal = ground.repository.git("rev-parse", "refs/tags/digits@v1.1.0")
    seal_origin = {"tag": "digits@v1.1.0", "object": own_seal, "commit": ground.points["second"]}
    ways: dict[str, dict[str, Any]] = {
        "a version": {"author": ALICE.author},
        "a version, of yesterday": {
            "author": ALICE.author,
            "created": format_seconds(ground.now - DAY),
        },
        "a version that says it was another": {
            "author": KIM.author,
            "renumbered": {"from": "1.1.0", "record": old},
        },
        "a version adopted from no tag": {"author": ALICE.author, "extra": {"adopted": origin}},
        "a version adopted from a seal": {"author": KIM.author, "extra": {"adopted": seal_origin}},
    }
    for name, changes in ways.items():
        yield _add_version(ground, "other author", name, sealed=True, **changes)
    former = age(ground.read_file(version_path("1.2.0")), "version")
    changes = {"author": ALICE.author, "created": format_seconds(ground.now + HOUR)}
    yield _plan_version(
        "other author",
        "a version of the format before seals",
        edit_record(former, version=_VERSION, **changes),
        sealed=True,
    )


def _list_late_dates(ground: Ground) -> Iterator[Forgery]:
    """Date a version after the commit that brings it, so that it looks like the newer work."""
    created = format_seconds(ground.now + 400 * DAY)
    changes = {"author": MALLORY.author, "created": created}
    for sealed in (False, True):
        name = f"a version after its commit{', sealed' * sealed}"
        yield _add_version(ground, "backdated", name, sealed=sealed, **changes)


def _add_version(ground: Ground, kind: str, name: str, *, sealed: bool, **changes: Any) -> Forgery:
    """Add a version after the last one, which has its bytes."""
    changes = {"created": format_seconds(ground.now + HOUR), **changes}
    last = ground.read_file(version_path("1.2.0"))
    return _plan_version(
        kind, name, edit_record(last, version=_VERSION, previous="1.2.0", **changes), sealed=sealed
    )


def _plan_version(kind: str, name: str, data: bytes, *, sealed: bool) -> Forgery:
    message = f"digits {_VERSION}\n\nAs agreed\n\nMlver-Record: {name_digest(data)}\n"
    path = version_path(_VERSION)
    return Forgery(
        kind=kind,
        name=name,
        steps=[{path: data}],
        subject=path,
        early="third",
        sealed=[(f"digits@v{_VERSION}", message)] if sealed else [],
    )
