"""bash splits words at `@` and `=` before it completes them; here they are joined again.

The script that `--install-completion` writes is Typer's, and passes on what bash made of the line:
`digits@1` as the three words `digits`, `@` and `1`. The completions that bash gets then replace
only the part behind the model's name.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout

ASKED = "_MLVER_COMPLETE"
_WORDS = "COMP_WORDS"
_POSITION = "COMP_CWORD"


@contextmanager
def rejoin_bash_words(commands: Collection[str]) -> Iterator[None]:
    """Give Typer the words as they were typed, and bash only the part that it replaces."""
    line = os.environ.get(_WORDS, "")
    if os.environ.get(ASKED) != "complete_bash" or "\n" not in line:
        yield
        return
    position = int(os.environ[_POSITION])
    # What stands behind the cursor is not completed.
    words = line.split("\n")[: position + 1]
    typed = _join_words(words, commands)
    os.environ[_WORDS] = "\n".join(typed)
    os.environ[_POSITION] = str(len(typed) - 1)
    completions = io.StringIO()
    try:
        with redirect_stdout(completions):
            yield
    finally:
        kept_prefix = ""
        # A word in quotes was not split, and all of it is replaced.
        if typed[-1] != words[-1] and "@" in typed[-1]:
            kept_prefix = typed[-1].partition("@")[0]
        for completion in completions.getvalue().splitlines():
            sys.stdout.write(f"{completion.removeprefix(kept_prefix)}\n")


def _join_words(words: Sequence[str], commands: Collection[str]) -> list[str]:
    """Join `digits @ 1` as `digits@1`, and `--to = x` as `--to=x`."""
    joined_words: list[str] = []
    goes_on = False  # whether the next word goes on where the last one ended
    for word in words:
        # The first word is the program, which nothing belongs to.
        belongs_before = len(joined_words) > 1 and _joins_word(joined_words[-1], word, commands)
        if belongs_before or (goes_on and word):
            joined_words[-1] += word
        else:
            joined_words.append(word)
        goes_on = word in ("@", "=")
    return joined_words


def _joins_word(before: str, word: str, commands: Collection[str]) -> bool:
    """Whether a separator belongs to the word before it.

    `@1` is a word of its own behind a command or an option.
    """
    if word == "=":
        return before.startswith("--")
    if word != "@" or before in commands or before.startswith("-"):
        return False
    return "@" not in before
