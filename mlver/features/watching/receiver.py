"""The server that an Alertmanager's webhook is sent to: it checks who asks, and hands alerts over.

Nothing here touches the repository. What one request may take of memory, threads and time is
bounded, and nothing that it sends ends the loop: a fault is an answer.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
import threading
import time
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from mlver.errors import MlverError, UsageError, printable_name, refusal_error
from mlver.features.watching.inbox import Delivery, Inbox, WebhookAnswer
from mlver.policy.webhook import WebhookFault, parse_webhook

_BODY_BYTES = 1 << 20
_PATHS = ("/", "/alerts")
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverLimits:
    """How many requests are answered at once, and how long each may take, in seconds: until it is
    whole (`reading`), and then until there is an answer (`answering`).
    """

    requests: int = 8
    reading: float = 10.0
    answering: float = 60.0


class AlertReceiver(ThreadingHTTPServer):
    """Listens on an address, for requests that show the token."""

    daemon_threads = True
    block_on_close = False

    def __init__(
        self, address: tuple[str, int], token: bytes, inbox: Inbox, limits: ReceiverLimits
    ) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.token = token
        self.inbox = inbox
        self.limits = limits
        self._places = threading.BoundedSemaphore(limits.requests)
        self._deadlines: dict[socket.socket, float] = {}
        super().__init__(address, AlertRequest)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, where one is free."""
        if not self._places.acquire(blocking=False):
            with suppress(OSError):
                request.setblocking(False)
                request.send(_BUSY)
            self.shutdown_request(request)
            return
        self.give_time(request, self.limits.reading)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._deadlines.pop(request, None)
            self._places.release()

    def give_time(self, request: socket.socket, seconds: float) -> None:
        """Let a request take so many seconds from now on."""
        self._deadlines[request] = time.monotonic() + seconds

    def service_actions(self) -> None:
        """End requests whose time is over, such as those that send a byte now and then."""
        now = time.monotonic()
        for request, deadline in list(self._deadlines.items()):
            if now > deadline:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever broke a connection knows."""


class AlertRequest(BaseHTTPRequestHandler):
    """One request."""

    server: AlertReceiver
    server_version: ClassVar[str] = "mlver"  # type: ignore[misc]
    sys_version: ClassVar[str] = ""  # type: ignore[misc]

    def do_GET(self) -> None:
        """Say that somebody is here: for whoever looks after the process."""
        if self.path == "/healthy":
            self._answer(200, "watching")
        else:
            self._answer(404, "POST alerts to /alerts")

    def do_POST(self) -> None:
        self._answer(*self._judge_request())

    def _judge_request(self) -> WebhookAnswer:
        """Check who asks, and for what; then wait for what came of it."""
        if self.path not in _PATHS:
            return WebhookAnswer(404, "POST alerts to /alerts")
        if not self._shows_token():
            return WebhookAnswer(401, "this needs the token: Authorization: Bearer TOKEN")
        body = self._read_body()
        if isinstance(body, WebhookAnswer):
            return body
        try:
            alerts = parse_webhook(body)
        except WebhookFault as fault:
            return WebhookAnswer(400, f"this is no group of alerts: {fault}")
        self.server.give_time(self.connection, self.server.limits.answering + 10)
        delivery = Delivery(alerts)
        if not self.server.inbox.offer(delivery):
            return WebhookAnswer(503, "too much waits here already")
        try:
            return delivery.reply.result(self.server.limits.answering)
        except (TimeoutError, CancelledError):
            delivery.reply.cancel()
            return WebhookAnswer(503, "it takes longer than expected")

    def _shows_token(self) -> bool:
        scheme, _, shown = self.headers.get("Authorization", "").partition(" ")
        given = shown.strip().encode(errors="replace")
        return hmac.compare_digest(given, self.server.token) and scheme.lower() == "bearer"

    def _read_body(self) -> bytes | WebhookAnswer:
        given = self.headers.get("Content-Length")
        if given is None or self.headers.get("Transfer-Encoding") is not None:
            return WebhookAnswer(411, "say how long it is: Content-Length")
        if not (given.isascii() and given.isdigit()) or len(given) > 19:
            return WebhookAnswer(400, "its Content-Length is no number")
        length = int(given)
        if length > _BODY_BYTES:
            return WebhookAnswer(413, f"no group of alerts has more than {_BODY_BYTES:,} bytes")
        body = self.rfile.read(length)
        if len(body) < length:
            return WebhookAnswer(400, "it ended too early")
        return body

    def _answer(self, status: int, says: str) -> None:
        data = f"{printable_name(says)}\n".encode()
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the loop tells what came of it."""


def parse_listen(text: str, *, is_public: bool) -> tuple[str, int]:
    """Read `PORT` or `HOST:PORT`; raise UsageError where others could reach it, unless wanted."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise UsageError(f"--listen takes PORT or HOST:PORT, not {printable_name(text)}")
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    if not is_local and not is_public:
        raise UsageError(
            f"others could reach {printable_name(host)}, and the token would travel unencrypted:"
            " listen on 127.0.0.1 behind a proxy with TLS, or say --public"
        )
    return host, int(port)


def open_receiver(
    address: tuple[str, int], token: bytes, inbox: Inbox, limits: ReceiverLimits
) -> AlertReceiver:
    """Listen; raise MlverError where the port is taken."""
    try:
        return AlertReceiver(address, token, inbox, limits)
    except OSError as error:
        where = f"{address[0]}:{address[1]}"
        refusal = refusal_error(f"listening on {where}", error, outcome="")
        raise MlverError(refusal.message, hint="mlver watch --help") from error
