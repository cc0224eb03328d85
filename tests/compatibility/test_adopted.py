"""A repository whose versions and stages an earlier mlver adopted from GTO's tags goes on.

`adopted.tar.gz` was made by `make_adopted.sh`. Git keeps the weights, and DVC's cache the data set.
Nothing in it has a tag of mlver's own, and its stages never had promotion tags.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

ARCHIVE = Path(__file__).with_name("adopted.tar.gz")


@pytest.fixture
def adopted(tmp_path: Path) -> Repository:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path / "adopted", filter="data")
    return Repository(tmp_path / "adopted")


def test_it_verifies_with_every_byte_read(adopted: Repository) -> None:
    result = read_document(adopted.mlver("verify", "--all", "--require-bytes", "--json"), "verify")
    assert (result["ok"], result["broken"]) == (True, [])
    assert [note for note in result["notes"] if note["kind"] in ("object", "working")] == []
    assert (len(result["versions"]), result["files"]) == (3, 6)
    assert len(result["adopted"]) == 3


def test_it_goes_on(adopted: Repository) -> None:
    back = assert_works(adopted, "rollback", "clf", "--stage", "prod", "-m", "Back")
    assert "every byte of it was read and found right (17 B)" in back
    assert assert_works(adopted, "checkout", "clf@1.0.0").startswith("Checked out clf 1.0.0\n")
    assert (adopted.path / "clf.bin").read_text() == "weights 1\n"
    assert (adopted.path / "corpus.csv").read_text() == "text 1\n"
    assert_works(adopted, "verify", "--all")
