"""Which remotes a repository has.

The settings in the work tree say it, as they do for everything that no gate judges. Whoever wrote
them, a remote is used only where a person on this machine trusts its place: see `trust`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.names import find_similar
from mlver.policy.remote_addresses import (
    TrustedPlace,
    describe_credentials,
    find_address_fault,
    find_place,
    hide_secrets,
)
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.sections.remotes import RemoteSettings

ADD_HINT = "mlver remote add NAME URL"


@dataclass(frozen=True, slots=True)
class ConfiguredRemote:
    """A remote of the settings; nothing has been asked of it yet."""

    name: str
    settings: RemoteSettings

    @property
    def shown_url(self) -> str:
        """Its address for a person, without what may be a secret in it."""
        return hide_secrets(self.settings.url)

    @property
    def shown_endpoint(self) -> str | None:
        """The same of its endpoint; None without one."""
        endpoint = self.settings.endpoint
        return None if endpoint is None else hide_secrets(endpoint)

    @property
    def shown_address(self) -> str:
        """Both of them, on one line."""
        endpoint = self.shown_endpoint
        return self.shown_url if endpoint is None else f"{self.shown_url} at {endpoint}"

    @property
    def fault(self) -> str | None:
        """Why it cannot be used, in words; None where it can."""
        return find_address_fault(self.settings)

    @property
    def place(self) -> TrustedPlace:
        """The place that has to be trusted. Raise MlverError for an address with a fault."""
        self.require_usable()
        return find_place(self.settings)

    def require_usable(self) -> None:
        """Raise MlverError for an address that is refused."""
        if self.fault is not None:
            raise MlverError(
                f"the remote {printable_name(self.name)} cannot be used: {self.fault};"
                f" secrets come from {describe_credentials(self.settings.url)}, never from"
                f" {layout.CONFIG}",
                hints=(
                    shell_command("mlver", "remote", "remove", self.name),
                    shell_command("mlver", "remote", "add", self.name, "URL"),
                ),
            )


def list_remotes(project: Project) -> tuple[ConfiguredRemote, ...]:
    """List the remotes of the repository; the first is the default."""
    return build_remotes(project.registry.read_shown_config().remotes)


def build_remotes(settings: Mapping[str, RemoteSettings]) -> tuple[ConfiguredRemote, ...]:
    return tuple(ConfiguredRemote(name, remote) for name, remote in settings.items())


def choose_remotes(project: Project, names: Sequence[str] = ()) -> tuple[ConfiguredRemote, ...]:
    """Choose the remotes of these names, each once; without names, the default one.

    Raise MlverError where the repository has no remote, UsageError for a name that none has.
    """
    known = {remote.name: remote for remote in list_remotes(project)}
    if not known:
        raise MlverError(
            "this repository has no remote that keeps objects for others", hint=ADD_HINT
        )
    if not names:
        return (next(iter(known.values())),)
    for name in names:
        if name not in known:
            raise _build_unknown_error(name, list(known))
    return tuple(known[name] for name in dict.fromkeys(names))


def find_remote(project: Project, name: str) -> ConfiguredRemote:
    """Find the remote of this name; raise as `choose_remotes` does."""
    (remote,) = choose_remotes(project, (name,))
    return remote


def _build_unknown_error(name: str, known: Sequence[str]) -> UsageError:
    similar = find_similar(name, known)
    return UsageError(
        f"there is no remote `{printable_name(name)}`; there are {', '.join(known)}",
        hint="mlver remote list",
        suggestion=None if similar is None else (name, similar),
    )
