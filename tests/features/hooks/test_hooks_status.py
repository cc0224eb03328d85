"""`hook status` says which hooks are installed, and what others could not resolve."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import assert_works
from tests.features.hooks.hooks import HookedRepository


def test_status_tells_what_others_could_not_resolve(here: HookedRepository, tmp_path: Path) -> None:
    assert_works(here, "hook", "install")  # those that name the Python that runs here
    told = here.mlver("hook", "status").out
    assert told.startswith("All is well  3 records\n  pre-commit        is installed\n")
    here.git("init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    here.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    here.git("push", "--quiet", "--no-verify", "origin", "digits@v1.0.0", "digits@production.1")
    path = here.add_unsealed("2.0.0")
    here.commit("Claim")
    found = json.loads(here.mlver("hook", "status", "--json").out)
    assert (found["ok"], [one["subject"] for one in found["notes"]]) == (
        True,
        ["digits@v1.1.0", path],
    )
    assert found["notes"][0]["hints"] == ["mlver tag --push"]


def test_status_tells_which_hooks_are_installed(here: HookedRepository) -> None:
    assert_works(here, "hook", "install")
    hooks = Path(here.git("rev-parse", "--git-path", "hooks"))
    (here.path / hooks / "pre-commit").write_text("#!/bin/sh\nexit 0\n")
    (here.path / hooks / "pre-push").unlink()
    assert here.mlver("hook", "status").out == (
        "All is well  3 records\n"
        "  pre-commit        is somebody else's, and does not call mlver itself\n"
        "  pre-merge-commit  is installed\n"
        "  pre-push          is not installed  (mlver hook install)\n"
    )
    found = json.loads(here.mlver("hook", "status", "--json").out)
    assert found["hooks"] == {
        "pre-commit": "foreign",
        "pre-merge-commit": "installed",
        "pre-push": "missing",
    }
    assert json.loads(here.mlver("hook", "check", "--json").out)["hooks"] == {}
