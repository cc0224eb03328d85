"""Targets to make routes for: version 1.1.0 of `digits`, and 1.2.0 as the candidate."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.digest import Digest
from mlver.policy.serving.rendering import RenderedFiles, RouteTarget, ServingOptions
from mlver.policy.serving.routes import ROUTES
from mlver.policy.serving.served import ServedTarget, ServedVersion, Strategy, TrafficShare
from mlver.version import Version, parse_version

NAME = "production-host"
CANDIDATE = Version(1, 2, 0)
UPSTREAMS = {"stable": "127.0.0.1:9001", "canary": "127.0.0.1:9002"}
FILES = {
    "nginx": "routes/nginx.conf",
    "haproxy": "routes/haproxy.cfg",
    "envoy": "routes/envoy.yaml",
    "gateway-api": "routes/route.yaml",
}
# What Gateway API needs besides, and the names of Services that it takes.
GATEWAY: ServingOptions = {"gateway": "public"}
SERVICES = {"stable": "digits-stable:8080", "canary": "digits-canary:8080"}


def make_target(
    strategy: Strategy = "canary",
    percent: float = 10,
    *,
    header: str | None = None,
    name: str = NAME,
    canary: Version | None = CANDIDATE,
) -> ServedTarget:
    """A target with an open rollout, unless there is no canary."""
    return ServedTarget(
        name=name,
        stable=make_version(parse_version("1.1.0"), 3),
        canary=None if canary is None else make_version(canary, 4),
        share=TrafficShare(strategy=strategy, percent=percent, header=header),
    )


def make_version(version: Version, sequence: int) -> ServedVersion:
    return ServedVersion(
        model="digits",
        version=version,
        record=Digest("0" * 64),
        stage="production",
        sequence=sequence,
        files={},
    )


def render_routes(
    kind: str,
    target: ServedTarget,
    upstreams: Mapping[str, str] | None = None,
    options: ServingOptions | None = None,
    file: str | None = None,
) -> RenderedFiles:
    """Render with addresses that suit the kind, unless others are given."""
    is_gateway = kind == "gateway-api"
    if upstreams is None:
        upstreams = SERVICES if is_gateway else UPSTREAMS
    if options is None:
        options = GATEWAY if is_gateway else {}
    return ROUTES[kind](
        target, RouteTarget(file=file or FILES[kind], upstreams=upstreams, options=options)
    )
