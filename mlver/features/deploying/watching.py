"""`mlver deploy NAME --watch`: deploys again and again, until it is told to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from mlver.errors import MlverError, UsageError, summarise_error
from mlver.project.project import Project
from mlver.project.serving.deploying import DeployOptions, DeployResult, deploy

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
    told_to_end = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: told_to_end.set()) for number in numbers}
    try:
        yield told_to_end.wait
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
