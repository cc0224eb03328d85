"""What hash prints."""

from __future__ import annotations

from mlver.errors import shell_command
from mlver.features.hashing.hash import HashResult
from mlver.terminal.screen import TextScreen
from mlver.terminal.words import format_count, format_size


def draw_hash(result: HashResult, screen: TextScreen) -> None:
    shard = f" (shard {result.shard})" if result.shard else ""
    screen.draw_line((result.url, "name"), shard)
    read = f"{result.hashed:,} read now"
    if result.reused:
        read += f", {result.reused:,} as they were read before"
    if result.claimed:
        read += f", {result.claimed:,} claimed by the server, not proven"
    count = format_count(result.objects, "object")
    screen.draw_line("  ", count, ", ", format_size(result.size), f" ({read})", hang=2)
    if result.digest is not None:
        screen.draw_line("  ", (result.digest, "dim"), hang=2)
    if result.output is None:
        screen.draw_line(("  nothing was written; -o FILE keeps the listing", "dim"))
    elif result.shard is not None:
        screen.draw_next(shell_command("mlver", "hash", "--merge", result.output, "-o", "FILE"))
    else:
        screen.draw_line("  written to ", result.output)
