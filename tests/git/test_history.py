"""What history says: who added a file, and what lies between commits."""

from __future__ import annotations

import pytest

from mlver.git.repository import CommitSummary, GitRepository
from tests.conftest import Repository as Ground
from tests.git.histories import FIRST, SECOND, THIRD, merge, side_branch, tampered

# -- who added it ----------------------------------------------------------------------------------


def test_the_commit_that_added_a_file_not_those_that_touched_it(
    repository: Ground, found: GitRepository
) -> None:
    repository.write(FIRST, "one\n")
    first = repository.commit()
    repository.write(SECOND, "one\n")
    second = repository.commit()
    repository.write(FIRST, "edited\n")
    repository.commit()
    assert found.added_by([FIRST, SECOND, THIRD]) == {FIRST: first, SECOND: second}


def test_of_several_additions_the_last_one_counts(repository: Ground, found: GitRepository) -> None:
    repository.write(FIRST, "one\n")
    repository.commit()
    (repository.path / FIRST).unlink()
    repository.commit()
    repository.write(FIRST, "two\n")
    again = repository.commit()
    assert found.added_by([FIRST]) == {FIRST: again}


def test_a_merged_file_was_added_by_its_branch(repository: Ground, found: GitRepository) -> None:
    side = side_branch(repository, FIRST, "one\n")
    merge(repository, "--no-edit", "side")
    assert found.head().commit != side
    assert found.added_by([FIRST]) == {FIRST: side}


def test_a_squashed_file_was_added_by_the_squash(repository: Ground, found: GitRepository) -> None:
    side_branch(repository, FIRST, "one\n")
    merge(repository, "--squash", "side")
    squashed = repository.commit("squashed")
    assert found.added_by([FIRST]) == {FIRST: squashed}


# What people set for their own eyes. `log.follow` takes a file that resembles another for a copy.
OWN_SETTINGS = {
    "log.showRoot": "false",
    "log.follow": "true",
    "log.showSignature": "true",
    "log.diffMerges": "first-parent",
    "log.date": "relative",
    "log.decorate": "full",
    "diff.renames": "copies",
    "diff.noprefix": "true",
    "core.abbrev": "7",
    "format.pretty": "oneline",
    "color.ui": "always",
    "diff.external": "false",
}


@pytest.mark.parametrize(("key", "value"), OWN_SETTINGS.items(), ids=OWN_SETTINGS)
def test_a_persons_own_settings_change_no_answer(
    repository: Ground, found: GitRepository, key: str, value: str
) -> None:
    repository.git("checkout", "--quiet", "--orphan", "fresh")
    body = "".join(f"line {number}\n" for number in range(50))
    repository.write(FIRST, body)
    first = repository.commit("root")
    repository.write(SECOND, body + "more\n")
    second = repository.commit("second")
    repository.write(FIRST, "edited\n")
    edited = repository.commit("edited")
    repository.git("switch", "--quiet", "-c", "side", second)
    repository.write("code.py", "x\n")
    side = repository.commit("side")
    repository.write(SECOND, "side's own\n")
    forked = repository.commit("changed on the side")
    repository.git("switch", "--quiet", "fresh")
    merge(repository, "--no-edit", "-s", "ours", "side")
    merged = found.head().commit
    repository.git("config", key, value)
    assert found.added_by([FIRST]) == {FIRST: first}
    assert found.added_by([SECOND]) == {SECOND: second}
    assert tampered(found) == {
        (edited, "M", FIRST),
        (forked, "M", SECOND),
        (merged, "R", SECOND),
    }
    assert found.commits_between(second, side) == [CommitSummary(side, "side")]
    assert found.stat_between(second, side) == " code.py | 1 +\n 1 file changed, 1 insertion(+)"


# -- between two commits ---------------------------------------------------------------------------


def test_commits_between_two_newest_first_and_never_those_of_records(
    repository: Ground, found: GitRepository
) -> None:
    start = found.head().commit or ""
    repository.write("code.py", "one\n")
    one = repository.commit("One: with a : and\n\na body")
    repository.write(FIRST, "record\n")
    repository.commit("mlver: register")
    repository.write("grüße.py", "two\n")
    two = repository.commit("Zwei – „grüße“")
    assert found.commits_between(start, two) == [
        CommitSummary(two, "Zwei – „grüße“"),
        CommitSummary(one, "One: with a : and"),
    ]
    assert found.commits_between(two, start) == []
    assert found.count_between(start, two) == 2
    stat = found.stat_between(start, two)
    assert "code.py" in stat
    assert "grüße.py" in stat
    assert ".mlver" not in stat


def test_a_commit_without_a_subject_is_one_all_the_same(
    repository: Ground, found: GitRepository
) -> None:
    start = found.head().commit or ""
    repository.write("code.py", "one\n")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--allow-empty-message", "--message", "")
    end = found.head().commit or ""
    assert found.commits_between(start, end) == [CommitSummary(end, "")]
