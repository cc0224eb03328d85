"""What a Python program may give: types are not checked at run time, and a mistake has to be named.

Every check raises TypeError, which names the argument and its function.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping


def require_texts(function: str, **given: object) -> None:
    """Require a text for each of these arguments."""
    for name, value in given.items():
        if not isinstance(value, str):
            raise _refuse_type(name, function, "a text", value)


def require_optional_texts(function: str, **given: object) -> None:
    """Require a text or None for each of these arguments."""
    require_texts(function, **{name: value for name, value in given.items() if value is not None})


def require_text_map(function: str, name: str, given: Mapping[object, object]) -> None:
    """Require a map whose names and values are text."""
    for key, value in given.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise _refuse_type(name, function, "a dict of texts", given)


def require_path(function: str, name: str, given: object) -> None:
    if not isinstance(given, str | os.PathLike):
        raise _refuse_type(name, function, "a path", given)


def require_path_map(function: str, name: str, given: Mapping[object, object]) -> None:
    """Require a map of names and paths."""
    for key, value in given.items():
        if not isinstance(key, str) or not isinstance(value, str | os.PathLike):
            raise _refuse_type(name, function, "a dict of names and paths", given)


def require_words(function: str, name: str, given: object) -> None:
    """Require one text or path, or several."""
    if isinstance(given, str | os.PathLike):
        return
    if isinstance(given, Iterable) and not isinstance(given, bytes):
        words = list(given)
        if all(isinstance(word, str | os.PathLike) for word in words):
            return
    raise _refuse_type(name, function, "a list of texts", given)


def _refuse_type(name: str, function: str, wanted: str, given: object) -> TypeError:
    return TypeError(f"{name} of {function}() takes {wanted}, not {given!r:.80}")
