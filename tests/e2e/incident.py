"""A bad release in production, with the real programs around it, and nobody who types anything.

An application of two versions behind nginx, Prometheus with the rules that `mlver monitor` writes,
Alertmanager, and `mlver watch`, which tells events on its output.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import Repository
from tests.servers.alertmanager import start_alertmanager, use_settings
from tests.servers.production import Production, plan_production, reload_command, run_production
from tests.servers.prometheus import FOLDER_VARIABLE, call_server, start_prometheus
from tests.servers.starting import RunningServer, Servers, find_ports
from tests.servers.traffic import ask, write_request
from tests.teams import Team, make_team, write_model

TOKEN = "0123456789abcdef0123456789abcdef"
_SETTINGS = """\
verdict:
  metrics:
    errors:
      bad: outcome="error"
      margin: 0.05
  min: 20
  fresh: 1m
auto_rollback:
  digits:
    stages: [production]
"""
# So many requests come in at once, and then there is a pause of so many seconds.
_BATCH, _PAUSE_S = 10, 0.05
_PATIENCE_S = 40.0


@dataclass
class RunningWatch:
    """`mlver watch` in a process of its own; `events` are those that it told, with their times."""

    process: subprocess.Popen[str]
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def read_events(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append((time.monotonic(), json.loads(line)))

    def list_kinds(self) -> list[str]:
        return [event["event"] for _, event in list(self.events)]

    def wait_for(self, kind: str, count: int = 1) -> float:
        """Wait until so many events of a kind were told; give the time of the last one."""
        deadline = time.monotonic() + _PATIENCE_S
        while self.list_kinds().count(kind) < count:
            assert self.process.poll() is None, self.list_kinds()
            assert time.monotonic() < deadline, (kind, self.events)
            time.sleep(0.02)
        found = [moment for moment, event in self.events if event["event"] == kind]
        return found[count - 1]


@dataclass
class Traffic:
    """What clients were answered, by whom, and when last."""

    counts: Counter[str] = field(default_factory=Counter)
    last: dict[str, float] = field(default_factory=dict)
    is_over: bool = False

    def run(self, port: int) -> None:
        requests = [write_request() for _ in range(_BATCH)]
        while not self.is_over:
            try:
                answers = asyncio.run(ask(port, requests))
            except (OSError, EOFError) as error:
                self.counts[repr(error)] += 1
                continue
            for answer in answers:
                version = "/".join(answer.versions) or "nobody"
                self.counts[f"{version} {answer.status}"] += 1
                self.last[version] = time.monotonic()
            time.sleep(_PAUSE_S)

    @contextmanager
    def flow(self, port: int) -> Iterator[None]:
        """Ask again and again while the block runs."""
        thread = threading.Thread(target=self.run, args=(port,))
        thread.start()
        try:
            yield
        finally:
            self.is_over = True
            thread.join()


@dataclass
class Incident:
    """Everything that runs; version 1.0.0 is in production, and 1.1.0 is bad."""

    team: Team
    production: Production
    nginx: RunningServer
    watch: RunningWatch
    port: int

    def release(self, share: int = 10) -> None:
        """Give the bad version a share of the traffic, as somebody would."""
        self.team.ann.git("pull", "--quiet", "--ff-only")
        words = ("rollout", "digits@1.1.0", "--to", "production", "--share", str(share))
        run_mlver(self.team.ann, *words, "-m", "Better on paper")
        run_mlver(self.team.ann, "push")

    def send(self, body: bytes) -> int:
        """Send alerts as Alertmanager would; the status of the answer."""
        words = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", "@-"]
        words += ["-H", f"Authorization: Bearer {TOKEN}", f"http://127.0.0.1:{self.port}/alerts"]
        done = subprocess.run(words, input=body, capture_output=True, check=True)
        return int(done.stdout)

    @property
    def evidence(self) -> list[bytes]:
        folder = self.production.root / ".git/mlver/watch/evidence"
        return [path.read_bytes() for path in folder.iterdir()]


def run_mlver(repository: Repository, *words: str) -> str:
    done = repository.mlver(*words)
    assert done.code == 0, (words, done)
    return done.out


@contextmanager
def run_incident(servers: Servers, place: Path) -> Iterator[Incident]:
    """Start everything; end it whatever happens."""
    (port,) = find_ports(1)
    team, production = _make_team(place)
    token = place / "token"
    token.write_text(f"{TOKEN}\n")
    words = ["--clone", str(production.root), "--deploy", production.target]
    run_mlver(team.ann, "watch", "digits", "--stage", "production", "--once", *words)
    with run_production(servers, production) as nginx, _monitor(servers, team, production, port):
        words += ["--listen", str(port), "--token-file", str(token), "--every", "0.5", "--json"]
        words += ["--reload", reload_command(production, nginx)]
        with _run_watch(team.ann, words) as watch:
            watch.wait_for("started")
            yield Incident(team, production, nginx, watch, port)


def _make_team(place: Path) -> tuple[Team, Production]:
    """Two versions, of which the second fails every other time; the first is in production."""
    team = make_team(place)
    production = plan_production(place / "watch", "digits", "production")
    settings = team.ann.path / ".mlver/config.yaml"
    settings.write_text(settings.read_text() + _SETTINGS + production.settings)
    team.ann.commit("Watch it")
    write_model(team.ann, "second")
    team.ann.write("model/faulty.json", '{"every": 2, "status": 500}')
    run_mlver(team.ann, "register", "digits", "--bump", "minor", "-m", "second")
    run_mlver(team.ann, "push")
    run_mlver(team.ann, "promote", "digits@1.0.0", "--to", "production", "-m", "Go")
    run_mlver(team.ann, "push")
    return team, production


@contextmanager
def _monitor(servers: Servers, team: Team, production: Production, port: int) -> Iterator[None]:
    """Run Prometheus and Alertmanager with what `mlver monitor` writes."""
    unique = f"incident-{production.ports[0]}"
    prometheus = servers.share_server(f"{unique}-prometheus", start_prometheus)
    alertmanager = servers.share_server(f"{unique}-alertmanager", start_alertmanager)
    try:
        files = team.place / "monitoring"
        words = ["monitor", "digits", "--stage", "production", "--write", str(files)]
        words += ["--webhook", f"http://127.0.0.1:{port}/alerts"]
        run_mlver(team.ann, *words, "--token-file", str(team.place / "token"))
        folder = Path(prometheus.environment[FOLDER_VARIABLE])
        rules = files / "mlver-digits-production.rules.yaml"
        shutil.copy(rules, folder / "rules/incident.yaml")
        scraped = [f"127.0.0.1:{one}" for one in production.ports]
        _write_targets(folder / "targets/incident.json", *scraped)
        _write_targets(folder / "alertmanagers/one.json", f"127.0.0.1:{alertmanager.port}")
        assert call_server(prometheus.port, "POST", "/-/reload")[0] == 200
        use_settings(alertmanager, (files / "mlver-digits.alertmanager.yaml").read_bytes())
        yield
    finally:
        prometheus.stop_server()
        alertmanager.stop_server()


def _write_targets(path: Path, *addresses: str) -> None:
    path.write_text(json.dumps([{"targets": list(addresses)}]))


@contextmanager
def _run_watch(repository: Repository, words: list[str]) -> Iterator[RunningWatch]:
    command = [sys.executable, "-m", "mlver", "-C", str(repository.path), "watch", "digits"]
    with subprocess.Popen(
        [*command, "--stage", "production", *words], stdout=subprocess.PIPE, text=True
    ) as process:
        watch = RunningWatch(process)
        thread = threading.Thread(target=watch.read_events, daemon=True)
        thread.start()
        try:
            yield watch
            process.terminate()
            assert process.wait(20) == 0
            thread.join()
        finally:
            process.kill()


def wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
