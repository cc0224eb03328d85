"""One walk through a history tells what each commit had, and what was done to it."""

from __future__ import annotations

import pytest

from mlver.errors import MlverError
from mlver.git.commit_log import read_commit_log
from mlver.git.history import find_tampering, judge_changes
from mlver.git.history_walk import HistoryWalk, walk_history
from mlver.git.repository import GitRepository
from tests.conftest import Repository as Ground

RECORDS = ".mlver"
FIRST, SECOND, THIRD = (f"{RECORDS}/models/m/{number}.yaml" for number in ("one", "two", "three"))


@pytest.fixture
def found(repository: Ground) -> GitRepository:
    return GitRepository.find(repository.path)


def walked(found: GitRepository) -> HistoryWalk:
    """Walk, and see that each single question to git is answered in the same way."""
    walk = walk_history(found, "HEAD", RECORDS)
    assert walk.entries == read_commit_log(found, "HEAD", [RECORDS])
    assert set(judge_changes(walk.losses)) == set(find_tampering(found, RECORDS))
    narrow = walk_history(found, "HEAD", RECORDS, is_narrow=True)
    if all(len(entry.parents) < 2 for entry in narrow.entries):
        assert narrow.entries == walk.entries
        assert set(judge_changes(narrow.losses)) == set(judge_changes(walk.losses))
    for commit in found.process.read(["rev-list", "HEAD"]).decode().split():
        for path in (FIRST, SECOND, THIRD):
            told = walk.find_contents(commit, path)
            if told is not None:
                finished = found.process.try_read(["rev-parse", f"{commit}:{path}"])
                assert finished.out.decode().strip() == told, (commit, path)
    return walk


def add(ground: Ground, path: str, content: str = "content\n") -> str:
    ground.write(path, content)
    return ground.commit(f"add {path}")


def work(ground: Ground, text: str) -> str:
    ground.write("code.py", text)
    return ground.commit("other work")


def merge(ground: Ground, *arguments: str) -> str:
    ground.git("merge", "--quiet", "--no-edit", "--no-ff", *arguments)
    return ground.git("rev-parse", "HEAD")


def test_a_line_of_records_among_other_commits(repository: Ground, found: GitRepository) -> None:
    added = [add(repository, FIRST)]
    for number in range(3):
        work(repository, f"{number}\n")
    added.append(add(repository, SECOND, "another\n"))
    last = work(repository, "last\n")
    walk = walked(found)
    assert [entry.commit for entry in walk.entries] == added[::-1]
    assert walk.entries[0].parents == (added[0],)
    assert walk.find_contents(added[1], FIRST) == walk.entries[1].contents[FIRST]
    # it comes later than the commit that is asked for; and that one did nothing to records
    assert walk.find_contents(added[0], SECOND) is None
    assert walk.find_contents(last, FIRST) is None


def branched(ground: Ground) -> tuple[str, str]:
    """Add a record on `side` and one on main, with other work before and after each."""
    ground.git("switch", "--quiet", "-c", "side")
    work(ground, "side\n")
    side = add(ground, FIRST)
    ground.git("switch", "--quiet", "main")
    main = add(ground, SECOND)
    return side, main


def test_a_merge_has_what_both_its_sides_added(repository: Ground, found: GitRepository) -> None:
    side, main = branched(repository)
    merged = merge(repository, "side")
    walk = walked(found)
    assert walk.find_contents(merged, FIRST) == walk.find_contents(side, FIRST) is not None
    assert walk.find_contents(merged, SECOND) == walk.find_contents(main, SECOND) is not None
    assert walk.find_contents(main, FIRST) is None


def test_merges_of_many_shapes(repository: Ground, found: GitRepository) -> None:
    branched(repository)
    repository.git("switch", "--quiet", "-c", "third", "side~1")
    add(repository, THIRD)
    repository.git("switch", "--quiet", "-c", "code", "main~1")
    repository.write("code.md", "code\n")
    repository.commit("code alone")
    repository.git("switch", "--quiet", "main")
    merge(repository, "side", "third")  # an octopus
    merge(repository, "code")
    repository.git("switch", "--quiet", "side")
    merge(repository, "main")
    repository.git("switch", "--quiet", "--orphan", "other")
    add(repository, f"{RECORDS}/other.yaml")
    repository.git("switch", "--quiet", "side")
    merge(repository, "--allow-unrelated-histories", "other")
    assert len(walked(found).entries) >= 7


@pytest.mark.parametrize("how", ["edited", "deleted", "edited and restored", "dropped by a merge"])
def test_what_had_other_contents_is_left_to_git(
    repository: Ground, found: GitRepository, how: str
) -> None:
    added = add(repository, FIRST)
    if how == "dropped by a merge":
        repository.git("switch", "--quiet", "-c", "side", "main~1")
        add(repository, SECOND)
        repository.git("merge", "--quiet", "--no-edit", "-s", "ours", "main")
        added = repository.git("rev-parse", "main")
    elif how == "deleted":
        (repository.path / FIRST).unlink()
        repository.commit("deleted")
    else:
        add(repository, FIRST, "other\n")
        if "restored" in how:
            add(repository, FIRST)
    assert walked(found).find_contents(added, FIRST) is None


def test_names_of_people_and_files_say_what_they_like(
    repository: Ground, found: GitRepository
) -> None:
    """A name that looks like a change is none."""
    change = ":100644 100644 a b A <kim@example.org>"
    path = f"{RECORDS}/models/m/:line\nbreak.yaml"
    added = add(repository, path)
    repository.write(FIRST, "content\n")
    repository.commit(f"add one\n\nCo-authored-by: {change}")
    walk = walked(found)
    assert walk.entries[0].co_authors == (change,)
    assert walk.find_contents(added, path) == walk.entries[1].contents[path]


def test_a_long_list_is_read_in_pieces(repository: Ground, found: GitRepository) -> None:
    for number in range(700):
        repository.write(f"{RECORDS}/models/m/{number}.yaml", f"{number}\n")
    added = repository.commit("many at once")
    walk = walked(found)
    assert len(walk.entries[0].contents) == 700
    assert walk.find_contents(added, f"{RECORDS}/models/m/699.yaml") is not None
    with pytest.raises(MlverError, match="`git log` lists more than"):
        walk_history(found, "HEAD", RECORDS, limit=50_000)
