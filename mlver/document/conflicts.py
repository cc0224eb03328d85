"""Files in which git left both sides of a merge."""

from __future__ import annotations

import re

# What git writes into a file where two sides disagree (git-merge(1), "How conflicts are
# presented").
_CONFLICT = re.compile(rb"^(<<<<<<<|>>>>>>>) ", re.MULTILINE)


def holds_conflict(data: bytes) -> bool:
    """Say whether git wrote both sides of a merge into a file, and nobody has settled it."""
    return _CONFLICT.search(data) is not None
