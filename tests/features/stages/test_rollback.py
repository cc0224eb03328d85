"""What a rollback calls itself while it is at work."""

from __future__ import annotations

import json

from mlver.project.project import Project
from mlver.project.stages.promote import promote_version
from mlver.project.stages.rollback import roll_back_stage
from tests.cli.conftest import assert_works, train_model
from tests.cli.results import read_document
from tests.conftest import Repository


def test_a_model_that_was_not_named_is_named_to_whoever_recovers(second: Repository) -> None:
    project = Project.open_existing(second.path)
    for version in ("1.0.0", "1.1.0"):
        promote_version(project, f"@{version}", to="staging", message="try")
    hook = second.write(".git/hooks/pre-commit", "#!/bin/sh\ncp .git/mlver/intent.json .git/seen\n")
    hook.chmod(0o755)
    roll_back_stage(project, None, stage="staging", message="back")
    assert json.loads((second.path / ".git/seen").read_text())["what"] == "rollback digits staging"


def test_what_is_not_kept_is_not_said_to_be_checked(second: Repository) -> None:
    """Its bytes may be gone from everywhere, and nobody here would know."""
    train_model(second, 3)
    told = assert_works(
        second, "register", "digits", "--bump", "minor", "-m", "Elsewhere", "--no-store", "train"
    )
    assert "unchanged, not stored" in told
    (second.path / "data/train.csv").unlink()
    promoted = assert_works(second, "promote", "digits@1.2.0", "--to", "production", "-m", "gone")
    assert "verified bytes  every byte kept checked; no copy is kept of train" in promoted
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "back to whole")
    back = assert_works(second, "rollback", "digits", "--stage", "production", "-m", "again")
    assert "every byte that is kept of it was read and found right" in back
    assert "not checked, for mlver keeps no copy: train\n" in back
    assert "not checked, for mlver keeps no copy: digits@1.2.0 train\n" in assert_works(
        second, "verify"
    )
    found = read_document(second.mlver("verify", "--all", "--json"), "verify")
    assert found["unkept"] == ["digits@1.2.0 train"]
