from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlver.system import state
from mlver.system.state import StateDatabase

KEY = hashlib.sha256(b"record").hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mlver/state.db"


def test_documents_are_kept(path: Path) -> None:
    StateDatabase(path).put_documents([(KEY, '{"a": 1}')])
    assert StateDatabase(path).get_document(KEY) == '{"a": 1}'
    assert StateDatabase(path).get_document("0" * 64) is None


def test_what_a_commit_holds_is_kept_and_only_a_digest_is_believed(path: Path) -> None:
    state = StateDatabase(path)
    state.keep_committed({"c1:a": KEY, "c1:b": "rubbish"})
    assert state.find_committed(["c1:a", "c1:b", "c2:a"]) == {"c1:a": KEY}
    assert state.get_document(KEY) is None


@pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="counts descriptors as Linux lists them"
)
def test_every_connection_is_closed_where_a_command_ends(path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        StateDatabase(path).put_document(KEY, "1")
    assert len(os.listdir("/proc/self/fd")) > before
    state.close_all()
    assert len(os.listdir("/proc/self/fd")) == before


def test_asking_makes_no_file(path: Path) -> None:
    assert StateDatabase(path).get_document(KEY) is None
    assert not path.parent.exists()


def test_importing_it_does_not_import_sqlite() -> None:
    script = "import sys, mlver.system.state; print('sqlite3' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert found.stdout == "False\n"


def test_files_come_in_order_below_their_artifact_only(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "PAGE", 2)
    names = [
        b"data",
        b"data/a",
        b"data/a-b",
        b"data/a/c",
        b"data/a0",
        b"data/\xff",
        b"data-x",
        b"data0",
        b"other",
    ]
    StateDatabase(path).keep_files(
        "w", [(name, b"entry of " + name) for name in reversed(names)], []
    )
    StateDatabase(path).keep_files("other", [(b"data/z", b"x")], [])
    assert list(StateDatabase(path).read_files("w", b"data")) == [
        (name, b"entry of " + name) for name in names[:6]
    ]
    StateDatabase(path).keep_files("w", [(b"data/a", b"new")], [b"data/a-b", b"data"])
    assert [key for key, _ in StateDatabase(path).read_files("w", b"data")] == [
        b"data/a",
        b"data/a/c",
        b"data/a0",
        b"data/\xff",
    ]


@pytest.mark.parametrize("table", ["files", "documents"])
def test_a_changed_row_is_a_miss(path: Path, table: str) -> None:
    StateDatabase(path).put_document(KEY, "[1]")
    StateDatabase(path).keep_files("w", [(b"a", b"entry")], [])
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {table} SET {'entry' if table == 'files' else 'json'} = ?",
                           (b"Entry" if table == "files" else "[2]",))  # fmt: skip
    connection.close()
    assert (StateDatabase(path).get_document(KEY) is None) == (table == "documents")
    assert (list(StateDatabase(path).read_files("w", b"a")) == []) == (table == "files")


@pytest.mark.parametrize(
    "damage", ["rubbish", "truncated", "middle", "directory", "parent is a file"]
)
def test_damage_is_survived_and_mended(path: Path, damage: str) -> None:
    first = StateDatabase(path)
    first.put_documents(
        [(hashlib.sha256(str(n).encode()).hexdigest(), "x" * 500) for n in range(200)]
    )
    first.close()
    data = path.read_bytes()
    if damage == "rubbish":
        path.write_bytes(b"not a database" * 1000)
    elif damage == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "middle":
        path.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))
    elif damage == "directory":
        path.unlink()
        path.mkdir()
    else:
        for file in path.parent.iterdir():
            file.unlink()
        path.parent.rmdir()
        path.parent.touch()
    for _ in range(3):
        cache = StateDatabase(path)
        assert cache.get_document(KEY) in (None, "[1]")
        cache.put_document(KEY, "[1]")
        cache.keep_files("w", [(b"a", b"entry")], [b"b"])
        list(cache.read_files("w", b"a"))
        cache.close()
    mended = damage in ("rubbish", "truncated", "middle")
    assert (StateDatabase(path).get_document(KEY) == "[1]") == mended


def test_a_newer_format_is_left_alone(path: Path) -> None:
    StateDatabase(path).put_document(KEY, "[1]")
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {state.FORMAT + 1}")
    connection.close()
    cache = StateDatabase(path)
    cache.put_document(KEY, "[2]")
    assert cache.get_document(KEY) is None
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT json FROM documents").fetchall() == [("[1]",)]
    connection.close()


def test_a_locked_file_is_not_waited_for(path: Path) -> None:
    StateDatabase(path).put_document(KEY, "[1]")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    StateDatabase(path).put_document(KEY, "[2]")
    StateDatabase(path).get_document(KEY)
    assert time.monotonic() - began < 2
    holder.execute("ROLLBACK")
    holder.close()
    assert StateDatabase(path).get_document(KEY) == "[1]"


@pytest.mark.parametrize(
    "link", ["mlver", "mlver/state.db", "mlver/state.db-wal", "mlver/state.db-journal"]
)
def test_nothing_is_kept_behind_a_symlink(path: Path, tmp_path: Path, link: str) -> None:
    """A repository that somebody packed may name any file of its reader's."""
    outside = tmp_path / "outside"
    if link == "mlver":
        outside.mkdir()
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to(outside)
    kept = StateDatabase(path)
    kept.put_document(KEY, "{}")
    assert kept.get_document(KEY) is None
    assert (tmp_path / link).is_symlink()
    assert not outside.is_dir() or not list(outside.iterdir())
    assert link == "mlver" or not outside.exists()
