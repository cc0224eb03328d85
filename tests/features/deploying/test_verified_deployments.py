"""`verify --all` names deployments that are lost, put in, or tell of what cannot have been."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.project.project import Project
from mlver.project.registry.deployments import read_deployment
from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.features.deploying.conftest import RECORDS, promote
from tests.features.merging.merges import assert_verifies


@pytest.fixture
def twice(deployed: Repository) -> Repository:
    """With digits 1.1.0 deployed after 1.0.0."""
    promote(deployed, "1.1.0")
    assert_works(deployed, "deploy", "host")
    return deployed


def list_findings(repository: Repository) -> str:
    verified = repository.mlver("verify", "--all")
    assert verified.code == 1
    return verified.out


def test_sound_deployments_verify(twice: Repository) -> None:
    assert_verifies(twice)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda text: text.replace("1.1.0", "9.9.9"), "9.9.9 was served, which has no record"),
        (lambda text: text.replace('"1.1.0"', '"1.0.0"'), "another record of 1.0.0"),
        (lambda text: text.replace("sequence: 2\n    folder", "sequence: 1\n    folder"), "not"),
        (
            lambda text: text.replace("sequence: 2\n    folder", "sequence: 7\n    folder"),
            "not here",
        ),
        (
            lambda text: text.replace("    stage: production\n    sequence: 2\n", ""),
            "does not say what brought 1.1.0 to its role, stable",
        ),
        (lambda text: text.replace("2026-01-02T03:04:05Z", "2025-01-02T03:04:05Z"), "is dated"),
        (
            lambda text: text.replace("2026-01-02T03:04:05Z", "2099-01-02T03:04:05Z"),
            "later than the commit that added it",
        ),
        (lambda text: text.replace("Kim", "Eve"), "Eve <kim@example.org> as its author"),
        (lambda text: text.split("prior:")[0] + "prior: null\n", "follows another 0001"),
        (lambda text: text + "unknown: 1\n", "unknown"),
        (lambda text: text.replace("target: host", "target: other"), "0002.yaml"),
    ],
)
def test_a_forged_deployment_is_named(
    twice: Repository, change: Callable[[str], str], expected: str
) -> None:
    path = twice.path / RECORDS / "0002.yaml"
    changed = change(path.read_text())
    assert changed != path.read_text()
    path.write_text(changed)
    twice.git("commit", "--quiet", "--all", "--no-verify", "--message", "Forge")
    said = list_findings(twice)
    assert f"{RECORDS}/0002.yaml" in said
    assert expected in said


def test_a_deployment_that_is_gone_is_named(twice: Repository) -> None:
    (twice.path / RECORDS / "0001.yaml").unlink()
    assert f"{RECORDS}/0001.yaml" in list_findings(twice)
    assert f"{RECORDS}/0001.yaml" in twice.mlver("deploy", "host").err
    twice.git("commit", "--quiet", "--all", "--no-verify", "--message", "Remove")
    assert f"{RECORDS}/0001.yaml" in list_findings(twice)


def test_what_is_no_record_there_is_named(twice: Repository) -> None:
    twice.write(f"{RECORDS}/notes.txt", "hello")
    assert f"{RECORDS}/notes.txt" in list_findings(twice)


def test_a_hook_refuses_a_forged_one(twice: Repository) -> None:
    path = twice.path / RECORDS / "0002.yaml"
    forged = path.read_text().replace("sequence: 2\ncreated", "sequence: 3\ncreated")
    twice.write(f"{RECORDS}/0003.yaml", forged.replace("1.1.0", "9.9.9"))
    twice.git("add", RECORDS)
    checked = twice.mlver("hook", "pre-commit")
    assert checked.code == 1
    assert f"{RECORDS}/0003.yaml" in checked.out + checked.err


def test_a_hook_refuses_one_of_a_later_date(deployed: Repository) -> None:
    promote(deployed, "1.1.0")
    base = deployed.git("rev-parse", "HEAD")
    assert_works(deployed, "deploy", "host")
    path = deployed.path / RECORDS / "0002.yaml"
    forged = path.read_text().replace("2026-01-02T03:04:05Z", "2026-03-03T00:00:00Z")
    deployed.git("reset", "--quiet", "--soft", base)
    path.write_text(forged)
    deployed.commit("Forge")
    checked = deployed.mlver("hook", "check", "--from", base, "--to", "HEAD")
    assert checked.code == 1
    assert "later than the commit that added it" in checked.out + checked.err


def test_a_deployment_before_what_it_follows_is_named(
    deployed: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(deployed, "1.1.0")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(1_775_000_000))
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1775000000 +0000")
    promote(deployed, "1.0.0")
    assert_works(deployed, "deploy", "host")
    assert_verifies(deployed)
    path = deployed.path / RECORDS / "0002.yaml"
    path.write_text(path.read_text().replace("2026-03-31T23:33:20Z", "2026-01-02T03:04:05Z"))
    said = list_findings(deployed)
    assert "is dated 2026-01-02T03:04:05Z, before .mlver/models/digits/stages" in said
    path.write_text(path.read_text().replace("2026-01-02T03:04:05Z", "2026-01-02T03:04:04Z"))
    assert "before the one that it follows (2026-01-02T03:04:05Z)" in list_findings(deployed)


def test_a_deployment_of_what_had_lost_its_stage_is_named(
    deployed: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_deployment(Project.open_existing(deployed.path).registry, "host", 1)
    prior = Digest.of_bytes((deployed.path / RECORDS / "0001.yaml").read_bytes())
    promote(deployed, "1.1.0")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1775000000 +0000")
    forged = replace(first, sequence=2, created="2026-03-31T23:33:20Z", prior=prior)
    data = codec.encode_document("deployment", forged.to_document())
    deployed.write(forged.record_path, data.decode())
    deployed.commit("Forge")
    verified = deployed.mlver("verify", "--all")
    assert "unconfirmed" in verified.out
    assert "production/0002.yaml had taken the stage from, which was there" in verified.out


def test_a_deployment_waits_for_no_clock(
    deployed: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(deployed, "1.1.0")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(1_775_000_000))
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1775000000 +0000")
    assert_works(deployed, "rollback", "digits", "--stage", "production", "-m", "Worse")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(1_770_000_000))
    monkeypatch.setenv("GIT_COMMITTER_DATE", "1770000000 +0000")
    shutil.rmtree(deployed.path / "serving")
    assert_works(deployed, "deploy", "host")
    assert '"2026-03-31T23:33:20Z"' in (deployed.path / RECORDS / "0002.yaml").read_text()
    assert_verifies(deployed)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("percent: 10", "percent: 50", "brought 1.1.0 there, and that did not"),
        ("strategy: canary", "strategy: blue-green", "brought 1.1.0 there, and that did not"),
        ("sequence: 1\n    folder: versions/v-20260102-030406", "sequence: 2", "is not here"),
        ('"1.1.0"', '"1.0.0"', "another record of 1.0.0"),
    ],
)
def test_a_candidate_came_by_a_rollout_with_that_share(
    deployed: Repository, old: str, new: str, expected: str
) -> None:
    share = ("rollout", "digits@1.1.0", "--to", "production", "--share", "10", "--force")
    assert_works(deployed, *share, "-m", "A tenth")
    assert_works(deployed, "deploy", "host")
    assert_verifies(deployed)
    path = deployed.path / RECORDS / "0002.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    deployed.git("commit", "--quiet", "--all", "--no-verify", "--message", "Forge")
    said = list_findings(deployed)
    assert f"{RECORDS}/0002.yaml" in said
    assert expected in said
