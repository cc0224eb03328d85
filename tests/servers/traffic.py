"""HTTP by the thousand in one thread: applications that count, and clients that ask them.

Requests are pipelined, and every answer leaves in one piece: no time is lost to a delayed
acknowledgement (Nagle), and none to threads that wait for each other.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

_BATCH = 50
# nginx ends a connection after 1,000 requests.
_PER_CONNECTION = 500


@dataclass(frozen=True, slots=True)
class Request:
    """What an application was asked: the header fields by their names in lower case."""

    path: str
    fields: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Application:
    """One version behind a port: it answers with its name, and keeps what it was asked.

    `version` is what it says of itself in X-Model-Version, if it does. With `hangs` it never
    answers.
    """

    name: str
    port: int
    version: str | None = None
    status: int = 200
    hangs: bool = False
    requests: list[Request] = field(default_factory=list)

    def answer_request(self, request: Request) -> bytes:
        self.requests.append(request)
        if self.hangs:
            return b""
        marked = f"X-Model-Version: {self.version}\r\n" if self.version else ""
        head = f"HTTP/1.1 {self.status} Any\r\n{marked}Content-Length: {len(self.name)}\r\n\r\n"
        return f"{head}{self.name}".encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client got. `versions` are the values of X-Model-Version, however many there are."""

    status: int
    body: str
    versions: tuple[str, ...]


@asynccontextmanager
async def run_applications(*applications: Application) -> AsyncIterator[None]:
    """Let applications answer."""
    loop = asyncio.get_running_loop()
    connections: set[asyncio.Transport] = set()
    async with AsyncExitStack() as stack:
        for one in applications:
            connect = partial(_Connection, one, connections)
            server = await loop.create_server(connect, "127.0.0.1", one.port)
            await stack.enter_async_context(server)
        try:
            yield
        finally:
            for connection in connections:
                connection.abort()
            # What was cut off is closed in the next round of the loop.
            await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """One connection to an application."""

    transport: asyncio.Transport

    def __init__(self, application: Application, connections: set[asyncio.Transport]) -> None:
        self.application = application
        self.connections = connections
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        answers: list[bytes] = []
        while (read := _read_request(self.received)) is not None:
            request, self.received = read
            answers.append(self.application.answer_request(request))
        self.transport.write(b"".join(answers))


def _read_request(data: bytes) -> tuple[Request, bytes] | None:
    """The first request, and what follows it; None where it is not whole yet."""
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    length = int(fields.get("content-length", "0"))
    if len(rest) < length:
        return None
    return Request(first.split(" ")[1], fields, rest[:length]), rest[length:]


def write_request(
    path: str = "/predict", body: bytes = b"{}", fields: Mapping[str, str] | None = None
) -> bytes:
    """A POST, as predictions are asked for."""
    lines = [f"POST {path} HTTP/1.1", "Host: digits.example", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (fields or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def ask(port: int, requests: Sequence[bytes]) -> list[Answer]:
    """The answers to all requests, in their order."""
    answers: list[Answer] = []
    for begin in range(0, len(requests), _PER_CONNECTION):
        answers += await _ask_once(port, requests[begin : begin + _PER_CONNECTION])
    return answers


async def _ask_once(port: int, requests: Sequence[bytes]) -> list[Answer]:
    answers: list[Answer] = []
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for start in range(0, len(requests), _BATCH):
            batch = requests[start : start + _BATCH]
            writer.write(b"".join(batch))
            answers += [await _read_answer(reader) for _ in batch]
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    return answers


async def ask_until(port: int, stop: asyncio.Event) -> Counter[str]:
    """Ask again and again, each time by a connection of its own; count bodies, and failures."""
    counts: Counter[str] = Counter()
    request = write_request(fields={"Connection": "close"})
    while not stop.is_set():
        try:
            (answer,) = await ask(port, [request])
            counts[answer.body if answer.status == 200 else str(answer.status)] += 1
        except (OSError, EOFError) as error:
            counts[repr(error)] += 1
    return counts


async def _read_answer(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    fields = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]
    length = int(dict(fields)["content-length"])
    body = await reader.readexactly(length)
    versions = tuple(value for name, value in fields if name == "x-model-version")
    return Answer(int(first.split(" ")[1]), body.decode(), versions)
