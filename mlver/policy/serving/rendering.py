"""What a layout and a kind of routes are: pure functions that say which files a target has to hold.

`layouts.py` and `routes.py` list those that there are. Nothing here reads or writes a file:
`project/serving` encodes documents (YAML, or JSON for a path that ends in `.json`), proves the
bytes of versions, and puts everything in place atomically.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mlver.policy.serving.served import ServedTarget, ServedVersion

# What the settings say beside what every target has; a renderer raises MlverError for what it
# does not know, and names the key.
ServingOptions: TypeAlias = Mapping[str, str | int | float | bool]
# Text as it is written, or a document; several documents go into one file of YAML.
RenderedFile: TypeAlias = str | Mapping[str, Any] | Sequence[Mapping[str, Any]]
# By path, relative to the folder of the target.
RenderedFiles: TypeAlias = Mapping[str, RenderedFile]

# Where the files of a version go, relative to the folder of the target.
VersionPlace = Callable[[ServedVersion, ServingOptions], str]
# The name of a file in the folder of its version, by its name in the weights.
FileName = Callable[[str, ServingOptions], str]
# The files of a target in each step, by what was deployed last and what is to be served. Between
# two steps the server has to have loaded every version; most layouts have one step only.
StepRenderer = Callable[
    [ServedTarget | None, ServedTarget, ServingOptions], Sequence[RenderedFiles]
]
# The files of routes; their paths are relative to the repository, as the settings have them.
RouteRenderer = Callable[[ServedTarget, "RouteTarget"], RenderedFiles]


def keep_name(name: str, options: ServingOptions) -> str:
    """Leave a file the name that it has in the weights."""
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReadiness:
    """How a server says that it has loaded versions.

    `status_path` is what is asked for behind the address that a person gives, and `is_ready` judges
    the document in its answer.
    """

    status_path: Callable[[ServedTarget], str]
    is_ready: Callable[[Mapping[str, Any], ServedTarget], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingLayout:
    """How the folder of a target is laid out.

    `place_version` is None for a layout that holds no bytes of versions. `keeps_paths`: files have
    their paths in the repository below the folder of their version, otherwise their names in the
    weights (a file that is all of the weights has its own name), as `name_file` gives them.
    `has_links`: roles are links to the folders of versions. `config_name` is the name of a file of
    the server's own settings; the renderer gets its text as the option `config`, from the path that
    the settings give there, else from the files of the stable version. `keeps_former`: what had the
    roles before stays, as `keep_former` of `roles.py` says.
    """

    render_steps: StepRenderer
    place_version: VersionPlace | None = None
    name_file: FileName = keep_name
    keeps_paths: bool = False
    has_links: bool = False
    config_name: str | None = None
    keeps_former: bool = False
    readiness: ServerReadiness | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTarget:
    """What the settings say of routes: the file, and the address behind each role.

    `upstreams` maps a role (`stable`, `canary`) to an address such as `127.0.0.1:9001`.
    """

    file: str
    upstreams: Mapping[str, str]
    options: ServingOptions
