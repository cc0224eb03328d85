"""Patterns of any author, matched in linear time; the only importer of re2.

Python's `re` backtracks: `^(a+)+$` takes it exponential time, and nothing can stop it midway.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import re2

from mlver.document.faults import shorten_text
from mlver.document.pattern import PatternRefused, translate_for_re2

MAX_LENGTH = 4000
# Bytes that one pattern and what RE2 remembers while it matches may take.
MAX_MEMORY = 256 * 1024

# RE2's words for what the translation leaves to it, and what they mean to the person who wrote the
# pattern.
_REASONS = (
    ("missing )", "a `(` is not closed"),
    ("unexpected )", "a `)` too many"),
    (
        "invalid repetition size",
        "a repeat is at most 1,000 times, multiplied by those around it, the lower number first",
    ),
    ("pattern too large", "it is too large"),
)


@dataclass(frozen=True, slots=True)
class LinearPattern:
    """A pattern, ready to search: n bytes of text cost at most n × `instructions`, and mostly n."""

    contains: Callable[[str], bool]
    instructions: int


@functools.lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> LinearPattern:
    """Raise PatternRefused for a pattern that is wrong, too large, or needs backtracking."""
    if len(pattern) > MAX_LENGTH:
        raise PatternRefused(f"it is too large: more than {MAX_LENGTH} characters")
    options = re2.Options()
    # Otherwise RE2 writes to stderr what it also raises.
    options.log_errors = False
    options.never_capture = True
    options.max_mem = MAX_MEMORY
    try:
        compiled = re2.compile(translate_for_re2(pattern), options)
    except re2.error as error:
        raise PatternRefused(_explain_error(error)) from None

    def contains_match(text: str) -> bool:
        return compiled.search(text) is not None

    return LinearPattern(contains_match, compiled.programsize)


def _explain_error(error: Exception) -> str:
    message = error.args[0]
    if isinstance(message, bytes):
        message = message.decode(errors="replace")
    for fragment, reason in _REASONS:
        if message.startswith(fragment):
            return reason
    return f"RE2 refuses it: {shorten_text(message)}"
