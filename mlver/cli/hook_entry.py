"""The hooks' own way in, `mlver hook …` and `mlver-hook …`: they run on every commit, and must cost next to nothing.

A commit with nothing in it for mlver is let through after one look of git. What git itself runs goes on without the
command line's library; anything else, such as `--help` or a word that is wrong, is left to the command `hook` proper.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from mlver.commands.hook import HookResult, Range

COMMITS = ("check", "guard", "pre-commit")
# What the pre-commit framework tells a hook at the time of a push.
_FROM, _TO = "PRE_COMMIT_FROM_REF", "PRE_COMMIT_TO_REF"


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
    if words not in (["pre-commit"], ["check"], ["guard"]) or _TO in os.environ:
        return False
    from mlver.git.glance import is_quiet

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
    plain = words[:1] == ["pre-push"] or words in ([name] for name in (*COMMITS, "status", "pre-receive"))
    if not plain or any(word.startswith("-") for word in words):
        from mlver.cli.app import run_command as invoke_command

        return invoke_command(["hook", *words])
    from pathlib import Path

    return perform_hook(Path.cwd(), words[0], words[1:], read_commit_range())


def perform_hook(start: Path, what: str, words: list[str], between: Range | None, *, json: bool = False) -> int:
    """Run one hook but `install`, and put out what it found."""
    from mlver.cli.output import print_result
    from mlver.render.hook import draw_hook

    result = _judge_hook(start, what, words, between)
    print_result(result, draw_hook, json=json)
    return result.exit_code


def read_commit_range() -> Range | None:
    """The range that the pre-commit framework names, None where it names none."""
    from mlver.commands.hook import Range

    old, new = os.environ.get(_FROM), os.environ.get(_TO)
    return Range(old, new) if old and new else None


def _judge_hook(start: Path, what: str, words: list[str], between: Range | None) -> HookResult:
    from mlver.commands import hook as judged
    from mlver.commands import hook_push

    match what:
        case "check":
            return judged.check(start, between)
        case "guard":
            return judged.guard(start, between)
        case "status":
            return judged.status(start, between)
        case "pre-commit":
            return judged.pre_commit(start)
        case "pre-push":
            return hook_push.pre_push(start, _read_stdin_lines(), words[0] if words else None)
    return hook_push.pre_receive(start, _read_stdin_lines())


def _read_stdin_lines() -> list[str]:
    if sys.stdin.isatty():
        return []  # nobody types these
    return os.fsdecode(sys.stdin.buffer.read()).splitlines()
