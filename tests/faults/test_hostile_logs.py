"""Names and texts that begin a command of the runner in whose log they are printed."""

from __future__ import annotations

import json

import pytest

from tests.conftest import CommandOutcome, Repository
from tests.faults.hostile import check_outcome

_TEXTS = ("::error::x", "##[error]x", "##vso[task.complete]x")
_COMMANDS = (
    ("list",),
    ("list", "n"),
    ("list", "--csv"),
    ("list", "n", "--markdown", "--where", "not metrics.x > 1"),
    ("list", "n", "--columns", "message,labels.k,params.named"),
    ("list", "--where", "::error::x"),
    ("list", "--sort", "##[error]x"),
    ("show", "n"),
    ("log",),
    ("log", "n"),
    ("status", "n"),
    ("diff", "n@1.0.0", "n@1.1.0"),
    ("diff", "n@1.0.0", "n@1.1.0", "--markdown"),
    ("diff", "HEAD~2...HEAD"),
    ("diff", "HEAD~2...HEAD", "--markdown"),
    ("event", "n@v1.0.0"),
    ("verify", "--all"),
    ("audit",),
    ("audit", "--at", "2026-01-02"),
    ("audit", "--csv"),
    ("audit", "--markdown"),
    ("doctor",),
    ("hook", "check"),
    ("hook", "check", "--from", "HEAD~2", "--to", "HEAD"),
    ("hook", "guard"),
    ("hook", "status"),
    ("checkout", "n@1.0.0", "--to", "served"),
    ("promote", "n@1.0.0", "--to", "staging", "-m", "Why"),
    ("register", "n", "--weights", "::gone::", "-m", "Why"),
    ("register", "::x::", "--weights", "n.bin", "-m", "Why"),
)


def _check_printed(done: CommandOutcome, argv: tuple[str, ...]) -> None:
    assert done.code != 70, (argv, done)
    check_outcome(done)


@pytest.mark.parametrize("text", _TEXTS)
def test_no_command_prints_one(victim: Repository, text: str) -> None:
    for number, value in (("1.0.0", 1), ("1.1.0", 2)):
        victim.write("params.yaml", json.dumps({text: value, "named": f"{text}{value}"}))
        victim.write("metrics.json", json.dumps({text: value / 10}))
        victim.write(f"n/{text}{value}", f"weights {value}")
        named = ("--params", "params.yaml", "--metrics", "metrics.json", "--label", f"k={text}")
        argv = ("register", "n", "--weights", "n", "--version", number, "--allow-dirty", *named)
        done = victim.mlver(*argv, "-m", f"{text}\n\n{text}\n  {text}")
        assert done.code == 0, done.err
        _check_printed(done, argv)
    _check_everything(victim)
    # A pull request's settings, an unread record, a damaged object, and a hook that fails.
    victim.write(".mlver/config.yaml", f'schema: mlver/config/1\nguard: {{"{text}": 1}}\n')
    victim.write(".mlver/models/m/versions/1.1.0.yaml", f'"{text}": 1\n')
    victim.git("add", ".mlver")
    for path in (victim.path / ".git/mlver/objects").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"damage")
    _check_everything(victim)
    victim.git("reset", "--hard", "--quiet")
    hook = victim.write(".git/hooks/pre-commit", f"#!/bin/sh\necho '{text}' >&2\nexit 1\n")
    hook.chmod(0o755)
    victim.write("n/more", "weights")
    failing = ("register", "n", "--bump", "major", "-m", "Why", "--allow-dirty")
    done = victim.mlver(*failing)
    assert done.code == 3
    assert "git could not commit" in done.err
    _check_printed(done, failing)


def _check_everything(victim: Repository) -> None:
    for argv in _COMMANDS:
        _check_printed(victim.mlver(*argv), argv)
        if "--markdown" in argv or "hook" in argv:
            continue
        done = victim.mlver(*argv, "--json")
        _check_printed(done, argv)
        json.loads(done.out)
