"""A server that answers range queries as Prometheus does, from counters that grow by rule."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

# Gives the value of a counter at a step of the window; None where it had none.
Grow = Callable[[int], float | None]


@dataclass(slots=True)
class MetricsServer:
    """`series` are counters by the name that begins a query; `asked` are the queries that came."""

    address: str = ""
    series: dict[str, list[tuple[dict[str, str], Grow]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    raw: bytes | None = None

    def add(self, name: str, grow: Grow, **labels: str) -> None:
        self.series.setdefault(name, []).append((labels, grow))

    def answer(self, query: str, start: int, end: int, step: int) -> bytes:
        self.asked.append(query)
        if self.raw is not None:
            return self.raw
        result: list[dict[str, Any]] = []
        for labels, grow in self.series.get(query.partition("{")[0], []):
            values = []
            for number, time in enumerate(range(start, end + 1, step)):
                value = grow(number)
                if value is not None:
                    values.append([time, str(value)])
            result.append({"metric": labels, "values": values})
        data = {"resultType": "matrix", "result": result}
        return json.dumps({"status": "success", "data": data}).encode()


@contextmanager
def serving_metrics() -> Iterator[MetricsServer]:
    metrics = MetricsServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            start, end, step = (int(asked[name][0]) for name in ("start", "end", "step"))
            body = metrics.answer(asked["query"][0], start, end, step)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    metrics.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield metrics
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
