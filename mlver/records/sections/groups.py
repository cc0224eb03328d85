"""The section `groups`: people by the name that rules give them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlver.records.values import Document


def read_groups(document: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The members of each group, as they are listed: an address, or `Name <address>`."""
    return {name: tuple(members) for name, members in document.items()}


def write_groups(groups: Mapping[str, tuple[str, ...]]) -> Document:
    return {name: list(members) for name, members in groups.items()}
