"""`mlver hash`: a listing, or shards that make the same one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import CommandOutcome, Repository

COUNT = 40


@pytest.fixture
def place(tmp_path: Path) -> Repository:
    """A folder that is no repository, with data in it."""
    place = Repository(tmp_path / "place")
    for number in range(COUNT):
        place.write(f"data/{number % 3}/part {number}", f"row {number}\n")
    return place


def refused(done: CommandOutcome) -> str:
    assert done.code in (2, 3)
    assert done.err.startswith("error: ")
    return done.err


def find_digest(folder: Path) -> str:
    """What `sha256sum` makes of the folder."""
    script = "find * -type f | LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 sha256sum | sha256sum"
    done = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, check=True)
    return f"sha256:{done.stdout.decode()[:64]}"


def test_a_folder_hashes_to_what_sha256sum_makes_of_it(place: Repository) -> None:
    document = read_document(place.mlver("hash", "data", "--json"), "hash")
    assert document["digest"] == find_digest(place.path / "data")
    assert document["url"] == (place.path / "data").as_uri()
    assert (document["objects"], document["hashed"], document["reused"]) == (COUNT, COUNT, 0)
    assert (document["output"], document["shard"]) == (None, None)
    assert sorted(os.listdir(place.path)) == ["data"]


def test_shards_merge_to_the_same_listing_in_any_order(place: Repository) -> None:
    assert_works(place, "hash", "data", "-o", "whole.json")
    for number in (1, 2, 3):
        said = assert_works(place, "hash", "data", "--shard", f"{number}/3", "-o", f"{number}.json")
        assert f"(shard {number}/3)" in said
    assert_works(place, "hash", "--merge", "3.json", "1.json", "2.json", "-o", "merged.json")
    whole, merged = (place.path / name for name in ("whole.json", "merged.json"))
    assert whole.read_bytes() == merged.read_bytes()
    # beside an output there is nothing left, once it is whole
    assert not list(place.path.glob("*.hashing"))


def test_a_second_run_reads_what_changed(place: Repository) -> None:
    assert_works(place, "hash", "data", "-o", "l.json")
    place.write("data/0/part 0", "other\n")
    document = read_document(place.mlver("hash", "data", "-o", "l.json", "--json"), "hash")
    assert (document["hashed"], document["reused"]) == (1, COUNT - 1)
    assert document["digest"] == find_digest(place.path / "data")
    done = place.mlver("hash", "data", "-o", "l.json", "--all", "--json")
    assert read_document(done, "hash")["hashed"] == COUNT


def test_in_a_repository_the_notes_lie_in_it(repository: Repository) -> None:
    repository.write("data/a", "a")
    assert_works(repository, "hash", "data")
    assert "1 as they were read before" in assert_works(repository, "hash", "data")
    assert repository.git("status", "--porcelain") == "?? data/"
    assert (repository.path / ".git/mlver/hashing").is_dir()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("data", "--shard", "1/2"), "needs a file"),
        (("data", "--shard", "3/2", "-o", "x"), "--shard is a number"),
        (("data", "data"), "takes one address"),
        (("nowhere",), "there is no"),
        (("data/0/part 0",), "is a file, and hash lists what is in a folder"),
        (("ftp://host/a",), "data cannot be pinned at ftp://"),
        (("s3://me:secret@bucket/a",), "has a user or a password in it"),
        (("data", "--trust-server-checksums"), "leave --trust-server-checksums out"),
        (("--merge", "1.json", "--trust-server-checksums"), "no claims to trust"),
        (("--merge", "1.json", "--all"), "neither --shard nor --all"),
        (("--merge", "1.json"), "shards are missing: 2/2"),
        (("--merge", "1.json", "1.json"), "once more"),
        (("--merge", "1.json", "of-three.json"), "other files are of 2 shards"),
        (("--merge", "1.json", "whole.json"), "is a whole listing"),
        (("--merge", "1.json", "later.json"), "changed between shard 1/2 and shard 2/2"),
        (("--merge", "1.json", "nothing.json"), "reading"),
        (("--merge", "1.json", "data/0/part 0"), "is not valid"),
        (("data", "--executor", "os"), "takes module:function"),
        (("data", "--executor", "os:getcwd"), "returned no concurrent.futures.Executor"),
        (("data", "--executor", "os:getcwd", "--scheduler", "tcp://x"), "give one of them"),
    ],
)
def test_what_makes_no_whole_is_refused(
    place: Repository, words: tuple[str, ...], says: str
) -> None:
    assert_works(place, "hash", "data", "-o", "whole.json")
    assert_works(place, "hash", "data", "--shard", "1/2", "-o", "1.json")
    assert_works(place, "hash", "data", "--shard", "2/3", "-o", "of-three.json")
    place.write("data/new", "new")
    assert_works(place, "hash", "data", "--shard", "2/2", "-o", "later.json")
    error = refused(place.mlver("hash", *words))
    assert says in " ".join(error.split())
    assert "secret" not in error


def test_a_file_is_no_folder_and_the_hint_hashes_it(place: Repository) -> None:
    place.write("w.bin", "weights")
    said = assert_refused(place, "hash", "w.bin", code=2)
    assert "w.bin is a file, and hash lists what is in a folder or at an address" in said
    assert "hint: sha256sum -- w.bin" in said
    assert "nothing.bin" in assert_refused(place, "hash", "nothing.bin")


def test_a_shard_that_saw_another_state_reads_only_what_changed(place: Repository) -> None:
    assert_works(place, "hash", "data", "--shard", "1/2", "-o", "1.json")
    place.write("data/new", "new")
    assert_works(place, "hash", "data", "--shard", "2/2", "-o", "2.json")
    assert place.mlver("hash", "--merge", "1.json", "2.json").code == 3
    done = place.mlver("hash", "data", "--shard", "1/2", "-o", "1.json", "--json")
    assert read_document(done, "hash")["hashed"] <= 1
    done = place.mlver("hash", "--merge", "1.json", "2.json", "--json")
    assert read_document(done, "hash")["digest"] == find_digest(place.path / "data")
