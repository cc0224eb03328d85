from __future__ import annotations

import hashlib
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.storage import packs
from mlver.storage.local.pack_files import PackFile, scan_pack
from mlver.storage.packs import PackMember

CONTENTS = [b"", b"x", b"hello\n", bytes(512), b"\xff" * 513, b"y" * 5000]


def build(directory: Path, contents: list[bytes]) -> PackFile:
    data, lines, offset = b"", [], 0
    for content in contents:
        digest = hashlib.sha256(content).hexdigest()
        member = PackMember(digest, offset + packs.BLOCK, len(content))
        data += b"".join(packs.frame_member(digest, content))
        lines.append(packs.index_line(member))
        offset = packs.member_end(member)
    index = packs.build_index(lines)
    pack = PackFile(directory, packs.pack_name(index))
    pack.path.write_bytes(data + packs.TRAILER)
    pack.index_path.write_bytes(index)
    return pack


def test_a_pack_is_a_tar_that_gives_up_its_contents_without_us(tmp_path: Path) -> None:
    pack = build(tmp_path, CONTENTS)
    with tarfile.open(pack.path) as tar:
        assert [member.name for member in tar] == [
            hashlib.sha256(content).hexdigest() for content in CONTENTS
        ]
    for content in CONTENTS:
        command = ["tar", "-xOf", str(pack.path), hashlib.sha256(content).hexdigest()]
        assert subprocess.run(command, capture_output=True, check=True).stdout == content


def test_the_index_is_sorted_text_of_fixed_width(tmp_path: Path) -> None:
    lines = build(tmp_path, CONTENTS).index.splitlines(keepends=True)
    assert lines == sorted(lines)
    assert {len(line) for line in lines} == {packs.LINE}


@given(st.lists(st.binary(max_size=1200), min_size=1, max_size=30, unique=True))
def test_every_member_is_found_and_the_index_can_be_made_again(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    pack = build(tmp_path_factory.mktemp("packs"), contents)
    data = pack.path.read_bytes()
    for content in contents:
        member = pack.find_member(hashlib.sha256(content).hexdigest())
        assert member is not None
        assert data[member.offset : member.offset + member.size] == content
    assert pack.find_member("0" * 64) is None
    assert pack.find_member("f" * 64) is None
    assert pack.digests == {member.hex for member in pack.read_members()}
    assert pack.find_listed({"0" * 64, *pack.digests}) == pack.digests
    assert scan_pack(pack.path) == (pack.index, packs.pack_length(pack.index))
    assert pack.is_indexed()


_members = st.builds(
    PackMember,
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.integers(0, 1 << 39),
    st.integers(0, 1 << 39),
)


@given(st.lists(st.lists(_members, max_size=20), max_size=8))
def test_runs_make_the_index_that_all_their_members_would_make(
    runs: list[list[PackMember]],
) -> None:
    expected = packs.build_index(packs.index_line(member) for run in runs for member in run)
    assert (
        b"".join(packs.build_index_from_runs([packs.encode_run(run) for run in runs])) == expected
    )
    for run in runs:
        assert sorted(
            digest.hex() for digest in packs.run_digests(packs.encode_run(run))
        ) == sorted(m.hex for m in run)


@given(st.data())
def test_a_damaged_index_is_never_taken_for_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    pack = build(tmp_path_factory.mktemp("packs"), CONTENTS)
    index = bytearray(pack.index)
    index[data.draw(st.integers(0, len(index) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    pack.index_path.write_bytes(index)
    again = PackFile(pack.path.parent, pack.name)
    assert not again.is_indexed()
    list(again.read_members())
    again.find_member("8" * 64)
    assert scan_pack(again.path)[0] == pack.index
    pack.index_path.unlink()
    lost = PackFile(pack.path.parent, pack.name)
    assert not lost.is_indexed()
    assert lost.find_member("8" * 64) is None
