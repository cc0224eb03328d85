"""Asks a Prometheus server over HTTP, and believes little of what comes back.

Redirects are not followed: a token would be sent along to another machine. All questions of one
verdict together have to be answered in time, however slowly a server sends, and though its name is
never resolved.
"""

from __future__ import annotations

import http.client
import json
import math
import queue
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from mlver.errors import MlverError, UsageError, printable_name, refusal_error
from mlver.system.regular import read_regular

# All answers to one verdict together.
BUDGET_S = 60.0
_TIMEOUT_S = 30
_ANSWER_BYTES = 64 << 20
_TOKEN_BYTES = 1 << 16
_HINT = "mlver judge --help"


@dataclass(frozen=True, slots=True)
class CounterSeries:
    """A counter by its labels, at the times that it had a value."""

    labels: Mapping[str, str]
    values: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusServer:
    """A server at an address without a slash at its end; `token` lets in who asks."""

    address: str
    token: str | None = field(default=None, repr=False)
    deadline: float

    def ask_range(self, expression: str, times: Sequence[int], step: int) -> list[CounterSeries]:
        """Ask for the values of an expression at these times, `step` seconds apart.

        Raise MlverError where the server does not answer in time, or not as Prometheus does.
        """
        words = {"query": expression, "start": times[0], "end": times[-1], "step": step}
        request = urllib.request.Request(f"{self.address}/api/v1/query_range?{urlencode(words)}")
        if self.token is not None:
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        data = self._call_in_time(lambda: _read_data(request))
        if len(data) > _ANSWER_BYTES:
            raise self._unanswered("its answer is longer than 64 MiB")
        try:
            return list(_read_answer(json.loads(data)))
        except (ValueError, ArithmeticError, KeyError, TypeError, AttributeError, RecursionError):
            raise self._unanswered("its answer is none of Prometheus's") from None

    def _call_in_time(self, call: Callable[[], bytes]) -> bytes:
        """Call in a thread that is left behind if it takes too long."""
        answers: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()

        def put_answer() -> None:
            try:
                answers.put(call())
            except (OSError, http.client.HTTPException, ValueError) as error:
                # What a server says of its refusal is read here: it may take as long as any answer.
                answers.put(self._unanswered(_describe_error(error)))
            except Exception as error:  # noqa: BLE001 - whatever it is, the other thread raises it
                answers.put(error)

        threading.Thread(target=put_answer, daemon=True).start()
        try:
            answer = answers.get(timeout=max(self.deadline - time.monotonic(), 0.001))
        except queue.Empty:
            raise self._unanswered(f"it took longer than {BUDGET_S:g} s") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _unanswered(self, why: str) -> MlverError:
        shown = printable_name(self.address)
        return MlverError(
            f"{shown} did not say what was counted: {printable_name(why)}", hint=_HINT
        )


def open_server(address: str, token_file: Path | None) -> PrometheusServer:
    """Check the address of a server, and read the token for it, which is the file's only line.

    Raise UsageError for what is no address, and MlverError for a file that holds no token.
    """
    deadline = time.monotonic() + BUDGET_S
    token = None if token_file is None else _read_token(token_file)
    return PrometheusServer(address=check_address(address), token=token, deadline=deadline)


def check_address(address: str) -> str:
    """Check the address of a server, and return it without a slash at its end."""
    refused = UsageError(
        "--prometheus takes the address of a server, such as http://127.0.0.1:9090,"
        f" not {printable_name(address)}"
    )
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        raise refused from None
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise refused
    if parts.username is not None:
        raise UsageError("--prometheus takes no user and no password: they would be recorded")
    return address.rstrip("/")


def _read_token(path: Path) -> str:
    shown = printable_name(str(path))
    try:
        token = read_regular(path, _TOKEN_BYTES, follow=True).decode("ascii").strip()
    except OSError as error:
        raise refusal_error(f"reading {shown}", error) from error
    except UnicodeDecodeError:
        token = ""
    if not token or not token.isprintable() or " " in token:
        raise MlverError(f"{shown} holds no token, which is one line of letters", hint=_HINT)
    return token


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _read_data(request: urllib.request.Request) -> bytes:
    opener = urllib.request.build_opener(_NoRedirect)
    with opener.open(request, timeout=_TIMEOUT_S) as answer:
        data: bytes = answer.read(_ANSWER_BYTES + 1)
    return data


def _describe_error(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        if error.code in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
            return f"it asks for another token than --prometheus-token has ({error.code})"
        return f"HTTP {error.code} {error.reason}{_read_reason(error)}"
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted here: {reason.verify_message}"
    return str(reason)


def _read_reason(error: urllib.error.HTTPError) -> str:
    """Read what a server says of a query that it refuses."""
    try:
        document = json.loads(error.read(_TOKEN_BYTES))
        return f": {document['error']}"
    except (OSError, ValueError, LookupError, TypeError, RecursionError, http.client.HTTPException):
        return ""


def _read_answer(document: Any) -> Iterator[CounterSeries]:
    if document["status"] != "success" or document["data"]["resultType"] != "matrix":
        raise ValueError
    for series in document["data"]["result"]:
        labels = {str(name): str(value) for name, value in series["metric"].items()}
        values = [(float(time), float(value)) for time, value in series["values"]]
        if not all(math.isfinite(time) for time, _ in values):
            raise ValueError
        yield CounterSeries(labels, values)
