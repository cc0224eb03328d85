"""What a forger does to the records: each kind, in each of its variants.

A forgery is a list of steps, each the files that one commit changes against the last commit of
main, and the seals that the forger makes for what is new.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from mlver.records import layout
from tests.forgeries.commits import ALICE, MALLORY, FileChanges
from tests.forgeries.ground import (
    HOUR,
    WEAK_SETTINGS,
    Ground,
    describe_policy,
    edit_record,
    name_digest,
    promotion_path,
    read_record,
    version_path,
)

DAY = 24 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgery:
    """`subject` is a path that a report has to name; `early` the point of main where a forger's
    branch begins that was made before what it forges.

    `sealed` maps each new record that the forger seals to its tag and the tag's message. `naming`:
    the first step's commit is what the promotions of the later steps say judged them. `assigned`
    are lightweight tags that the forger makes, each on the last commit of the ground. `merging`:
    the first step's commit is a merge, whose second parent begins at this point of main.
    """

    kind: str
    name: str
    steps: Sequence[FileChanges]
    subject: str
    early: str = "promoted"
    sealed: Sequence[tuple[str, str]] = field(default_factory=tuple)
    naming: bool = False
    assigned: Sequence[str] = ()
    merging: str | None = None

    @property
    def case_name(self) -> str:
        return f"{self.kind}:{self.name}"


def list_forgeries(ground: Ground) -> Iterator[Forgery]:
    """List every forgery, by its kind."""
    yield from _list_edited(ground)
    yield from _list_inserted(ground)
    yield from _list_removed(ground)
    yield from _list_reordered(ground)
    yield from _list_backdated(ground)
    yield from _list_invented(ground)
    yield from _list_weakened(ground)
    yield from _list_removed_rule(ground)
    yield from _list_outdated_rule(ground)
    yield from _list_other_author(ground)
    yield from _list_adopted(ground)
    yield from _list_renumbered(ground)


# -- what lies there already -----------------------------------------------------------------------


def _list_edited(ground: Ground) -> Iterator[Forgery]:
    for name, path, changes in _edits():
        forged = edit_record(ground.read_file(path), **changes)
        yield Forgery(kind="edited", name=name, steps=[{path: forged}], subject=path)
    first, second = promotion_path("production", 1), promotion_path("production", 2)
    edited = edit_record(ground.read_file(first), message="reviewed by the board")
    following = edit_record(ground.read_file(second), prior=name_digest(edited))
    yield Forgery(
        kind="edited",
        name="an old promotion and all that follow it",
        steps=[{first: edited, second: following}],
        subject=first,
        early="staged",
    )


def _edits() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        ("a version's message", version_path("1.1.0"), {"message": "as agreed"}),
        ("a version's metrics", version_path("1.1.0"), {"metrics": {"accuracy": 0.99}}),
        ("a version that no stage holds", version_path("1.2.0"), {"author": ALICE.author}),
        ("why it was promoted", promotion_path("production", 2), {"message": "by the board"}),
        ("who promoted it", promotion_path("production", 2), {"author": ALICE.author}),
        ("when it was tried", promotion_path("staging", 2), {"created": "2026-01-05T12:00:00Z"}),
        ("what was forced", promotion_path("production", 2), {"forced": True}),
    ]


def _list_inserted(ground: Ground) -> Iterator[Forgery]:
    """Insert a promotion between two that landed: the later one moves on by a number."""
    first, second, third = (promotion_path("production", number) for number in (1, 2, 3))
    document = read_record(ground.read_file(second))
    middle = edit_record(ground.read_file(first), **_follow(ground.read_file(first), sequence=2))
    moved = edit_record(ground.read_file(second), sequence=3, prior=name_digest(middle))
    for sealed in (False, True):
        yield Forgery(
            kind="inserted",
            name=f"between two{', sealed' * sealed}",
            steps=[{second: middle, third: moved}],
            subject=second,
            sealed=_plan_seals(sealed, (3, "production", document["version"], moved)),
        )
    gap = edit_record(ground.samples["staging"], sequence=99)
    path = promotion_path("staging", 99)
    yield Forgery(kind="inserted", name="behind a gap", steps=[{path: gap}], subject=path)


def _list_removed(ground: Ground) -> Iterator[Forgery]:
    last = promotion_path("production", 2)
    yield Forgery(kind="removed", name="the last promotion", steps=[{last: None}], subject=last)
    first, second = promotion_path("staging", 1), promotion_path("staging", 2)
    alone = edit_record(ground.read_file(second), sequence=1, previous=None, prior=None)
    yield Forgery(
        kind="removed",
        name="the first promotion, and the second takes its number",
        steps=[{first: alone, second: None}],
        subject=first,
        early="first",
    )
    whole = {promotion_path("production", number): None for number in (1, 2)}
    yield Forgery(
        kind="removed", name="a stage's whole history", steps=[whole], subject=last, early="first"
    )
    version = version_path("1.2.0")
    yield Forgery(kind="removed", name="a version", steps=[{version: None}], subject=version)


def _list_reordered(ground: Ground) -> Iterator[Forgery]:
    for stage in ("staging", "production"):
        first, second = promotion_path(stage, 1), promotion_path(stage, 2)
        sooner = read_record(ground.read_file(first))
        later = read_record(ground.read_file(second))
        swapped = {"sequence": 1, "previous": None, "prior": None, "created": sooner["created"]}
        new_first = edit_record(ground.read_file(second), **swapped)
        new_second = edit_record(
            ground.read_file(first),
            sequence=2,
            previous=later["version"],
            prior=name_digest(new_first),
            created=later["created"],
        )
        yield Forgery(
            kind="reordered",
            name=stage,
            steps=[{first: new_first, second: new_second}],
            subject=first,
            early="first",
        )


# -- what is added ---------------------------------------------------------------------------------


def _list_backdated(ground: Ground) -> Iterator[Forgery]:
    path = promotion_path("staging", 3)
    dates = {
        "before the promotion before it": "2026-01-05T13:00:00Z",
        "before its version": _format_time(ground.now - 3 * HOUR),
        "after the commit that brings it": _format_time(ground.now + 400 * DAY),
    }
    for name, created in dates.items():
        forged = edit_record(ground.samples["staging"], created=created, author=MALLORY.author)
        yield from _add_promotion("backdated", name, path, forged, "1.2.0")


def _list_invented(ground: Ground) -> Iterator[Forgery]:
    path = promotion_path("production", 3)
    forced = ground.samples["forced"]
    gates = read_record(forced)["gates"]
    passing = [{**gate, "result": "pass", "actual": "as it should be"} for gate in gates]
    without_after = [gate for gate in passing if not gate["gate"].startswith("after")]
    variants: dict[str, dict[str, Any]] = {
        "a gate that failed passes": {"gates": passing, "forced": False},
        "a gate is left out": {"gates": without_after, "forced": False},
        "no gate at all": {"gates": [], "forced": False},
        "a failure, and not by force": {"forced": False},
        "all pass, by force": {"gates": passing, "forced": True},
    }
    for name, changes in variants.items():
        forged = edit_record(forced, author=MALLORY.author, **changes)
        yield from _add_promotion("invented gates", name, path, forged, "1.2.0")


def _list_weakened(ground: Ground) -> Iterator[Forgery]:
    """Weaken the rule, promote under it, restore it: all in the forger's name, within a day."""
    path = promotion_path("production", 3)
    forced = ground.samples["forced"]
    gates = read_record(forced)["gates"]
    under_weak = [gate for gate in gates if not gate["gate"].startswith("after")]
    forged = edit_record(forced, author=MALLORY.author, gates=under_weak, forced=False)
    strong = ground.read_file(layout.CONFIG)
    ways = {"in three commits": None, "by a merge that takes an old rule": "weak"}
    for name, merging in ways.items():
        for sealed in (False, True):
            yield Forgery(
                kind="rule weakened and restored",
                name=f"{name}{', sealed' * sealed}",
                steps=[{layout.CONFIG: WEAK_SETTINGS}, {path: forged}, {layout.CONFIG: strong}],
                subject=path,
                early="third",
                sealed=_plan_seals(sealed, (3, "production", "1.2.0", forged)),
                naming=True,
                merging=merging,
            )


