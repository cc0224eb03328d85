"""What a rollback calls itself while it is at work."""

from __future__ import annotations

import json

from mlver.commands.promote import promote
from mlver.commands.rollback import rollback
from mlver.project.project import Project
from tests.conftest import Repository


def test_a_model_that_was_not_named_is_named_to_whoever_recovers(second: Repository) -> None:
    project = Project.open(second.path)
    for version in ("1.0.0", "1.1.0"):
        promote(project, f"@{version}", to="staging", message="try")
    hook = second.write(".git/hooks/pre-commit", "#!/bin/sh\ncp .git/mlver/intent.json .git/seen\n")
    hook.chmod(0o755)
    rollback(project, None, stage="staging", message="back")
    assert json.loads((second.path / ".git/seen").read_text())["what"] == "rollback digits staging"
