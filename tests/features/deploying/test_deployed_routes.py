"""Routes are deployed with their target, and a running proxy follows them."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.project.registry.deployments import read_deployments
from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import Repository
from tests.features.deploying.conftest import add_target, promote
from tests.servers.nginx_routes import start_routing_nginx, write_nginx_settings
from tests.servers.reloading import FOLDER_VARIABLE
from tests.servers.starting import RunningServer, Servers, find_ports
from tests.servers.traffic import Answer, Application, ask, run_applications, write_request

SETTINGS = """\
deploy:
  host:
    layout: directories
    path: serving
    stages: {{stable: production, canary: staging}}
    routes:
      kind: {kind}
      file: {file}
      upstreams: {{stable: '{stable}', canary: '{canary}'}}
      options: {options}
"""
# The file that the settings name, and those that come with it.
FILES = {
    "nginx": ["routes/host.conf", "routes/host.server.conf"],
    "haproxy": ["routes/host.cfg"],
    "envoy": ["routes/host.yaml", "routes/host.clusters.yaml"],
    "gateway-api": ["routes/host.yaml"],
}


def add_routes(
    repository: Repository, kind: str, stable: str = "stable:80", canary: str = "canary:80"
) -> None:
    """Add a target whose canary is what staging holds: digits 1.1.0."""
    settings = SETTINGS.format(
        kind=kind,
        file=FILES[kind][0],
        stable=stable,
        canary=canary,
        options="{gateway: public}" if kind == "gateway-api" else "{}",
    )
    add_target(repository, settings)
    promote(repository, "1.1.0", "staging")


@pytest.mark.parametrize("kind", FILES)
def test_routes_are_written_and_put_right(second: Repository, kind: str) -> None:
    add_routes(second, kind)
    said = assert_works(second, "deploy", "host")
    written = [second.path / file for file in FILES[kind]]
    assert all(f"  {file} is written\n" in said for file in FILES[kind])
    before = [path.read_bytes() for path in written]
    assert_works(second, "deploy", "host", "--check")
    (record,) = read_deployments(Project.open_existing(second.path).registry, "host")
    assert record.routes == Digest.of_bytes(before[0])
    for path in written:
        path.write_text("changed by hand")
        assert second.mlver("deploy", "host", "--check").code == 1
        assert_works(second, "deploy", "host")
        assert [path.read_bytes() for path in written] == before


def test_where_routes_cannot_be_made_nothing_switches(second: Repository) -> None:
    add_routes(second, "nginx", stable="localhost:0")
    said = assert_refused(second, "deploy", "host")
    assert "the stable address of host is none of a server: localhost:0" in said
    assert "hint: mlver config set deploy.host.routes.upstreams.stable 127.0.0.1:9001" in said
    assert not (second.path / "serving" / "stable").is_symlink()
    assert not (second.path / "routes").exists()


@pytest.fixture
def ports() -> tuple[int, int]:
    stable, canary = find_ports(2)
    return stable, canary


def ask_proxy(nginx: RunningServer, ports: tuple[int, int]) -> Answer:
    async def run_test() -> Answer:
        stable, canary = Application("stable", ports[0]), Application("canary", ports[1])
        async with run_applications(stable, canary):
            (answer,) = await ask(nginx.port, [write_request()])
        return answer

    return asyncio.run(asyncio.wait_for(run_test(), 30))


def test_a_running_nginx_says_which_version_answers(
    second: Repository, ports: tuple[int, int], servers: Servers, tmp_path: Path
) -> None:
    stable, canary = (f"127.0.0.1:{port}" for port in ports)
    add_routes(second, "nginx", stable, canary)
    assert_works(second, "deploy", "host")
    routes = second.path / FILES["nginx"][0]
    nginx = servers.share_server(
        f"nginx-{tmp_path.name}", lambda folder: start_routing_nginx(folder, routes)
    )
    try:
        assert ask_proxy(nginx, ports) == Answer(200, "stable", ("1.0.0",))
        promote(second, "1.1.0")
        folder = Path(nginx.environment[FOLDER_VARIABLE])
        reload = [*write_nginx_settings(folder, routes, nginx.port), "-s", "reload"]
        assert_works(second, "deploy", "host", "--reload", shlex.join(map(str, reload)))
        wait_for_version(nginx, ports, "1.1.0")
    finally:
        nginx.stop_server()


def wait_for_version(nginx: RunningServer, ports: tuple[int, int], version: str) -> None:
    """Ask until a version answers: the command that makes nginx reload does not wait for it."""
    seen: list[Answer] = []
    while not seen or seen[-1].versions != (version,):
        seen.append(ask_proxy(nginx, ports))
        assert seen[-1].status == 200
        assert len(seen) < 200
