"""A TCP proxy that breaks what passes through it, as networks and servers do.

It knows nothing of HTTP but that an answer follows a request: the bytes that a client sends after
it got an answer begin the next request. Requests are numbered from 0 on over all connections, in
the order of their arrival. Protocols without such turns take connections in place of requests.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Self

_PIECE = 1 << 16
_HEAD_END = b"\r\n\r\n"
_BUSY = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nRetry-After: 0\r\nConnection: close\r\n\r\n"
)


class FaultKind(Enum):
    """What happens to a request, or to a connection."""

    REFUSED = "the connection is cut before a byte of the request arrives"
    CUT_UP = "the connection is cut within the request"
    LOST_ANSWER = "the request arrives, and the connection is cut before the answer"
    CUT_DOWN = "the connection is cut within the answer"
    FLIP_UP = "one bit of the request is flipped"
    FLIP_DOWN = "one bit of the answer is flipped"
    BUSY = "the answer is 503, and the server never hears of the request"
    STALL_UP = "the request stops within, and the connection stays"
    STALL_DOWN = "the answer stops within, and the connection stays"


_UPWARD = frozenset((FaultKind.REFUSED, FaultKind.CUT_UP, FaultKind.FLIP_UP, FaultKind.STALL_UP))
_CUTS = frozenset((FaultKind.REFUSED, FaultKind.CUT_UP, FaultKind.LOST_ANSWER, FaultKind.CUT_DOWN))


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault after so many bytes of the request or answer; of its body, if `in_body`.

    A bit is flipped in the byte that comes after those. A request or answer that is shorter passes.
    """

    kind: FaultKind
    after: int = 0
    in_body: bool = False


class FaultProxy:
    """A proxy before a port of 127.0.0.1. `faults` are those of requests, by their numbers.

    With `by_connection`, they are those of connections, and bytes count from their beginning.
    In what clients send, `rewrite` replaces these words by others. `sent` is how many bytes of
    theirs went on to the server.
    """

    def __init__(
        self,
        target: int,
        faults: Mapping[int, Fault] | None = None,
        *,
        by_connection: bool = False,
        rewrite: Mapping[bytes, bytes] | None = None,
    ) -> None:
        self.rewrite = rewrite or {}
        self.sent = 0
        self._target = target
        self._by_connection = by_connection
        self._lock = threading.Lock()
        self._connections: list[_Connection] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.closing = threading.Event()
        self.reset_faults(faults or {})
        threading.Thread(target=self._accept_all, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close_proxy()

    def reset_faults(self, faults: Mapping[int, Fault]) -> None:
        """Count from 0 again, with other faults."""
        with self._lock:
            self._faults = dict(faults)
            self._seen = 0
            self._fired = 0

    @property
    def seen(self) -> int:
        """How many requests came, or connections."""
        return self._seen

    @property
    def fired(self) -> int:
        """How many faults took effect."""
        return self._fired

    def close_proxy(self) -> None:
        """Cut all connections and take no more."""
        self.closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.cut_both()

    def take_fault(self) -> Fault | None:
        """The fault of the next request, which is counted."""
        with self._lock:
            self._seen += 1
            return self._faults.get(self._seen - 1)

    def note_sent(self, size: int) -> None:
        """Count bytes of a client."""
        with self._lock:
            self.sent += size

    def note_fired(self) -> None:
        """Count a fault that took effect."""
        with self._lock:
            self._fired += 1

    def _accept_all(self) -> None:
        while not self.closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            connection = _Connection(self, client, server, by_connection=self._by_connection)
            with self._lock:
                self._connections.append(connection)
            for pump in (connection.pump_up, connection.pump_down):
                threading.Thread(target=pump, daemon=True).start()


@dataclass(slots=True)
class _Meter:
    """Finds where a fault falls in the bytes of one request or answer."""

    fault: Fault | None
    passed: int = 0
    _head: bytes = b""
    _in_body: bool = field(init=False)

    def __post_init__(self) -> None:
        self._in_body = self.fault is None or not self.fault.in_body

    def find_place(self, data: bytes) -> int | None:
        """Where in these next bytes the fault falls, if it does."""
        begin = 0
        if not self._in_body:
            known = len(self._head)
            self._head += data
            end = self._head.find(_HEAD_END)
            if end < 0:
                return None
            self._in_body = True
            begin = end + len(_HEAD_END) - known
        place = begin - self.passed + (self.fault.after if self.fault else 0)
        self.passed += len(data) - begin
        if self.fault is None or not begin <= place < len(data):
            return None
        return place


class _Connection:
    """One client, and the connection to the server that was made for it."""

    def __init__(
        self,
        proxy: FaultProxy,
        client: socket.socket,
        server: socket.socket,
        *,
        by_connection: bool,
    ) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._by_connection = by_connection
        self._is_answered = False
        fault = proxy.take_fault() if by_connection else None
        self._has_begun = by_connection
        self._begin_request(fault)

    def _begin_request(self, fault: Fault | None) -> None:
        is_upward = fault is not None and fault.kind in _UPWARD
        self._fault = fault
        self._up = _Meter(fault if is_upward else None)
        self._down = _Meter(None if is_upward else fault)
        self._is_answered = False

    def pump_up(self) -> None:
        """Carry what the client sends, to the end."""
        with suppress(OSError):
            while data := self._client.recv(_PIECE):
                if not self._by_connection and (self._is_answered or not self._has_begun):
                    self._has_begun = True
                    self._begin_request(self._proxy.take_fault())
                if self._fault is not None and self._fault.kind is FaultKind.BUSY:
                    self._answer_busy()
                    return
                for old, new in self._proxy.rewrite.items():
                    data = data.replace(old, new)
                if not self._carry(data, self._server, self._up):
                    return
                self._proxy.note_sent(len(data))
            self._server.shutdown(socket.SHUT_WR)

    def pump_down(self) -> None:
        """Carry what the server answers, to the end."""
        with suppress(OSError):
            while data := self._server.recv(_PIECE):
                # Before it is sent: the next request may follow at once.
                self._is_answered = True
                if not self._carry(data, self._client, self._down):
                    return
            self._client.shutdown(socket.SHUT_WR)

    def _carry(self, data: bytes, out: socket.socket, meter: _Meter) -> bool:
        """Send these bytes on, as far as the fault lets them. Whether more may follow."""
        fault = meter.fault
        place = meter.find_place(data)
        if fault is None or place is None:
            out.sendall(data)
            return True
        self._proxy.note_fired()
        if fault.kind in (FaultKind.FLIP_UP, FaultKind.FLIP_DOWN):
            out.sendall(data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :])
            return True
        out.sendall(data[:place])
        if fault.kind in _CUTS:
            self.cut_both()
        else:
            self._proxy.closing.wait()
        return False

    def _answer_busy(self) -> None:
        self._proxy.note_fired()
        self._client.sendall(_BUSY)
        self._client.shutdown(socket.SHUT_WR)
        # Closed now, what the client still sends would take the answer away from it.
        self._client.settimeout(5)
        while self._client.recv(_PIECE):
            pass
        self.cut_both()

    def cut_both(self) -> None:
        """End both connections at once, as a network does that fails: the peers see a reset."""
        for side in (self._client, self._server):
            with suppress(OSError):
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # The other thread may wait in it, which a mere close would not end.
            with suppress(OSError):
                side.shutdown(socket.SHUT_RD)
            side.close()
