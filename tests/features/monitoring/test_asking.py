"""What stands between judge and a server: tokens, certificates, redirects, and slowness."""

from __future__ import annotations

import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from mlver.project.judging import asking
from tests.conftest import CommandOutcome, Repository
from tests.servers.install import install_programs

_EMPTY = b'{"status": "success", "data": {"resultType": "matrix", "result": []}}'
TOKEN = "a-token-of-the-tests"
Answer = Callable[[BaseHTTPRequestHandler], None]


def say(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def offering(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve what `answer` writes; give the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    scheme = "http"
    if context is not None:
        scheme = "https"
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"{scheme}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def judge(repository: Repository, address: str, *options: str) -> CommandOutcome:
    words = ("judge", "digits", "--stage", "production", "--prometheus", address)
    return repository.mlver(*words, "--since", "1h", *options)


def write_token(repository: Repository, text: str = f"{TOKEN}\n") -> tuple[str, str]:
    path = repository.path.parent / "token"
    path.write_text(text)
    return ("--prometheus-token", str(path))


def test_a_server_that_asks_for_a_token_gets_the_one_of_the_file(serving: Repository) -> None:
    seen: list[str | None] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers.get("Authorization"))
        is_right = seen[-1] == f"Bearer {TOKEN}"
        say(handler, _EMPTY if is_right else b"", 200 if is_right else 401)

    with offering(answer) as address:
        let_in = judge(serving, address, *write_token(serving))
        without = judge(serving, address)
    assert (let_in.code, "there is no event of" in let_in.out) == (4, True), let_in
    assert (without.code, "another token than --prometheus-token has (401)" in without.err) == (
        3,
        True,
    )
    assert set(seen) == {f"Bearer {TOKEN}", None}
    assert TOKEN not in let_in.out + let_in.err


def test_no_token_is_sent_to_where_a_server_leads(serving: Repository) -> None:
    asked: list[str | None] = []

    def take(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers.get("Authorization"))
        say(handler, _EMPTY)

    with offering(take) as elsewhere:

        def lead(handler: BaseHTTPRequestHandler) -> None:
            say(handler, b"", 302, Location=f"{elsewhere}{handler.path}")

        with offering(lead) as address:
            done = judge(serving, address, *write_token(serving))
    assert (done.code, "HTTP 302" in done.err, asked) == (3, True, [])


@pytest.mark.parametrize("text", ["", "\n", "two words", "two\nlines", "\x1b[31m", "ü"])
def test_what_is_no_token_is_refused(serving: Repository, text: str) -> None:
    done = judge(serving, "http://127.0.0.1:1", *write_token(serving, text))
    assert (done.code, "holds no token" in done.err) == (3, True), done
    gone = judge(serving, "http://127.0.0.1:1", "--prometheus-token", "gone")
    assert (gone.code, "gone" in gone.err) == (3, True)


def make_certificate(folder: Path) -> tuple[Path, Path]:
    openssl = install_programs("apt", "openssl") / "openssl"
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    keys = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    files = ("-keyout", key, "-out", certificate)
    subprocess.run(
        [openssl, "req", "-x509", *keys, *names, *files], capture_output=True, check=True
    )
    return certificate, key


def test_a_certificate_has_to_be_trusted(
    serving: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with offering(lambda handler: say(handler, _EMPTY), context) as address:
        refused = judge(serving, address)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        trusted = judge(serving, address)
        plain = judge(serving, address.replace("https", "http"))
    assert (refused.code, "its certificate is not trusted here" in refused.err) == (3, True)
    assert trusted.code == 4, trusted
    assert plain.code == 3


@pytest.mark.parametrize("part", ["body", "headers", "nothing"])
def test_a_slow_server_is_left_behind(
    serving: Repository, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """Each byte comes in time; all of them together never do."""
    monkeypatch.setattr(asking, "BUDGET_S", 0.4)
    over = Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        if part == "body":
            handler.send_response(200)
            handler.end_headers()
        elif part == "headers":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.05):
            if part != "nothing":
                handler.wfile.write(b"X-More: of it\r\n" if part == "headers" else b" ")

    with offering(drip) as address:
        before = time.monotonic()
        done = judge(serving, address)
        took = time.monotonic() - before
        over.set()
    assert (done.code, "it took longer than 0.4 s" in done.err) == (3, True), done
    assert took < 10


def test_what_a_server_says_of_a_query_that_it_refuses_is_told(serving: Repository) -> None:
    body = b'{"status": "error", "errorType": "bad_data", "error": "too many \\u001b[31msamples"}'
    with offering(lambda handler: say(handler, body, 422)) as address:
        done = judge(serving, address)
    assert (done.code, "HTTP 422" in done.err, "samples" in done.err, "\x1b" in done.err) == (
        3,
        True,
        True,
        False,
    )


@pytest.mark.parametrize("value", ['[NaN, "1"]', '[1e999, "1"]', f"[1, {'9' * 400}]", "[1]"])
def test_a_value_that_is_none_is_no_answer(serving: Repository, value: str) -> None:
    series = f'[{{"metric": {{"version": "1.1.0"}}, "values": [{value}]}}]'
    body = _EMPTY.replace(b"[]", series.encode())
    with offering(lambda handler: say(handler, body)) as address:
        done = judge(serving, address)
    assert (done.code, "its answer is none of Prometheus's" in done.err) == (3, True), done


def test_a_refusal_that_nests_too_deep_is_told_without_it(serving: Repository) -> None:
    with offering(lambda handler: say(handler, b"[" * 60_000, 422)) as address:
        done = judge(serving, address)
    assert (done.code, "HTTP 422" in done.err) == (3, True), done


def test_a_refusal_that_never_ends_is_left_behind(
    serving: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "BUDGET_S", 0.4)
    over = Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(500)
        handler.end_headers()
        for _ in range(100):
            if over.wait(0.05):
                return
            handler.wfile.write(b" ")

    with offering(drip) as address:
        before = time.monotonic()
        done = judge(serving, address)
        took = time.monotonic() - before
        over.set()
    assert (done.code, "it took longer than 0.4 s" in done.err) == (3, True), done
    assert took < 4