def _list_removed_rule(ground: Ground) -> Iterator[Forgery]:
    """Take the rule away, promote where no rule is, put it back."""
    path = promotion_path("production", 3)
    forced = ground.samples["forced"]
    ruleless = {"commit": None, "digest": f"sha256:{'ab' * 32}", "signers": None}
    changes = {"author": MALLORY.author, "gates": [], "forced": False}
    forged = edit_record(forced, policy=ruleless, **changes)
    strong = ground.read_file(layout.CONFIG)
    stages, _, _ = strong.partition(b"  production:\n")
    grounds: dict[str, bytes | None] = {
        "the stage": stages,
        "all settings": None,
        "settings that can be read": b"schema: nothing\n",
    }
    for name, settings in grounds.items():
        yield Forgery(
            kind="rule removed and restored",
            name=name,
            steps=[{layout.CONFIG: settings}, {path: forged}, {layout.CONFIG: strong}],
            subject=path,
            early="third",
        )
    gates = read_record(forced)["gates"]
    under_weak = [gate for gate in gates if not gate["gate"].startswith("after")]
    weak = edit_record(forced, **{**changes, "gates": under_weak})
    yield Forgery(
        kind="rule removed and restored",
        name="a weaker one in between",
        steps=[
            {layout.CONFIG: b"schema: nothing\n"},
            {layout.CONFIG: WEAK_SETTINGS},
            {path: weak},
            {layout.CONFIG: strong},
        ],
        subject=path,
        early="third",
        naming=True,
    )


