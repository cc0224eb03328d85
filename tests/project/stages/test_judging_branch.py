"""`policy.from`: another branch than the main one may judge, where the main one says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.project.history.policies import read_judging_rules
from mlver.project.project import Project
from mlver.records import layout
from tests.conftest import Repository
from tests.project.helpers import edit_file

PRODUCTION = "  production:\n"
AFTER = "  production:\n    after: [staging]\n"


def _add_section(repository: Repository, text: str) -> str:
    path = repository.path / layout.CONFIG
    path.write_text(path.read_text() + text)
    return repository.commit("Say whose settings judge")


def test_the_branch_that_main_names_judges(story: Project, promoted_repository: Repository) -> None:
    git = promoted_repository.git
    git("checkout", "--quiet", "-b", "rules")
    edit_file(promoted_repository, layout.CONFIG, PRODUCTION, AFTER)
    strict = promoted_repository.commit("Ask for staging first")
    git("checkout", "--quiet", "main")
    _add_section(promoted_repository, "policy:\n  from: rules\n")
    judging = read_judging_rules(story, "production")
    assert (judging.source, judging.reference.commit, judging.differs) == ("rules", strict, True)
    assert [policy.rule.get("after") for policy in judging.policies] == [None, ["staging"]]


def test_no_other_branch_names_itself(story: Project, promoted_repository: Repository) -> None:
    main = promoted_repository.git("rev-parse", "main")
    promoted_repository.git("checkout", "--quiet", "-b", "mine")
    _add_section(promoted_repository, "policy:\n  from: mine\n")
    judging = read_judging_rules(story, "production")
    assert (judging.source, judging.reference.commit) == ("main", main)


def test_a_branch_that_is_not_here_is_not_passed_over(
    story: Project, promoted_repository: Repository, tmp_path: Path
) -> None:
    _add_section(promoted_repository, "policy:\n  from: rules\n")
    with pytest.raises(MlverError, match="say that those of rules judge promotions") as refused:
        read_judging_rules(story, "production")
    assert refused.value.hint == "git fetch"
    # One of that name here does not stand in for the remote's.
    upstream = os.fspath(tmp_path / "upstream.git")
    promoted_repository.git("clone", "--quiet", "--bare", ".", upstream)
    promoted_repository.git("remote", "add", "origin", upstream)
    promoted_repository.git("fetch", "--quiet", "origin")
    promoted_repository.git("branch", "rules")
    with pytest.raises(MlverError, match="this clone has no such branch"):
        read_judging_rules(story, "production")
    promoted_repository.git("push", "--quiet", "origin", "rules")
    assert read_judging_rules(story, "production").source == "origin/rules"
