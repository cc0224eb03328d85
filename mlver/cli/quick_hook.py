"""The hooks' own entry, `mlver hook …` and `mlver-hook …`: they run on every commit, and are quick.

A commit that holds nothing for mlver passes after one call of git. The hooks that git itself runs
do without Typer; everything else, such as `--help` or a wrong word, is left to the command `hook`.
"""

from __future__ import annotations

import os
import sys

# The hooks that git and the pre-commit framework run at a commit.
_AT_COMMIT = ("check", "guard", "pre-commit")
# The pre-commit framework sets it for a range of commits: then more than the index is judged.
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
            # Past the buffer, which would keep text that cannot be written, and fail at the exit.
            os.write(sys.stdout.fileno(), b"All is well  nothing for mlver is staged\n")
        except OSError:
            return False
    return True


def run_full_hook(words: list[str]) -> int:
    """Run a hook that had no quick answer; raise MlverError as every command does."""
    if not _is_run_by_git(words):
        from mlver.cli.app import run_command

        return run_command(["hook", *words])
    from pathlib import Path

    from mlver.features.hooks.run import perform_hook, read_commit_range

    return perform_hook(Path.cwd(), words[0], words[1:], read_commit_range())


def _is_run_by_git(words: list[str]) -> bool:
    """Whether a hook was started as git starts it: by its name, with no option."""
    for word in words:
        if word.startswith("-"):
            return False
    if words[:1] == ["pre-push"]:
        return True
    return len(words) == 1 and words[0] in (*_AT_COMMIT, "status", "pre-receive", "due")
