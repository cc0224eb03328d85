"""The calls in a pickle that would rebuild tensors, each with the name it has in the checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlver.content.tensors.pickle_walk import Call, Global, Pairs
from mlver.content.tensors.tensor import UnknownContent

_QUANTISED = "_rebuild_qtensor"
_REBUILDERS = frozenset({"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", _QUANTISED})
# These are given the tensor as their first argument.
_WRAPPERS = frozenset({"_rebuild_parameter", "_rebuild_parameter_with_state"})
# This one is given what rebuilds the tensor, its type, the arguments for that, and a state.
_TYPED = "_rebuild_from_type_v2"
# What else has numbers: arrays of numpy, and storages that lie in the pickle itself.
_ARRAYS = frozenset({"_reconstruct", "_load_from_bytes"})
# What stands behind the kind of a quantised tensor: how its integers become numbers.
_SCALES = ("scale", "zero_point", "axis")
# What a module keeps its own in: nothing that people call a tensor by.
_PLUMBING = frozenset({"_parameters", "_buffers", "_modules"})
_MOST_DEPTH = 60
# More objects that hold others are in no checkpoint.
_MOST_OBJECTS = 2_000_000
Parts = tuple[str, ...]


class CallFinder:
    """Looks through what a pickle would build; `unread` are calls whose work is not known here."""

    def __init__(self, value: Any) -> None:
        self.unread: dict[str, None] = {}
        self._waiting: list[tuple[Parts, Any]] = [((), value)]
        # What is reached again was found already; a pickle may hold itself. Objects that are made
        # here stay in it, so that no other one gets their identity.
        self._seen: dict[int, Any] = {}

    def find_calls(self) -> Iterator[tuple[str, Call | float]]:
        """Yield the calls, and the numbers that a quantised tensor has beside its integers.

        Raise UnknownContent for a pickle with more objects than any checkpoint has.
        """
        left = _MOST_OBJECTS
        while self._waiting:
            parts, item = self._waiting.pop()
            left -= 1
            if left < 0:
                raise UnknownContent("it is a pickle with more objects than any checkpoint has")
            if type(item) in (int, float) or _is_rebuilder(item):
                yield ".".join(parts) or "tensor", item
            self._put_inner(parts, item)

    def _put_inner(self, parts: Parts, item: Any) -> None:
        """Put what is in an object before all that waits, in its order."""
        inner = list(self._list_inner(item, is_first=id(item) not in self._seen))
        self._seen[id(item)] = item
        if len(parts) < _MOST_DEPTH:
            self._waiting += [((*parts, *key), value) for key, value in inner][::-1]

    def _list_inner(self, item: Any, *, is_first: bool) -> Iterator[tuple[Parts, Any]]:
        name = _name_target(item)
        if name in _WRAPPERS:
            # Tied weights are reached again, by another name.
            yield (), next(iter(get_arguments(item)), None)
        elif name == _TYPED and len(get_arguments(item)) > 2:
            yield (), Call(*get_arguments(item)[:3:2])
        elif name == _QUANTISED:
            yield from _list_scales(get_arguments(item))
        elif is_first and not _is_rebuilder(item):
            self._note_unread(item)
            yield from _list_members(item)
        if is_first and (name in _WRAPPERS or name == _TYPED):
            for state in get_arguments(item)[3:]:
                yield (), state

    def _note_unread(self, item: Any) -> None:
        target = getattr(item, "target", None)
        if not isinstance(target, Global):
            return
        if target.name.startswith("_rebuild_") or target.name in _ARRAYS:
            self.unread[str(target)] = None


def get_arguments(call: Call) -> tuple[Any, ...]:
    """The arguments of a call; raise UnknownContent where they are computed."""
    if not isinstance(call.arguments, tuple):
        raise UnknownContent("it is a pickle that computes the arguments of a call")
    return call.arguments


def _name_target(item: Any) -> str | None:
    target = item.target if isinstance(item, Call) else None
    return target.name if isinstance(target, Global) else None


def _is_rebuilder(item: Any) -> bool:
    return _name_target(item) in _REBUILDERS


def _list_scales(arguments: tuple[Any, ...]) -> Iterator[tuple[Parts, Any]]:
    """Yield what the integers of a quantised tensor are multiplied by, numbers or tensors."""
    quantiser = arguments[4] if len(arguments) > 4 else None
    if not isinstance(quantiser, tuple):
        return
    for key, value in zip(_SCALES, quantiser[1:], strict=False):
        if type(value) in (int, float) or isinstance(value, Call):
            yield (key,), value


def _list_members(item: Any) -> Iterator[tuple[Parts, Any]]:
    """Yield what is in an object that holds others, each with its key."""
    if isinstance(item, list | tuple):
        yield from _list_held(item)
    if isinstance(item, Call):
        given = _list_given(item)
        if given:
            yield from _list_pairs(given)
        else:
            is_tuple = isinstance(item.arguments, tuple)
            yield from _list_held(item.arguments if is_tuple else (item.arguments,))
        yield from _list_held(item.members)
    if isinstance(item, Pairs | Call):
        yield from _list_pairs(item.items)
    if isinstance(item, Call) and _holds_others(item.state):
        yield (), item.state


def _list_held(items: Any) -> Iterator[tuple[Parts, Any]]:
    """Yield those of a list that hold others, each with its number."""
    for number, inner in enumerate(items):
        if _holds_others(inner):
            yield (str(number),), inner


def _list_pairs(pairs: list[tuple[Any, Any]]) -> Iterator[tuple[Parts, Any]]:
    for key, inner in pairs:
        if _holds_others(inner) and isinstance(key, str | int):
            yield () if key in _PLUMBING else (str(key)[:200],), inner


def _list_given(call: Call) -> list[tuple[Any, Any]]:
    """The items that a map is made with: Python 2 gave all of them to the call."""
    if not isinstance(call.arguments, tuple) or not call.arguments:
        return []
    given = call.arguments[0]
    if len(call.arguments) > 1 or not isinstance(given, list):
        return []
    pairs = [(pair[0], pair[1]) for pair in given if isinstance(pair, list) and len(pair) == 2]
    return pairs if len(pairs) == len(given) else []


def _holds_others(item: Any) -> bool:
    return isinstance(item, list | tuple | Pairs | Call)
