"""How a fault reads: `line N: key.path: what is wrong`."""

from __future__ import annotations

from typing import Any

MAX_FAULTS = 100
MAX_DEPTH = 64

Path = tuple[str | int, ...]

# The wording of PyYAML and libyaml, known by a fragment, and what it means to the person who typed
# the text.
_SYNTAX = (
    (
        "mapping values are not allowed",
        "a `:` cannot stand here: quote the text, or fix the indentation above",
    ),
    ("could not find expected ':'", "this is no `key: value`"),
    ("while scanning a simple key", "this is no `key: value`"),
    ("'\\t'", "a tab cannot indent: use spaces"),
    (
        "quoted scalar",
        "a quoted text is not closed, or holds an escape that YAML does not know",
    ),
    ("while parsing a block", "the indentation does not fit the lines above"),
    ("while parsing a flow", "a `[` or `{` is not closed, or a `,` is missing"),
    ("cannot start any token", "no text begins with this character: quote it"),
    # Newer releases of libyaml refuse 1,000 levels by themselves, and may come to that before we
    # see the 65th.
    ("maximum nesting depth", f"nested more than {MAX_DEPTH} deep"),
    ("undefined alias", "aliases are not allowed: write the value again"),
)


def format_fault(line: int | None, path: Path, message: str) -> str:
    parts = [format_path(path), message]
    if line:
        parts.insert(0, f"line {line}")
    return ": ".join(filter(None, parts))


def format_path(path: Path) -> str:
    """Format a path as people write it: `("gates", 0, "gate")` → `gates[0].gate`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif text:
            text += f".{shorten_text(part)}"
        else:
            text = shorten_text(part)
    return text


def shorten_text(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else text[:limit] + "…"


def explain_syntax(error: Any) -> str:
    """Explain a YAML syntax error (yaml.YAMLError), with its line and column.

    In words for people who never read the grammar.
    """
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    position = ""
    if mark:
        position = f"line {mark.line + 1}, column {mark.column + 1}: "
    fragments: list[str] = []
    for name in ("context", "problem", "reason"):
        fragments.append(str(getattr(error, name, None) or ""))
    message = " ".join(fragments).strip()
    for fragment, words in _SYNTAX:
        if fragment in message:
            return position + words
    return f"{position}not YAML ({shorten_text(message or str(error), 200)})"
