"""The kinds of routes that there are, by the name that the settings use."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.policy.serving.rendering import RouteRenderer
from mlver.policy.serving.routing.envoy import render_envoy
from mlver.policy.serving.routing.gateway_api import render_gateway_api
from mlver.policy.serving.routing.haproxy import render_haproxy
from mlver.policy.serving.routing.nginx import render_nginx

ROUTES: Mapping[str, RouteRenderer] = {
    "nginx": render_nginx,
    "haproxy": render_haproxy,
    "envoy": render_envoy,
    "gateway-api": render_gateway_api,
}
