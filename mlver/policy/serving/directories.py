"""The layout `directories`: a folder a version, and the links `stable` and `canary` to them."""

from __future__ import annotations

import datetime
from collections.abc import Container

from mlver.policy.serving.rendering import (
    RenderedFiles,
    ServingLayout,
    ServingOptions,
)
from mlver.policy.serving.served import ServedTarget, ServedVersion

VERSIONS = "versions"


def name_by_time(created: str, taken: Container[str]) -> str:
    """Name the folder of a version after the time of its record, such as `v-20260303-091500`.

    Where another version has that name, it is the next second that none has.
    """
    moment = datetime.datetime.fromisoformat(created)
    while True:
        name = f"v-{moment:%Y%m%d-%H%M%S}"
        if name not in taken:
            return name
        moment += datetime.timedelta(seconds=1)


def _place_version(version: ServedVersion, options: ServingOptions) -> str:
    return f"{VERSIONS}/{version.version}"


def _render_steps(
    former: ServedTarget | None, target: ServedTarget, options: ServingOptions
) -> tuple[RenderedFiles, ...]:
    return ({},)


LAYOUT = ServingLayout(
    render_steps=_render_steps,
    place_version=_place_version,
    keeps_paths=True,
    has_links=True,
)
