"""The wait for alerts: a signal ends it, whenever it comes."""

from __future__ import annotations

import signal
import threading
import time

from mlver.features.watching.inbox import Inbox


def test_a_signal_that_does_not_end_a_wait_is_heeded_soon() -> None:
    """Another thread takes the signal, and Python handles it once the first one does anything."""
    inbox, over = Inbox(), threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    handler = signal.signal(signal.SIGALRM, lambda *_: inbox.wake())
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    try:
        before = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert inbox.take(20) is None
        assert time.monotonic() - before < 5
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGALRM, handler)
        over.set()
        other.join()


def test_a_wait_ends_in_time() -> None:
    before = time.monotonic()
    assert Inbox().take(0.3) is None
    assert 0.3 <= time.monotonic() - before < 5
    assert Inbox().take(-1) is None
