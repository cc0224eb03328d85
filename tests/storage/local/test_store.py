"""The local store keeps what every store promises, and some more."""

from __future__ import annotations

import fcntl
import subprocess
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.storage.local import LocalStore
from mlver.storage.store import ObjectStore
from mlver.system import durable
from tests.storage.conformance import LARGE, StoreConformance, get_content, put_contents
from tests.storage.local.helpers import find_place, flip_bit, list_temporaries


class TestLocalStore(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectStore:
        return LocalStore.open_in(tmp_path / "git/mlver")

    def damage_object(self, store: ObjectStore, digest: Digest) -> None:
        assert isinstance(store, LocalStore)
        flip_bit(*find_place(store, digest))


def test_the_documented_one_liner_reads_a_pack(store: LocalStore) -> None:
    digest, _ = put_contents(store, b"hello", b"other")
    (pack,) = store.packs_directory.glob("*.pack")
    command = ["tar", "-xOf", str(pack), digest.hex]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"hello"


def test_objects_are_read_only_files_and_no_rubbish_stays(store: LocalStore) -> None:
    _, large = put_contents(store, b"small", LARGE)
    files = [path for path in store.directory.rglob("*") if path.is_file()]
    assert len(files) == 3
    assert {path.stat().st_mode & 0o777 for path in files} == {0o444}
    assert store.loose.path_of(large.hex).read_bytes() == LARGE
    assert list(store.temporaries.iterdir()) == []


def test_a_good_copy_is_served_where_another_is_damaged(store: LocalStore, tmp_path: Path) -> None:
    (digest,) = put_contents(store, b"content")
    other = LocalStore.open_in(tmp_path / "other")
    put_contents(other, b"content", b"more")
    for file in other.packs_directory.iterdir():
        file.rename(store.packs_directory / file.name)
    for number in (0, 1):
        place = sorted(store.find_locations({digest.hex})[digest.hex])[number]
        flip_bit(Path(place.path), place.offset)
        assert get_content(store, digest) == b"content"
        store.export_objects([(digest, tmp_path / "out")])
        assert (tmp_path / "out").read_bytes() == b"content"
        assert [problem.digest for problem in store.verify_objects()] == [digest]
        flip_bit(Path(place.path), place.offset)


def test_what_a_crash_left_is_swept(store: LocalStore) -> None:
    put_contents(store, b"x")
    (store.temporaries / durable.temporary_name()).touch()
    assert store.sweep_temporaries() == 1
    assert list_temporaries(store) == []


def test_what_a_transfer_writes_is_swept_once_it_is_dead(store: LocalStore) -> None:
    lost = pytest.raises(MlverError, match="storing objects")
    with lost, store.open_deposit(nullcontext) as deposit:
        deposit.put_object(BytesIO(b"small"))
        kept = list_temporaries(store)
        assert len(kept) == 2
        assert store.sweep_temporaries() == 0
        assert list_temporaries(store) == kept
        # As where its process was killed.
        fcntl.flock(vars(deposit)["_guard"], fcntl.LOCK_UN)
        assert store.sweep_temporaries() == 2
        assert list_temporaries(store) == []


@pytest.mark.parametrize("link", ["", "objects", "objects/{fan}", "packs", "tmp", "quarantine"])
def test_nothing_is_stored_behind_a_symlink(tmp_path: Path, link: str) -> None:
    directory, outside = tmp_path / "git/mlver", tmp_path / "outside"
    outside.mkdir()
    large = b"large" * (1 << 20)
    place = directory / link.format(fan=Digest.of_bytes(large).hex[:2])
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    with pytest.raises(MlverError, match="is a symlink, and mlver writes nowhere else") as refused:
        put_contents(LocalStore.open_in(directory), large)
    assert (refused.value.hint or "").endswith(f"ls -ld {place}")
    assert list(outside.iterdir()) == []
