"""How a fault reads: `line N: key.path: what is wrong`."""

from __future__ import annotations

from typing import Any

MAX_FAULTS = 100
MAX_DEPTH = 64

Path = tuple[str | int, ...]

# PyYAML's and libyaml's wording, of which one word can be recognised, and what it means to the person who typed it.
_SYNTAX = (
    (
        "mapping values are not allowed",
        "a `:` cannot stand here: quote the text, or mend the indentation above",
    ),
    ("could not find expected ':'", "this is no `key: value`"),
    ("while scanning a simple key", "this is no `key: value`"),
    ("'\\t'", "a tab cannot indent: use spaces"),
    ("quoted scalar", "a quoted text is not closed, or holds an escape that YAML does not know"),
    ("while parsing a block", "the indentation does not fit the lines above"),
    ("while parsing a flow", "a `[` or `{` is not closed, or a `,` is missing"),
    ("cannot start any token", "no text begins with this character: quote it"),
    # Newer releases of libyaml refuse 1,000 levels by themselves, and may come to that before we see the 65th.
    ("maximum nesting depth", f"nested more than {MAX_DEPTH} deep"),
    ("undefined alias", "aliases are not allowed: write the value again"),
)


def fault(line: int | None, path: Path, message: str) -> str:
    parts = (f"line {line}" if line else "", dotted(path), message)
    return ": ".join(part for part in parts if part)


def dotted(path: Path) -> str:
    """`("gates", 0, "gate")` → `gates[0].gate`."""
    text = ""
    for part in path:
        text += (
            f"[{part}]" if isinstance(part, int) else f".{shorten(part)}" if text else shorten(part)
        )
    return text


def shorten(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else text[:limit] + "…"


def plain_words(error: Any) -> str:
    """A YAML syntax error (yaml.YAMLError) with its line and column, in words for people who never read the grammar."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    at = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    said = " ".join(
        str(getattr(error, name, None) or "") for name in ("context", "problem", "reason")
    ).strip()
    for fragment, words in _SYNTAX:
        if fragment in said:
            return at + words
    return f"{at}not YAML ({shorten(said or str(error), 200)})"
