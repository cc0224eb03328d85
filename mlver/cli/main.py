"""The one error boundary: whatever happens below ends here as a message, a hint and an exit code.

With `--json` a failure is one document on stdout as well (`schemas/result-error.schema.json`),
unless a result was begun there.

0 done · 1 the answer is no · 2 usage · 3 refused or failed · 70 a bug in mlver · 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mlver import __version__
from mlver.errors import MlverError, refusal_error, shell_command

if TYPE_CHECKING:
    from mlver.terminal.failure import Failure


def main(argv: Sequence[str] | None = None) -> int:
    """Run `mlver ARGV…`; return the exit code. Only the shell's completion raises SystemExit."""
    args = list(sys.argv[1:] if argv is None else argv)
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its escape, not a traceback.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    code = _run_guarded(args)
    _end_command()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            from mlver.terminal.exits import discard_stream

            discard_stream(stream)
    return code


def _end_command() -> None:
    """Close and forget what is the command's own: this process may run many of them."""
    if state := sys.modules.get("mlver.system.state"):
        state.close_all()
    if output := sys.modules.get("mlver.terminal.output"):
        output.forget_output()


def _open_standard_streams() -> None:
    """Open /dev/null in the place of each standard stream that is closed.

    Cron jobs and daemons may start us without some. A descriptor that stays closed would be given
    to the next file that is opened, and git would write its output into that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        if not _is_open(number):
            # The system gives the lowest free number, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        mode = "w" if number else "r"
        stream = open(os.devnull, mode)  # noqa: SIM115, PTH123 - open for all of the run
        setattr(sys, name, stream)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _run_guarded(args: list[str]) -> int:
    try:
        if args == ["--version"]:
            sys.stdout.write(f"mlver {__version__}\n")
            code = 0
        elif args[:1] == ["hook"]:
            from mlver.cli.quick_hook import run_full_hook

            code = run_full_hook(args[1:])
        else:
            from mlver.cli.app import run_command

            code = run_command(args)
        # Flushed here, where it can still be reported that there is no room for it.
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as interrupt:
        return _report_interrupt(interrupt, args)
    except BrokenPipeError:
        return 0
    except MlverError as error:
        return _report_error(error, args)
    except OSError as error:
        return _report_error(refusal_error("that", error), args)
    except Exception as error:  # noqa: BLE001 - the boundary: everything else is our own fault
        return _report_bug(error, args)


def _report_interrupt(interrupt: KeyboardInterrupt, args: list[str]) -> int:
    from mlver.terminal.exits import INTERRUPTED, CommandInterrupted
    from mlver.terminal.failure import describe_interrupt

    landed = interrupt.landed if isinstance(interrupt, CommandInterrupted) else ()
    _print_failure(describe_interrupt(landed), args)
    return INTERRUPTED


def _report_error(error: MlverError, args: list[str]) -> int:
    from mlver.terminal.failure import describe_error

    _print_failure(describe_error(error), args)
    return error.exit_code


def _report_bug(error: Exception, args: list[str]) -> int:
    from mlver.terminal.exits import BUG
    from mlver.terminal.failure import describe_bug

    _print_failure(describe_bug(error, _save_traceback(error, args)), args)
    return BUG


def _print_failure(failure: Failure, args: list[str]) -> None:
    """Print a failure: as text on stderr and, with `--json`, as one document on stdout too."""
    from mlver.terminal.failure import ErrorResult, draw_failure
    from mlver.terminal.output import has_begun
    from mlver.terminal.screen import TextScreen
    from mlver.terminal.structured import dump_document

    # Where a stream cannot be written to, the exit code still says that the command failed.
    with suppress(OSError):
        draw_failure(failure, TextScreen(sys.stderr))
    # Half a result and an error would together be no JSON at all.
    if has_begun() or not _wants_json(args):
        return
    with suppress(OSError):
        sys.stdout.write(dump_document(ErrorResult(failure)))


def _wants_json(args: list[str]) -> bool:
    """Whether `--json` was typed as an option. A wrong command line never becomes options."""
    if "--json" not in args:
        return False
    from mlver.cli.typed_options import list_typed_options

    return "--json" in list_typed_options(args)


def _save_traceback(error: Exception, args: list[str]) -> str | None:
    """Save the traceback to a file; return its path, or None where it could not be written."""
    import tempfile
    import traceback

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
