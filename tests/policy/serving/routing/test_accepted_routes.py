"""What mlver lets through, however long or odd, the programs themselves take too."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mlver.document.emit import dump_document
from mlver.policy.serving.rendering import RenderedFiles
from mlver.policy.serving.served import Strategy
from mlver.version import Version
from tests.policy.serving.routing.targets import FILES, make_target, render_routes
from tests.servers.envoy import build_bootstrap, find_envoy
from tests.servers.haproxy import write_haproxy_settings
from tests.servers.install import NotInstallable
from tests.servers.nginx_routes import write_nginx_settings
from tests.servers.reloading import write_routes

LONG = "A-1_b." * 10 + "xyz"
VERSION = Version(1, 2, 0, prerelease="rc-" + "x" * 100)
UPSTREAMS = (
    {"stable": "[2001:db8::1]:65535", "canary": "unix:/run/" + "s" * 92},
    {"stable": "127.0.0.1:1", "canary": "localhost:2"},
)
ROLLOUTS: tuple[tuple[Strategy, float, str | None], ...] = (
    ("canary", 12.5, None),
    ("ab", 0.01, "X" * 64),
    ("shadow", 0, None),
)


def check_nginx(folder: Path, files: RenderedFiles) -> list[str | Path]:
    write_routes(folder, files)
    return [*write_nginx_settings(folder, folder / FILES["nginx"], 1), "-t"]


def check_haproxy(folder: Path, files: RenderedFiles) -> list[str | Path]:
    write_routes(folder, files)
    return [*write_haproxy_settings(folder, folder / FILES["haproxy"], LONG, 1), "-c"]


def check_envoy(folder: Path, files: RenderedFiles) -> list[str | Path]:
    """Envoy judges a bootstrap file only, so routes and clusters go into one."""
    clusters, routes = files.values()
    assert isinstance(clusters, dict)
    assert isinstance(routes, dict)
    source = {"route_config": _drop_type(routes["resources"][0])}
    bootstrap = build_bootstrap(1, source)
    resources = [_drop_type(resource) for resource in clusters["resources"]]
    bootstrap["static_resources"]["clusters"] = resources
    file = folder / "bootstrap.yaml"
    file.write_bytes(dump_document(bootstrap))
    return [find_envoy(), "--mode", "validate", "--log-level", "error", "-c", file]


def _drop_type(resource: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in resource.items() if key != "@type"}


CHECKS: dict[str, Callable[[Path, RenderedFiles], Sequence[str | Path]]] = {
    "nginx": check_nginx,
    "haproxy": check_haproxy,
    "envoy": check_envoy,
}


@pytest.mark.parametrize(
    ("kind", "rollout"),
    [
        pytest.param(kind, rollout, id=f"{kind}-{rollout[0]}")
        for kind, rollout in itertools.product(CHECKS, ROLLOUTS)
        if (kind, rollout[0]) != ("haproxy", "shadow")  # which is refused
    ],
)
def test_a_proxy_takes_what_is_written(
    kind: str, rollout: tuple[Strategy, float, str | None], tmp_path: Path
) -> None:
    strategy, percent, header = rollout
    options = {} if kind == "haproxy" else {"prefix": "/" + "v1.a_-" * 40}
    for number, upstreams in enumerate(UPSTREAMS):
        target = make_target(strategy, percent, header=header, name=LONG, canary=VERSION)
        folder = tmp_path / str(number)
        folder.mkdir()
        files = render_routes(kind, target, upstreams, options)
        try:
            command = CHECKS[kind](folder, files)
        except NotInstallable as error:
            pytest.skip(f"NOT TESTED: {kind} cannot be installed here: {error}")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
