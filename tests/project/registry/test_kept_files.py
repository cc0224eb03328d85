"""Records that are read once: what is kept is what was there, and a link is never followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.project.registry.kept_files import KeptFiles, keep_files
from mlver.project.registry.worktree import WorkTree

ONE, TWO, GONE = ".mlver/models/one.yaml", ".mlver/models/two.yaml", ".mlver/models/gone.yaml"


@pytest.fixture
def tree(tmp_path: Path) -> WorkTree:
    (tmp_path / ".mlver/models").mkdir(parents=True)
    (tmp_path / ONE).write_bytes(b"one")
    (tmp_path / TWO).write_bytes(b"2" * (1 << 17))
    return WorkTree(tmp_path)


def test_a_file_is_what_it_was_when_it_was_read(tree: WorkTree) -> None:
    kept = keep_files(tree, [ONE, GONE])
    (tree.top / ONE).write_bytes(b"another")
    assert kept.read_file(ONE) == b"one"
    assert list(kept.read_files([ONE])) == [b"one"]
    assert kept.read_file(GONE) is None
    (fault,) = kept.read_files([GONE])
    assert isinstance(fault, MlverError)
    assert sorted(kept.list_names(".mlver/models")) == ["one.yaml", "two.yaml"]


def test_what_is_long_is_read_whenever_it_is_asked_for(tree: WorkTree) -> None:
    kept = keep_files(tree, [TWO])
    (tree.top / TWO).write_bytes(b"another")
    assert kept.read_file(TWO) == b"another"


def test_a_link_is_not_followed(tree: WorkTree) -> None:
    (tree.top / ONE).unlink()
    (tree.top / ONE).symlink_to(tree.top / TWO)
    kept = keep_files(tree, [ONE])
    with pytest.raises(MlverError):
        kept.read_file(ONE)


def test_another_source_stays_as_it_is(tree: WorkTree) -> None:
    kept = KeptFiles(tree)
    assert keep_files(kept, [ONE]) is kept
