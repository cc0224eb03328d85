"""Gateway API of Kubernetes: an `HTTPRoute` (v1) with a weight a Service.

It marks no answers with a version: its filters would overwrite what the application says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlver.errors import MlverError
from mlver.policy.serving.layout_options import (
    NAMESPACE,
    PREFIX,
    ROUTED_HOST,
    LayoutOption,
    TextOption,
)
from mlver.policy.serving.rendering import RenderedFiles, RouteTarget
from mlver.policy.serving.resources import MANAGED_BY
from mlver.policy.serving.routing.plan import RoutePlan, build_address_error, plan_routes
from mlver.policy.serving.routing.upstreams import Upstream
from mlver.policy.serving.served import ServedTarget

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# Names of Services begin with a letter.
_SERVICE = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_OPTIONS: Mapping[str, LayoutOption] = {
    "gateway": TextOption(_LABEL, "public", is_required=True),
    "host": ROUTED_HOST,
    "name": TextOption(_LABEL, "digits"),
    "namespace": NAMESPACE,
    "prefix": PREFIX,
}


def render_gateway_api(target: ServedTarget, routes: RouteTarget) -> RenderedFiles:
    """The HTTPRoute of a target. Raises MlverError for an A/B test, which it cannot keep sticky."""
    plan = plan_routes("gateway-api", target, routes, _OPTIONS)
    if plan.header is not None:
        raise MlverError(
            f"the rollout that {plan.name} serves is an A/B test, and an HTTPRoute cannot keep a"
            " user with one version; use routes of the kind nginx, haproxy or envoy, or the"
            " strategy canary, shadow or blue-green"
        )
    name = plan.options.get("name", plan.name)
    if _LABEL.fullmatch(name) is None:
        raise MlverError(
            f"an HTTPRoute cannot have the name {name}; give it one of lower-case letters, digits"
            " and `-` by the option `name`"
        )
    spec: dict[str, Any] = {"parentRefs": [{"name": plan.options["gateway"]}]}
    if "host" in plan.options:
        spec["hostnames"] = [plan.options["host"]]
    spec["rules"] = [_build_rule(target, plan)]
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": _describe_route(name, plan.options.get("namespace")),
        "spec": spec,
    }
    return {routes.file: route}


def _describe_route(name: str, namespace: str | None) -> dict[str, Any]:
    """The metadata; without the label of the target, by which its manifests are pruned."""
    metadata: dict[str, Any] = {"name": name}
    if namespace is not None:
        metadata["namespace"] = namespace
    metadata["labels"] = {MANAGED_BY: "mlver"}
    return metadata


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
        raise build_address_error(
            target,
            role,
            f"the {role} address of {target.name} has to be the name of a Service and its port",
            f"digits-{role}:8080",
        )
    return {"name": upstream.host, "port": upstream.port}
