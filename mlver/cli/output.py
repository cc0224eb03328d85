"""How a result is put out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from mlver.cli.main import forget
from mlver.errors import MlverError
from mlver.render import structured
from mlver.render.screen import Screen

Result = TypeVar("Result")


def put_out(result: Result, text: Callable[[Result, Screen], None], *, json: bool) -> None:
    """Put a result out on stdout, as text or as JSON."""
    screen = Screen(sys.stdout)
    try:
        if json:
            screen.raw(structured.dumps(result))
        else:
            text(result, screen)
        sys.stdout.flush()
    except BrokenPipeError:
        forget(sys.stdout)
    except OSError as error:
        forget(sys.stdout)
        raise MlverError(
            f"it is done, but its result could not be printed: {error.strerror or error}",
            hint="mlver status or mlver log shows what is there now",
        ) from error
