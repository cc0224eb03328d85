"""`mlver remote list` and `show`: which remotes there are, and whether they can be used."""

from __future__ import annotations

from typing import Literal

from mlver.errors import MlverError, summarise_error
from mlver.features.remotes.result import RemoteResult, RemoteStatus, describe_remote
from mlver.project.project import Project
from mlver.project.remote.configured import ConfiguredRemote, choose_remotes, list_remotes
from mlver.project.remote.team import open_team
from mlver.project.remote.trial import RemoteTrial, try_team
from mlver.project.remote.trust import require_trusted
from mlver.records import layout


def list_known(project: Project) -> RemoteResult:
    """List the remotes of the settings; nothing is asked of them."""
    states: list[RemoteStatus] = []
    for remote in list_remotes(project):
        states.append(describe_remote(project, remote, default=not states))
    return _build_result("list", states)


def show_remote(
    project: Project, name: str | None, *, confirmed: bool, remember: bool
) -> RemoteResult:
    """Show a remote, the default one without a name, and try it where it is trusted.

    `confirmed`: trust it from now on, and `remember` that.
    """
    (remote,) = choose_remotes(project, () if name is None else (name,))
    if confirmed:
        require_trusted(project, (remote,), confirmed=True, remember=remember)
    trial = None
    state = describe_remote(project, remote, default=False)
    if state.trusted:
        trial = _try_trusted(project, remote)
    default = list_remotes(project)[0].name == remote.name
    return _build_result("show", [describe_remote(project, remote, default=default, trial=trial)])


def _try_trusted(project: Project, remote: ConfiguredRemote) -> RemoteTrial:
    try:
        return try_team(open_team(project, remote), writing=False)
    except MlverError as error:
        # No back-end serves it here, or its extra is missing.
        return RemoteTrial(reachable=False, error=summarise_error(error), hints=error.hints)


def _build_result(action: Literal["list", "show"], states: list[RemoteStatus]) -> RemoteResult:
    return RemoteResult(
        action=action, path=layout.CONFIG, remotes=tuple(states), changed=False, dry_run=False
    )
