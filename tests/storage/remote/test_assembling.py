"""The file of a large content, which several threads write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.storage.remote.assembling import AssembledContent
from mlver.storage.remote.survey import StoredCopy
from mlver.storage.remote.workers import TransferStopped
from tests.storage.remote.transfers import make_content

CONTENT = make_content((1 << 20) + 5)
DIGEST = Digest.of_bytes(CONTENT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "content"


@pytest.fixture
def content(path: Path) -> AssembledContent:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    os.ftruncate(descriptor, len(CONTENT))
    stored_copy = StoredCopy("objects/ab/x", 0, len(CONTENT))
    return AssembledContent(
        DIGEST, stored_copy, descriptor, str(path), lambda _: None, lambda _: None
    )


def test_the_whole_is_hashed_as_it_lies_in_the_file(content: AssembledContent, path: Path) -> None:
    content.write_at(1000, memoryview(CONTENT)[1000:])
    content.write_at(0, memoryview(CONTENT)[:1000])
    assert content.end_span(0)
    assert content.is_sound()
    assert path.read_bytes() == CONTENT


def test_a_file_that_somebody_cuts_meanwhile_is_not_sound(
    content: AssembledContent, path: Path
) -> None:
    content.write_at(0, memoryview(CONTENT))
    os.truncate(path, 1000)
    assert content.end_span(0)
    assert not content.is_sound()
    assert "damaged" in content.fault


def test_nothing_is_written_once_it_is_closed(content: AssembledContent) -> None:
    content.close_file()
    with pytest.raises(TransferStopped):
        content.write_at(0, memoryview(b"late"))
    assert content.descriptor == -1


def test_a_write_that_is_under_way_keeps_the_file_open(
    content: AssembledContent, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = os.pwrite

    def close_and_write(descriptor: int, data: memoryview, offset: int) -> int:
        content.close_file()
        assert content.descriptor == descriptor
        return pwrite(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", close_and_write)
    content.write_at(0, memoryview(CONTENT))
    assert content.descriptor == -1
    assert path.read_bytes() == CONTENT


def test_a_disk_that_refuses_is_named_with_the_content(content: AssembledContent) -> None:
    read_only = os.open("/dev/full", os.O_WRONLY)
    os.dup2(read_only, content.descriptor)
    os.close(read_only)
    with pytest.raises(MlverError, match=rf"storing {DIGEST}.*No space left"):
        content.write_at(0, memoryview(CONTENT))
