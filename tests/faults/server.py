"""A process to fork from.

Its surroundings are sealed, mlver is imported, and its caches in memory are filled once.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from mlver.cli.main import main
from mlver.system import copying, parallel
from tests.faults import ground, operations
from tests.faults.run import adopt_orphans


@contextmanager
def fork_server() -> Iterator[Path]:
    """Yield a directory in memory to work in."""
    with tempfile.TemporaryDirectory(prefix="mlver-faults-", dir=ground.MEMORY) as directory:
        root = Path(directory)
        ground.seal_environment(root)
        parallel.LARGE = operations.LARGE
        copying.COPY_BYTES = operations.LARGE  # so that what is large is copied by several calls
        _live_once(root / "first")
        adopt_orphans()
        yield root


def _live_once(path: Path) -> None:
    """A whole life in this process, so that no child compiles a schema or a pattern, or imports
    anything, again.
    """
    place = ground.new_place(path)
    place.write("model.bin", operations.make_weights(1))
    place.write("data/0.txt", "row\n")
    lives = (
        ("init",),
        operations.FIRST,
        ("promote", "m@1.0.0", "--to", "staging", "-m", "Try it"),
        ("register", "m", "--version", "1.1.0", "-m", "Second"),
        ("promote", "m@1.1.0", "--to", "staging", "-m", "Try it"),
        ("rollback", "m", "--stage", "staging", "--to", "1.0.0", "--checkout", "-m", "Back"),
        ("checkout", "m@1.1.0", "--force"),
        ("tag",),
        ("verify", "--all", "--json"),
        ("show", "m@9.9.9"),
    )
    for argv in lives:
        with (
            io.TextIOWrapper(io.BytesIO(), "utf-8") as out,
            io.TextIOWrapper(io.BytesIO(), "utf-8") as err,
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main(["-C", str(path), *argv])
        if code not in (0, 3):
            sys.exit(f"mlver {' '.join(argv)} exited {code}")
