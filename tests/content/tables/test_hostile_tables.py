"""A table made by somebody who means harm is refused by its name, and reaches nothing else."""

from __future__ import annotations

import gzip
import io
import os
import resource
import struct
import zipfile
from pathlib import Path

import duckdb
import pytest

from mlver.content.tables.engine import open_engine
from mlver.content.tables.formats import detect_table
from mlver.content.tables.profiling import profile_table
from mlver.content.tables.table import TableFiles, load_table
from mlver.errors import MlverError


def pack_zip(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.csv", data)
    return packed.getvalue()


_MILLION = 1_000_000
FOOTER = b"PAR1" + b"\x15\x04" * 50
HOSTILE: dict[str, bytes] = {
    "empty.csv": b"",
    "ragged.csv": b"a,b\n1,2\n3\n4,5,6\n",
    "bytes.csv": b"a,b\n\xff\xfe\x00,1\n" * 50,
    "one_line.csv": b"a,b\n" + b"x" * (6 << 20),
    "open_quote.csv": b'a,b\n"1,2\n' + b"3,4\n" * 2_000_000,
    "columns.csv": b",".join(b"c%d" % n for n in range(10_001)) + b"\n" + b"1," * 10_000 + b"1\n",
    "million.csv": b",".join(b"c%d" % n for n in range(_MILLION)) + b"\n",
    "million.jsonl": b"{%s}\n" % b",".join(b'"c%d":1' % n for n in range(_MILLION)),
    "nul.csv": b"a,b\n1,\0002\n3,4\n",
    "nul.jsonl": b'{"a": 1}\n\0\n',
    "zip.csv": pack_zip(b"a,b\n" + b"1,2\n" * 1_000_000),
    "gzip.csv": gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000),
    "deep.jsonl": b"[" * 200_000,
    "nested.jsonl": b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n",
    "large.jsonl": b'{"a": "' + b"x" * (40 << 20) + b'"}\n',
    "no_json.jsonl": b"{'a': 1}\n",
    "short.parquet": b"PAR1",
    "text.parquet": b"a,b\n1,2\n",
    "length.parquet": FOOTER + struct.pack("<I", 0xFFFFFFFF) + b"PAR1",
    "longest.parquet": FOOTER + struct.pack("<Q", 1 << 63) + b"PAR1",
    "footer.parquet": FOOTER + struct.pack("<I", 40) + b"PAR1",
    "encrypted.parquet": b"PARE" + FOOTER + struct.pack("<I", 40) + b"PARE",
}


def read_table(path: Path) -> None:
    found = detect_table([path.name])
    assert found is not None
    with open_engine([path], path.parent / "spilled") as connection:
        table = load_table(connection, TableFiles(path.name, found, (path,)), "t")
        profile_table(connection, table)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_table_is_refused_by_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(HOSTILE[name])
    with pytest.raises(MlverError) as refused:
        read_table(path)
    assert refused.value.message.startswith(name)
    assert os.fspath(tmp_path) not in refused.value.message
    assert "\n" not in refused.value.message
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([name, "spilled"])


def test_a_truncated_parquet_file_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    duckdb.sql(f"COPY (SELECT range AS n, range::VARCHAR AS t FROM range(5000)) TO '{whole}'")
    data = whole.read_bytes()
    footer = struct.unpack("<I", data[-8:-4])[0]
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(data[: len(data) // 3] + data[-footer - 8 :])
    with pytest.raises(MlverError, match=r"^cut\.parquet cannot be read as a table"):
        read_table(cut)


def overwrite_counts(data: bytes, count: int, wrong: int) -> bytes:
    """The same Parquet file, which says another number of rows and values in its footer."""
    length = struct.unpack("<I", data[-8:-4])[0]
    footer = data[-8 - length : -8]
    assert write_varint(count) in footer
    changed = footer.replace(write_varint(count), write_varint(wrong))
    return data[: -8 - length] + changed + struct.pack("<I", len(changed)) + b"PAR1"


def write_varint(value: int) -> bytes:
    """A number as Thrift writes it: zigzag, seven bits a byte."""
    value, written = 2 * value, bytearray()
    while value >= 128:
        written.append(value % 128 + 128)
        value //= 128
    return bytes([*written, value])


def test_a_parquet_file_that_claims_2_to_the_62_rows_is_refused(tmp_path: Path) -> None:
    whole, claimed = tmp_path / "whole.parquet", tmp_path / "claimed.parquet"
    duckdb.sql(f"COPY (SELECT range * 7 AS n FROM range(123457)) TO '{whole}'")
    claimed.write_bytes(overwrite_counts(whole.read_bytes(), 123457, 2**62))
    with pytest.raises(MlverError, match=r"^claimed\.parquet "):
        read_table(claimed)


def test_a_file_that_unpacks_to_more_than_there_is_room_for_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.parquet"
    letters = "repeat('x', 1_000_000) AS t FROM range(600)"
    duckdb.sql(f"COPY (SELECT {letters}) TO '{bomb}' (COMPRESSION zstd)")
    assert bomb.stat().st_size < 100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MlverError, match=r"^bomb\.parquet was not read: it needs more than"):
        read_table(bomb)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600 << 10
    assert not any((tmp_path / "spilled").iterdir())


def test_what_may_be_spilled_is_bounded_by_the_size_of_the_files(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    for size, most in ((1 << 20, "1.0 GiB"), (512 << 20, "10.0 GiB")):
        with path.open("wb") as file:
            file.truncate(size)
        with open_engine([path], tmp_path / "spilled") as connection:
            setting = connection.execute("SELECT current_setting('max_temp_directory_size')")
            assert setting.fetchone() == (most,)


def test_names_in_a_table_are_never_part_of_a_query(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    names = ['a"; DROP TABLE t; --', "*", "c0) FROM t; COPY t TO 'out' --", "\x1b[2J"]
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    path.write_text(f"{header}\n1,2,3,4\n")
    with open_engine([path], tmp_path / "spilled") as connection:
        table = load_table(connection, TableFiles("x", "csv", (path,)), "t")
        profile = profile_table(connection, table)
    assert [column.name for column in profile.columns] == names
    assert not (tmp_path / "out").exists()


QUERIES = (
    "SELECT * FROM read_csv('{other}')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM read_csv('https://example.org/x.csv')",
    "COPY (SELECT 1) TO '{target}'",
    "EXPORT DATABASE '{target}'",
    "ATTACH '{target}'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET allowed_paths = ['{other}']",
    "SET memory_limit = '100GB'",
    "SET temp_directory = '{target}'",
)


@pytest.mark.parametrize("query", QUERIES)
def test_the_engine_reaches_nothing_else(tmp_path: Path, query: str) -> None:
    path, other, target = (tmp_path / name for name in ("x.csv", "other.csv", "target"))
    path.write_text("a\n1\n")
    other.write_text("a\n1\n")
    refused = r"disabled (by|through) configuration|has been locked|not allowed"
    with (
        open_engine([path], tmp_path / "spilled") as connection,
        pytest.raises(duckdb.Error, match=refused),
    ):
        connection.execute(query.format(other=other, target=target))
    assert not target.exists()


def test_a_folder_with_the_letters_of_a_pattern_is_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "[ab]*?"
    folder.mkdir()
    (folder / "x.csv").write_text("a\n1\n")
    read_table(folder / "x.csv")
