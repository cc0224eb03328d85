"""Data on its way into a file: counted where a file was opened by its name, or cut in half."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# A call's name, the call itself, its arguments: what a tap does with them.
Intercept = Callable[..., Any]


class _CountedFile(io.FileIO):
    """A file opened by name, whose writes are counted like those to a descriptor."""

    intercept: Intercept | None = None

    def write(self, data: Any, /) -> int:
        if self.intercept is None:
            return super().write(data)
        return int(
            self.intercept(
                "write", lambda piece: super(_CountedFile, self).write(piece), DataPiece(data)
            )
            or 0
        )


class DataPiece(bytes):
    """Data without a descriptor beside it."""


def open_counted(
    intercept: Intercept,
    real: Callable[..., Any],
    file: Any,
    mode: str = "r",
    *args: Any,
    **options: Any,
) -> Any:
    if isinstance(file, int) or "opener" in options or not set(mode) & set("wxa+"):
        return real(file, mode, *args, **options)
    if "b" not in mode:
        return intercept("open", lambda path, _: real(path, mode, *args, **options), file, WRITES)
    raw = intercept("open", lambda path, _: _CountedFile(path, mode.replace("b", "")), file, WRITES)
    raw.intercept = intercept
    return io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)


def halve_data(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if name == "copy_file_range":
        source, target, count = args
        return (source, target, count // 2)
    if isinstance(args[0], DataPiece):
        return (DataPiece(args[0][: len(args[0]) // 2]),)
    descriptor, data, *rest = args
    if isinstance(data, list):
        joined = b"".join(data)
        return (descriptor, [joined[: len(joined) // 2]])
    return (descriptor, bytes(data)[: len(data) // 2], *rest)


def cut_data(name: str, args: tuple[Any, ...], written: int) -> tuple[Any, ...]:
    """The arguments for what is left to write after so many bytes."""
    if name == "copy_file_range":
        source, target, count = args
        return (source, target, count - written)
    if isinstance(args[0], DataPiece):
        return (DataPiece(args[0][written:]),)
    descriptor, data, *offset = args
    if isinstance(data, list):
        return (descriptor, [b"".join(data)[written:]])
    return (descriptor, bytes(data)[written:], *(start + written for start in offset))
