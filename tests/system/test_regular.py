from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest

from mlver.system.regular import read_regular


def test_a_file_is_read_as_far_as_asked(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert read_regular(tmp_path / "file") == b"content"
    assert read_regular(tmp_path / "file", 3) == b"con"


@pytest.mark.parametrize("kind", ["FIFO", "socket", "folder", "symlink", "device"])
@pytest.mark.parametrize("follow", [False, True])
def test_anything_else_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, follow: bool
) -> None:
    path = tmp_path / "x"
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "symlink":
        path.symlink_to("loop")
        (tmp_path / "loop").symlink_to("x")
    elif kind == "device":
        path = Path(os.devnull)
    else:
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("x")
    words = f"it is a {kind}, not a regular file: '{re.escape(str(path))}'"
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match=words):
        read_regular(path, follow=follow)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_symlink_is_followed_only_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link", follow=True) == b"content"
    with pytest.raises(OSError, match="it is a symlink"):
        read_regular(tmp_path / "link")
