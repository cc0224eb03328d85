"""Runs a tool's own commands inside its own environment, and tells how each ended, as JSON.

Reads a list of command lines from stdin. The tool is loaded once; each command runs in a fork,
through the entry point that the installed program has. `python CODE` runs code instead.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points

# What a tool imports only once a command runs; imported before the fork, it is imported once.
_LATE_IMPORTS = {
    "dvc": (
        "dvc.cli.parser dvc.repo dvc.scm dvc.info dvc_data.fs scmrepo.git pygit2 dulwich.porcelain"
    ),
    "gto": "gto.cli",
    "mlflow": (
        "mlflow.artifacts mlflow.db mlflow.store.db.utils mlflow.store.tracking.sqlalchemy_store"
        " mlflow.store.model_registry.sqlalchemy_store"
    ),
}


def load_program(name: str) -> Callable[[], object]:
    """Load what the installed program of that name starts."""
    (entry,) = entry_points(group="console_scripts", name=name)
    program: Callable[[], object] = entry.load()
    return program


def run_command(words: list[str]) -> tuple[int, str, str]:
    """Run one command line; its exit code and what it printed."""
    program = None if words[0] == "python" else load_program(words[0])
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            os._exit(_run_here(program, words))
        _, status = os.waitpid(child, 0)
        texts: list[str] = []
        for file in (out, errors):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return os.waitstatus_to_exitcode(status), texts[0], texts[1]


def _run_here(program: Callable[[], object] | None, words: list[str]) -> int:
    sys.argv = words
    code: object = None
    try:
        if program is None:
            exec(compile(words[1], "asked", "exec"), {"__name__": "asked"})
        else:
            code = program()
    except SystemExit as stop:
        code = stop.code
    except Exception:  # noqa: BLE001 - a tool's own crash is what it answers
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    if isinstance(code, str):
        sys.stderr.write(code)
        return 1
    return int(code) & 255 if isinstance(code, int) else 0


def main() -> None:
    asked: list[list[str]] = json.load(sys.stdin)
    for program in {words[0] for words in asked} & set(_LATE_IMPORTS):
        for module in _LATE_IMPORTS[program].split():
            import_module(module)
    sys.stdout.write(json.dumps([run_command(words) for words in asked]))


if __name__ == "__main__":
    main()
