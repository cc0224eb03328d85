"""Values encrypted as age has it: who has a key reads them, nobody else does, and says why."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlver.content.encryption import (
    decrypt_value,
    encrypt_value,
    is_encrypted,
    list_readers,
    name_reader,
    read_identities,
)
from mlver.errors import MlverError
from tests.programs import require_program

pyrage = pytest.importorskip("pyrage")
OWNER = pyrage.x25519.Identity.generate()
OTHER = pyrage.x25519.Identity.generate()
RECIPIENT = str(OWNER.to_public())


@settings(max_examples=30)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=4))
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    text = encrypt_value(value, "x", [RECIPIENT])
    assert is_encrypted(text)
    assert decrypt_value(text, "x", [OWNER]) == value


def test_only_recipients_can_read_it() -> None:
    text = encrypt_value("hunter2", "db", [RECIPIENT])
    assert "hunter2" not in text
    with pytest.raises(MlverError, match="`db` cannot be decrypted: No matching keys"):
        decrypt_value(text, "db", [OTHER])
    both = encrypt_value("hunter2", "db", [RECIPIENT, str(OTHER.to_public())])
    assert decrypt_value(both, "db", [OTHER]) == decrypt_value(both, "db", [OWNER]) == "hunter2"


@pytest.mark.parametrize(
    "text", ["", "nonsense", "-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n", "\0", "é"]
)
def test_what_is_no_encrypted_text_is_told(text: str) -> None:
    with pytest.raises(MlverError, match="cannot be decrypted"):
        decrypt_value(text, "db", [OWNER])


def test_a_changed_text_is_told() -> None:
    lines = encrypt_value("hunter2", "db", [RECIPIENT]).splitlines()
    middle = lines[2]
    lines[2] = ("B" if middle[0] != "B" else "C") + middle[1:]
    with pytest.raises(MlverError, match="cannot be decrypted"):
        decrypt_value("\n".join(lines), "db", [OWNER])


def test_a_text_in_the_place_of_another_is_told() -> None:
    text = encrypt_value("hunter2", "db.password", [RECIPIENT])
    with pytest.raises(MlverError, match=r"`api\.key` holds what was encrypted as `db\.password`"):
        decrypt_value(text, "api.key", [OWNER])


def test_what_was_encrypted_without_a_name_is_still_read() -> None:
    former = pyrage.encrypt(b'{"value": 1}', [OWNER.to_public()], armored=True).decode()
    assert decrypt_value(former, "db", [OWNER]) == {"value": 1}


@settings(max_examples=30)
@given(st.binary(max_size=200))
def test_any_bytes_have_readers_or_are_none_of_ages(data: bytes) -> None:
    assert list_readers(data) is None or data.startswith(b"age-encryption.org/v1\n")


def test_the_kinds_of_keys_that_can_read_a_file_are_listed() -> None:
    keys = [OWNER.to_public(), OTHER.to_public()]
    assert list_readers(pyrage.encrypt(b"plain", keys)) == ["X25519", "X25519"]
    assert [name_reader(str(key)) for key in keys] == ["X25519", "X25519"]
    assert name_reader("ssh-ed25519 AAAA") == "ssh-ed25519"


@pytest.mark.parametrize("recipient", ["age1qqq", "ssh-ed25519 AAAA", "ssh-rsa !"])
def test_what_is_no_public_key_is_told(recipient: str) -> None:
    with pytest.raises(MlverError, match="which is no public key"):
        encrypt_value(1, "x", [recipient])


def test_keys_are_read_as_age_keygen_writes_them() -> None:
    written = f"# created: today\n# public key: {RECIPIENT}\n{OTHER}\n\n{OWNER}\n".encode()
    identities = read_identities(written, "key.txt")
    assert decrypt_value(encrypt_value([1], "x", [RECIPIENT]), "x", identities) == [1]


@pytest.mark.parametrize("data", [b"", b"nonsense", b"AGE-SECRET-KEY-1XX", b"\xff\0", b"\n" * 9])
def test_a_file_without_a_key_is_told(data: bytes) -> None:
    with pytest.raises(MlverError, match=r"key\.txt holds no private key"):
        read_identities(data, "key.txt")


@pytest.mark.parametrize("passphrase", ["", "locked"])
def test_keys_of_openssh_do_unless_a_passphrase_locks_them(tmp_path: Path, passphrase: str) -> None:
    key = tmp_path / "id"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(key)]
    subprocess.run(command, check=True)
    text = encrypt_value({"a": 1}, "x", [key.with_suffix(".pub").read_text().strip()])
    if passphrase:
        with pytest.raises(MlverError, match=r"cannot be decrypted|no private key"):
            decrypt_value(text, "x", read_identities(key.read_bytes(), "id"))
    else:
        assert decrypt_value(text, "x", read_identities(key.read_bytes(), "id")) == {"a": 1}


def test_age_itself_reads_the_text(tmp_path: Path) -> None:
    require_program("age")
    (tmp_path / "key.txt").write_text(f"{OWNER}\n")
    command = ["age", "--decrypt", "-i", str(tmp_path / "key.txt")]
    text = encrypt_value("hunter2", "db", [RECIPIENT]).encode()
    done = subprocess.run(command, input=text, capture_output=True, check=True)
    assert json.loads(done.stdout) == {"param": "db", "value": "hunter2"}
