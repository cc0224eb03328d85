"""Documents, manifests and records made by somebody who means harm."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Repository
from tests.faults.hostile import READING, WRITING, check_all_commands, check_outcome, read_tree

# -- documents -------------------------------------------------------------------------------------

_YAML = {
    "brackets": "[" * 200_000,
    "braces": "{a: " * 50_000,
    "digits": "schema: " + "9" * 5_000,
    "anchors": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
    "duplicate": "schema: mlver/config/1\nschema: mlver/config/1\n",
    "object": "!!python/object/apply:os.system ['touch CANARY']\n",
    "tag": "schema: !!binary aGk=\n",
    "float": "schema: 1.10\n",
    "no": "schema: no\n",
    "octal": "schema: 012\n",
    "exponent": "schema: 12e45678\n",
    "sexagesimal": "schema: 190:20:30\n",
    "documents": "---\nschema: mlver/config/1\n---\nx: 1\n",
    "control": 'schema: "\\e[2J"\nx\x1b[2J: 1\n',
    "bom": "\ufeffschema: mlver/config/1\n",
    "latin": "schema: \xe9\n",
    "merge": "<<: {schema: mlver/config/1}\n",
    "huge": "x: " + "y" * (17 << 20),
    "newer": "schema: mlver/config/2\n",
    "empty": "",
    "nul": "schema: \0\n",
}


@pytest.mark.parametrize("name", _YAML)
@pytest.mark.parametrize(
    "path", ["config.yaml", "models/m/model.yaml", "models/m/versions/1.1.0.yaml"]
)
def test_a_hostile_document(victim: Repository, outside: Path, name: str, path: str) -> None:
    text = _YAML[name].replace("CANARY", f"{outside}/canary")
    (victim.path / ".mlver" / path).write_bytes(
        text.encode("latin-1" if name == "latin" else "utf-8")
    )
    check_all_commands(
        victim, outside, (*READING[:2], ("show", "m@1.1.0"), *WRITING[1:3], ("verify", "--all"))
    )


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"properties": {"message": {"pattern": "^(a+)+$"}}},
        {"properties": {"message": {"pattern": "("}}},
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        [],
    ],
    ids=str,
)
def test_a_hostile_schema(victim: Repository, outside: Path, schema: object) -> None:
    victim.write(".mlver/schemas/version.schema.json", json.dumps(schema))
    victim.write("model.bin", b"three")
    check_all_commands(
        victim,
        outside,
        (("register", "m", "--bump", "minor", "-m", "a" * 60 + "!", "--allow-dirty"), *READING),
    )


# -- manifests and records -------------------------------------------------------------------------

_HEX = hashlib.sha256(b"one").hexdigest()
_MANIFESTS = {
    "above": f"{_HEX}  ../outside/evil\n",
    "far above": f"{_HEX}  ../../../../../../../../tmp/evil\n",
    "absolute": f"{_HEX}  /tmp/evil\n",
    "dot": f"{_HEX}  ./evil\n",
    "empty": f"{_HEX}  \n",
    "git": f"{_HEX}  .git/hooks/post-commit\n{_HEX}  a\n",
    "link": f"{_HEX}  a/evil\n{_HEX}  a\n",
    "through a link": f"{_HEX}  link/evil\n",
    "duplicate": f"{_HEX}  a\n{_HEX}  a\n",
    "nul": f"{_HEX}  a\0b\n",
    "control": f"{_HEX}  \x1b[2J\n",
    "short": f"{_HEX[:60]}  a\n",
    "no end": f"{_HEX}  a",
    "backslash": f"{_HEX}  ..\\evil\n",
}


def _forge(
    victim: Repository, change: Callable[[str], str], *, manifest: bytes | None = None
) -> None:
    """A third version whose record is what `change` makes of the second's.

    It is committed and sealed, as its maker would do.
    """
    text = change((victim.path / ".mlver/models/m/versions/1.1.0.yaml").read_text())
    victim.write(
        ".mlver/models/m/versions/2.0.0.yaml", text.replace('version: "1.1.0"', 'version: "2.0.0"')
    )
    if manifest is not None:
        victim.write(f".mlver/manifests/{hashlib.sha256(manifest).hexdigest()}.sha256", manifest)
    victim.commit()
    victim.mlver("tag")


@pytest.mark.parametrize("name", _MANIFESTS)
def test_a_hostile_manifest_writes_nothing_outside(
    victim: Repository, outside: Path, name: str
) -> None:
    manifest = _MANIFESTS[name].encode()
    old = re.search(r"train:.*?digest: \"(sha256:[0-9a-f]{64})\"", _record(victim), re.DOTALL)
    assert old is not None
    new = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    _forge(
        victim,
        lambda text: text.replace(old[1], new).replace("files: 2", "files: 3"),
        manifest=manifest,
    )
    for root in (victim.path / "data", victim.path / "served/data"):
        root.mkdir(parents=True, exist_ok=True)
        (root / "link").symlink_to(outside)
    before = read_tree(outside)
    for argv in (
        ("checkout", "m@2.0.0", "--to", "served"),
        ("checkout", "m@2.0.0", "--force"),
        ("promote", "m@2.0.0", "--to", "production", "-m", "Why", "--force"),
        ("rollback", "m", "--stage", "production", "--to", "2.0.0", "--checkout", "-m", "Why"),
        *READING,
    ):
        check_outcome(victim.mlver(*argv))
        assert read_tree(outside) == before
    assert not Path("/tmp/evil").exists()
    assert not (victim.path / ".git/hooks/post-commit").exists()


@pytest.mark.parametrize(
    "path",
    [
        "../outside/evil",
        "/tmp/evil",
        ".git/hooks/post-commit",
        ".git/config",
        ".mlver/config.yaml",
        "link/evil",
        "a/../../b",
    ],
)
def test_a_record_that_names_a_place_outside(victim: Repository, outside: Path, path: str) -> None:
    (victim.path / "link").symlink_to(outside)
    _forge(victim, lambda text: text.replace("path: model.bin", f"path: {path}"))
    config = (
        (victim.path / ".git/config").read_bytes(),
        (victim.path / ".mlver/config.yaml").read_bytes(),
    )
    forged = (
        ("checkout", "m@2.0.0", "--force"),
        ("checkout", "m@2.0.0", "--to", "served"),
        ("show", "m@2.0.0"),
    )
    check_all_commands(victim, outside, (*forged, *READING))
    assert config == (
        (victim.path / ".git/config").read_bytes(),
        (victim.path / ".mlver/config.yaml").read_bytes(),
    )
    assert not (victim.path / ".git/hooks/post-commit").exists()


def _record(victim: Repository) -> str:
    return (victim.path / ".mlver/models/m/versions/1.1.0.yaml").read_text()


class _Exploit:
    def __init__(self, outside: Path) -> None:
        self._told = f"touch '{outside}/canary'"

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self._told,)


@pytest.mark.parametrize(
    "name", ["model.bin", "model.pkl", "model.pt", "model.safetensors", "model.joblib"]
)
def test_weights_are_never_loaded(victim: Repository, outside: Path, name: str) -> None:
    victim.write(name, pickle.dumps(_Exploit(outside)))
    check_outcome(
        victim.mlver("register", "m", "--weights", name, "--bump", "major", "-m", "Why"), 0
    )
    victim.write(name, (2**63).to_bytes(8, "little") + b"{}")
    check_outcome(victim.mlver("register", "m", "--bump", "major", "-m", "Why"), 0)
    check_all_commands(victim, outside)
