from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.servers.proxy import Fault, FaultKind, FaultProxy

CONTENT = bytes(range(256)) * 1024


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    received: list[bytes]

    def do_GET(self) -> None:
        self._answer(CONTENT)

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(body)
        self._answer(b"ok")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_arguments: object) -> None:
        """Connections that break are what is tested here."""


@pytest.fixture
def received() -> list[bytes]:
    return []


@pytest.fixture
def proxy(received: list[bytes]) -> Iterator[FaultProxy]:
    handler = type("RecordingHandler", (Handler,), {"received": received})
    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with FaultProxy(server.server_port) as proxy:
            yield proxy
        server.shutdown()
        thread.join()


def connect(proxy: FaultProxy) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=1)


def get_content(proxy: FaultProxy) -> bytes:
    with closing(connect(proxy)) as connection:
        connection.request("GET", "/")
        return connection.getresponse().read()


def put_content(proxy: FaultProxy, body: bytes = CONTENT) -> int:
    with closing(connect(proxy)) as connection:
        connection.request("PUT", "/", body)
        return connection.getresponse().status


def test_what_has_no_fault_passes_unchanged(proxy: FaultProxy, received: list[bytes]) -> None:
    assert put_content(proxy) == 200
    assert get_content(proxy) == CONTENT
    assert received == [CONTENT]
    assert (proxy.seen, proxy.fired) == (2, 0)


def test_requests_of_one_connection_are_counted_one_by_one(proxy: FaultProxy) -> None:
    with closing(connect(proxy)) as connection:
        for _ in range(5):
            connection.request("PUT", "/", CONTENT)
            assert connection.getresponse().read() == b"ok"
    assert proxy.seen == 5


@pytest.mark.parametrize(
    ("kind", "arrived"),
    [
        (FaultKind.REFUSED, 0),
        (FaultKind.CUT_UP, 0),
        (FaultKind.LOST_ANSWER, 1),
        (FaultKind.CUT_DOWN, 1),
    ],
)
def test_a_cut_falls_where_it_should(
    proxy: FaultProxy, received: list[bytes], kind: FaultKind, arrived: int
) -> None:
    proxy.reset_faults({1: Fault(kind, 0 if kind is FaultKind.LOST_ANSWER else 9)})
    assert put_content(proxy, b"first") == 200
    with pytest.raises((OSError, http.client.HTTPException)):
        put_content(proxy)
    assert put_content(proxy, b"third") == 200
    assert received == [b"first", *[CONTENT] * arrived, b"third"]
    assert (proxy.seen, proxy.fired) == (3, 1)


@pytest.mark.parametrize("place", [0, 5, 70_000, len(CONTENT) - 1])
def test_one_bit_of_a_body_is_flipped(proxy: FaultProxy, received: list[bytes], place: int) -> None:
    wrong = bytearray(CONTENT)
    wrong[place] ^= 1
    faults = {0: Fault(FaultKind.FLIP_UP, place, in_body=True)}
    faults[1] = Fault(FaultKind.FLIP_DOWN, place, in_body=True)
    proxy.reset_faults(faults)
    assert put_content(proxy) == 200
    assert received == [wrong]
    assert get_content(proxy) == wrong
    assert get_content(proxy) == CONTENT


def test_a_busy_server_hears_nothing(proxy: FaultProxy, received: list[bytes]) -> None:
    proxy.reset_faults({0: Fault(FaultKind.BUSY), 1: Fault(FaultKind.BUSY)})
    assert [put_content(proxy, b"x") for _ in range(3)] == [503, 503, 200]
    assert received == [b"x"]


@pytest.mark.parametrize("kind", [FaultKind.STALL_UP, FaultKind.STALL_DOWN])
def test_a_stall_lasts(proxy: FaultProxy, kind: FaultKind) -> None:
    proxy.reset_faults({0: Fault(kind, 5)})
    with pytest.raises(TimeoutError):
        put_content(proxy)
    assert proxy.fired == 1


def test_faults_of_connections(proxy: FaultProxy, received: list[bytes]) -> None:
    with FaultProxy(proxy.port, {1: Fault(FaultKind.CUT_UP, 1000)}, by_connection=True) as outer:
        assert put_content(outer, b"x") == 200
        with pytest.raises((OSError, http.client.HTTPException)):
            put_content(outer)
        assert put_content(outer, b"x") == 200
        assert outer.seen == 3
    assert received == [b"x", b"x"]


def test_words_are_rewritten_on_their_way_up(proxy: FaultProxy, received: list[bytes]) -> None:
    with FaultProxy(proxy.port, rewrite={b"PUT /": b"PUT /x", b"old": b"new"}) as outer:
        assert put_content(outer, b"one old body") == 200
    assert received == [b"one new body"]
