"""What the actions of `mlver remote` have in common: their result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlver.errors import MlverError, summarise_error
from mlver.project.project import Project
from mlver.project.remote.configured import ConfiguredRemote
from mlver.project.remote.places import find_trust_place
from mlver.project.remote.trial import Confirmation, RemoteTrial
from mlver.project.remote.trusted_places import is_trusted

Action = Literal["add", "list", "show", "remove"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteStatus:
    """A remote as the settings have it, and what is known of it.

    `address` and `endpoint` are shown without what may be a secret. `place` is what a confirmation
    is about, None where the settings have a `fault`. The rest is None where nothing was asked of
    the remote: see RemoteTrial.
    """

    name: str
    address: str
    endpoint: str | None
    region: str | None
    insecure: bool
    default: bool
    place: str | None
    trusted: bool
    fault: str | None
    reachable: bool | None
    writable: bool | None
    confirmation: Confirmation | None
    blobs: int | None
    size: int | None
    counted: bool
    error: str | None
    hints: tuple[str, ...]

    @property
    def is_usable(self) -> bool:
        """Whether nothing is known to stand in the way of using it."""
        return self.trusted and self.fault is None and self.reachable is not False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteResult:
    """`changed`: the settings in `path` are others now, or would be."""

    action: Action
    path: str
    remotes: tuple[RemoteStatus, ...]
    changed: bool
    dry_run: bool

    @property
    def exit_code(self) -> int:
        """The answer of `show` is no where the remote cannot be used."""
        return int(self.action == "show" and not all(remote.is_usable for remote in self.remotes))


def describe_remote(
    project: Project,
    remote: ConfiguredRemote,
    *,
    default: bool,
    trial: RemoteTrial | None = None,
    confirmed: bool = False,
) -> RemoteStatus:
    """Describe a remote; `confirmed` where the person types its address themself."""
    fault = remote.fault
    place = None
    trusted = False
    if fault is None:
        try:
            found = find_trust_place(project, remote)
        except MlverError as error:
            fault = summarise_error(error)
        else:
            place = found.text
            trusted = confirmed or is_trusted(found)
    settings = remote.settings
    return RemoteStatus(
        name=remote.name,
        address=remote.shown_url,
        endpoint=remote.shown_endpoint,
        region=settings.region,
        insecure=settings.insecure,
        default=default,
        place=place,
        trusted=trusted,
        fault=fault,
        reachable=None if trial is None else trial.reachable,
        writable=None if trial is None else trial.writable,
        confirmation=None if trial is None else trial.confirmation,
        blobs=None if trial is None else trial.blobs,
        size=None if trial is None else trial.size,
        counted=trial is not None and trial.is_counted,
        error=None if trial is None else trial.error,
        hints=() if trial is None else trial.hints,
    )
