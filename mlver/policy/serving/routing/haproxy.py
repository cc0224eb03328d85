"""HAProxy: one `backend` of the target's name, for a frontend that somebody else wrote.

    haproxy -W -f haproxy.cfg -f routes/haproxy.cfg

Weights of a canary can also be changed over the socket, between two deployments:
`set server NAME/canary weight 10`.
"""

from __future__ import annotations

import zlib
from fractions import Fraction

from mlver.errors import MlverError
from mlver.policy.serving.rendering import RenderedFiles, RouteTarget
from mlver.policy.serving.routing.plan import ALL_POINTS, VERSION_HEADER, RoutePlan, plan_routes
from mlver.policy.serving.routing.upstreams import Upstream
from mlver.policy.serving.served import ServedTarget

_MAX_WEIGHT = 256
# `balance random` takes the less busy of two servers, which makes another share than the weights.
_BACKEND = """\
# {notice}
backend {name}
    mode http
    balance roundrobin
{rules}{servers}"""
# Where the application has not said itself which version it is.
_MARK = (
    "    http-response set-header {header} {version}"
    " if {{ srv_name {role} }} !{{ res.hdr({header}) -m found }}\n"
)
# Users beyond the share stay with the stable version, and who has the canary keeps it when the
# share grows. A request without the header is assigned by chance.
_STICKY = """\
    use-server canary if {{ req.fhdr({header}) -m len 1: }} {{ req.fhdr({header}),xxh32({seed}),mod({all}) lt {points} }}
    use-server canary if !{{ req.fhdr({header}) -m len 1: }} {{ rand({all}) lt {points} }}
"""  # noqa: E501 - one rule of HAProxy has to stand on one line


def render_haproxy(target: ServedTarget, routes: RouteTarget) -> RenderedFiles:
    """A backend whose servers are the roles, weighted by their shares.

    Raises MlverError for a shadow, which HAProxy cannot serve.
    """
    plan = plan_routes("haproxy", target, routes)
    if plan.has_shadow:
        raise MlverError(
            f"the rollout that {plan.name} serves is a shadow, and HAProxy cannot copy requests;"
            " use routes of the kind nginx, envoy or gateway-api, or the strategy canary, ab or"
            " blue-green"
        )
    rules = _render_mark("stable", plan.stable_version)
    rules += _render_mark("canary", plan.canary_version)
    if plan.header is None:
        weights = _find_weights(plan)
    else:
        # A server without a weight gets what `use-server` sends it, and nothing else.
        weights = (1, 0)
        rules += _render_sticky(plan, plan.header)
    servers = _render_server("stable", plan.stable, weights[0])
    if plan.canary is not None:
        servers += _render_server("canary", plan.canary, weights[1])
    text = _BACKEND.format(notice=plan.notice, name=plan.name, rules=rules, servers=servers)
    return {routes.file: text}


def _render_mark(role: str, version: str | None) -> str:
    if version is None:
        return ""
    return _MARK.format(header=VERSION_HEADER, version=version, role=role)


def _render_sticky(plan: RoutePlan, header: str) -> str:
    # The name of the target is a part of the hash: two tests divide the same users differently.
    seed = zlib.crc32(plan.name.encode())
    return _STICKY.format(header=header, seed=seed, all=ALL_POINTS, points=plan.points)


def _render_server(role: str, upstream: Upstream, weight: int) -> str:
    address = upstream.authority if upstream.socket is None else f"unix@{upstream.socket}"
    return f"    server {role} {address} weight {weight}\n"


def _find_weights(plan: RoutePlan) -> tuple[int, int]:
    """Weights of the stable version and the canary, which HAProxy has up to 256."""
    stable, canary = plan.weights
    if max(stable, canary) > _MAX_WEIGHT:
        share = Fraction(plan.points, ALL_POINTS)
        stable, canary = share.denominator - share.numerator, share.numerator
    if max(stable, canary) > _MAX_WEIGHT:
        raise MlverError(
            f"HAProxy's weights reach from 0 to {_MAX_WEIGHT}, and no two of them make"
            f" {plan.points / 100:g} %, which is the share that {plan.name} serves; use a whole"
            " percentage, the strategy ab, or routes of another kind"
        )
    return stable, canary
