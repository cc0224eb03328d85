"""How the lists that git prints are read: fields ended by NUL, so that a path may hold any text."""

from __future__ import annotations

import os
from collections.abc import Iterator


def split_fields(listing: bytes) -> list[str]:
    """Split a list into its fields, without the empty ones."""
    return [os.fsdecode(field) for field in listing.split(b"\0") if field]


def parse_changes(listing: bytes) -> Iterator[tuple[str, str, str]]:
    """Read `git log -z --format=%H --raw` as (commit, kind, path).

    Only its place tells that a field is a path, so no bytes in a path make it anything else.
    """
    fields = iter(listing.split(b"\0"))
    commit = ""
    for field in fields:
        text = field.strip(b"\n")
        if text.startswith(b":"):
            kind = chr(text[-1])
            path = os.fsdecode(next(fields))
            yield commit, kind, path
        elif text:
            commit = text.decode()


def parse_differences(listing: bytes) -> Iterator[tuple[str, str, str, str]]:
    """Read `git log -z --raw --no-abbrev`, with any format of one line, as (line, kind, id, path).

    The id is that of the contents before. As above, only its place tells that a field is a path.
    """
    fields = iter(listing.split(b"\0"))
    header = ""
    for field in fields:
        text = field.strip(b"\n")
        if text.startswith(b":"):
            _, _, before, _, kind = text.decode().split(" ")
            path = os.fsdecode(next(fields))
            yield header, kind[0], before, path
        elif text:
            header = text.decode()


def read_branch(reference: str) -> str | None:
    """Read the branch that a full reference names; None for none, like a detached HEAD."""
    name = reference.strip()
    if not name.startswith("refs/heads/"):
        return None
    return name.removeprefix("refs/heads/")
