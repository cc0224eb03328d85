"""A team with real keys: Dev registered digits 1.1.0, and Ana, Kim and Leo may approve it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlver.records import layout
from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import CommandOutcome, Repository
from tests.keys import SigningKey, make_key

RULE = {"min": 2, "from": ["leads", "leo@example.org"]}


@dataclass(frozen=True, slots=True)
class Team:
    """People at work in one repository; `keys` are theirs, by their names."""

    repository: Repository
    keys: Mapping[str, SigningKey]
    patch: pytest.MonkeyPatch

    def become(self, name: str, *, key: str | None = None) -> None:
        """Work as somebody, whose git signs with their key, or with that of `key`."""
        mail = f"{name}@example.org"
        for who in ("AUTHOR", "COMMITTER"):
            self.patch.setenv(f"GIT_{who}_NAME", name.capitalize())
            self.patch.setenv(f"GIT_{who}_EMAIL", mail)
        self.keys[key or name].use(self.repository)

    def leave_keys(self) -> None:
        """Let git sign nothing any more."""
        self.repository.git("config", "--unset", "user.signingKey")

    def configure(self, *, signed: bool = False, **rule: Any) -> None:
        """Commit the rule of production, and who may sign."""
        production: dict[str, Any] = {"approvals": {**RULE, **rule}}
        if signed:
            production["requires"] = {"signed": True}
        settings = {
            "schema": "mlver/config/1",
            "stages": {"staging": {}, "production": production},
            "groups": {"leads": ["ana@example.org", "Kim <kim@example.org>"]},
        }
        self.repository.write(layout.CONFIG, json.dumps(settings))
        self.allow(*(self.keys[name].allow() for name in self.keys))

    def allow(self, *lines: str) -> None:
        """Commit a file of allowed signers."""
        self.repository.write(layout.ALLOWED_SIGNERS, "".join(lines))
        self.repository.commit("Who may sign")

    def approve(self, name: str, *, key: str | None = None, why: str = "Fine") -> str:
        self.become(name, key=key)
        return assert_works(
            self.repository, "approve", "digits@1.1.0", "--to", "production", "-m", why
        )

    def refuse(self, name: str, *, key: str | None = None) -> str:
        self.become(name, key=key)
        return assert_refused(
            self.repository, "approve", "digits@1.1.0", "--to", "production", "-m", "Fine"
        )

    def promote(self, name: str = "pat", version: str = "1.1.0") -> CommandOutcome:
        self.become(name)
        return self.repository.mlver(
            "promote", f"digits@{version}", "--to", "production", "-m", "Go"
        )


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SigningKey]:
    folder = tmp_path_factory.mktemp("keys")
    people = ("dev", "ana", "kim", "leo", "pat", "eve")
    return {name: make_key(folder, f"{name}@example.org") for name in people}


@pytest.fixture
def team(first: Repository, keys: dict[str, SigningKey], monkeypatch: pytest.MonkeyPatch) -> Team:
    """Version 1.1.0 by Dev; two of Ana, Kim and Leo have to approve it for production."""
    made = Team(first, keys, monkeypatch)
    made.become("dev")
    first.write("params.yaml", "lr: 0.5\n")
    first.commit("Another training")
    made.become("dev")
    first.git("config", "tag.gpgSign", "true")
    assert_works(first, "register", "digits", "--bump", "minor", "-m", "Second")
    made.configure()
    return made


def approval_files(folder: Path) -> list[str]:
    root = folder / layout.attached_folder("approval", "digits", "1.1.0")
    return sorted(path.name for path in root.rglob("*") if path.is_file())
