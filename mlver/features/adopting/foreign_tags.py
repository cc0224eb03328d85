"""Tags that others made for versions and stages, read by their names: GTO's, plain ones, and
those of a pattern that the person gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mlver.errors import UsageError, shell_command
from mlver.records.gto_tags import GTO_TAG
from mlver.records.promotion import Action

_GTO_CANCEL = re.compile(r"!(?:#[0-9]{1,9})?$")
_PLAIN = re.compile(r"v?(?P<version>[0-9]+\.[0-9]+\.[0-9]+.*)")
_RUNNING_ON = re.compile(r"\{version\}(?!-\{model\}$)[-+0-9A-Za-z]")
# as `re.escape` leaves them
_PLACEHOLDERS = {
    r"\{version\}": r"(?P<version>[0-9].*)",
    r"\{model\}": r"(?P<model>[A-Za-z0-9._-]+)",
}


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
    """What tags claim. `withdrawn` are (model, version) pairs that a tag took back.

    `doubles` are tags of versions that another tag, named beside each, claims already. `unread` are
    tags whose names say nothing that is understood.
    """

    versions: tuple[VersionTag, ...]
    stages: tuple[StageTag, ...] = ()
    withdrawn: frozenset[tuple[str, str]] = frozenset()
    doubles: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile `release-{version}` or `{model}/{version}` to an expression that whole names match.

    Raise UsageError where it does not name the version exactly once, or lets go on after it what
    could be the rest of a number, such as `-rc`.
    """
    if pattern.count("{version}") != 1 or pattern.count("{model}") > 1:
        raise UsageError(
            f"`{pattern}` does not say where in a tag the version stands",
            hint=shell_command("mlver", "adopt", "--pattern", "{model}-v{version}"),
        )
    if _RUNNING_ON.search(pattern):
        raise UsageError(
            f"`{pattern}` does not say where a version ends: `1.0.0-rc` is a number as a whole",
            hint=shell_command("mlver", "adopt", "--pattern", "{model}-v{version}"),
        )
    expression = re.escape(pattern)
    for placeholder, group_pattern in _PLACEHOLDERS.items():
        expression = expression.replace(placeholder, group_pattern)
    return re.compile(expression)


def read_claims(names: Iterable[str], model: str | None, pattern: str | None = None) -> TagClaims:
    """Read what the tags called `names` claim, of `model` or of every model.

    A plain `v1.2.3` is of `model`. With a pattern, no other tag claims anything, but for the stages
    and withdrawals of what GTO calls by the same name.
    """
    if pattern is not None:
        return _read_by_pattern(sorted(names), model, pattern)
    versions: dict[tuple[str, str], VersionTag] = {}
    stages: list[StageTag] = []
    withdrawn: set[tuple[str, str]] = set()
    doubles: list[tuple[str, str]] = []
    unread: list[str] = []
    # the first tag of a version counts, and one that names its model goes before a plain one
    for tag_name in sorted(names, key=lambda name: "@" not in name):
        tag_match = GTO_TAG.fullmatch(tag_name)
        claim = _read_plain(tag_name, model)
        if tag_match is None and claim is None:
            unread.append(tag_name)
        if tag_match is not None:
            if model not in (None, tag_match["model"]):
                continue
            version_key = (tag_match["model"], tag_match["version"])
            if tag_match["stage"]:
                stages.append(_read_stage(tag_name, tag_match, tag_match["model"]))
            elif tag_match["cancel"]:
                withdrawn.add(version_key)
            else:
                claim = VersionTag(tag_name, *version_key)
        if claim is not None:
            taken = versions.setdefault((claim.model, claim.version), claim)
            if taken != claim:
                doubles.append((tag_name, taken.tag))
    return TagClaims(
        versions=tuple(versions.values()),
        stages=tuple(stages),
        withdrawn=frozenset(withdrawn),
        doubles=tuple(doubles),
        unread=tuple(unread),
    )


def _read_by_pattern(names: Sequence[str], model: str | None, pattern: str) -> TagClaims:
    versions = tuple(_match_pattern(names, model, compile_pattern(pattern)))
    prefix, ending, rest = pattern.partition("@v{version}")
    # GTO's own names, such as those of an artifact in a subfolder
    if not ending or rest:
        return TagClaims(versions)
    stages: list[StageTag] = []
    withdrawn: set[tuple[str, str]] = set()
    for tag_name in names:
        tag_match = GTO_TAG.fullmatch(tag_name)
        if tag_match is None:
            continue
        claim_name = f"{tag_match['model']}@v0"
        for claim in _match_pattern([claim_name], model, compile_pattern(f"{prefix}@v{{version}}")):
            if tag_match["stage"]:
                stages.append(_read_stage(tag_name, tag_match, claim.model))
            elif tag_match["cancel"]:
                withdrawn.add((claim.model, tag_match["version"]))
    kept_versions = tuple(claim for claim in versions if not _GTO_CANCEL.search(claim.tag))
    return TagClaims(kept_versions, tuple(stages), frozenset(withdrawn))


def _read_plain(name: str, model: str | None) -> VersionTag | None:
    tag_match = _PLAIN.fullmatch(name)
    if tag_match is None or not model:
        return None
    return VersionTag(name, model, tag_match["version"])


def _read_stage(name: str, match: re.Match[str], model: str) -> StageTag:
    return StageTag(
        tag=name,
        model=model,
        stage=match["stage"],
        withdrawn=bool(match["cancel"]),
        count=int(match["count"] or 0),
    )


def select_plain_tags(names: Iterable[str]) -> list[str]:
    """Tags such as `v1.2.3`, which name a version and no model."""
    return [name for name in names if _PLAIN.fullmatch(name)]


def _match_pattern(
    names: Iterable[str], model: str | None, pattern: re.Pattern[str]
) -> Iterator[VersionTag]:
    for tag_name in sorted(names):
        tag_match = pattern.fullmatch(tag_name)
        if tag_match is None:
            continue
        named_model = tag_match.groupdict().get("model") or model
        if named_model is None:
            raise UsageError(
                f"the tag {tag_name} does not name its model",
                hint="mlver adopt MODEL --pattern PATTERN",
            )
        if model in (None, named_model):
            yield VersionTag(tag_name, named_model, tag_match["version"])


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

    A version that is withdrawn leaves the stage to the last one before it that still has it. That
    is a rollback, or a retirement where no version has it. An event that changes no holder is no
    promotion.
    """
    standing: list[str] = []
    promotions: list[DerivedPromotion] = []
    holder: str | None = None
    for stage_event in events:
        previous = holder
        standing = [version for version in standing if version != stage_event.version]
        if not stage_event.withdrawn:
            standing.append(stage_event.version)
        holder = standing[-1] if standing else None
        if holder == previous:
            continue
        if holder is None:
            promotion = DerivedPromotion(stage_event.tag, "retire", stage_event.version, previous)
        elif stage_event.withdrawn:
            promotion = DerivedPromotion(stage_event.tag, "rollback", holder, previous)
        else:
            promotion = DerivedPromotion(stage_event.tag, "promote", holder, previous)
        promotions.append(promotion)
    return promotions
