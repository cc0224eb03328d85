"""Which files of an artifact a `.mlverignore` leaves out: the syntax of gitignore(5).

pathspec translates each pattern into a regular expression, and RE2 matches it in linear time. The
rules are those of git: the last pattern that matches decides, and nothing below a folder that is
left out comes back. Letters count as they are written, on every machine: digests depend on it.
The only importer of pathspec.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlver.document.faults import shorten_text

# Of all patterns together. A path of n bytes costs at most n steps for each instruction.
MAX_INSTRUCTIONS = 20_000
# Bytes that RE2 may take for the patterns and for what it remembers while it matches.
_MAX_MEMORY = 16 << 20
# What ends a pattern that matches all that lies in a folder: here, each thing at its own level.
_EVERYTHING_IN = "/**"

# Says of a path below the root whether it is left out; that of a folder ends in a slash.
IgnoreTest = Callable[[bytes], bool]


class IgnoreRefused(Exception):
    """The file is no list of patterns; the text says where and why."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    matches: Callable[[bytes], Any]
    ignores: bool


@functools.lru_cache(maxsize=8)
def parse_patterns(data: bytes) -> IgnoreTest | None:
    """Parse the bytes of a `.mlverignore`; None where it holds no pattern.

    The test assumes that no folder above the path is left out. Raise IgnoreRefused for a file that
    is not UTF-8, and for a pattern that cannot be one or is too large.
    """
    numbered = list_patterns(data)
    if not numbered:
        return None
    return _compile_patterns(numbered)


def list_patterns(data: bytes) -> list[tuple[int, str]]:
    """List the patterns, each with the number of its line; comments and empty lines are none."""
    patterns: list[tuple[int, str]] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            text = line.decode().removesuffix("\r")
        except UnicodeDecodeError:
            raise IgnoreRefused(f"line {number} is not UTF-8") from None
        if text.strip() and not text.startswith("#"):
            patterns.append((number, text))
    return patterns


def _compile_patterns(numbered: list[tuple[int, str]]) -> IgnoreTest | None:
    patterns: list[_Pattern] = []
    expressions: list[bytes] = []
    instructions = 0
    for number, text in numbered:
        expression, ignores = _translate_pattern(number, text)
        if expression is None:
            continue
        compiled = _compile_expression(expression, number, text)
        instructions += compiled.programsize
        if instructions > MAX_INSTRUCTIONS:
            raise IgnoreRefused(f"its patterns are too large together, from line {number} on")
        patterns.append(_Pattern(compiled.search, ignores))
        expressions.append(b"(?:%b)" % expression)
    if not patterns:
        return None
    # Hardly any path matches: most are judged by all patterns at once.
    matches_any = _compile_expression(b"|".join(expressions), *numbered[0]).search
    patterns.reverse()

    def is_ignored(path: bytes) -> bool:
        if not matches_any(path):
            return False
        return next(pattern.ignores for pattern in patterns if pattern.matches(path))

    return is_ignored


def _translate_pattern(number: int, text: str) -> tuple[bytes | None, bool]:
    """Translate a pattern into an expression that matches at the very level of a file or folder.

    None stands for one that matches nothing.
    """
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    pattern = text.rstrip()
    if pattern.endswith(_EVERYTHING_IN) and not pattern.endswith("\\" + _EVERYTHING_IN):
        text = f"{pattern}/*"
    try:
        # By bytes, as git matches: nobody knows in which encoding a file's name is written.
        expression, ignores = GitIgnoreSpecPattern.pattern_to_regex(text.encode())
    except ValueError:
        raise _build_refusal(number, text, "which is no pattern of gitignore") from None
    if expression is None:
        return None, False
    # pathspec's own ends after a slash, and so matches a folder and everything in it.
    return b"(?s:%b)$" % expression, bool(ignores)


def _compile_expression(expression: bytes, number: int, text: str) -> Any:
    import re2

    options = re2.Options()
    # Otherwise RE2 writes to stderr what it also raises.
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _MAX_MEMORY
    options.encoding = re2.Options.Encoding.LATIN1  # type: ignore[attr-defined]
    try:
        return re2.compile(expression, options)
    except re2.error:
        raise _build_refusal(
            number, text, "which is too large or no pattern of gitignore"
        ) from None


def _build_refusal(number: int, text: str, reason: str) -> IgnoreRefused:
    return IgnoreRefused(f"line {number} is `{shorten_text(text)}`, {reason}")
