"""What `sha256sum` prints, as people publish it."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import InvalidDocument
from mlver.names import find_path_fault
from mlver.records.checksum_file import parse_checksum_file

HEX = "ab" * 32


def test_it_reads_what_sha256sum_prints(tmp_path: Path) -> None:
    names = ["z", "a b", "ü", "back\\slash", "new\nline", "deep/er"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    for options in ((), ("--binary",)):
        said = subprocess.run(
            ["sha256sum", *options, "--", *(f"./{name}" for name in names)],
            cwd=tmp_path,
            capture_output=True,
            check=True,
        ).stdout
        checksums = parse_checksum_file(said, "here")
        assert checksums == {name: hashlib.sha256(name.encode()).hexdigest() for name in names}


def test_order_case_comments_and_empty_lines_do_not_matter() -> None:
    data = f"# of 2026\r\n{HEX.upper()}  b\r\n\r\n{HEX} *a\r\n{HEX}  ./b\r\n".encode()
    assert parse_checksum_file(data, "here") == {"b": HEX, "a": HEX}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("", "there is no file in it"),
        ("# nothing\n", "there is no file in it"),
        ("<html><a href='a'>a</a>\n", "line 1: it is not 64 hexadecimal digits"),
        (f"{HEX[1:]}  a\n", "line 1: it is not"),
        (f"{HEX}  a\n{'cd' * 32}  a\n", "line 2: a has two checksums"),
        (f"{HEX}  ../a\n", "has a `..` or `.` part"),
        (f"{HEX}  /etc/passwd\n", "is absolute"),
        (f"{HEX}  a/.git/config\n", "reaches into `.git`"),
        (f"\\{HEX}  a\\x\n", "not escaped as sha256sum does"),
        (f"{HEX}  a\x1b[2J/../b\n", "a\\x1b[2J/../b has"),
        (f"{HEX[1:]}  a\n" * 30, "and 10 more"),
    ],
)
def test_anything_else_is_refused_with_its_line(data: str, says: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse_checksum_file(data.encode(), "here")
    text = str(refused.value)
    assert says in text
    assert "\x1b" not in text


@given(
    st.binary(max_size=300) | st.binary(max_size=40).map(lambda path: HEX.encode() + b"  " + path)
)
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        checksums = parse_checksum_file(data, "here")
    except InvalidDocument:
        return
    assert all(find_path_fault(key) is None for key in checksums)
