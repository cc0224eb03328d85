"""When one policy is looser than another: it lacks something that the other asks for, or asks less.

`_COMPARISONS` says for each key of a rule what asking less means. A key that is not listed there,
and a setting of another form than its comparison knows, cannot be compared: whatever was changed in
it counts as looser, and so does changing it back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

from mlver.policy.approval_defaults import NOT_BY_DEFAULT
from mlver.policy.gates.reproduced import read_bound
from mlver.policy.loosening import Loosening
from mlver.policy.looser_gates import compare_gates
from mlver.policy.named_settings import find_named
from mlver.policy.quantities import read_size
from mlver.policy.stage_policy import StagePolicy
from mlver.records.durations import read_duration
from mlver.records.values import Value

# Takes the name of a key with its new and its old setting (None: it is not asked for), and yields
# what became looser.
Comparison: TypeAlias = Callable[[str, Value, Value], Iterator[Loosening]]


def is_looser(new: StagePolicy | None, old: StagePolicy | None) -> bool:
    return bool(list_loosenings(new, old))


def list_loosenings(new: StagePolicy | None, old: StagePolicy | None) -> tuple[str, ...]:
    """Say in words what `new` asks less than `old`; nothing where it is not looser.

    None is a stage without a rule: taking the rule away is looser than any rule.
    """
    if old is None:
        return ()
    if new is None:
        return ("the stage has no rule any more",)
    return tuple(loosening.words for loosening in _compare_policies(new, old))


def list_loosened(new: StagePolicy | None, old: StagePolicy | None) -> frozenset[str]:
    """List the aspects in which `new` asks less than `old`: without a rule, in all of them."""
    if old is None:
        return frozenset()
    compared = new or StagePolicy(rule={})
    return frozenset(loosening.aspect for loosening in _compare_policies(compared, old))


def select_shared(first: Collection[str], second: Collection[str]) -> frozenset[str]:
    """Select the aspects that both collections are about: a key is about all of its entries."""
    shared: set[str] = set()
    for aspect in first:
        for other in second:
            if _is_part(aspect, other):
                shared.add(aspect)
            elif _is_part(other, aspect):
                shared.add(other)
    return frozenset(shared)


def drop_covered(aspects: Collection[str], covering: Collection[str]) -> frozenset[str]:
    """Drop the aspects of which others are all, or a whole that they are part of."""
    rest = [aspect for aspect in aspects if not any(_is_part(aspect, whole) for whole in covering)]
    return frozenset(rest)


def _is_part(aspect: str, whole: str) -> bool:
    return aspect == whole or aspect.startswith(f"{whole}.")


def _compare_policies(new: StagePolicy, old: StagePolicy) -> Iterator[Loosening]:
    yield from _compare_section("", new.rule, old.rule, _COMPARISONS)
    yield from _compare_section("tags.", new.tags, old.tags, {"signed": _compare_flags})
    yield from _compare_pins(new, old)
    for name in sorted(find_named(old.rule, "from") & find_named(new.rule, "from")):
        yield from _compare_members(name, new, old)
    if new.drift:
        yield from _compare_section("insight.drift.", new.drift, old.drift, _DRIFT_COMPARISONS)
    if new.verdict:  # nobody can say which of two ask less
        yield from _compare_section("verdict.", new.verdict, old.verdict, {})
    for key in sorted({*old.policy, *new.policy}):
        yield from _compare_judges(f"policy.{key}", new.policy.get(key), old.policy.get(key))


def _compare_judges(key: str, new: Value, old: Value) -> Iterator[Loosening]:
    """Compare whose settings judge, and who may sign: nobody can say which of two ask less."""
    if new is None or old is not None:
        yield from _compare_unknown(key, new, old)
    else:
        yield Loosening(key, f"`{key}` is {_show_setting(new)} now")


def _compare_pins(new: StagePolicy, old: StagePolicy) -> Iterator[Loosening]:
    """Compare the data sets that both rules name: while one has no pin, nothing passes by it."""
    for name in sorted(find_named(old.rule, "on") & find_named(new.rule, "on")):
        key = f"datasets.{name}"
        pin = old.datasets.get(name)
        if pin is None and name in new.datasets:
            yield Loosening(key, f"`{key}` is pinned now, and nothing passed by it before")
        elif name in new.datasets:
            yield from _compare_unknown(key, new.datasets[name], pin)


def _compare_members(name: str, new: StagePolicy, old: StagePolicy) -> Iterator[Loosening]:
    """Compare a group that both rules name: a group that is not there has nobody in it."""
    members = [policy.groups.get(name, ()) for policy in (new, old)]
    yield from _compare_choices(f"groups.{name}", *members)


def _compare_section(
    prefix: str,
    new: Mapping[str, Value],
    old: Mapping[str, Value],
    comparisons: Mapping[str, Comparison],
) -> Iterator[Loosening]:
    for key, setting in old.items():
        compare = comparisons.get(key, _compare_unknown)
        yield from compare(f"{prefix}{key}", new.get(key), setting)


def _compare_unknown(key: str, new: Value, old: Value) -> Iterator[Loosening]:
    if old is None or new == old:
        return
    if new is None:
        yield Loosening(key, f"`{key}` is no longer asked for")
    else:
        words = f"`{key}` was changed from {_show_setting(old)} to {_show_setting(new)}"
        yield Loosening(key, words)


def _compare_flags(key: str, new: Value, old: Value) -> Iterator[Loosening]:
    """Compare switches: on is stricter than off."""
    if old is True and new in (None, False):
        yield Loosening(key, f"`{key}` is no longer asked for")
    elif old is not True or new is not True:
        yield from _compare_unknown(key, new, old)


def _compare_requirements(key: str, new: Value, old: Value) -> Iterator[Loosening]:
    """Compare lists of what is required: each entry makes it stricter."""
    old_names = _read_names(old)
    new_names = _read_names(new)
    if old_names is None or new_names is None:
        yield from _compare_unknown(key, new, old)
        return
    for name in sorted(old_names - new_names):
        yield Loosening(f"{key}.{name}", f"`{key}` no longer names {name}")


def _compare_choices(key: str, new: Value, old: Value) -> Iterator[Loosening]:
    """Compare lists of what is allowed: each entry makes it looser, and no list allows all."""
    old_names = _read_names(old)
    new_names = _read_names(new)
    if old is None:
        return
    if new is None or old_names is None or new_names is None:
        yield from _compare_unknown(key, new, old)
        return
    for name in sorted(new_names - old_names):
        yield Loosening(f"{key}.{name}", f"`{key}` also names {name}")


def _read_names(setting: Value) -> set[str] | None:
    """Read a list of names; None for anything else."""
    if setting is None:
        return set()
    if isinstance(setting, str) or not isinstance(setting, Sequence):
        return None
    names: set[str] = set()
    for entry in setting:
        if not isinstance(entry, str):
            return None
        names.add(entry)
    return names


def _build_limit(read: Callable[[Value], float | None], *, at_least: bool) -> Comparison:
    """Build the comparison of a limit: `at_least` so much, where more is stricter, or at most."""

    def compare_limits(key: str, new: Value, old: Value) -> Iterator[Loosening]:
        new_limit = read(new)
        old_limit = read(old)
        if new_limit is None or old_limit is None:
            yield from _compare_unknown(key, new, old)
        elif (new_limit < old_limit) if at_least else (new_limit > old_limit):
            words = f"`{key}` asks for {_show_setting(new)} instead of {_show_setting(old)}"
            yield Loosening(key, words)

    return compare_limits


def _read_number(setting: Value) -> float | None:
    if isinstance(setting, bool) or not isinstance(setting, int | float):
        return None
    return setting


def _compare_approvals(key: str, new: Value, old: Value) -> Iterator[Loosening]:
    """Compare who has to approve: more people, fewer who may, more who may not, for less long."""
    if not isinstance(new, Mapping) or not isinstance(old, Mapping):
        yield from _compare_unknown(key, new, old)
        return
    yield from _LEAST_NUMBER(f"{key}.min", new.get("min"), old.get("min"))
    yield from _compare_choices(f"{key}.from", new.get("from"), old.get("from"))
    excluded = [setting.get("not", NOT_BY_DEFAULT) for setting in (new, old)]
    yield from _compare_requirements(f"{key}.not", *excluded)
    if old.get("within") is not None:
        yield from _MOST_TIME(f"{key}.within", new.get("within"), old.get("within"))


def _compare_reproduced(key: str, new: Value, old: Value) -> Iterator[Loosening]:
    """Compare how far numbers may be apart: `identical` asks for more than any bound."""
    if new is not None and old is not None:
        new_bound, old_bound = read_bound(new), read_bound(old)
        if new_bound is None or (old_bound is not None and new_bound <= old_bound):
            return
    yield from _compare_unknown(key, new, old)


def _show_setting(setting: Value) -> str:
    if isinstance(setting, str | int | float):
        return str(setting)
    return "other values"


_LEAST_NUMBER = _build_limit(_read_number, at_least=True)
_MOST_SIZE = _build_limit(read_size, at_least=False)
_MOST_TIME = _build_limit(read_duration, at_least=False)
# A column moved where its distance is at least, and its p-value below, what is asked. With other
# `rows`, some columns can be judged that could not, or the other way round.
_DRIFT_COMPARISONS: Mapping[str, Comparison] = {
    "ks": _build_limit(_read_number, at_least=False),
    "js": _build_limit(_read_number, at_least=False),
    "psi": _build_limit(_read_number, at_least=False),
    "p": _build_limit(_read_number, at_least=True),
    "rows": _compare_unknown,
    "ignore": _compare_choices,
}
# What a gate measures by a word (`verdict`, `drift`) is not listed: words have no order.
_COMPARISONS: Mapping[str, Comparison] = {
    "after": _compare_requirements,
    "approvals": _compare_approvals,
    "authorised": _compare_unknown,
    "clean_code": _compare_flags,
    "copies": _LEAST_NUMBER,
    "drift": _compare_unknown,
    "drilled": _MOST_TIME,
    "formats": _compare_choices,
    "gates": compare_gates,
    "hold": _build_limit(read_duration, at_least=True),
    "labels": _compare_requirements,
    "licenses": _compare_choices,
    "max_size": _MOST_SIZE,
    "message": _compare_flags,
    "recoverable": _compare_flags,
    "reproduced": _compare_reproduced,
    "sealed": _compare_flags,
    "signed": _compare_flags,
    "stored": _compare_flags,
    "update": _compare_choices,
    "verdict": _compare_unknown,
    "uses": _compare_flags,
    "verified": _compare_flags,
}
