"""Secret parameters are in a record encrypted, and nowhere in the repository in plain text."""

from __future__ import annotations

import json
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

import mlver
from mlver.document import codec
from mlver.project.project import Project
from tests.conftest import Repository

pyrage = pytest.importorskip("pyrage")
OWNER = pyrage.x25519.Identity.generate()
STRANGER = pyrage.x25519.Identity.generate()
PLAIN = "hunter2-and-more"
PARAMS = f"lr: 0.1\ndb:\n  password: {PLAIN}\n  host: example.org\n"
WORDS = ("register", "digits", "-m", "first")


@pytest.fixture
def ground(repository: Repository) -> Repository:
    """A repository whose main branch says that `db.password` is secret."""
    assert repository.mlver("init").code == 0
    repository.write("net.onnx", "one")
    repository.write("params.yaml", PARAMS)
    repository.write(".gitignore", "/net.onnx\n/params.yaml\n")
    say_secret(repository, "db.password", str(OWNER.to_public()))
    return repository


def say_secret(repository: Repository, name: str, *recipients: str) -> None:
    settings = repository.path / ".mlver/config.yaml"
    text = settings.read_text().partition("encrypt:")[0].rstrip("#\n")
    listed = json.dumps(list(recipients))
    settings.write_text(f"{text}\nencrypt:\n  params: [{name}]\n  recipients: {listed}\n")
    repository.commit("What is secret")


def register(repository: Repository, *words: str, code: int = 0) -> str:
    files = ("--weights", "net.onnx", "--params", "params.yaml")
    done = repository.mlver(*WORDS, *files, *words)
    assert done.code == code, done.err
    return done.out + done.err


def find_plain(repository: Repository) -> list[str]:
    """Every file of the repository, git's objects unpacked, that has the secret in plain text."""
    holders: list[str] = []
    for path in sorted(repository.path.rglob("*")):
        if path.name == "params.yaml" or not path.is_file():
            continue
        data = path.read_bytes()
        if ".git/objects/" in path.as_posix() and "pack" not in path.parts:
            data = zlib.decompress(data)
        if PLAIN.encode() in data:
            holders.append(path.relative_to(repository.path).as_posix())
    command = ["git", "cat-file", "--batch-all-objects", "--batch"]
    packed = subprocess.run(command, cwd=repository.path, capture_output=True, check=True)
    if PLAIN.encode() in packed.stdout:
        holders.append("git's objects")
    return holders


def test_a_secret_is_nowhere_in_plain_text(ground: Repository) -> None:
    assert "encrypted  db.password" in register(ground)
    assert find_plain(ground) == []
    record = ground.path / ".mlver/models/digits/versions/1.0.0.yaml"
    assert "host: example.org" in record.read_text()
    assert "BEGIN AGE ENCRYPTED FILE" in record.read_text()
    assert ground.mlver("verify", "--all").code == 0


def test_who_has_the_key_reads_it(ground: Repository, tmp_path: Path) -> None:
    register(ground)
    key = tmp_path / "key.txt"
    key.write_text(f"{OWNER}\n")
    hidden = ground.mlver("show", "digits")
    assert "db.password  encrypted" in hidden.out
    assert PLAIN not in hidden.out
    shown = ground.mlver("show", "digits", "--identity", str(key))
    assert f"db.password  {PLAIN}" in shown.out
    document = json.loads(ground.mlver("show", "digits", "--identity", str(key), "--json").out)
    assert document["secrets"] == {"db.password": PLAIN}
    key.write_text(f"{STRANGER}\n")
    refused = ground.mlver("show", "digits", "--identity", str(key))
    assert (refused.code, "No matching keys" in refused.err) == (3, True)
    missing = ground.mlver("show", "digits", "--identity", "nowhere.txt")
    assert (missing.code, "cannot be read" in missing.err) == (3, True)
    [version] = mlver.open(ground.path).versions("digits")
    key.write_text(f"{OWNER}\n")
    assert version.decrypt_params(key) == {"db.password": PLAIN}


def test_a_comparison_shows_that_there_is_one_and_no_more(ground: Repository) -> None:
    register(ground)
    unchanged = json.loads(ground.mlver("status", "--json").out)
    assert "password" not in json.dumps(unchanged)
    ground.write("params.yaml", PARAMS.replace("0.1", "0.2").replace("hunter2", "other"))
    status = ground.mlver("status", "--json")
    assert [PLAIN in status.out, "other-and-more" in status.out] == [False, False]
    register(ground, "--bump", "minor")
    shown = ground.mlver("diff", "digits@1.0.0", "digits@1.1.0")
    assert "lr" in shown.out
    assert "password" not in shown.out


