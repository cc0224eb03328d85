"""The kinds of routes that there are, by the name that the settings use."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.policy.serving.rendering import RouteRenderer

ROUTES: Mapping[str, RouteRenderer] = {}
