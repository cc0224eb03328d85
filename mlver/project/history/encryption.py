"""What is secret, and for whom it is encrypted: what the branch that judges says of it.

A branch may name more. It cannot take one away, nor add somebody who could then read
what others register from it.
"""

from __future__ import annotations

from mlver.errors import MlverError, shell_command
from mlver.project.history.policies import NO_SETTINGS, find_judging_branch, read_settings
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.sections.encrypt import EncryptSettings


def read_encryption(project: Project) -> EncryptSettings:
    """Join what the main branch and the work tree say.

    Whatever either names is secret. The recipients are those of the main branch, or the
    work tree's where the main branch has none yet. Raise MlverError where the main branch's
    settings cannot be read: nobody knows what they keep secret.
    """
    own = project.registry.read_config().encrypt
    reference = find_judging_branch(project.repository)
    if reference is None:
        return own
    committed = read_settings(project.repository, [reference])[reference]
    if committed.fault is not None:
        raise MlverError(
            f"the settings of {reference}, which say what is secret, cannot be read:"
            f" {committed.fault}",
            hint=shell_command("git", "show", f"{reference}:{layout.CONFIG}"),
        )
    if committed.config is None or committed == NO_SETTINGS:
        return own
    main = committed.config.encrypt
    return EncryptSettings(
        params=tuple(dict.fromkeys((*main.params, *own.params))),
        artifacts=tuple(dict.fromkeys((*main.artifacts, *own.artifacts))),
        recipients=main.recipients or own.recipients,
    )
