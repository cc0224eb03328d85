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


def print_result(result: Result, text: Callable[[Result, TextScreen], None], *, json: bool) -> None:
    """Print a result on stdout, as text or as JSON; raise MlverError where that fails."""
    screen = TextScreen(sys.stdout)
    try:
        if json:
            screen.write_raw(structured.dump_document(result))
        else:
            text(result, screen)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has enough: that is no failure.
        discard_stream(sys.stdout)
    except OSError as error:
        discard_stream(sys.stdout)
        raise MlverError(
            f"it is done, but its result could not be printed: {error.strerror or error}",
            hint="mlver status or mlver log shows what is there now",
        ) from error
