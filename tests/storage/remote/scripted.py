"""A web server that answers as a test says, for what no honest server does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_DATE = "Sun, 29 Nov 2026 22:00:00 GMT"


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answered:
    """An answer. Its Content-Length is that of the body, unless the headers say another one."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Callable[[Asked], Answered]


class ScriptedServer:
    """A server on 127.0.0.1, and what it was asked so far."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[Asked] = []
        self._answer = answer
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): text for name, text in self.headers.items()}
                asked = Asked(self.command, self.path, headers, self.rfile.read(length))
                script.asked.append(asked)
                answered = script._answer(asked)
                self.send_response_only(answered.status)
                given = {"Content-Length": str(len(answered.body)), "Date": _DATE}
                given.update(answered.headers)
                for name, text in given.items():
                    self.send_header(name, text)
                self.end_headers()
                if self.command != "HEAD":
                    # Whoever stops reading early is one of the things that are tried.
                    with suppress(OSError):
                        self.wfile.write(answered.body)
                if int(given["Content-Length"]) != len(answered.body):
                    self.close_connection = True

            def log_message(self, *arguments: object) -> None:
                pass

        for method in ("HEAD", "POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.do_GET)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.address = f"http://{self.host}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def serve_script(answer: Answer) -> Iterator[ScriptedServer]:
    """Answer every request by a function until the block ends."""
    server = ScriptedServer(answer)
    try:
        yield server
    finally:
        server.close()
