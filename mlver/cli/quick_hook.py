"""The hooks' own way in, `mlver hook …` and `mlver-hook …`: they run on every commit, and must cost next to nothing.

A commit with nothing in it for mlver is let through after one look of git. What git itself runs goes on without the
command line's library; anything else, such as `--help` or a word that is wrong, is left to the command `hook` proper.
"""

from __future__ import annotations

import os
import sys

# What git and the pre-commit framework start at a commit.
_AT_COMMIT = ("check", "guard", "pre-commit")
# Set by the pre-commit framework where it names a range of commits: then there is more to judge than the index.
_RANGE_END = "PRE_COMMIT_TO_REF"


def run_console_script() -> None:
    """The console script's entry."""
    from mlver.cli.leaving import end_process

    end_process(run_hook(sys.argv[1:]))


def run_hook(words: list[str]) -> int:
    """Run `mlver hook WORDS…`; return the exit code."""
    if _is_quiet(words):
        return 0
    from mlver.cli.main import main

    return main(["hook", *words])


def _is_quiet(words: list[str]) -> bool:
    if words not in (["pre-commit"], ["check"], ["guard"]) or _RANGE_END in os.environ:
        return False
    from mlver.git.staged_quickly import is_quiet

    if not is_quiet(files=words != ["check"]):
        return False
    if words != ["pre-commit"] and sys.stdout is not None:
        try:
            # past the buffer, which would keep what cannot be written and fail whoever tells of it
            os.write(sys.stdout.fileno(), b"All is well  nothing for mlver is staged\n")
        except OSError:
            return False
    return True


def run_full_hook(words: list[str]) -> int:
    """What `hook` could not answer at a glance; raise MlverError as every command does."""
    plain = words[:1] == ["pre-push"] or words in (
        [name] for name in (*_AT_COMMIT, "status", "pre-receive")
    )
    if not plain or any(word.startswith("-") for word in words):
        from mlver.cli.app import run_command

        return run_command(["hook", *words])
    from pathlib import Path

    from mlver.features.hooks.run import perform_hook, read_commit_range

    return perform_hook(Path.cwd(), words[0], words[1:], read_commit_range())
