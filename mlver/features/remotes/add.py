"""`mlver remote add`: name a place that keeps objects for a team, once it was tried."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlver import names
from mlver.errors import MlverError, UsageError, shell_command
from mlver.features.remotes.changes import change_remotes
from mlver.features.remotes.result import RemoteResult, describe_remote
from mlver.policy.remote_addresses import describe_credentials, find_directory, hide_secrets
from mlver.project.project import Project
from mlver.project.remote.configured import ConfiguredRemote, list_remotes
from mlver.project.remote.places import find_trust_place
from mlver.project.remote.team import TeamRemote, open_team
from mlver.project.remote.trial import RemoteTrial, try_team
from mlver.project.remote.trusted_places import trust_places
from mlver.records import layout
from mlver.records.sections.remotes import RemoteSettings
from mlver.storage.remote.directory import MARKER, init_directory
from mlver.storage.remote.listing import publish_listing

# As scp writes a path on another machine: nothing of a path is before its first colon.
_ON_HOST = re.compile(r"([^/:]+):(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOptions:
    """`init`: make a directory a store. `offline`: take the remote as it is, untried.

    `listing`: write the list of its blobs there, which readers by HTTPS need.
    """

    init: bool = False
    listing: bool = False
    offline: bool = False
    dry_run: bool = False


def add_remote(
    project: Project, name: str, settings: RemoteSettings, options: AddOptions
) -> RemoteResult:
    """Add a remote to the settings. Who types its address trusts it, on this machine.

    Raise UsageError for a name that is taken and an address that nobody may use, MlverError where
    the remote does not answer or cannot be read; then nothing was written. One that can be read
    only is added.
    """
    remote = ConfiguredRemote(names.check_remote(name), _complete_path(project, settings))
    _require_usable(remote)
    _require_free(project, remote)
    _prepare_directory(remote, options)
    trial = None
    if options.offline and options.listing:
        raise UsageError("--listing writes to the remote, and --offline leaves it alone")
    if not options.offline:
        trial = _require_reachable(project, remote, options)
    if options.listing and not options.dry_run:
        _publish_listing(open_team(project, remote))

    def put_remote(remotes: dict[str, Any]) -> None:
        _require_same(remote, remotes.get(name))
        remotes[name] = remote.settings.to_document()

    doing = shell_command("remote", "add", name)
    if not options.dry_run:
        trust_places([find_trust_place(project, remote)])
    changed = change_remotes(project, doing, put_remote, dry_run=options.dry_run)
    known = [other.name for other in list_remotes(project)]
    default = known[:1] in ([], [name])
    return RemoteResult(
        action="add",
        path=layout.CONFIG,
        remotes=(describe_remote(project, remote, default=default, trial=trial, confirmed=True),),
        changed=changed,
        dry_run=options.dry_run,
    )


def _complete_path(project: Project, settings: RemoteSettings) -> RemoteSettings:
    """Make the path of a directory a whole one; it is typed from where the person stands."""
    if "://" in settings.url:
        return settings
    match = _ON_HOST.fullmatch(settings.url)
    if match is not None and not os.path.lexists(project.start / settings.url):
        shown = hide_secrets(settings.url)
        raise UsageError(
            f"{shown} is no directory here; write a path on another machine as ssh://HOST/PATH,"
            " and a directory of such a name with ./ before it"
        )
    if not settings.url or "\0" in settings.url:
        raise UsageError(f"{settings.url!r} is no address; name a path, or a URL such as s3://…")
    # Without links solved: a mount may be reached by one.
    return replace(settings, url=os.path.normpath(project.start / settings.url))


def _require_usable(remote: ConfiguredRemote) -> None:
    if remote.fault is not None:
        credentials = describe_credentials(remote.settings.url)
        raise UsageError(
            f"{remote.shown_url} cannot be a remote: {remote.fault}. Secrets come from"
            f" {credentials}, never from an address",
            hint="mlver remote add --help",
        )


def _require_free(project: Project, remote: ConfiguredRemote) -> None:
    for other in list_remotes(project):
        if other.name == remote.name:
            _require_same(remote, other.settings.to_document())


def _require_same(remote: ConfiguredRemote, taken: object) -> None:
    if taken is not None and taken != remote.settings.to_document():
        raise UsageError(
            f"there is a remote {remote.name} already; remove it, or give this one another name",
            hints=(
                shell_command("mlver", "remote", "show", remote.name),
                shell_command("mlver", "remote", "remove", remote.name),
            ),
        )


def _prepare_directory(remote: ConfiguredRemote, options: AddOptions) -> None:
    """Make a directory a store if that was asked for; raise MlverError where it has to be one."""
    path = find_directory(remote.settings)
    if path is None:
        if options.init:
            raise UsageError(
                f"--init makes a directory a store, and {remote.shown_url} is none;"
                " make a bucket or a registry by the means of who runs it"
            )
        return
    if os.path.lexists(Path(path) / MARKER):
        return
    if options.init:
        if not options.dry_run:
            init_directory(Path(path))
    elif not options.offline:
        raise MlverError(
            f"{path} is no store yet: it has no file {MARKER}. Mount the shared directory there"
            " first, or make a new store",
            hint=shell_command("mlver", "remote", "add", remote.name, path, "--init"),
        )


def _require_reachable(
    project: Project, remote: ConfiguredRemote, options: AddOptions
) -> RemoteTrial | None:
    """Try a remote; nothing is written there on a dry run, and so a new store cannot be tried."""
    if options.dry_run and options.init:
        return None
    team = open_team(project, remote)
    if options.listing and team.blobs is None:
        raise UsageError(
            f"{remote.shown_address} keeps no blobs by name, so nobody reads it by HTTPS;"
            " leave out --listing"
        )
    trial = try_team(team, writing=not options.dry_run)
    if not trial.reachable:
        offline = shell_command("mlver", "remote", "add", remote.name, "URL", "--offline")
        raise MlverError(
            f"{remote.shown_address} cannot be used: {trial.error}; nothing was changed",
            hints=trial.hints or (offline,),
        )
    return trial


def _publish_listing(team: TeamRemote) -> None:
    """Write the listing of a remote; each push renews it from then on."""
    assert team.blobs is not None
    publish_listing(team.blobs)
