"""Promotions that another tool's tags told of: the numbers of these tags say what follows what."""

from __future__ import annotations

import hashlib

import pytest

from tests.cli.conftest import assert_works
from tests.conftest import Repository

FOLDER = ".mlver/models/digits/stages/prod"


def _tag_at(repository: Repository, patch: pytest.MonkeyPatch, name: str, date: str) -> None:
    version = name[-1]
    with patch.context() as clock:
        clock.setenv("GIT_COMMITTER_DATE", f"{date}T00:00:00Z")
        target = f"digits@v{version}.0.0^{{}}"
        repository.git("tag", "--annotate", "--force", "--message", "Serve it", name, target)


@pytest.fixture
def adopted(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A stage of GTO's that two people moved; the clock of the first was ahead."""
    for number in (1, 2):
        repository.write("w.bin", f"weights {number}")
        repository.commit(f"Training {number}")
        repository.git("tag", "--annotate", "--message", "New", f"digits@v{number}.0.0")
    _tag_at(repository, monkeypatch, "digits#prod#1", "2026-01-04")
    _tag_at(repository, monkeypatch, "digits#prod#2", "2026-01-03")
    assert_works(repository, "init")
    repository.commit("mlver")
    assert_works(repository, "adopt", "digits", "--weights", "w.bin")
    return repository


def test_adopted_promotions_are_dated_by_the_clocks_of_their_tags(adopted: Repository) -> None:
    for number, day in ((1, 4), (2, 3)):
        record = adopted.path.joinpath(FOLDER, f"000{number}.yaml").read_text()
        assert f"2026-01-0{day}T00:00:00Z" in record
    assert_works(adopted, "verify", "--all")
    assert_works(adopted, "hook", "check", "--from", "HEAD~1", "--to", "HEAD")
    assert_works(adopted, "log", "digits", "--stage", "prod")


def test_a_date_is_believed_only_of_a_tag_that_is_unchanged(
    adopted: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tag_at(adopted, monkeypatch, "digits#prod#2", "2026-01-05")
    done = adopted.mlver("verify", "--all")
    assert done.code == 1
    assert "prod/0002.yaml is dated 2026-01-03T00:00:00Z, before the promotion that" in done.out
    assert "prod/0002.yaml does not say which policy judged it" in done.out


def test_no_tag_is_adopted_before_one_with_a_lower_number(
    adopted: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tag_at(adopted, monkeypatch, "digits#prod#1", "2026-01-04")
    old_tag = adopted.git("rev-parse", "refs/tags/digits#prod#1")
    adopted.git("tag", "digits#prod#3", "digits#prod#1")
    first = adopted.path / FOLDER / "0001.yaml"
    second = adopted.path / FOLDER / "0002.yaml"
    before = hashlib.sha256(first.read_bytes()).hexdigest()
    first.write_text(first.read_text().replace("digits#prod#1", "digits#prod#3"))
    assert old_tag in first.read_text()
    after = hashlib.sha256(first.read_bytes()).hexdigest()
    second.write_text(second.read_text().replace(before, after))
    adopted.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    done = adopted.mlver("verify", "--all")
    assert done.code == 1
    assert "prod/0001.yaml does not say which policy judged it" not in done.out
    assert "prod/0002.yaml does not say which policy judged it" in done.out
