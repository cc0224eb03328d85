"""Routes that a running proxy reads again: files replaced by a rename, as `deploy` replaces them.

What a proxy's own file has is a function that starts it with routes that are there already, and one
that makes it read them again and returns once no request meets the old ones any more.
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlver.document.emit import dump_document
from mlver.policy.serving.rendering import RenderedFile, RenderedFiles
from tests.servers.starting import RunningServer

# Where a test finds the folder of a proxy.
FOLDER_VARIABLE = "MLVER_TESTS_PROXY"
_PATIENCE = 20.0  # seconds
_REPEAT_AFTER = 2.0


def write_routes(root: Path, files: RenderedFiles) -> None:
    """Put each file in its place, below a folder, in one step."""
    for name, file in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes(_encode_file(file))
        fresh.replace(path)


def _encode_file(file: RenderedFile) -> bytes:
    if isinstance(file, str):
        return file.encode()
    assert isinstance(file, dict)
    return dump_document(file)


def replace_workers(server: RunningServer, number: signal.Signals) -> None:
    """Send a signal that makes a proxy start new workers; wait until there are no others."""
    before = list_workers(server)
    sent = -math.inf

    def are_replaced() -> bool:
        nonlocal sent
        # HAProxy misses a signal that comes while it starts.
        if time.monotonic() > sent + _REPEAT_AFTER:
            os.kill(_find_main(server), number)
            sent = time.monotonic()
        return _are_replaced(server, before)

    wait_until(are_replaced, "the proxy did not replace its workers", _find_log(server))


@contextmanager
def expecting_new_workers(server: RunningServer) -> Iterator[None]:
    """What is done inside makes a proxy start new workers; wait at the end until there are no
    others.
    """
    before = list_workers(server)
    yield
    complaint = "the proxy did not replace its workers"
    wait_until(lambda: _are_replaced(server, before), complaint, _find_log(server))


def list_workers(server: RunningServer) -> frozenset[int]:
    """The processes that answer requests."""
    return _list_children(_find_main(server))


def _are_replaced(server: RunningServer, before: frozenset[int]) -> bool:
    now = list_workers(server)
    return bool(now) and not now & before


def _find_main(server: RunningServer) -> int:
    """The process that starts the workers: what watches over the server has no other child.

    A file with its number is empty for a moment while HAProxy reloads.
    """
    (main,) = _list_children(server.pid)
    return main


def _find_log(server: RunningServer) -> Path:
    return Path(server.environment[FOLDER_VARIABLE]) / "log"


def _list_children(process: int) -> frozenset[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return frozenset(map(int, text.split()))


def wait_until(is_done: Callable[[], bool], complaint: str, log: Path) -> None:
    """Wait; fail with the end of what a server says, in case it does not want to."""
    deadline = time.monotonic() + _PATIENCE
    while not is_done():
        if time.monotonic() > deadline:
            raise AssertionError(f"{complaint}:\n{log.read_text()[-2000:]}")
        time.sleep(0.01)
