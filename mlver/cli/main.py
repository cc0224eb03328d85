"""The one error boundary: whatever happens below ends here as a message, a hint and an exit code.

0 done · 1 the answer is no · 2 usage · 3 refused or failed · 70 a bug in mlver · 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from mlver import __version__
from mlver.errors import MlverError, refusal_error
from mlver.terminal.exits import BUG, INTERRUPTED, discard_stream


def main(argv: Sequence[str] | None = None) -> int:
    """Run `mlver ARGV…`; return the exit code. Nothing escapes but SystemExit from the shell's completion."""
    args = list(sys.argv[1:] if argv is None else argv)
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        # a terminal that cannot show a character gets its escape, not a traceback
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    code = _run_guarded(args)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            discard_stream(stream)
    return code


def _open_standard_streams() -> None:
    """Cron jobs and daemons may start us without some: what is written there goes nowhere, and nothing else goes there.

    A descriptor left closed would be given to the next file that is opened, and git would write its output into that.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            if not _is_open(number):
                os.set_inheritable(
                    os.open(os.devnull, os.O_RDWR), True
                )  # takes the lowest number: this one
            setattr(sys, name, open(os.devnull, "w" if number else "r"))  # noqa: SIM115, PTH123 - for all of the run


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
        sys.stdout.flush()  # here, where it can still be told that there is no room for it
        return code
    except KeyboardInterrupt:
        return _report_interrupt()
    except BrokenPipeError:
        return 0
    except MlverError as error:
        return _report_error(error)
    except OSError as error:
        return _report_error(refusal_error("that", error))
    except Exception as error:  # noqa: BLE001 - the boundary: what is nobody's fault but ours
        return _report_bug(error, args)


def _report_interrupt() -> int:
    from mlver.terminal.progress import TerminalReporter
    from mlver.terminal.screen import TextScreen

    done = "".join(f", but `{what}` is done" for what in TerminalReporter.done)
    with suppress(OSError):
        TextScreen(sys.stderr).draw_line(f"interrupted{done}")
    return INTERRUPTED


def _report_error(error: MlverError) -> int:
    from mlver.terminal import failure
    from mlver.terminal.screen import TextScreen

    with suppress(OSError):  # whoever cannot be told still gets the exit code
        failure.draw_failure(error, TextScreen(sys.stderr))
    return error.exit_code


def _report_bug(error: Exception, args: list[str]) -> int:
    from mlver.terminal import failure
    from mlver.terminal.screen import TextScreen

    told = MlverError(
        f"this is a bug in mlver ({type(error).__name__}: {error})",
        hint=_save_traceback(error, args),
    )
    with suppress(OSError):
        failure.draw_failure(told, TextScreen(sys.stderr))
    return BUG


def _save_traceback(error: Exception, args: list[str]) -> str:
    """Save the traceback; return what to do with it."""
    import shlex
    import tempfile
    import traceback

    told = "".join((shlex.join(["mlver", *args]), "\n\n", *traceback.format_exception(error)))
    try:
        with tempfile.NamedTemporaryFile(
            "wb", prefix="mlver-bug-", suffix=".txt", delete=False
        ) as file:
            file.write(told.encode(errors="backslashreplace"))
    except OSError as reason:
        return f"please report it; where it happened could not be saved ({reason.strerror})"
    return f"please report it, with {file.name}, which says where it happened"
