"""What is printed where a command ends in an error, and the exit code of each kind of error."""

from __future__ import annotations

import sys
import tempfile
import traceback
from contextlib import suppress

from mlver.errors import MlverError, refusal_error, shell_command
from mlver.terminal import structured
from mlver.terminal.exits import BUG, INTERRUPTED, CommandInterrupted
from mlver.terminal.failure import (
    ErrorResult,
    Failure,
    describe_bug,
    describe_error,
    describe_interrupt,
    draw_failure,
)
from mlver.terminal.output import has_begun
from mlver.terminal.screen import TextScreen


def report_failure(error: KeyboardInterrupt | Exception, args: list[str]) -> int:
    """Print what went wrong in the command line `args`; return the exit code."""
    if isinstance(error, KeyboardInterrupt):
        landed = error.landed if isinstance(error, CommandInterrupted) else ()
        _print_failure(describe_interrupt(landed), args)
        return INTERRUPTED
    if isinstance(error, OSError):
        error = refusal_error("that", error)
    if isinstance(error, MlverError):
        _print_failure(describe_error(error), args)
        return error.exit_code
    # Every other exception is our own fault.
    _print_failure(describe_bug(error, _save_traceback(error, args)), args)
    return BUG


def _print_failure(failure: Failure, args: list[str]) -> None:
    """Print a failure: as text on stderr and, with `--json`, as one document on stdout too."""
    # Where a stream cannot be written to, the exit code still says that the command failed.
    with suppress(OSError):
        draw_failure(failure, TextScreen(sys.stderr))
    # Half a result and an error would together be no JSON at all.
    if has_begun() or not _wants_json(args):
        return
    with suppress(OSError):
        sys.stdout.write(structured.dump_document(ErrorResult(failure)))


def _wants_json(args: list[str]) -> bool:
    """Whether `--json` was typed as an option. A wrong command line never becomes options."""
    if "--json" not in args:
        return False
    # Typer's parser tells; a hook that git runs has no options, and never pays for it.
    from mlver.cli.typed_options import list_typed_options

    return "--json" in list_typed_options(args)


def _save_traceback(error: Exception, args: list[str]) -> str | None:
    """Save the traceback to a file; return its path, or None where it could not be written."""
    command = shell_command("mlver", *args)
    report = "".join([command, "\n\n", *traceback.format_exception(error)])
    try:
        with tempfile.NamedTemporaryFile(
            "wb", prefix="mlver-bug-", suffix=".txt", delete=False
        ) as file:
            file.write(report.encode(errors="backslashreplace"))
    except OSError:
        return None
    return file.name
