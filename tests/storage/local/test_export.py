"""Stored contents become working files: all of them proved, or none replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError, ObjectDamaged, ObjectMissing
from mlver.storage.local import LocalStore
from tests.storage.conformance import LARGE, put_contents
from tests.storage.local.helpers import find_place, flip_bit


class TestExport:
    def test_files_are_replaced_and_directories_made(
        self, store: LocalStore, tmp_path: Path
    ) -> None:
        small, large = put_contents(store, b"small", LARGE)
        (tmp_path / "old").write_bytes(b"old")
        (tmp_path / "link").symlink_to("old")
        steps: list[int] = []
        targets = [
            (small, tmp_path / "old"),
            (large, tmp_path / "a/b/c"),
            (small, tmp_path / "link"),
        ]
        totals: list[int] = []
        store.export_objects(targets, progress=steps.append, expect=totals.append)
        assert totals == [5 + len(LARGE)], "a content that two files have is counted once"
        assert [path.read_bytes() for _, path in targets] == [b"small", LARGE, b"small"]
        assert not (tmp_path / "link").is_symlink()
        assert sum(steps) == 10 + len(LARGE)
        assert (tmp_path / "old").stat().st_mode & 0o222

    @pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
    @pytest.mark.parametrize("harm", ["damaged", "missing"])
    def test_nothing_is_replaced_unless_all_is_sound(
        self, store: LocalStore, tmp_path: Path, content: bytes, harm: str
    ) -> None:
        good, bad = put_contents(store, b"good", content)
        if harm == "damaged":
            flip_bit(*find_place(store, bad))
        else:
            bad = Digest.of_bytes(b"absent")
        out = tmp_path / "out"
        out.mkdir()
        (out / "a").write_bytes(b"old")
        with pytest.raises(ObjectDamaged if harm == "damaged" else ObjectMissing, match=bad.hex):
            store.export_objects([(good, out / "a"), (bad, out / "b")])
        assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [("a", b"old")]

    def test_all_data_is_flushed_before_the_first_file_changes(
        self, store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        digests = put_contents(store, b"1", b"2", LARGE)
        calls: list[str] = []
        fsync, rename = os.fsync, os.replace

        def spy_fsync(descriptor: int) -> None:
            calls.append("flush")
            fsync(descriptor)

        def spy_replace(old: str, new: str, **folders: int) -> None:
            calls.append("name")
            rename(old, new, **folders)

        monkeypatch.setattr(os, "fsync", spy_fsync)
        monkeypatch.setattr(os, "replace", spy_replace)
        store.export_objects(
            [(digest, tmp_path / str(number)) for number, digest in enumerate(digests)]
        )
        assert calls == ["flush"] * 3 + ["name"] * 3 + ["flush"]

    @pytest.mark.parametrize(
        ("call", "nth", "outcome"),
        [
            ("fsync", 1, "no file was replaced"),
            ("replace", 1, "run the same command again to finish"),
            ("replace", 2, "run the same command again to finish"),
            ("fsync", 3, "again to finish"),
        ],
    )
    def test_an_error_says_what_became_of_the_files(
        self,
        store: LocalStore,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        call: str,
        nth: int,
        outcome: str,
    ) -> None:
        digests = put_contents(store, b"new 0", b"new 1")
        out = tmp_path / "out"
        out.mkdir()
        for number in range(2):
            (out / str(number)).write_bytes(b"old")
        real, count = getattr(os, call), [0]

        def fail(*arguments: object, **options: object) -> object:
            count[0] += 1
            if count[0] == nth:
                raise OSError(5, "Input/output error")
            return real(*arguments, **options)

        monkeypatch.setattr(os, call, fail)
        with pytest.raises(MlverError, match=outcome):
            store.export_objects(
                [(digest, out / str(number)) for number, digest in enumerate(digests)]
            )
        monkeypatch.undo()
        assert sorted(path.name for path in out.iterdir()) == ["0", "1"]
        assert all(
            (out / str(number)).read_bytes() in (b"old", b"new %d" % number) for number in range(2)
        )
        assert outcome != "no file was replaced" or {
            path.read_bytes() for path in out.iterdir()
        } == {b"old"}
