"""`mlver remote remove`: take a remote out of the settings. What lies there stays there."""

from __future__ import annotations

from typing import Any

from mlver.errors import shell_command
from mlver.features.remotes.changes import change_remotes
from mlver.features.remotes.result import RemoteResult, describe_remote
from mlver.project.project import Project
from mlver.project.remote.configured import find_remote, list_remotes
from mlver.records import layout


def remove_remote(project: Project, name: str, *, dry_run: bool) -> RemoteResult:
    """Remove a remote; raise UsageError where there is none of this name."""
    remote = find_remote(project, name)
    state = describe_remote(project, remote, default=list_remotes(project)[0].name == name)

    def drop_remote(remotes: dict[str, Any]) -> None:
        # Another command may have removed it meanwhile.
        remotes.pop(name, None)

    doing = shell_command("remote", "remove", name)
    changed = change_remotes(project, doing, drop_remote, dry_run=dry_run)
    return RemoteResult(
        action="remove", path=layout.CONFIG, remotes=(state,), changed=changed, dry_run=dry_run
    )
