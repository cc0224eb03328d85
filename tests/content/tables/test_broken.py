"""A broken table is refused by its file, its line and what is wrong there."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.content.tables.broken import find_broken
from mlver.content.tables.engine import open_engine
from mlver.content.tables.formats import detect_table
from mlver.content.tables.table import TableFiles, load_table
from mlver.errors import MlverError

ROWS = b"1,2\n" * 30_000
BROKEN: dict[str, tuple[bytes, str]] = {
    "few.csv": (b"a,b\n1,2\n3\n4,5\n", "line 3 has 1 value, and the first line has 2 names"),
    "many.csv": (
        b"a,b\n" + ROWS + b"4,5,6\n",
        "line 30,002 has 3 values, and the first line has 2 names",
    ),
    "bytes.csv": (b"a,b\nx,1\n" + b"y\xff,1\n" * 9, "line 3 is not UTF-8 from its byte 2 on"),
    "wide.csv": ("a,b\n1,2\n".encode("utf-16"), "line 1 is not UTF-8 from its byte 1 on"),
    "nul.csv": (b"a,b\n1,\0002\n3,4\n", "line 2 has a NUL byte, which no text has"),
    "open.csv": (b'a,b\n1,2\n"3,4\n5,6\n', "line 3 has a quote that is never closed"),
    "inside.csv": (
        b'a,b\n1,2\n"x"y,3\n',
        "line 3 has a quote inside of a value: write it twice, and the value in quotes",
    ),
    "long.csv": (
        b"a,b\n1,2\n" + b"x" * (6 << 20) + b",2\n",
        "line 3 is longer than 2,000,000 bytes",
    ),
    "words.jsonl": (
        b'{"a":1}\n{"a":2}\n{\'a\': 1}\n',
        "line 3 is no JSON: Expecting property name enclosed in double quotes",
    ),
    "half.jsonl": (b'{"a":1}\n{"a":\n', "line 2 is no JSON: Expecting value"),
    "deep.jsonl": (b'{"a":1}\n' + b"[" * 200_000 + b"\n", "line 2 is nested too deeply"),
    "text.parquet": (b"a,b\n1,2\n", "it does not begin as a Parquet file does"),
    "cut.parquet": (b"PAR1" + b"\0" * 50, "it is cut short: it does not end as a Parquet file"),
    "secret.parquet": (b"PARE" + b"\0" * 50 + struct.pack("<I", 4) + b"PARE", "it is encrypted"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_table_is_refused_by_its_line(tmp_path: Path, name: str) -> None:
    data, words = BROKEN[name]
    copy = tmp_path / "0.copy"
    copy.write_bytes(data)
    found = detect_table([name])
    assert found is not None
    for label, told in ((name, f"{name} cannot be read as a table: "), ("train", f"in {name}, ")):
        table = TableFiles(label, found, (copy,), (name,))
        with (
            open_engine([copy], tmp_path / "spilled") as connection,
            pytest.raises(MlverError) as refused,
        ):
            load_table(connection, table, "t")
        assert refused.value.message.startswith(f"{label} cannot be read as a table: ")
        assert told + words in refused.value.message
        line = words.split()[1].replace(",", "") if words.startswith("line") else None
        assert refused.value.hint == (None if line is None else f"sed -n {line}p {name}")


@given(data=st.binary(max_size=200) | st.text("a,\"\n\r\0é{}[]:1'", max_size=60).map(str.encode))
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_any_bytes_have_a_place_or_none(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, form: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{form}"
    path.write_bytes(data)
    found = find_broken(path, form, ",")  # type: ignore[arg-type]
    if found is not None and found.line is not None:
        assert 1 <= found.line <= data.count(b"\n") + 1
