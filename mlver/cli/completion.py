"""bash splits words at `@` and `=` before it asks what completes them; here they are put together again.

The script that `--install-completion` writes is Typer's, and hands on what bash made of the line: `digits@1` as the
three words `digits`, `@` and `1`. What is offered then replaces only what follows the model's name.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout

ASKED = "_MLVER_COMPLETE"
_WORDS, _AT = "COMP_WORDS", "COMP_CWORD"


@contextmanager
def rejoin_bash_words(commands: Collection[str]) -> Iterator[None]:
    """Where bash asks: give Typer the words as they were typed, and bash what replaces the part it asked for."""
    if os.environ.get(ASKED) != "complete_bash" or "\n" not in os.environ.get(_WORDS, ""):
        yield
        return
    words = os.environ[_WORDS].split("\n")[: int(os.environ[_AT]) + 1]
    typed = _join_words(words, commands)
    os.environ[_WORDS], os.environ[_AT] = "\n".join(typed), str(len(typed) - 1)
    model, at, _ = typed[-1].partition("@")
    offered = io.StringIO()
    try:
        with redirect_stdout(offered):
            yield
    finally:
        # a word in quotes was not split, and is replaced whole
        kept = model if at and typed[-1] != words[-1] else ""
        sys.stdout.write(
            "".join(f"{line.removeprefix(kept)}\n" for line in offered.getvalue().splitlines())
        )


def _join_words(words: Sequence[str], commands: Collection[str]) -> list[str]:
    """`digits @ 1` as `digits@1`, `--to = x` as `--to=x`; `@1` stays a word behind a command or an option."""
    typed: list[str] = []
    open_end = False  # whether the next word goes on where the last one ended
    for word in words:
        before = typed[-1] if typed else ""
        takes = word == "=" and before.startswith("--")
        takes = takes or (
            word == "@"
            and before not in commands
            and not before.startswith("-")
            and "@" not in before
        )
        if (open_end and word) or (takes and len(typed) > 1):
            typed[-1] += word
        else:
            typed.append(word)
        open_end = word in ("@", "=")
    return typed
