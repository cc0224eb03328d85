"""Versions that somebody writes by hand: in another person's name, or dated as they cannot be.

They are judged like the forgeries of `kinds`, however they arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from mlver.policy.promotion_dates import format_seconds
from mlver.records import layout
from tests.forgeries.commits import ALICE, KIM, MALLORY
from tests.forgeries.ground import (
    HOUR,
    Ground,
    edit_record,
    name_digest,
    read_record,
    version_path,
)
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
    yield _adopt_by_other_name(ground)
    yield _adopt_without_tags(ground)
    former = age(ground.read_file(version_path("1.2.0")), "version")
    changes = {"author": ALICE.author, "created": format_seconds(ground.now + HOUR)}
    yield _plan_version(
        "other author",
        "a version of the format before seals",
        edit_record(former, version=_VERSION, **changes),
        sealed=True,
    )


def _adopt_by_other_name(ground: Ground) -> Forgery:
    """Name a tag that is there, on a commit of Kim's, and is of no version."""
    tag = "release-of-march"
    code = read_record(ground.read_file(version_path("1.2.0")))["code"]
    changes: dict[str, Any] = {
        "author": KIM.author,
        "created": format_seconds(ground.now),
        "code": {**code, "commit": ground.tip},
        "extra": {"adopted": {"tag": tag, "object": ground.tip, "commit": ground.tip}},
    }
    name = "a version adopted from a tag of none"
    return replace(
        _add_version(ground, "other author", name, sealed=True, **changes), assigned=[tag]
    )


def _adopt_without_tags(ground: Ground) -> Forgery:
    """Begin a model that has no tag at all."""
    origin = {"tag": "v1.0.0", "object": ground.tip, "commit": ground.tip}
    changes: dict[str, Any] = {
        "model": "words",
        "version": "1.0.0",
        "previous": None,
        "author": ALICE.author,
        "created": format_seconds(ground.now),
        "extra": {"adopted": origin},
    }
    path = layout.version_path("words", "1.0.0")
    return Forgery(
        kind="other author",
        name="a version adopted from no tag, of a model without tags",
        steps=[{path: edit_record(ground.read_file(version_path("1.0.0")), **changes)}],
        subject=path,
        early="third",
    )


def _list_late_dates(ground: Ground) -> Iterator[Forgery]:
    """Date a version after the commit that brings it, so that it looks like the newer work."""
    created = format_seconds(ground.now + 400 * DAY)
    changes = {"author": MALLORY.author, "created": created}
    for sealed in (False, True):
        name = f"a version after its commit{', sealed' * sealed}"
        yield _add_version(ground, "backdated", name, sealed=sealed, **changes)
    yield _invent_origin(ground)


def _invent_origin(ground: Ground) -> Forgery:
    """Date a version after its commit, and say that it has the date of a tag that never was."""
    origin = {"tag": f"v{_VERSION}", "object": ground.tip, "commit": ground.tip}
    changes: dict[str, Any] = {
        "author": MALLORY.author,
        "created": format_seconds(ground.now + 400 * DAY),
        "extra": {"adopted": origin},
    }
    name = "a version after its commit, adopted from no tag"
    return _add_version(ground, "backdated", name, sealed=True, **changes)


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
