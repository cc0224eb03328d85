"""How a result is printed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from mlver.errors import MlverError
from mlver.terminal import structured
from mlver.terminal.exits import discard_stream
from mlver.terminal.screen import TextScreen

Result = TypeVar("Result")


class _PrintedOutput:
    """What this run of a command has put on stdout."""

    begun = False


def has_begun() -> bool:
    """Whether stdout holds a result or a part of one, beside which no error document may stand."""
    return _PrintedOutput.begun


def forget_output() -> None:
    """Begin another run of a command in this process."""
    _PrintedOutput.begun = False


def print_result(
    result: Result,
    text: Callable[[Result, TextScreen], None],
    *,
    json: bool,
    paged: bool = False,
) -> None:
    """Print a result on stdout, as text or as JSON; raise MlverError where that fails.

    `paged`: a text that is longer than the terminal goes through the pager.
    """
    # Built before anything is printed: what fails here can still be told on stdout.
    document = structured.dump_document(result) if json else ""
    _PrintedOutput.begun = True
    try:
        if json:
            sys.stdout.write(document)
        elif paged and sys.stdout.isatty():
            from mlver.terminal.paging import print_drawn

            print_drawn(lambda stream: text(result, TextScreen(stream)))
        else:
            text(result, TextScreen(sys.stdout))
        sys.stdout.flush()
    except KeyboardInterrupt:
        # The rest would wait for a slow reader before the command could end.
        discard_stream(sys.stdout)
        raise
    except BrokenPipeError:
        # The reader, such as `head`, has enough: that is no failure.
        discard_stream(sys.stdout)
    except OSError as error:
        discard_stream(sys.stdout)
        raise MlverError(
            f"it is done, but its result could not be printed: {error.strerror or error}",
            hints=("mlver status", "mlver log"),
        ) from error
