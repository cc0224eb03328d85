"""Tags that others made for versions and stages, read by their names: GTO's, plain ones, and any pattern told.

GTO (https://github.com/iterative/gto): `name@v1.2.3` registers a version, `name#stage` or `name#stage#4` assigns a
stage to the version on the same commit, and a `!` behind either takes it back. The number counts a model's tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlver.errors import UsageError
from mlver.records.promotion import Action

_GTO = re.compile(
    r"(?P<model>[^#@!]+)(?:@v(?P<version>[^#!]+)|#(?P<stage>[^#@!]+))(?P<cancel>!?)(?:#(?P<count>[0-9]{1,9}))?"
)
_PLAIN = re.compile(r"v?(?P<version>[0-9]+\.[0-9]+\.[0-9]+.*)")
_PLACES = {r"\{version\}": r"(?P<version>[0-9].*)", r"\{model\}": r"(?P<model>[A-Za-z0-9._-]+)"}


@dataclass(frozen=True, slots=True)
class VersionTag:
    """A tag that claims to be of a version; `version` is as it stands in the name, without `v`."""

    tag: str
    model: str
    version: str


@dataclass(frozen=True, slots=True)
class StageTag:
    """A tag that gives a stage to the version on its commit, or (`withdrawn`) takes it away."""

    tag: str
    model: str
    stage: str
    withdrawn: bool
    count: int


@dataclass(frozen=True, slots=True)
class TagClaims:
    """What tags claim. `withdrawn` are (model, version) pairs that a tag took back."""

    versions: tuple[VersionTag, ...]
    stages: tuple[StageTag, ...] = ()
    withdrawn: frozenset[tuple[str, str]] = frozenset()


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """`release-{version}` or `{model}/{version}` as an expression that whole names match; raise UsageError."""
    if pattern.count("{version}") != 1 or pattern.count("{model}") > 1:
        raise UsageError(
            f"`{pattern}` does not say where in a tag the version stands",
            hint="such as --pattern 'release-{version}' or --pattern '{model}-v{version}'",
        )
    text = re.escape(pattern)
    for place, expression in _PLACES.items():
        text = text.replace(place, expression)
    return re.compile(text)


def read_claims(names: Iterable[str], model: str | None, pattern: str | None = None) -> TagClaims:
    """What the tags called `names` claim, of `model` or of every one; plain `v1.2.3` is of the model told.

    A pattern stands for itself: no other tag claims anything then.
    """
    if pattern is not None:
        return TagClaims(tuple(_match_pattern(names, model, compile_pattern(pattern))))
    found: dict[tuple[str, str], VersionTag] = {}
    stages: list[StageTag] = []
    withdrawn: set[tuple[str, str]] = set()
    for name in sorted(
        names, key=lambda name: "@" not in name
    ):  # a name that tells its model goes before a plain one
        read = _GTO.fullmatch(name)
        if read is None:
            plain = _PLAIN.fullmatch(name)
            if plain and model:
                found.setdefault(
                    (model, plain["version"]), VersionTag(name, model, plain["version"])
                )
        elif model not in (None, read["model"]):
            continue
        elif read["stage"]:
            stages.append(
                StageTag(
                    name,
                    read["model"],
                    read["stage"],
                    bool(read["cancel"]),
                    int(read["count"] or 0),
                )
            )
        elif read["cancel"]:
            withdrawn.add((read["model"], read["version"]))
        else:
            key = read["model"], read["version"]
            found.setdefault(key, VersionTag(name, *key))
    return TagClaims(tuple(found.values()), tuple(stages), frozenset(withdrawn))


def select_plain_tags(names: Iterable[str]) -> list[str]:
    """Tags such as `v1.2.3`, which name a version and no model."""
    return [name for name in names if _PLAIN.fullmatch(name)]


def _match_pattern(
    names: Iterable[str], model: str | None, pattern: re.Pattern[str]
) -> Iterable[VersionTag]:
    for name in sorted(names):
        read = pattern.fullmatch(name)
        if read is not None:
            named = read.groupdict().get("model") or model
            if named is None:
                raise UsageError(
                    f"the tag {name} does not tell its model", hint="mlver adopt MODEL --pattern …"
                )
            if model in (None, named):
                yield VersionTag(name, named, read["version"])


@dataclass(frozen=True, slots=True)
class StageTagEvent:
    """One event of a stage: its tag, and the version it is about."""

    tag: str
    version: str
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class DerivedPromotion:
    """What an event comes to among promotions."""

    tag: str
    action: Action
    version: str
    previous: str | None


def derive_promotions(events: Sequence[StageTagEvent]) -> list[DerivedPromotion]:
    """A stage's events, oldest first, as promotions.

    A version that is withdrawn leaves the stage to the one given it before that still has it: a rollback, or a
    retirement where there is none. What changes no holder is no promotion.
    """
    standing: list[str] = []
    found: list[DerivedPromotion] = []
    for event in events:
        before = standing[-1] if standing else None
        standing = [version for version in standing if version != event.version]
        if not event.withdrawn:
            standing.append(event.version)
        after = standing[-1] if standing else None
        if after == before:
            continue
        if after is None:
            found.append(DerivedPromotion(event.tag, "retire", event.version, before))
        else:
            found.append(
                DerivedPromotion(
                    event.tag, "rollback" if event.withdrawn else "promote", after, before
                )
            )
    return found
