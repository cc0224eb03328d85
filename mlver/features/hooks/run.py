"""Run one hook and print its result."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from mlver.features.hooks import checks, push
from mlver.features.hooks.checks import CommitRange, HookResult
from mlver.features.hooks.screen import draw_due_hook, draw_hook
from mlver.terminal.output import print_result

# What the pre-commit framework tells a hook at the time of a push.
_FROM, _TO = "PRE_COMMIT_FROM_REF", "PRE_COMMIT_TO_REF"


def perform_hook(
    start: Path, what: str, words: list[str], between: CommitRange | None, *, json: bool = False
) -> int:
    """Run any hook except `install`, and print its result; return the exit code."""
    if what == "due":
        # imported here: what git runs at each commit needs none of it
        from mlver.features.hooks.retraining import find_due_models

        print_result(find_due_models(start), draw_due_hook, json=json)
        return 0
    result = _judge_hook(start, what, words, between)
    print_result(result, draw_hook, json=json)
    return result.exit_code


def read_commit_range() -> CommitRange | None:
    """The range that the pre-commit framework names, or None where it names none."""
    old, new = os.environ.get(_FROM), os.environ.get(_TO)
    return CommitRange(old, new) if old and new else None


def _judge_hook(
    start: Path, what: str, words: list[str], between: CommitRange | None
) -> HookResult:
    match what:
        case "check":
            return checks.check_records(start, between)
        case "guard":
            return checks.guard_files(start, between)
        case "status":
            # imported here: what git runs at each commit needs none of it
            from mlver.features.hooks.install import list_states

            return replace(checks.check_seal_status(start, between), hooks=list_states(start))
        case "pre-commit":
            return checks.judge_pre_commit(start)
        case "pre-push":
            return push.judge_pre_push(start, _read_stdin_lines(), words[0] if words else None)
    return push.judge_pre_receive(start, _read_stdin_lines())


def _read_stdin_lines() -> list[str]:
    if sys.stdin.isatty():
        return []  # nobody types these
    return os.fsdecode(sys.stdin.buffer.read()).splitlines()
