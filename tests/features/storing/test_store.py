"""mlver store, as a process with pipes, and what it says on a command line."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlver.storage.remote.blobs import BytesBlob
from mlver.storage.remote.directory import MARKER, DirectoryBlobs, init_directory
from mlver.storage.remote.frames import FrameKind, pack_frame
from tests.conftest import CHECKOUT, Repository
from tests.pseudo_terminal import run_on_terminal
from tests.storage.remote.far_end import HELLO, pack_put, split_frames


def run_store(folder: Path, requests: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "mlver", "store", *options, "--", folder],
        input=requests,
        capture_output=True,
        cwd=CHECKOUT,
        check=False,
    )


def test_a_directory_is_made_a_store_once(repository: Repository) -> None:
    folder = repository.path / "a" / "b"
    made = repository.mlver("store", "--init", "a/b")
    assert (made.code, made.out) == (0, f"Made a store in {folder}\n")
    assert os.listdir(folder) == [MARKER]
    again = repository.mlver("store", "--init", "a/b")
    assert (again.code, again.out) == (0, f"{folder} is a store already; nothing changed\n")
    document = json.loads(repository.mlver("store", "--init", "a/b", "--json").out)
    assert document == {"schema": "mlver/result/store/1", "path": str(folder), "made": False}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--init", "--read-only"), "--init makes a store, and --read-only changes none"),
        (("--json",), "--json goes with --init"),
        (("--init", "-C"), "No such option: -C"),
    ],
)
def test_options_that_clash_are_refused(
    repository: Repository, options: tuple[str, ...], words: str
) -> None:
    done = repository.mlver("store", *options, "a")
    assert done.code == 2
    assert words.lower() in done.err.lower()
    assert not (repository.path / "a").exists()


def test_where_no_directory_can_be_made_it_says_so(repository: Repository) -> None:
    (repository.path / "file").write_text("x")
    done = repository.mlver("store", "--init", "file/below")
    assert done.code == 3
    assert "making a store in the shared directory failed: " in done.err


def test_it_needs_no_repository_and_serves_until_its_input_ends(tmp_path: Path) -> None:
    folder = tmp_path / "-shared"
    init_directory(folder)
    data = os.urandom(3000)
    digest = hashlib.sha256(data).digest()
    done = run_store(folder, HELLO + pack_put(b"k/1", data, digest))
    assert (done.returncode, done.stderr) == (0, b"")
    assert [frame.kind for frame in split_frames(done.stdout)] == [
        FrameKind.WELCOME,
        FrameKind.DONE,
    ]
    assert (folder / "k/1").read_bytes() == data
    read = run_store(folder, HELLO + pack_frame(FrameKind.DELETE, 3, b"k/1"), "--read-only")
    assert [frame.kind for frame in split_frames(read.stdout)] == [
        FrameKind.WELCOME,
        FrameKind.ERROR,
    ]
    assert (folder / "k/1").exists()


def test_what_is_no_request_ends_with_a_message_and_no_traceback(tmp_path: Path) -> None:
    done = run_store(tmp_path, b"GET / HTTP/1.1\r\n\r\n")
    assert done.returncode == 3
    assert done.stderr.startswith(
        b"error: the other end of `mlver store` sent a frame of 1195725856"
    )


def test_a_client_that_leaves_early_is_no_failure(tmp_path: Path) -> None:
    init_directory(tmp_path)
    DirectoryBlobs(tmp_path).put_blob("k", BytesBlob(bytes(8 << 20)))
    get = pack_frame(FrameKind.GET, 3, (0).to_bytes(8), (8 << 20).to_bytes(4), b"k")
    process = subprocess.Popen(
        [sys.executable, "-m", "mlver", "store", tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=CHECKOUT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(HELLO + get)
    process.stdin.flush()
    assert process.stdout.read(1000)
    process.stdout.close()
    process.stdin.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0
    process.stderr.close()


def test_a_person_at_a_terminal_is_told_what_to_type(tmp_path: Path) -> None:
    shown = run_on_terminal(("store", "shared"), tmp_path)
    assert shown.code == 2
    assert "nobody types requests to `mlver store`" in shown.text
    assert "mlver store --init shared" in shown.text
