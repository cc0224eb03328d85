"""The section `remotes` of the settings, changed with the lock held."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from mlver.document import codec
from mlver.errors import MlverError
from mlver.project.edit.settings_file import amend_settings, write_settings
from mlver.project.project import Project
from mlver.project.transaction import writing_files
from mlver.records import layout


def change_remotes(
    project: Project, doing: str, change: Callable[[dict[str, Any]], None], *, dry_run: bool
) -> bool:
    """Change the section as `change` does; say whether that makes a difference.

    `change` gets the section as it is and may raise. Comments and order in the file stay, and
    nothing is committed.
    """
    with nullcontext() if dry_run else writing_files(project, doing):
        # Read here, with the lock held: another command may just have changed it.
        data = project.registry.read_file(layout.CONFIG)
        if data is None:
            raise MlverError(f"{layout.CONFIG} is missing", hint="mlver init")
        document = codec.decode_document("config", data, layout.CONFIG)
        wanted = copy.deepcopy(document)
        change(wanted.setdefault("remotes", {}))
        if not wanted["remotes"]:
            del wanted["remotes"]
        changed = wanted != document
        hint = "mlver config list --all"
        amended = amend_settings("config", layout.CONFIG, data, wanted, hint=hint)
        if changed and not dry_run:
            write_settings(project, layout.CONFIG, amended)
    return changed
