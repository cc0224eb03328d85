"""`mlver deploy NAME --watch`: deploys again and again, until it is told to end."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from mlver.errors import MlverError, UsageError, summarise_error
from mlver.project.project import Project
from mlver.project.serving.deploying import DeployOptions, DeployResult, deploy

# Python handles a signal that came just before a wait began only after that.
_LONGEST_WAIT_S = 0.5
# Waits so many seconds, and says whether to end.
Pause = Callable[[float], bool]


def watch_target(
    open_project: Callable[[], Project],
    name: str,
    options: DeployOptions,
    *,
    every: float,
    pause: Pause,
) -> Iterator[DeployResult]:
    """Yield the result of each deployment that changed something.

    What fails is said once and tried again. Raise UsageError for what no later time makes right.
    """
    told = ""
    while True:
        project = open_project()
        try:
            result = deploy(project, name, options)
        except UsageError:
            raise
        except MlverError as error:
            reason = summarise_error(error)
            if reason != told:
                project.reporter.show_note(f"{reason}; it is tried again")
            told = reason
        else:
            told = ""
            # Who agreed once need not agree again, and a folder that others claim stays theirs.
            options = replace(options, agreed=False)
            if result.changed:
                yield result
        if pause(every):
            return


@contextmanager
def heeding_signals() -> Iterator[Pause]:
    """Let SIGINT and SIGTERM end the next pause: a deployment under way is finished first."""
    told: list[int] = []

    def pause(seconds: float) -> bool:
        limit = time.monotonic() + seconds
        while not told and (left := limit - time.monotonic()) > 0:
            time.sleep(min(left, _LONGEST_WAIT_S))
        return bool(told)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: told.append(1)) for number in numbers}
    try:
        yield pause
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
