"""What a user trusts is kept for that user alone, and in no repository."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.policy.remote_addresses import TrustedPlace
from mlver.project.remote.trusted_places import is_trusted, trust_places

HOST = TrustedPlace("ssh://store.example.org", "store.example.org")
BUCKET = TrustedPlace("s3://models")


def find_file(state_home: Path) -> Path:
    return state_home / "mlver" / "trusted-remotes"


def test_nothing_is_trusted_at_first() -> None:
    assert not is_trusted(HOST)


def test_what_is_confirmed_is_remembered_for_this_user_alone(state_home: Path) -> None:
    trust_places([HOST])
    trust_places([BUCKET, HOST])
    assert is_trusted(HOST)
    assert is_trusted(BUCKET)
    file = find_file(state_home)
    assert file.read_text() == "ssh://store.example.org\ns3://models\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not is_trusted(TrustedPlace("s3://model"))
    assert sorted(os.listdir(file.parent)) == ["lock", "trusted-remotes"]


def test_another_user_trusts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust_places([HOST])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    assert not is_trusted(HOST)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_confirms_nothing(state_home: Path, mode: int) -> None:
    trust_places([HOST])
    find_file(state_home).chmod(mode)
    assert not is_trusted(HOST)
    with pytest.raises(MlverError, match="is no file that you alone can write"):
        trust_places([BUCKET])
    assert not is_trusted(BUCKET)


@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
def test_what_is_no_file_confirms_nothing_and_stays(state_home: Path, kind: str) -> None:
    file = find_file(state_home)
    file.parent.mkdir(parents=True)
    target = state_home / "target"
    target.write_text("ssh://store.example.org\n")
    if kind == "link":
        file.symlink_to(target)
    elif kind == "folder":
        file.mkdir()
    else:
        os.mkfifo(file)
    before = file.lstat().st_ino
    assert not is_trusted(HOST)
    with pytest.raises(MlverError):
        trust_places([BUCKET])
    assert file.lstat().st_ino == before
    assert target.read_text() == "ssh://store.example.org\n"


def test_bytes_that_are_no_text_confirm_nothing(state_home: Path) -> None:
    trust_places([HOST])
    with find_file(state_home).open("ab") as file:
        file.write(b"\xff\n")
    assert not is_trusted(HOST)


@pytest.mark.parametrize(
    ("value", "trusted"),
    [
        ("all", True),
        ("store.example.org", True),
        ("other, store.example.org ,", True),
        ("ssh://store.example.org", True),
        ("All", False),
        ("example.org", False),
        (",", False),
    ],
)
def test_the_variable_names_what_is_trusted(
    monkeypatch: pytest.MonkeyPatch, value: str, *, trusted: bool
) -> None:
    monkeypatch.setenv("MLVER_TRUST_REMOTES", value)
    assert is_trusted(HOST) is trusted


def test_a_user_without_a_folder_is_told_of_the_variable(
    state_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state_home.write_text("in the way")
    with pytest.raises(MlverError) as caught:
        trust_places([HOST])
    assert caught.value.hints[-1] == "export MLVER_TRUST_REMOTES=ssh://store.example.org"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "relative")
    with pytest.raises(MlverError, match="no home folder"):
        trust_places([HOST])
