"""Whether a clone was never given any stored bytes: a look at names, which is quick."""

from __future__ import annotations

import os

from mlver.project.project import Project


def has_empty_store(project: Project) -> bool:
    """Whether no object was ever kept here, not even a damaged one: git brings none to a clone."""
    for name in ("objects", "packs", "quarantine"):
        for _, _, files in os.walk(project.state_directory / name):
            # plans that were set aside stand in quarantine, too
            if any(not file.startswith("intent-") for file in files):
                return False
    return True
