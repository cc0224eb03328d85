from __future__ import annotations

import gc
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.storage.remote.blobs import BlobError, TransientBlobError
from mlver.storage.remote.web import (
    WebClient,
    is_loopback,
    parse_content_range,
    parse_count,
    parse_time,
)
from mlver.system.timings import STANDARD
from tests.storage.remote.scripted import Answered, serve_script

_HASTY = replace(STANDARD, connect=0.2, silence=0.2)


@contextmanager
def serve_bytes(pieces: list[bytes], wait: float) -> Iterator[str]:
    """A server that answers each request with these bytes, and waits after each of them."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                client.recv(1 << 16)
                for piece in pieces:
                    try:
                        client.sendall(piece)
                    except OSError:
                        break
                    time.sleep(wait)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def send(url: str) -> bytes:
    return WebClient("x", timings=_HASTY).send("GET", url, limit=1000).body


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"


@pytest.mark.parametrize(
    ("pieces", "wait"),
    [
        ([b""], 0.3),
        ([b"HTTP/1.1 200 OK\r\n", b""], 0.3),
        ([_HEAD, b"a", b"b"], 0.3),
        # A byte now and then is no transfer.
        ([_HEAD, *[b"a"] * 50], 0.05),
        ([_HEAD, b"abc"], 0.0),
        ([b"nonsense\r\n\r\n"], 0.0),
        ([b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n"], 0.0),
        ([b"HTTP/1.1 200 OK\r\nx: " + b"a" * 100_000 + b"\r\n\r\n"], 0.0),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"], 0.0),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"], 0.0),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 5, 9\r\n\r\nab"], 0.0),
    ],
)
def test_what_is_no_whole_answer_may_pass(pieces: list[bytes], wait: float) -> None:
    with serve_bytes(pieces, wait) as url:
        began = time.monotonic()
        with pytest.raises(BlobError) as caught:
            send(url)
        assert isinstance(caught.value, TransientBlobError)
        assert caught.value.message.isprintable()
        assert time.monotonic() - began < 2
    del caught
    # http.client leaves the socket of an answer that it cannot read to the garbage collector.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_no_more_is_read_than_was_asked_for() -> None:
    with serve_script(lambda _: Answered(body=bytes(10 << 20))) as server:
        client = WebClient("x", timings=_HASTY)
        for _ in range(3):
            assert len(client.send("GET", server.address, limit=10).body) == 11
        # What was left of the first answer is none of the second one.
        assert client.send("HEAD", server.address, limit=10).body == b""


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/",
        "http://example.com/",
        "http://127.0.0.1.example.com/",
        "ftp://localhost/",
        "file:///etc/passwd",
        "//localhost/",
        "http://user@localhost/",
        "http://localhost:99999/",
        "http://[::1/",
        "http:///x",
        "",
        "http://löcalhost/",
        "http://localhost/\n",
    ],
)
def test_nothing_is_sent_to_what_is_no_safe_url(url: str) -> None:
    with pytest.raises(BlobError) as caught:
        send(url)
    assert caught.value.message.isprintable()


def test_plain_http_is_for_this_machine() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1", "LOCALHOST")))
    for host in ("", "localhost.evil", "0.0.0.0", "10.0.0.1", "example.com"):
        assert not is_loopback(host)


def test_a_proxy_of_the_environment_is_used_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_script(lambda _: Answered(body=b"by proxy")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.address)
        client = WebClient("x", insecure=True, timings=_HASTY)
        assert client.send("GET", "http://models.invalid/a").body == b"by proxy"
        assert proxy.asked[0].path == "http://models.invalid/a"
        monkeypatch.setenv("no_proxy", "models.invalid")
        with pytest.raises(TransientBlobError):
            client.send("GET", "http://models.invalid/a")
        assert len(proxy.asked) == 1


@given(st.text(max_size=60) | st.text("bytes 0123456789-/*", max_size=30))
def test_whatever_a_header_says_is_a_value_or_none(text: str) -> None:
    parse_content_range(text)
    parse_count(text)
    parse_time(text)


def test_headers_are_read_as_they_are_written() -> None:
    assert parse_content_range("bytes 5-9/100") == (5, 9, 100)
    assert parse_content_range("bytes 5-9/*") == (5, 9, None)
    assert parse_content_range("bytes */100") is None
    written = parse_time("Sun, 29 Nov 2026 22:03:04 GMT")
    assert written is not None
    assert written.isoformat() == "2026-11-29T22:03:04+00:00"
    assert parse_time("Sun, 99 Nov 2026 22:03:04 GMT") is None
