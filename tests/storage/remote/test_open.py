from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import MlverError, UsageError
from mlver.storage.remote import open as opening
from mlver.storage.remote.blobs import BytesBlob
from mlver.storage.remote.directory import init_directory
from mlver.storage.remote.open import BackEnd, open_blobs
from mlver.storage.remote.retrying import RetryingBlobs
from tests.storage.remote.transfers import read_contents, store_contents


@pytest.mark.parametrize("form", ["{path}", "file://{path}", "file://localhost{path}", "."])
def test_a_path_and_a_file_address_open_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    folder = tmp_path / "shared"
    init_directory(folder)
    monkeypatch.chdir(folder)
    blobs = open_blobs(form.format(path=folder))
    assert isinstance(blobs, RetryingBlobs)
    assert blobs.address == str(folder)
    blobs.put_blob("a", BytesBlob(b"x"))
    assert (folder / "a").read_bytes() == b"x"


def test_a_file_address_is_a_url_and_a_path_is_not(tmp_path: Path) -> None:
    assert open_blobs("file:///a%20b").address == "/a b"
    assert open_blobs("/a%20b").address == "/a%20b"
    with pytest.raises(UsageError, match="another machine"):
        open_blobs("file://server/share")


def test_a_path_is_never_taken_for_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_blobs("file:x").address == f"{tmp_path}/file:x"
    assert open_blobs("x?y#z").address == f"{tmp_path}/x?y#z"
    assert open_blobs("FILE:///data").address == "/data"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("file:///data/run#1/x", "fragment"),
        ("file:///data/run?1/x", "query"),
        ("file:///a%00", "cannot be a path"),
        ("a\0b", "cannot be a path"),
        ("a\ud800", "cannot be a path"),
        ("file:///a\ud800", "cannot be a path"),
        ("file://[bad", "another machine"),
        ("file://", "names no directory"),
        ("", "names no directory"),
    ],
)
def test_an_address_that_names_no_directory_is_refused(address: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        open_blobs(address)


@given(st.binary(), st.sampled_from(["file", "FILE", "File"]))
def test_a_path_and_its_url_are_one_directory(name: bytes, scheme: str) -> None:
    path = os.fsdecode(b"/data/" + name.replace(b"\0", b"?"))
    url = Path(path).as_uri().replace("file", scheme, 1)
    assert open_blobs(url).address == open_blobs(path).address == os.fspath(Path(path))


@given(st.text() | st.text().map("file://".__add__))
def test_no_address_is_worse_than_refused(address: str) -> None:
    with suppress(UsageError):
        assert Path(open_blobs(address).address).is_absolute()


def test_an_unknown_scheme_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match="no back-end serves gopher://") as caught:
        open_blobs("gopher://host/bucket")
    assert "file://" in caught.value.message


def test_a_back_end_whose_library_is_not_installed_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cloud_back_end.py").write_text("import no_such_cloud_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(opening.BACK_ENDS, "cloud", BackEnd("cloud_back_end", "open_it", "cloud"))
    with pytest.raises(MlverError, match="no_such_cloud_library") as caught:
        open_blobs("cloud://bucket")
    assert caught.value.hint == "pip install 'mlver[cloud]'"


def test_every_back_end_in_the_table_can_be_opened() -> None:
    for scheme in opening.BACK_ENDS:
        assert open_blobs(f"{scheme}://localhost/nowhere").address


def test_a_remote_is_opened_by_each_of_its_addresses(tmp_path: Path) -> None:
    init_directory(tmp_path / "shared")
    digests = store_contents(open_blobs(str(tmp_path / "shared")), tmp_path / "kim", [b"content"])
    other = open_blobs(f"file://{tmp_path}/shared")
    assert read_contents(other, tmp_path / "lee", digests) == [b"content"]
