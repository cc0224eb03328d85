"""Which rules judge a promotion, what its record says of them, and how it is dated."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.policy.promotion_dates import count_seconds, format_seconds
from mlver.project.project import Project
from mlver.project.stages.promote import PromoteResult, promote_version
from mlver.project.stages.rollback import roll_back_stage
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from tests.conftest import NOW, Repository
from tests.project.helpers import edit_file

PRODUCTION = "  production:\n"
AFTER = "  production:\n    after: [staging]\n"


def _promote(project: Project, version: str, *, to: str = "production") -> PromoteResult:
    return promote_version(project, f"m@{version}", to=to, message="ready")


def _read_last(project: Project, stage: str = "production") -> PromotionRecord:
    record, _ = project.registry.read_history("m", stage)[-1]
    return record


def test_a_rule_that_only_the_work_tree_weakens_still_judges(
    story: Project, promoted_repository: Repository
) -> None:
    edit_file(promoted_repository, layout.CONFIG, PRODUCTION, AFTER)
    promoted_repository.commit("Ask for staging first")
    edit_file(promoted_repository, layout.CONFIG, AFTER, PRODUCTION)
    refused = promoted_repository.mlver("promote", "m@1.0.0", "--to", "production", "-m", "ship")
    assert refused.code == 1
    assert "the rule of production in the work tree differs from that of main" in refused.err
    assert "after staging" in refused.out


def test_a_rule_that_only_the_work_tree_has_judges_too(
    story: Project, promoted_repository: Repository
) -> None:
    edit_file(promoted_repository, layout.CONFIG, PRODUCTION, AFTER)
    result = _promote(story, "1.0.0")
    assert result.outcome == "refused"
    assert [gate.gate for gate in result.gates] == ["sealed", "after staging", "verified bytes"]


def test_a_record_names_the_rule_and_the_signers_of_main(
    story: Project, promoted_repository: Repository
) -> None:
    assert promoted_repository.git("symbolic-ref", "--short", "HEAD") == "main"
    promoted_repository.write(layout.ALLOWED_SIGNERS, "kim ssh-ed25519 AAAA\n")
    commit = promoted_repository.commit("Name the signers")
    _promote(story, "1.0.0")
    policy = _read_last(story).policy
    assert policy is not None
    assert policy.commit == commit
    assert policy.signers == Digest.of_bytes(b"kim ssh-ed25519 AAAA\n")
    first, _ = story.registry.read_history("m", "production")[0]
    assert first.policy is not None
    assert (first.policy.digest, first.policy.signers) == (policy.digest, None)


def test_what_was_fetched_of_main_judges_before_the_branch_here(
    story: Project, promoted_repository: Repository, tmp_path: Path
) -> None:
    git = promoted_repository.git
    upstream = tmp_path / "upstream.git"
    git("clone", "--quiet", "--bare", ".", os.fspath(upstream))
    edit_file(promoted_repository, layout.CONFIG, PRODUCTION, AFTER)
    strict = promoted_repository.commit("Ask for staging first")
    git("remote", "add", "origin", os.fspath(upstream))
    git("push", "--quiet", "origin", "main")
    git("reset", "--quiet", "--hard", "HEAD~1")
    assert _promote(story, "1.0.0").outcome == "refused"
    _promote(story, "1.0.0", to="staging")
    _promote(story, "1.0.0")
    policy = _read_last(story).policy
    assert policy is not None
    assert policy.commit == strict


def test_a_stage_that_no_commit_has_is_judged_by_the_work_tree(
    story: Project, promoted_repository: Repository
) -> None:
    edit_file(promoted_repository, layout.CONFIG, "stages:\n", "stages:\n  canary: {}\n")
    _promote(story, "1.0.0", to="canary")
    policy = _read_last(story, "canary").policy
    assert policy is not None
    assert policy.commit is None


def test_settings_of_main_that_cannot_be_read_stop_a_promotion(
    story: Project, promoted_repository: Repository
) -> None:
    text = (promoted_repository.path / layout.CONFIG).read_text()
    promoted_repository.write(layout.CONFIG, text + "unheard_of: {}\n")
    promoted_repository.commit("From a newer mlver")
    promoted_repository.write(layout.CONFIG, text)
    with pytest.raises(MlverError, match="the settings of main, which judge every promotion"):
        _promote(story, "1.0.0")


def test_main_may_ask_for_signed_seals_where_the_work_tree_does_not(
    story: Project, promoted_repository: Repository
) -> None:
    text = (promoted_repository.path / layout.CONFIG).read_text()
    promoted_repository.write(layout.CONFIG, text + "tags: {signed: true}\n")
    promoted_repository.commit("Sign")
    promoted_repository.write(layout.CONFIG, text)
    result = _promote(story, "1.0.0")
    assert result.outcome == "refused"
    assert result.gates[0].result == "fail"
    assert "is not signed" in str(result.gates[0].actual)


@pytest.mark.parametrize(("behind", "created"), [(0, 0), (1, 1), (900, 1)])
def test_a_clock_that_is_a_little_behind_dates_a_promotion_one_second_later(
    story: Project, monkeypatch: pytest.MonkeyPatch, behind: int, created: int
) -> None:
    now = count_seconds(NOW)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(now - behind))
    _promote(story, "1.0.0")
    assert _read_last(story).created == format_seconds(now + created)


def test_a_clock_that_is_far_behind_stops_a_promotion_and_no_rollback(
    story: Project, monkeypatch: pytest.MonkeyPatch, promoted_repository: Repository
) -> None:
    now = count_seconds(NOW)
    head = promoted_repository.git("rev-parse", "HEAD")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(now - 901))
    with pytest.raises(MlverError, match="SOURCE_DATE_EPOCH stands for") as refused:
        _promote(story, "1.0.0")
    assert refused.value.hint == "unset SOURCE_DATE_EPOCH"
    assert promoted_repository.git("rev-parse", "HEAD") == head
    roll_back_stage(story, "m", stage="production", message="slow")
    assert _read_last(story).created == format_seconds(now + 1)
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    monkeypatch.delenv("GIT_COMMITTER_DATE")
    _promote(story, "1.1.0")
    assert _read_last(story).created > format_seconds(now + 1)
