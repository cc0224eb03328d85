"""Envoy: routes and clusters as files that it watches (xDS): shares change without a restart.

The bootstrap file, which somebody else wrote, names both by `path_config_source`: the routes as
`rds` of a listener, with the name of the target, and the clusters as `cds_config`.
"""

from __future__ import annotations

import posixpath
from typing import Any

from mlver.errors import MlverError, shell_command
from mlver.policy.serving.layout_options import PREFIX
from mlver.policy.serving.rendering import RenderedFiles, RouteTarget
from mlver.policy.serving.routing.plan import ALL_POINTS, VERSION_HEADER, RoutePlan, plan_routes
from mlver.policy.serving.routing.upstreams import Upstream
from mlver.policy.serving.served import ServedTarget

_TYPES = "type.googleapis.com"
_ROUTES = f"{_TYPES}/envoy.config.route.v3.RouteConfiguration"
_CLUSTER = f"{_TYPES}/envoy.config.cluster.v3.Cluster"
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
# Servers that close idle connections do so after 5 s at the earliest (uvicorn); Envoy has to close
# them first, because it cannot repeat a POST that crosses the end of its connection.
_IDLE = "4s"
# As nginx has it; Envoy's own 15 s are short for a large model.
_TIMEOUT = "60s"
_SUFFIXES = (".yaml", ".json")


def render_envoy(target: ServedTarget, routes: RouteTarget) -> RenderedFiles:
    """The clusters, which the routes refer to and which therefore come first, and the routes."""
    plan = plan_routes("envoy", target, routes, {"prefix": PREFIX})
    base, suffix = posixpath.splitext(routes.file)
    if suffix not in _SUFFIXES:
        raise MlverError(
            f"Envoy takes what is in a file from its name, and the routes of {plan.name} do not end"
            " in .yaml or .json",
            hint=shell_command(
                "mlver", "config", "set", f"deploy.{plan.name}.routes.file", "routes/envoy.yaml"
            ),
        )
    clusters = [_build_cluster(f"{plan.name}.stable", plan.stable)]
    if plan.canary is not None:
        clusters.append(_build_cluster(f"{plan.name}.canary", plan.canary))
    return {
        f"{base}.clusters{suffix}": {"resources": clusters},
        routes.file: {"resources": [_build_routes(plan)]},
    }


def _build_cluster(name: str, upstream: Upstream) -> dict[str, Any]:
    if upstream.socket is None:
        address = {"socket_address": {"address": upstream.host, "port_value": upstream.port}}
    else:
        address = {"pipe": {"path": upstream.socket}}
    is_static = upstream.socket is not None or upstream.is_numeric
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    options = {
        "@type": f"{_TYPES}/{_HTTP_OPTIONS}",
        "common_http_protocol_options": {"idle_timeout": _IDLE},
        "explicit_http_config": {"http_protocol_options": {}},
    }
    return {
        "@type": _CLUSTER,
        "name": name,
        "type": "STATIC" if is_static else "STRICT_DNS",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
        "typed_extension_protocol_options": {_HTTP_OPTIONS: options},
    }


def _build_routes(plan: RoutePlan) -> dict[str, Any]:
    routes = [{"match": {"prefix": plan.prefix}, "route": _build_action(plan, plan.header)}]
    if plan.header is not None:
        # Nobody's requests would all have one hash: they are assigned by chance.
        nobody = {
            "name": plan.header,
            "string_match": {"exact": ""},
            "treat_missing_header_as_empty": True,
        }
        match = {"prefix": plan.prefix, "headers": [nobody]}
        routes.insert(0, {"match": match, "route": _build_action(plan, None)})
    host = {"name": plan.name, "domains": ["*"], "routes": routes}
    return {"@type": _ROUTES, "name": plan.name, "virtual_hosts": [host]}


def _build_action(plan: RoutePlan, header: str | None) -> dict[str, Any]:
    weighted: dict[str, Any] = {"clusters": _build_shares(plan)}
    action: dict[str, Any] = {"weighted_clusters": weighted, "timeout": _TIMEOUT}
    if header is not None:
        weighted["use_hash_policy"] = True
        action["hash_policy"] = [{"header": {"header_name": header}}]
    if plan.has_shadow:
        action["request_mirror_policies"] = [{"cluster": f"{plan.name}.canary"}]
    return action


def _build_shares(plan: RoutePlan) -> list[dict[str, Any]]:
    """The canary comes first, and the sum stays: who has it keeps it when its share grows."""
    shares = (
        ("canary", plan.points, plan.canary_version),
        ("stable", ALL_POINTS - plan.points, plan.stable_version),
    )
    clusters: list[dict[str, Any]] = []
    for role, weight, version in shares:
        if weight == 0:
            continue
        cluster: dict[str, Any] = {"name": f"{plan.name}.{role}", "weight": weight}
        if version is not None:
            cluster["response_headers_to_add"] = [_build_mark(version)]
        clusters.append(cluster)
    return clusters


def _build_mark(version: str) -> dict[str, Any]:
    """Where the application has not said itself which version it is."""
    return {
        "header": {"key": VERSION_HEADER, "value": version},
        "append_action": "ADD_IF_ABSENT",
    }
