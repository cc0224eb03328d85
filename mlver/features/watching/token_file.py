"""The token that a webhook has to show: a file outside of every repository."""

from __future__ import annotations

import os
from pathlib import Path

from mlver.errors import MlverError, printable_name, refusal_error, shell_command
from mlver.git.process import GitProcess
from mlver.system.regular import reading_regular

_SHORTEST, _LONGEST = 16, 4096


def read_token(start: Path, given: str) -> bytes:
    """Read a token; raise MlverError for one that is too short, or that a repository holds."""
    shown = printable_name(given)
    path = Path(os.path.realpath(start / given))
    make = f"{shell_command('openssl', 'rand', '-hex', '32')} > TOKEN"
    try:
        with reading_regular(path, follow=True) as file:
            token = file.read(_LONGEST + 1).strip()
    except OSError as error:
        raise refusal_error(f"reading {shown}", error, outcome="") from error
    # What lies in a work tree is committed sooner or later.
    found = GitProcess(path.parent).try_read(["rev-parse", "--is-inside-work-tree"])
    if found.code == 0 and found.out.strip() == b"true":
        raise MlverError(
            f"{shown} lies in a repository, and a token has no place there",
            hint=shell_command("mv", "--", given, "SOMEWHERE"),
        )
    if not _SHORTEST <= len(token) <= _LONGEST or any(byte <= 32 or byte > 126 for byte in token):
        raise MlverError(
            f"{shown} holds no token: {_SHORTEST} to {_LONGEST} letters and digits on one line",
            hint=make,
        )
    return token
