"""ASGI middleware for FastAPI, Starlette and others: says which version answered a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, MutableMapping, Sequence
from contextlib import ExitStack
from typing import Any

from mlver.project.loading.switching import CURRENT_REQUEST, RequestTrace, ServedModel

VERSION_HEADER = "X-Model-Version"
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
_SERVER_ERROR = 500
_REQUEST_ID = b"x-request-id"


class ModelVersionMiddleware:
    """Adds `X-Model-Version` to each response that a version answered; one that is there stays.

    The version is that of the `predicting` block which the handler went through. For requests to
    `paths` it begins a prediction itself, of `served`: the handler finds it as
    `request.state.prediction`, and it ends with the last byte of the response. Its outcome is
    `error` where the status is 500 or more, or the handler raises. Its id is the header
    `X-Request-ID`, where a request has one.
    """

    def __init__(
        self,
        app: Application,
        served: ServedModel[Any] | None = None,
        *,
        paths: Collection[str] = (),
        header: str = VERSION_HEADER,
    ) -> None:
        if paths and served is None:
            raise TypeError("`paths` count predictions of `served`, which has to be given as well")
        self._app = app
        self._served = served
        self._paths = frozenset(paths)
        self._header = header

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = RequestTrace([])
        with ExitStack() as leaving:
            if self._served is not None and scope["path"] in self._paths:
                request = _find_request_id(scope["headers"])
                prediction = leaving.enter_context(self._served.predicting(request))
                trace.versions.append(prediction.version)
                trace.prediction = prediction
                scope.setdefault("state", {})["prediction"] = prediction
            token = CURRENT_REQUEST.set(trace)
            try:
                await self._app(scope, receive, self._wrap_send(send, trace))
            finally:
                CURRENT_REQUEST.reset(token)

    def _wrap_send(self, send: Send, trace: RequestTrace) -> Send:
        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_version(message, trace)
            await send(message)

        return send_named

    def _add_version(self, message: Message, trace: RequestTrace) -> None:
        if trace.prediction is not None and message["status"] >= _SERVER_ERROR:
            trace.prediction.outcome = "error"
        name = self._header.lower().encode("latin-1")
        headers = list(message.get("headers", ()))
        if not trace.versions or any(key.lower() == name for key, _ in headers):
            return
        versions = ", ".join(dict.fromkeys(trace.versions))
        message["headers"] = [*headers, (name, versions.encode("latin-1"))]


def _find_request_id(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name.lower() == _REQUEST_ID:
            return value.decode("latin-1") or None
    return None
