"""Start `watch` and end it: the clone, the receiver, the signals."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from types import FrameType

from mlver.features.watching.events import TellEvent, WatchResult
from mlver.features.watching.inbox import Inbox
from mlver.features.watching.own_clone import hold_clone
from mlver.features.watching.receiver import AlertReceiver, ReceiverLimits, open_receiver
from mlver.features.watching.rules import WatchRequest, check_request
from mlver.features.watching.token_file import read_token
from mlver.features.watching.watch import StageWatcher
from mlver.project.project import Project

_ENDING = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverOptions:
    """Where alerts are received, and the file of the token that they have to show."""

    address: tuple[str, int]
    token_file: str
    limits: ReceiverLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """`clone` is the folder to work in; None for one of its own. `is_once`: one round only."""

    clone: str | None = None
    is_once: bool = False
    receiver: ReceiverOptions | None = None


def run_watch(
    project: Project, request: WatchRequest, options: WatchOptions, tell: TellEvent
) -> None:
    """Watch until a signal ends it, or for one round.

    Raise MlverError where it cannot begin, and where something failed in the one round.
    """
    check_request(project, request)
    token = None
    if options.receiver is not None:
        token = read_token(project.start, options.receiver.token_file)
    with hold_clone(project, options.clone) as clone:
        inbox = Inbox()
        watcher = StageWatcher(clone, request, tell, inbox)
        if options.is_once:
            watcher.look()
            if watcher.failure is not None:
                raise watcher.failure
            return
        serving: AlertReceiver | None = None
        if options.receiver is not None and token is not None:
            given = options.receiver
            serving = open_receiver(given.address, token, inbox, given.limits)
        with _ending_by_signal(watcher), _serve(serving) if serving else nullcontext():
            tell(_describe_start(clone, request, serving))
            watcher.run()
        says = "what was begun is whole"
        tell(WatchResult(time=clone.record_time, event="stopped", says=says))


def _describe_start(
    clone: Project, request: WatchRequest, serving: AlertReceiver | None
) -> WatchResult:
    says = f"watching {', '.join(request.stages)} in {clone.top_folder}"
    if serving is not None:
        says += f", alerts come to port {serving.server_address[1]}"
    return WatchResult(time=clone.record_time, event="started", says=says)


@contextmanager
def _serve(receiver: AlertReceiver) -> Iterator[None]:
    """Answer requests in other threads, until the end of a `with` block."""
    thread = threading.Thread(target=receiver.serve_forever, args=(0.2,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        receiver.shutdown()
        receiver.server_close()


@contextmanager
def _ending_by_signal(watcher: StageWatcher) -> Iterator[None]:
    """Let a signal end the loop once what it does is done; a second one interrupts that."""

    def end(number: int, frame: FrameType | None) -> None:
        if watcher.is_stopping:
            raise KeyboardInterrupt
        watcher.stop()

    before = {number: signal.signal(number, end) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
