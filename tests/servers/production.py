"""A model in production: an application for each role of a target, and nginx before both.

`mlver deploy` writes the target and the routes; the applications follow by themselves, and nginx
when it is told to, by `reload_command`.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mlver.records.sections.deploy import CANARY, STABLE
from tests.servers.nginx_routes import start_routing_nginx, write_nginx_settings
from tests.servers.reloading import FOLDER_VARIABLE
from tests.servers.starting import RunningServer, Servers, find_ports, is_listening, start_process

_SETTINGS = """\
deploy:
  {target}:
    layout: directories
    path: {path}
    stages: {{stable: {stage}}}
    routes:
      kind: nginx
      file: routes/{target}.conf
      upstreams: {{stable: '127.0.0.1:{stable}', canary: '127.0.0.1:{canary}'}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """A target in a repository, with the ports of its applications; nothing runs yet."""

    root: Path
    model: str
    stage: str
    ports: tuple[int, int]
    target: str = "production-host"
    path: str = "serving"

    @property
    def settings(self) -> str:
        """What belongs into `.mlver/config.yaml` before the first deployment."""
        stable, canary = self.ports
        return _SETTINGS.format(
            target=self.target, path=self.path, stage=self.stage, stable=stable, canary=canary
        )

    @property
    def routes(self) -> Path:
        return self.root / "routes" / f"{self.target}.conf"


def plan_production(root: Path, model: str, stage: str) -> Production:
    """Choose the ports of a target in the repository at `root`."""
    stable, canary = find_ports(2)
    return Production(root=root, model=model, stage=stage, ports=(stable, canary))


@contextmanager
def run_production(servers: Servers, production: Production) -> Iterator[RunningServer]:
    """Run the applications and nginx, which is yielded, of a target that was deployed."""
    running: list[RunningServer] = []
    unique = f"{production.target}-{production.ports[0]}"
    try:
        for role, port in zip((STABLE, CANARY), production.ports, strict=True):
            start = partial(_start_application, production=production, role=role, port=port)
            running.append(servers.share_server(f"{unique}-{role}", start))
        nginx = servers.share_server(
            f"{unique}-nginx", lambda folder: start_routing_nginx(folder, production.routes)
        )
        running.append(nginx)
        yield nginx
    finally:
        for server in running:
            server.stop_server()


def reload_command(production: Production, nginx: RunningServer) -> str:
    """The command for `mlver deploy --reload`."""
    folder = Path(nginx.environment[FOLDER_VARIABLE])
    command = write_nginx_settings(folder, production.routes, nginx.port)
    return shlex.join([*map(str, command), "-s", "reload"])


def _start_application(folder: Path, production: Production, role: str, port: int) -> RunningServer:
    """One that answers for a role, 503 where nothing is behind it yet."""
    script = Path(__file__).with_name("prediction_app.py")
    target = production.root / production.path
    words = [sys.executable, script, target, production.model, production.stage, role, port]
    pid = start_process([str(word) for word in words], folder, lambda: is_listening(port))
    return RunningServer(address=f"http://127.0.0.1:{port}", port=port, pid=pid)