def _list_outdated_rule(ground: Ground) -> Iterator[Forgery]:
    """Name the rule that main had before it became stricter, and begin a branch there or later."""
    forced = ground.samples["forced"]
    document = read_record(forced)
    gates = [gate for gate in document["gates"] if not gate["gate"].startswith("after")]
    policy = describe_policy(ground.repository, ground.points["weak"], document["policy"])
    forged = edit_record(forced, author=MALLORY.author, gates=gates, forced=False, policy=policy)
    path = promotion_path("production", 3)
    for forgery in _add_promotion("outdated rule", "of before", path, forged, "1.2.0"):
        yield forgery
        yield replace(forgery, name=f"{forgery.name}, where it was", early="weak")


def _list_other_author(ground: Ground) -> Iterator[Forgery]:
    path = promotion_path("staging", 3)
    forged = edit_record(ground.samples["staging"], author=ALICE.author)
    yield from _add_promotion("other author", "a promotion", path, forged, "1.2.0")


def _list_renumbered(ground: Ground) -> Iterator[Forgery]:
    """Say that a merge moved it, with an old promotion of Kim's as the one that it was."""
    first, second, third = (promotion_path("staging", number) for number in (1, 2, 3))
    following = _follow(ground.read_file(second), sequence=3)
    for number, original in enumerate((first, second), start=1):
        forged = edit_record(
            ground.read_file(first),
            **following,
            renumbered={"from": number, "record": name_digest(ground.read_file(original))},
            created="2026-01-05T15:30:00Z",
        )
        yield from _add_promotion("renumbered", f"from {number}", third, forged, "1.0.0")


def _list_adopted(ground: Ground) -> Iterator[Forgery]:
    """Say that another tool's tag promoted, which nobody asked for gates."""
    resolved = "digits@v1.1.0^{/[#production]}"
    origins = {
        "a tag of the forger's": ("digits#production#1", ground.tip),
        "an expression for a commit": (
            resolved,
            ground.repository.git("rev-parse", f"refs/tags/{resolved}"),
        ),
    }
    path = promotion_path("production", 3)
    for name, (tag, object_id) in origins.items():
        forged = edit_record(
            ground.samples["forced"],
            author=MALLORY.author,
            adopted={"tag": tag, "object": object_id},
            forced=False,
            gates=[],
            policy=None,
        )
        for forgery in _add_promotion("adopted", name, path, forged, "1.2.0"):
            made = () if tag == resolved else (tag,)
            yield replace(forgery, assigned=made)


def _add_promotion(kind: str, name: str, path: str, data: bytes, version: str) -> Iterator[Forgery]:
    """Add a promotion behind the last one: as it is, and with a seal that the forger makes."""
    document = read_record(data)
    for sealed in (False, True):
        yield Forgery(
            kind=kind,
            name=f"{name}{', sealed' * sealed}",
            steps=[{path: data}],
            subject=path,
            early="third",
            sealed=_plan_seals(sealed, (document["sequence"], document["stage"], version, data)),
        )


def _follow(data: bytes, sequence: int) -> dict[str, Any]:
    """Say what a record has to say that follows another in its chain."""
    return {
        "sequence": sequence,
        "previous": read_record(data)["version"],
        "prior": name_digest(data),
    }


def _plan_seals(sealed: bool, *records: tuple[int, str, str, bytes]) -> list[tuple[str, str]]:
    if not sealed:
        return []
    seals: list[tuple[str, str]] = []
    for sequence, stage, version, data in records:
        message = (
            f"digits {version} {stage} {sequence}: promote\n\nAs agreed\n\n"
            f"Mlver-Record: {name_digest(data)}\n"
        )
        seals.append((f"digits@{stage}.{sequence}", message))
    return seals


def _format_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
