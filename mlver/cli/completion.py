"""What the shells need beside Typer's scripts: `git mlver`, apostrophes, and words that belong
together.

git's own completion asks a function named after the command. zsh reads descriptions in single
quotes, where Typer escapes an apostrophe as no shell reads it.

bash splits words at `@` and `=` before it completes them; here they are joined again.

The script that `--install-completion` writes is Typer's, and passes on what bash made of the line:
`digits@1` as the three words `digits`, `@` and `1`. The completions that bash gets then replace
only the part behind the model's name.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path

from typer import _completion_shared

# The options that show or install the scripts.
COMPLETING = frozenset(("--install-completion", "--show-completion"))
ASKED = "_MLVER_COMPLETE"
_WORDS = "COMP_WORDS"
_POSITION = "COMP_CWORD"


# Each is put behind Typer's script of that shell, which is filled in with `%`.
_GIT_SCRIPTS = {
    "bash": """
# git's completion calls it for `git mlver`, with all words of the line.
_git_mlver() {
    local IFS=$'\n' first=0
    while (( first < COMP_CWORD )) && [[ ${COMP_WORDS[first]} != mlver ]]; do
        (( first += 1 ))
    done
    # git's completion writes blanks itself.
    compopt +o nospace 2>/dev/null
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]:first}" \\
                   COMP_CWORD=$(( COMP_CWORD - first )) \\
                   %(autocomplete_var)s=complete_bash mlver ) )
    return 0
}
""",
    "zsh": """
# git's completion calls it for `git mlver`, with the words from `mlver` on.
_git-mlver() {
  %(complete_func)s
}

# The first Tab loads this file, and is answered by it.
if [[ ${funcstack[1]} == (_mlver|_git-mlver) ]]; then
  %(complete_func)s
fi
""",
}
# Where Typer installs the script of zsh, which looks for a function in the file of its name.
_ZSH_FUNCTIONS = ".zfunc"


@contextmanager
def complete_git(args: Collection[str]) -> Iterator[None]:
    """Let the scripts that Typer shows and installs complete `git mlver` as well."""
    if COMPLETING.isdisjoint(args):
        yield
        return
    scripts = _completion_shared._completion_scripts
    for shell, addition in _GIT_SCRIPTS.items():
        if addition not in scripts[shell]:
            scripts[shell] += addition
    try:
        yield
    finally:
        folder = Path.home() / _ZSH_FUNCTIONS
        if (folder / "_mlver").is_file():
            # Also where the link is there already, or cannot be made: `mlver` is completed.
            with suppress(OSError):
                (folder / "_git-mlver").symlink_to("_mlver")


@contextmanager
def adapt_completion(commands: Collection[str]) -> Iterator[None]:
    """Ask Typer in its words, and answer the shell in those that it reads."""
    asked = os.environ.get(ASKED)
    if asked == "complete_zsh":
        with _quoted_for_zsh():
            yield
    elif asked == "complete_bash" and "\n" in os.environ.get(_WORDS, ""):
        with _rejoined_bash_words(commands):
            yield
    else:
        yield


@contextmanager
def _quoted_for_zsh() -> Iterator[None]:
    """Write an apostrophe as zsh reads it within single quotes."""
    completions = io.StringIO()
    try:
        with redirect_stdout(completions):
            yield
    finally:
        sys.stdout.write(completions.getvalue().replace("''", "'\\''"))


@contextmanager
def _rejoined_bash_words(commands: Collection[str]) -> Iterator[None]:
    """Give Typer the words as they were typed, and bash only the part that it replaces."""
    line = os.environ[_WORDS]
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
