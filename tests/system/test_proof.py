"""A file is this user's own where it was signed by a key that lies in no repository."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mlver.system import proof

DATA = b"the plan of a command"


@pytest.fixture
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder that nobody has used yet."""
    folder = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file that the data is read from."""
    made = tmp_path / "file"
    made.write_bytes(DATA)
    return made


def test_the_first_signature_makes_a_key_that_nobody_else_can_read(
    state_home: Path, file: Path
) -> None:
    signature = proof.sign_data(DATA)
    key = state_home / "mlver" / "intent.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert proof.is_signed(DATA, signature, file)
    assert not proof.is_signed(DATA + b" of another", signature, file)
    before = key.read_bytes()
    assert proof.sign_data(DATA) == signature
    assert key.read_bytes() == before


def test_another_user_has_another_key(
    state_home: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signature = proof.sign_data(DATA)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    assert not proof.is_signed(DATA, signature, file)
    proof.sign_data(DATA)
    assert not proof.is_signed(DATA, signature, file)


@pytest.mark.parametrize("text", ["", "beef\n", "no key\n", "00" * 64])
def test_what_is_no_key_is_not_replaced(state_home: Path, file: Path, text: str) -> None:
    key = state_home / "mlver" / "intent.key"
    key.parent.mkdir(parents=True)
    key.write_text(text)
    key.chmod(0o600)
    signature = proof.sign_data(DATA)
    assert signature.startswith("machine:")
    assert proof.is_signed(DATA, signature, file)
    assert key.read_text() == text


def test_a_key_that_others_can_read_proves_nothing(state_home: Path, file: Path) -> None:
    signature = proof.sign_data(DATA)
    (state_home / "mlver" / "intent.key").chmod(0o640)
    assert not proof.is_signed(DATA, signature, file)


def test_without_a_state_folder_this_run_of_the_machine_stands_in(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "occupied").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "occupied"))
    signature = proof.sign_data(DATA)
    assert signature.startswith("machine:")
    assert proof.is_signed(DATA, signature, file)
    boot_id = tmp_path / "boot_id"
    boot_id.write_text("another start\n")
    monkeypatch.setattr(proof, "_BOOT_ID", boot_id)
    assert not proof.is_signed(DATA, signature, file)


def test_where_a_key_can_be_kept_the_machine_proves_nothing(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "occupied").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "occupied"))
    signature = proof.sign_data(DATA)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert not proof.is_signed(DATA, signature, file)


def test_a_relative_state_folder_is_ignored(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert proof.is_signed(DATA, proof.sign_data(DATA), file)
    assert (tmp_path / "home/.local/state/mlver/intent.key").exists()
    assert not Path("state").exists()
