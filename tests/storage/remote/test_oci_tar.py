from __future__ import annotations

import hashlib
import io
import os
import subprocess
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import MlverError, ObjectDamaged
from mlver.storage.remote.blobs import BlobError
from mlver.storage.remote.oci_tar import TarFile, TarSource, read_tar

_NAMES = [b"a", b"b/c", b"x" * 150 + b"/" + b"y" * 200, "ä/ö".encode(), b"not utf-8 \xff", b"z z"]
_CONTENTS = [b"", b"x", b"a" * 512, b"b" * 5000, b"\0" * 1_200_000, b"last"]


def hash_content(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


_BY_DIGEST = {hash_content(data): data for data in _CONTENTS}


def open_content(hexadecimal: str) -> BinaryIO:
    return io.BytesIO(_BY_DIGEST[hexadecimal])


def make_source() -> TarSource:
    files = []
    for number, (name, data) in enumerate(zip(_NAMES, _CONTENTS, strict=True)):
        mode = 0o755 if number == 1 else 0o644
        files.append(TarFile(name, len(data), hash_content(data), mode))
    return TarSource(files, open_content)


def read_source(source: TarSource) -> bytes:
    with source.open_stream() as stream:
        return stream.read()


def test_an_archive_is_as_long_as_it_says_and_always_the_same() -> None:
    source = make_source()
    data = read_source(source)
    assert len(data) == source.size
    assert read_source(make_source()) == data
    # Whoever has packed these files in one release gets the same layer from the next.
    assert hash_content(data) == "fc2bdc488d3d6148ab1e7e81c6492abb01626dd01d99e07186e61af9959973d2"


def test_what_was_packed_is_read() -> None:
    stream = make_source().open_stream()
    found = {name: content.read() for name, content in read_tar(stream, "x")}
    assert found == dict(zip(_NAMES, _CONTENTS, strict=True))


def test_other_tools_read_it(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(read_source(make_source()))
    subprocess.run(["tar", "-xf", "x.tar"], cwd=tmp_path, check=True)
    for name, data in zip(_NAMES, _CONTENTS, strict=True):
        assert (tmp_path / os.fsdecode(name)).read_bytes() == data
    assert (tmp_path / "b/c").stat().st_mode & 0o777 == 0o755


def test_other_bytes_are_not_packed() -> None:
    wrong = hash_content(b"other")
    source = TarSource([TarFile(b"a", 1, wrong)], lambda _: io.BytesIO(b"x"))
    with pytest.raises(ObjectDamaged, match=wrong), source.open_stream() as stream:
        stream.read()


def list_contents(data: bytes) -> list[bytes]:
    return [content.read() for _, content in read_tar(io.BytesIO(data), "x")]


def test_a_part_of_an_archive_gives_no_part_of_a_content() -> None:
    whole = read_source(TarSource(make_source().files[1:4], open_content))
    refused = 0
    for length in (*range(0, len(whole), 97), len(whole)):
        try:
            found = list_contents(whole[:length])
        except BlobError:
            refused += 1
        else:
            assert found == _CONTENTS[1 : 1 + len(found)]
    assert refused > len(whole) // 97 // 2


@given(st.binary(max_size=3000), st.integers(0, 6000), st.integers(0, 255))
def test_whatever_an_archive_holds_is_read_or_refused(junk: bytes, offset: int, value: int) -> None:
    changed = bytearray(read_source(TarSource(make_source().files[:3], open_content)))
    changed[offset % len(changed)] = value
    for data in (junk, bytes(changed)):
        try:
            for _, content in read_tar(io.BytesIO(data), "x"):
                content.read()
        except MlverError:
            continue
