"""Deploy what the stages say after a change, as `mlver deploy` does."""

from __future__ import annotations

from mlver.features.watching.own_clone import follow_remote
from mlver.features.watching.rules import WatchRequest
from mlver.project.project import Project
from mlver.project.serving.deploying import DeployOptions, deploy


def deploy_target(
    project: Project, target: str, request: WatchRequest, *, agreed: bool
) -> str | None:
    """Make a target equal to what the stages say, and publish the record of that.

    Say what it serves; None where nothing changed. `agreed`: its folder may lie outside of the
    repository, wherever the settings have it now.
    """
    options = DeployOptions(
        message="watch",
        dry_run=request.dry_run,
        agreed=agreed,
        reload=request.reload,
    )
    result = deploy(project, target, options)
    if not result.changed:
        return None
    if result.commit is not None:
        follow_remote(project)
    roles = [f"{role} is {served.version}" for role, served in result.roles.items()]
    share = "" if result.share is None else f", with {result.share.percent:g} % of the traffic"
    return f"{target}: {', '.join(roles) or 'nothing'}{share}"
