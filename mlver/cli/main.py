"""The one error boundary: whatever happens below ends here as a message, a hint and an exit code.

With `--json` a failure is one document on stdout as well (`schemas/result-error.schema.json`),
unless a result was begun there.

0 done · 1 the answer is no · 2 usage · 3 refused or failed · 70 a bug in mlver · 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from mlver import __version__

# Imported where they are used: the commands, of which `--version` needs none and a hook that git
# runs needs no Typer; and the report of a failure, which draws on a screen.


def main(argv: Sequence[str] | None = None) -> int:
    """Run `mlver ARGV…`; return the exit code. Only the shell's completion raises SystemExit."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its escape, not a traceback.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    exit_code = _run_guarded(arguments)
    _end_command()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            from mlver.terminal.exits import discard_stream

            discard_stream(stream)
    return exit_code


def _end_command() -> None:
    """Close and forget what is the command's own: this process may run many of them."""
    if state := sys.modules.get("mlver.system.state"):
        state.close_all()
    if output := sys.modules.get("mlver.terminal.output"):
        output.forget_output()
    if preferences := sys.modules.get("mlver.terminal.preferences"):
        preferences.forget_preferences()


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
        open_mode = "w" if number else "r"
        stream = open(os.devnull, open_mode)  # noqa: SIM115, PTH123 - open for all of the run
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
            exit_code = 0
        else:
            exit_code = _run_words(args)
        # Flushed here, where it can still be reported that there is no room for it.
        sys.stdout.flush()
        return exit_code
    except BrokenPipeError:
        return 0
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 - the boundary: nothing passes
        from mlver.cli.reporting import report_failure

        return report_failure(error, args)


def _run_words(args: list[str]) -> int:
    # A person who types it at a terminal is told what it is for.
    if args[:2] == ["store", "--"] and len(args) == 3 and not sys.stdin.isatty():
        from mlver.cli.quick_store import serve_far_end

        return serve_far_end(args[2])
    from mlver.git.kept import keep_processes

    with keep_processes():
        if args[:1] == ["hook"]:
            from mlver.cli.quick_hook import run_full_hook

            return run_full_hook(args[1:])
        from mlver.cli.app import run_command

        return run_command(args)
