"""Settings that name remotes, made by somebody who means harm: nothing is asked of any of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Repository
from tests.faults.hostile import READING, WRITING, check_all_commands, check_outcome

REMOTE = (("remote", "list"), ("remote", "show", "--json"), ("remote", "show", "evil"))
_SETTINGS: dict[str, object] = {
    "password": {"url": "https://kim:hunter2@127.0.0.1:9/x"},
    "signature": {"url": "s3://bucket/x?X-Amz-Signature=hunter2"},
    "option": {"url": "ssh://-oProxyCommand=CANARY/x"},
    "user option": {"url": "ssh://-oProxyCommand=CANARY@127.0.0.1/x"},
    "endpoint": {"url": "s3://bucket", "endpoint": "http://127.0.0.1:9"},
    "endpoint password": {"url": "s3://bucket", "endpoint": "http://kim:hunter2@127.0.0.1:9"},
    "region": {"url": "s3://bucket", "region": "x.evil.example.org/#"},
    "secret key": {"url": "s3://bucket", "secret_access_key": "hunter2"},
    "control": {"url": "s3://bucket/\x1b[2J\x07"},
    "direction": {"url": "s3://bucket/\u202egnp"},
    "lines": {"url": "s3://bucket\nerror: all is lost"},
    "runner": {"url": "::set-output name=x::y"},
    "path": {"url": "/etc"},
    "up": {"url": "/tmp/../etc"},
    "relative": {"url": "../../etc"},
    "nul": {"url": "/etc\0"},
    "empty": {"url": ""},
    "long": {"url": "s3://" + "x" * 100_000},
    "number": {"url": 17},
    "list": ["s3://bucket"],
    "null": None,
}


@pytest.mark.parametrize("name", _SETTINGS)
def test_a_hostile_remote(
    victim: Repository,
    outside: Path,
    name: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state_home = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(state_home))
    settings = json.dumps({"evil": _SETTINGS[name]}).replace("CANARY", f"{outside}/evil")
    config = victim.path / ".mlver/config.yaml"
    config.write_text(f"{config.read_text()}\nremotes: {settings}\n")
    check_all_commands(victim, outside, (*READING[:3], ("doctor",), *REMOTE, *WRITING[:2]))
    for command in REMOTE:
        done = victim.mlver(*command)
        assert "hunter2" not in done.out + done.err
    assert not (state_home / "mlver/trusted-remotes").exists()


@pytest.mark.parametrize("key", ["Evil", "..", "-x", "a/b", "\x1b[2J", "", "x" * 33])
def test_a_hostile_name(victim: Repository, key: str) -> None:
    config = victim.path / ".mlver/config.yaml"
    remotes = json.dumps({key: {"url": "/mnt/store"}})
    config.write_text(f"{config.read_text()}\nremotes: {remotes}\n")
    for command in REMOTE:
        done = victim.mlver(*command)
        check_outcome(done, 1, 2, 3)
