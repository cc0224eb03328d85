"""What gc must not miss in a history: dropped branches, and files that stand elsewhere as well."""

from __future__ import annotations

from mlver.git.reachable import list_reachable
from mlver.git.repository import GitRepository
from tests.conftest import Repository

PATH = ".mlver/models/m/versions/1.0.0.yaml"


def list_contents(repository: Repository) -> dict[str, str]:
    return list_reachable(GitRepository.find(repository.path), ".mlver")


def test_what_a_merge_dropped_is_still_in_its_history(repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "side")
    repository.write(PATH, "record\n")
    repository.commit()
    known = repository.git("rev-parse", f"HEAD:{PATH}")
    repository.git("checkout", "-q", "main")
    repository.write("other.txt", "x")
    repository.commit()
    repository.git("merge", "-q", "-s", "ours", "-m", "Drop it", "side")
    repository.git("branch", "-D", "side")
    repository.git("reflog", "expire", "--expire=now", "--all")
    assert list_contents(repository)[known] == PATH


def test_a_file_with_the_same_bytes_outside_hides_nothing(repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "old")
    repository.write(PATH, "record\n")
    repository.commit()
    known = repository.git("rev-parse", f"HEAD:{PATH}")
    repository.git("checkout", "-q", "main")
    repository.write(".archive/1.0.0.yaml", "record\n")
    repository.git("add", ".archive")
    assert list_contents(repository)[known] == PATH


def test_what_only_an_index_has_counts(repository: Repository) -> None:
    repository.write(PATH, "record\n")
    repository.write(".archive/1.0.0.yaml", "record\n")
    repository.git("add", "--all")
    known = repository.git("rev-parse", f":{PATH}")
    assert list_contents(repository)[known] == PATH
