"""The layout `directories`: a folder a version, and the links `stable` and `canary` to them."""

from __future__ import annotations

import datetime
from collections.abc import Container
from itertools import count

from mlver.policy.serving.rendering import (
    RenderedFiles,
    ServingLayout,
    ServingOptions,
)
from mlver.policy.serving.served import ServedTarget, ServedVersion

VERSIONS = "versions"
_NO_SIGNS = str.maketrans("", "", "-:TZ")


def name_by_time(created: str, taken: Container[str]) -> str:
    """Name the folder of a version after the time of its record, such as `v-20260303-091500`.

    Where another version has that name, it is the next second that none has. A time that no
    calendar has, or no second follows, gets a number instead.
    """
    digits = created.translate(_NO_SIGNS)
    name = f"v-{digits[:8]}-{digits[8:]}"
    for number in count(1):
        if name not in taken:
            break
        try:
            moment = datetime.datetime.fromisoformat(created) + datetime.timedelta(seconds=number)
            name = f"v-{moment:%Y%m%d-%H%M%S}"
        except (ValueError, OverflowError):
            name = f"v-{digits[:8]}-{digits[8:]}-{number}"
    return name


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
