"""A team whose version 1.1.0 is in production, and a watcher in a clone of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mlver.features.watching.events import WatchResult
from mlver.features.watching.inbox import Delivery, WebhookAnswer
from mlver.features.watching.own_clone import hold_clone
from mlver.features.watching.rules import WatchRequest
from mlver.features.watching.watch import StageWatcher
from mlver.policy.webhook import parse_webhook
from mlver.project.project import Project
from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.teams import Team, make_team, write_model

SETTINGS = """\
verdict:
  metrics:
    errors:
      bad: outcome="error"
      max: 0.2
auto_rollback:
  digits:
    stages: [production]
"""


@dataclass
class WatchedTeam:
    """`watcher` works in `clone`; `events` is what it told."""

    team: Team
    clone: Repository
    watcher: StageWatcher
    events: list[WatchResult] = field(default_factory=list)

    @property
    def ann(self) -> Repository:
        return self.team.ann

    def list_holders(self) -> list[str]:
        """What the forge says held production, one after the other."""
        folder = "main:.mlver/models/digits/stages/production"
        forge = Repository(self.team.forge)
        holders: list[str] = []
        for name in forge.git("ls-tree", "--name-only", folder).split():
            text = forge.git("show", f"{folder}/{name}")
            (line,) = [line for line in text.splitlines() if line.startswith("version: ")]
            holders.append(line.removeprefix("version: ").strip('"'))
        return holders

    def send(self, body: bytes) -> WebhookAnswer:
        delivery = Delivery(parse_webhook(body))
        self.watcher.receive(delivery)
        return delivery.reply.result(0)

    def tell_kinds(self) -> list[str]:
        return [event.event for event in self.events]


@pytest.fixture(scope="session")
def served_once(tmp_path_factory: pytest.TempPathFactory) -> Team:
    place = tmp_path_factory.mktemp("served")
    team = make_team(place)
    settings = team.ann.path / ".mlver/config.yaml"
    settings.write_text(settings.read_text() + SETTINGS)
    team.ann.commit("Say what is watched")
    write_model(team.ann, "second")
    assert_works(team.ann, "register", "digits", "--bump", "minor", "-m", "second")
    for version in ("1.0.0", "1.1.0"):
        assert_works(team.ann, "promote", f"digits@{version}", "--to", "production", "-m", "Go",
                     "--force")  # fmt: skip
    done = team.ann.mlver("push", "--yes")
    assert done.code == 0, done
    return team


@pytest.fixture
def served(served_once: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    """The same team at another place."""
    monkeypatch.setenv("MLVER_TRUST_REMOTES", "all")
    place = tmp_path / "team"
    shutil.copytree(served_once.place, place, symlinks=True)
    team = Team(place, place / "forge.git", place / "bucket", Repository(place / "ann"))
    team.ann.git("remote", "set-url", "origin", team.forge.as_uri())
    settings = team.ann.path / ".mlver/config.yaml"
    settings.write_text(settings.read_text().replace(str(served_once.bucket), str(team.bucket)))
    team.ann.commit("The store moved")
    team.ann.git("push", "--quiet")
    return team


@pytest.fixture
def watched(served: Team, tmp_path: Path) -> Iterator[WatchedTeam]:
    project = Project.open_existing(served.ann.path)
    request = WatchRequest(models=("digits",), stages=("production",))
    with hold_clone(project, str(tmp_path / "watch")) as clone:
        events: list[WatchResult] = []
        watcher = StageWatcher(clone, request, events.append)
        yield WatchedTeam(served, Repository(clone.top_folder), watcher, events)
