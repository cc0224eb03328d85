"""What all kinds of routes have in common: who gets which share. All texts are checked here.

The settings and the records come from a repository that others may write to. A renderer gets its
texts from a `RoutePlan` alone, which holds none that means something to a proxy.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mlver.errors import MlverError, printable_name, shell_command
from mlver.policy.serving.layout_options import LayoutOption, read_options
from mlver.policy.serving.rendering import RouteTarget
from mlver.policy.serving.routing.upstreams import Upstream, parse_upstream
from mlver.policy.serving.served import ServedTarget, ServedVersion, TrafficShare
from mlver.version import parse_canonical

# Shares are counted in hundredths of a percent, the finest that every proxy can tell apart.
ALL_POINTS = 10_000
# What an answer is marked with where the application has not done so itself.
VERSION_HEADER = "X-Model-Version"
# Stands in an address for the version, with dashes for dots, as names of services have it.
_PLACEHOLDER = "{version}"
_EXAMPLES = {"stable": "127.0.0.1:9001", "canary": "127.0.0.1:9002"}
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*", re.ASCII)
_MAX_HEADER = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePlan:
    """Where requests go.

    `points` of 10,000 requests are answered by the canary. `header` names what an A/B test is
    sticky by; a request without it is assigned by chance. With `has_shadow` the canary gets a copy
    of every request, and its answers are dropped. `options` are those of the kind, checked.
    """

    name: str
    stable: Upstream
    canary: Upstream | None
    points: int
    header: str | None
    has_shadow: bool
    stable_version: str | None
    canary_version: str | None
    options: Mapping[str, Any]

    @property
    def weights(self) -> tuple[int, int]:
        """Parts of the stable version and of the canary: of 100, or of 10,000 where need be."""
        unit = 100 if self.points % 100 == 0 else 1
        return (ALL_POINTS - self.points) // unit, self.points // unit

    @property
    def prefix(self) -> str:
        """How the paths of requests begin."""
        return str(self.options.get("prefix", "/"))

    @property
    def notice(self) -> str:
        """What stands at the head of a file."""
        return f"Written by `mlver deploy {self.name}`, which overwrites changes made here."


def plan_routes(
    kind: str,
    target: ServedTarget,
    routes: RouteTarget,
    known: Mapping[str, LayoutOption] = MappingProxyType({}),
) -> RoutePlan:
    """Check the settings and the share; `known` are the options of this kind of routes.

    Raises MlverError, which names the key or the share that cannot be used.
    """
    if _NAME.fullmatch(target.name) is None:
        raise MlverError(
            f"the name of the target {printable_name(target.name)} cannot stand in the settings of"
            " a proxy; use at most 63 letters, digits, `.`, `_` and `-`"
        )
    stable = _find_upstream(target, routes, "stable", target.stable)
    canary = _find_upstream(target, routes, "canary", target.canary)
    share = target.share if target.canary is not None else None
    points = _count_points(target, share)
    has_shadow = share is not None and share.strategy == "shadow"
    if stable is None:
        raise _build_missing_error(target, "stable", target.stable)
    if canary is None and (points or has_shadow):
        raise _build_missing_error(target, "canary", target.canary)
    return RoutePlan(
        name=target.name,
        stable=stable,
        canary=canary,
        points=points,
        header=_find_header(target, share),
        has_shadow=has_shadow,
        stable_version=_write_version(target.stable),
        canary_version=_write_version(target.canary),
        options=read_options(kind, routes.options, known, "kind of routes"),
    )


def build_address_error(target: ServedTarget, role: str, message: str, example: str) -> MlverError:
    """An error whose way out is another address of a role."""
    key = f"deploy.{target.name}.routes.upstreams.{role}"
    return MlverError(message, hint=shell_command("mlver", "config", "set", key, example))


def _find_upstream(
    target: ServedTarget, routes: RouteTarget, role: str, served: ServedVersion | None
) -> Upstream | None:
    """The address behind a role; None where there is none, or none without a version."""
    text = routes.upstreams.get(role)
    if text is None:
        return None
    written = text
    if _PLACEHOLDER in text:
        if served is None:
            return None
        version = _write_version(served) or ""
        written = text.replace(_PLACEHOLDER, version.replace(".", "-").lower())
    upstream = parse_upstream(written)
    if upstream is None:
        raise build_address_error(
            target,
            role,
            f"the {role} address of {target.name} is none of a server: {printable_name(text)}; give"
            " host:port or unix:/path",
            _EXAMPLES[role],
        )
    return upstream


def _build_missing_error(
    target: ServedTarget, role: str, served: ServedVersion | None
) -> MlverError:
    if served is None:
        message = (
            f"{target.name} has no {role} version, so its routes would lead nowhere; promote one,"
            f" or give an address without {_PLACEHOLDER}"
        )
    else:
        message = (
            f"requests to {target.name} have to reach {served.model} {served.version}, and the"
            " settings do not say where it is"
        )
    return build_address_error(target, role, message, _EXAMPLES[role])


def _count_points(target: ServedTarget, share: TrafficShare | None) -> int:
    if share is None or share.strategy == "shadow":
        return 0
    percent = share.percent
    if not math.isfinite(percent) or not 0 <= percent <= 100:
        raise MlverError(f"the share of {target.name} is {percent:g} %, which is not 0 to 100")
    points = round(percent * 100)
    if not math.isclose(points, percent * 100, abs_tol=1e-6):
        raise MlverError(
            f"the share of {target.name} is {percent:g} %, and proxies count in hundredths of a"
            " percent; open the rollout with a share such as 0.01 or 12.5"
        )
    if share.strategy == "blue-green" and points not in (0, ALL_POINTS):
        raise MlverError(
            f"the rollout that {target.name} serves is blue-green with a share of {percent:g} %;"
            " that strategy switches everything at once: 0 or 100"
        )
    return points


def _find_header(target: ServedTarget, share: TrafficShare | None) -> str | None:
    if share is None or share.strategy != "ab":
        return None
    header = share.header
    if header is None:
        raise MlverError(
            f"the A/B test that {target.name} serves names no header that tells users apart, such"
            " as X-User-Id"
        )
    if len(header) > _MAX_HEADER or _HEADER.fullmatch(header) is None:
        raise MlverError(
            f"the A/B test that {target.name} serves tells users apart by {printable_name(header)},"
            " which is no name of a header; use letters, digits and `-`, such as X-User-Id"
        )
    return header


def _write_version(served: ServedVersion | None) -> str | None:
    if served is None:
        return None
    text = str(served.version)
    if parse_canonical(text) is None:
        raise MlverError(f"{printable_name(text)} is not a version that a header can hold")
    return text
