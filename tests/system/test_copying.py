"""How a large file is copied."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mlver.system import copying


def copied(source: Path, target: Path) -> bytes:
    """What `FlushingWriter.take` makes of a file."""
    with source.open("rb") as file, target.open("w+b") as out:
        growing = copying.FlushingWriter(out.fileno(), target)
        while growing.take(file.fileno()):
            pass
    return target.read_bytes()


REFUSALS = [errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EIO, None]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("after", [0, 2])
def test_what_the_system_does_not_copy_is_read_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int | None, after: int
) -> None:
    """Network file systems answer 0 (None here) where the file does not end."""
    plain = os.copy_file_range
    calls: list[int] = []

    def copy(source: int, target: int, count: int) -> int:
        calls.append(count)
        if len(calls) <= after:
            return plain(source, target, count)
        if refusal is None:
            return 0
        raise OSError(refusal, "refused")

    monkeypatch.setattr(copying, "COPY_BYTES", 1_000)
    monkeypatch.setattr(os, "copy_file_range", copy)
    (tmp_path / "a").write_bytes(os.urandom(300_000))
    assert copied(tmp_path / "a", tmp_path / "b") == (tmp_path / "a").read_bytes()
    assert len(calls) == after + 1


def test_a_file_of_holes_is_copied_whole(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.seek(300_000)
        file.write(b"end")
        file.truncate(700_000)
    assert copied(tmp_path / "a", tmp_path / "b") == (tmp_path / "a").read_bytes()


def test_a_full_disk_is_told_by_the_name_of_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "copy_file_range", full)
    monkeypatch.setattr(os, "write", full)
    (tmp_path / "a").write_bytes(b"x")
    with pytest.raises(OSError, match="full") as raised:
        copied(tmp_path / "a", tmp_path / "b")
    assert raised.value.filename == os.fspath(tmp_path / "b")


def test_a_copy_that_became_shorter_is_told_by_its_name(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w+b") as file:
        growing = copying.FlushingWriter(file.fileno(), tmp_path / "a")
        with pytest.raises(OSError, match="cannot be read back") as raised:
            growing.read_at(memoryview(bytearray(1)), 0)
    assert raised.value.filename == os.fspath(tmp_path / "a")
