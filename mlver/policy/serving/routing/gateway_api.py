"""Gateway API of Kubernetes: an `HTTPRoute` (v1) with a weight a Service.

It marks no answers with a version: its filters would overwrite what the application says.
"""

from __future__ import annotations

import re
from typing import Any

from mlver.errors import MlverError, printable_name
from mlver.policy.serving.rendering import RenderedFiles, RouteTarget
from mlver.policy.serving.routing.plan import (
    RoutePlan,
    name_option,
    name_upstream,
    plan_routes,
    read_text,
)
from mlver.policy.serving.routing.upstreams import Upstream
from mlver.policy.serving.served import ServedTarget

_OPTIONS = ("gateway", "host", "name", "namespace", "prefix")
# Names of objects; those of Services are labels as well, and begin with a letter.
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_SERVICE = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_HOST = re.compile(
    r"(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
)
_MAX_HOST = 253


def render_gateway_api(target: ServedTarget, routes: RouteTarget) -> RenderedFiles:
    """The HTTPRoute of a target. Raises MlverError for an A/B test, which it cannot keep sticky."""
    plan = plan_routes(target, routes, _OPTIONS)
    if plan.header is not None:
        raise MlverError(
            f"the rollout that {plan.name} serves is an A/B test, and an HTTPRoute cannot keep a"
            " user with one version; use routes of the kind nginx, haproxy or envoy, or the"
            " strategy canary, shadow or blue-green"
        )
    gateway = _read_label(target, routes, "gateway")
    if gateway is None:
        raise MlverError(
            f"an HTTPRoute belongs to a Gateway; name it as {name_option(target, 'gateway')}"
        )
    spec: dict[str, Any] = {"parentRefs": [{"name": gateway}]}
    host = _read_host(target, routes)
    if host is not None:
        spec["hostnames"] = [host]
    spec["rules"] = [_build_rule(target, plan)]
    return {routes.file: _build_route(target, routes, spec)}


def _build_route(target: ServedTarget, routes: RouteTarget, spec: dict[str, Any]) -> dict[str, Any]:
    name = _read_label(target, routes, "name") or target.name
    if _LABEL.fullmatch(name) is None:
        raise MlverError(
            f"an HTTPRoute cannot have the name {name}; give it one of lower-case letters, digits"
            f" and `-` as {name_option(target, 'name')}"
        )
    metadata: dict[str, Any] = {"name": name}
    namespace = _read_label(target, routes, "namespace")
    if namespace is not None:
        metadata["namespace"] = namespace
    metadata["labels"] = {"app.kubernetes.io/managed-by": "mlver"}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": spec,
    }


def _build_rule(target: ServedTarget, plan: RoutePlan) -> dict[str, Any]:
    rule: dict[str, Any] = {"matches": [{"path": {"type": "PathPrefix", "value": plan.prefix}}]}
    stable, canary = plan.weights
    services = {"stable": _build_service(target, "stable", plan.stable)}
    if plan.canary is not None:
        services["canary"] = _build_service(target, "canary", plan.canary)
    if plan.has_shadow:
        mirror = {"backendRef": services["canary"]}
        rule["filters"] = [{"type": "RequestMirror", "requestMirror": mirror}]
    # Some controllers have taken two weights of which one is 0 for halves: then one stands alone.
    shares = {"stable": stable, "canary": canary}
    rule["backendRefs"] = [
        {**services[role], "weight": weight} for role, weight in shares.items() if weight
    ]
    return rule


def _build_service(target: ServedTarget, role: str, upstream: Upstream) -> dict[str, Any]:
    if upstream.socket is not None or _SERVICE.fullmatch(upstream.host) is None:
        raise MlverError(
            f"{name_upstream(target, role)} has to be the name of a Service and its port, such as"
            " digits-stable:8080"
        )
    return {"name": upstream.host, "port": upstream.port}


def _read_label(target: ServedTarget, routes: RouteTarget, key: str) -> str | None:
    text = read_text(target, routes.options, key)
    if text is not None and _LABEL.fullmatch(text) is None:
        raise MlverError(
            f"{name_option(target, key)} is no name of Kubernetes: {printable_name(text)}; use at"
            " most 63 lower-case letters, digits and `-`"
        )
    return text


def _read_host(target: ServedTarget, routes: RouteTarget) -> str | None:
    host = read_text(target, routes.options, "host")
    if host is not None and (len(host) > _MAX_HOST or _HOST.fullmatch(host) is None):
        raise MlverError(
            f"{name_option(target, 'host')} is no name of a host: {printable_name(host)}; use"
            " lower-case letters, digits, `-` and `.`, such as digits.example"
        )
    return host