@pytest.mark.parametrize(
    "words",
    [
        ("--command", f"train --password {PLAIN}"),
        ("--label", f"team={PLAIN}"),
        ("-m", f"the password is {PLAIN}"),
    ],
)
def test_a_record_that_says_it_elsewhere_is_refused(
    ground: Repository, words: tuple[str, str]
) -> None:
    assert "also stands in" in register(ground, *words, code=2)
    assert find_plain(ground) == []


def test_a_file_in_git_is_refused(ground: Repository) -> None:
    ground.git("add", "--force", "params.yaml")
    said = register(ground, code=3)
    assert "params.yaml is in git, and holds db.password in plain text" in said
    assert "git rm --cached -- params.yaml" in said


def test_a_branch_adds_secrets_but_neither_readers_nor_leaks(ground: Repository) -> None:
    ground.git("checkout", "--quiet", "-b", "feature")
    say_secret(ground, "db.host", str(STRANGER.to_public()))
    register(ground)
    [version] = mlver.open(ground.path).versions("digits")
    assert set(version.record.secrets) == {"db.password", "db.host"}
    for text in version.record.secrets.values():
        assert pyrage.decrypt(text.encode(), [OWNER])
        with pytest.raises(pyrage.DecryptError):
            pyrage.decrypt(text.encode(), [STRANGER])


def test_an_amendment_encrypts_what_is_given_and_keeps_the_rest(ground: Repository) -> None:
    register(ground)
    done = ground.mlver(
        "register", "digits", "--amend", "-m", "second", "--param", "db.password=changed-secret"
    )
    assert done.code == 0, done.err
    [version] = mlver.open(ground.path).versions("digits")
    text = version.record.secrets["db.password"]
    plain = json.loads(pyrage.decrypt(text.encode(), [OWNER]))
    assert plain == {"param": "db.password", "value": "changed-secret"}
    assert ground.mlver("register", "digits", "--amend", "-m", "third").code == 0
    [version] = mlver.open(ground.path).versions("digits")
    assert version.record.secrets["db.password"] == text


def test_without_recipients_nothing_is_registered(ground: Repository) -> None:
    settings = ground.path / ".mlver/config.yaml"
    text = settings.read_text()
    settings.write_text(text[: text.index("  recipients:")])
    ground.commit("Nobody")
    assert "nobody is named who could read the secret params db.password" in register(
        ground, code=3
    )


def test_two_secrets_that_were_swapped_by_hand_are_told(
    ground: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_secret(ground, '"db.*"', str(OWNER.to_public()))
    register(ground)
    project = Project.open_existing(ground.path)
    record, _ = project.registry.read_version("digits", "1.0.0")
    password, host = record.secrets["db.password"], record.secrets["db.host"]
    forged = replace(record, secrets={"db.password": host, "db.host": password}, version="1.1.0")
    data = codec.encode_document("version", forged.to_document())
    ground.write(forged.record_path, data.decode())
    ground.commit("By hand")
    unread = ground.mlver("verify", "digits@1.1.0")
    assert "db.password is encrypted: its value was not checked" in unread.out
    key = tmp_path / "key.txt"
    key.write_text(f"{OWNER}\n")
    monkeypatch.setenv("MLVER_IDENTITY", str(key))
    found = ground.mlver("verify", "digits@1.1.0")
    assert found.code == 1
    assert "`db.password` holds what was encrypted as `db.host`" in found.out
    assert ground.mlver("verify", "digits@1.0.0").code == 0
    key.write_text(f"{STRANGER}\n")
    assert "No matching keys" in ground.mlver("verify", "digits@1.1.0").out


def test_a_param_that_became_secret_is_one_line_of_its_story(ground: Repository) -> None:
    register(ground)
    say_secret(ground, '"db.*"', str(OWNER.to_public()))
    ground.write("net.onnx", "two")
    register(ground, "--bump", "minor")
    document = json.loads(ground.mlver("log", "--params", "--json").out)
    changes = document["steps"][0]["changes"]
    assert changes == [
        {"name": "db.host", "change": "changed", "old": "example.org", "new": None, "secret": True}
    ]
    assert "db.host  example.org → (secret)" in ground.mlver("log", "--params").out
    say_secret(ground, "db.password", str(OWNER.to_public()))
    ground.write("net.onnx", "three")
    register(ground, "--bump", "minor")
    assert "db.host  (secret) → example.org" in ground.mlver("log", "--params", "-n", "1").out
