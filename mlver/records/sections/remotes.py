"""The section `remotes`: the places that keep objects for a team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.records.values import Document, drop_empty_values


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSettings:
    """Where a remote is: `url` is an address of a known scheme, or the path of a directory.

    The other fields say what the address leaves open; none of them is a secret. `insecure` allows
    HTTP without encryption to other machines.
    """

    url: str
    endpoint: str | None = None
    region: str | None = None
    insecure: bool = False

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RemoteSettings:
        return cls(**document)

    @property
    def options(self) -> dict[str, str]:
        """What the settings say besides the address, as a back-end takes it."""
        options: dict[str, str] = drop_empty_values(endpoint=self.endpoint, region=self.region)
        if self.insecure:
            options["insecure"] = "true"
        return options

    def to_document(self) -> Document:
        return drop_empty_values(
            url=self.url, endpoint=self.endpoint, region=self.region, insecure=self.insecure or None
        )


def read_remotes(document: Mapping[str, Any]) -> dict[str, RemoteSettings]:
    """The remotes by name, in the order they are listed: the first is the default."""
    return {name: RemoteSettings.from_document(remote) for name, remote in document.items()}


def write_remotes(remotes: Mapping[str, RemoteSettings]) -> Document:
    return {name: remote.to_document() for name, remote in remotes.items()}
