"""Waits until a server has loaded versions, before anything leads to them."""

from __future__ import annotations

import http.client
import json
import time
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.policy.serving.rendering import ServerReadiness
from mlver.policy.serving.served import ServedTarget
from mlver.project.serving.targets import FoundTarget

_PATIENCE_S = 300.0
_PAUSE_S = 0.2
_TIMEOUT_S = 10.0
_ANSWER_BYTES = 1 << 20


def await_loaded(target: FoundTarget, served: ServedTarget, address: str | None) -> None:
    """Ask the server at `address` until it has loaded all that is to be served.

    Raise MlverError without an address, and where that takes too long: what was written then waits
    for the same command.
    """
    readiness = target.layout.readiness
    if readiness is None:
        return
    again = shell_command("mlver", "deploy", target.name, "--wait", address or "URL")
    if address is None:
        raise MlverError(
            f"the versions of {target.name} are there, and what leads to them has not moved: the"
            " server has to load them first; say where it answers, or deploy again once it has",
            hint=again,
        )
    url = f"{address.rstrip('/')}/{readiness.status_path(served).lstrip('/')}"
    if not _ask_until(url, readiness, served):
        raise MlverError(
            f"the server at {printable_name(address)} did not load the versions of {target.name}"
            f" within {_PATIENCE_S:.0f} s; what leads to them has not moved",
            hint=again,
        )


def check_address(address: str) -> None:
    """Raise UsageError for what is no address of a server."""
    refused = UsageError(
        f"--wait takes an address such as http://127.0.0.1:8501, not {printable_name(address)}"
    )
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        raise refused from None
    if parts.scheme not in ("http", "https") or not host:
        raise refused


def _ask_until(url: str, readiness: ServerReadiness, served: ServedTarget) -> bool:
    limit = time.monotonic() + _PATIENCE_S
    while time.monotonic() < limit:
        answer = _ask(url)
        if answer is not None and readiness.is_ready(answer, served):
            return True
        time.sleep(_PAUSE_S)
    return False


def _ask(url: str) -> Mapping[str, Any] | None:
    """Ask once; None where nothing that can be read comes back."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
            answer: Any = json.loads(response.read(_ANSWER_BYTES))
    except (OSError, ValueError, RecursionError, http.client.HTTPException):
        return None
    return answer if isinstance(answer, dict) else None
