"""nginx: a file for `http {}` and one for `server {}`, both read again at SIGHUP.

    http {
      include /srv/app/routes/nginx.conf;
      server {
        listen 80;
        include /srv/app/routes/nginx.server.conf;
      }
    }

`split_clients` cannot include a file, so the whole of it is in the first one.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Mapping

from mlver.policy.serving.layout_options import PREFIX, SHADOW_SECONDS, LayoutOption
from mlver.policy.serving.rendering import RenderedFiles, RouteTarget
from mlver.policy.serving.routing.plan import ALL_POINTS, VERSION_HEADER, RoutePlan, plan_routes
from mlver.policy.serving.routing.upstreams import Upstream
from mlver.policy.serving.served import ServedTarget

_OPTIONS: Mapping[str, LayoutOption] = {"prefix": PREFIX, "shadow_seconds": SHADOW_SECONDS}
_SHADOW_SECONDS = 2
# Where a copy of a request goes; nobody outside of nginx can ask for it.
_SHADOW = "/.mlver-shadow"
# Servers that close idle connections do so after 5 s at the earliest (uvicorn). nginx has to close
# them first, because it cannot repeat a POST that crosses the end of its connection.
_UPSTREAM = """\
upstream {name} {{
    server {address};
    keepalive 16;
    keepalive_timeout 4s;
}}
"""
# What a request is assigned by, the role that answers it, its version, and what the header says.
_SPLIT = """\
map {key} ${variable}_unit {{
    "" $request_id;
    default {key};
}}
split_clients "{name} ${variable}_unit" ${variable}_role {{
{parts}
}}
map ${variable}_role ${variable}_answering {{
    default "";
{versions}
}}
map $upstream_http_x_model_version ${variable}_version {{
    "" ${variable}_answering;
    default "";
}}
"""
_LOCATION = """\
location {prefix} {{
{mirror}    proxy_pass http://{name}.${variable}_role;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    add_header {header} ${variable}_version always;
}}
"""
# A connection takes its next request only once the shadow has answered.
_SHADOW_LOCATION = """\
location = {shadow} {{
    internal;
    proxy_pass http://{name}.canary$request_uri;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_connect_timeout 1s;
    proxy_read_timeout {seconds}s;
}}
"""


def render_nginx(target: ServedTarget, routes: RouteTarget) -> RenderedFiles:
    """The upstreams and their shares for `http {}`, and the location for `server {}`."""
    plan = plan_routes("nginx", target, routes, _OPTIONS)
    base, suffix = posixpath.splitext(routes.file)
    return {
        routes.file: _render_http(plan),
        f"{base}.server{suffix}": _render_server(plan),
    }


def _render_http(plan: RoutePlan) -> str:
    upstreams = _render_upstream(f"{plan.name}.stable", plan.stable)
    if plan.canary is not None:
        upstreams += _render_upstream(f"{plan.name}.canary", plan.canary)
    split = _SPLIT.format(
        name=plan.name,
        variable=_name_variable(plan.name),
        key=_name_header_variable(plan.header),
        parts=_render_parts(plan),
        versions=_render_versions(plan),
    )
    return f"# {plan.notice}\n{upstreams}{split}"


def _render_upstream(name: str, upstream: Upstream) -> str:
    address = upstream.authority if upstream.socket is None else f"unix:{upstream.socket}"
    return _UPSTREAM.format(name=name, address=address)


def _render_parts(plan: RoutePlan) -> str:
    """The canary's part comes first: who has it keeps it when it grows."""
    if plan.points == 0:
        return "    * stable;"
    if plan.points == ALL_POINTS:
        return "    * canary;"
    percent = f"{plan.points // 100}.{plan.points % 100:02d}%"
    return f"    {percent} canary;\n    * stable;"


def _render_versions(plan: RoutePlan) -> str:
    versions = {"stable": plan.stable_version, "canary": plan.canary_version}
    lines = [f"    {role} {version};" for role, version in versions.items() if version]
    return "\n".join(lines)


def _render_server(plan: RoutePlan) -> str:
    shadow = f"{_SHADOW}/{plan.name}"
    location = _LOCATION.format(
        name=plan.name,
        prefix=plan.prefix,
        mirror=f"    mirror {shadow};\n" if plan.has_shadow else "",
        variable=_name_variable(plan.name),
        header=VERSION_HEADER,
    )
    if plan.has_shadow:
        seconds = plan.options.get("shadow_seconds", _SHADOW_SECONDS)
        location += _SHADOW_LOCATION.format(shadow=shadow, name=plan.name, seconds=seconds)
    return f"# {plan.notice}\n{location}"


def _name_header_variable(header: str | None) -> str:
    """The variable that holds a header of the request; without one, what no two requests share."""
    return "$request_id" if header is None else "$http_" + header.lower().replace("-", "_")


def _name_variable(name: str) -> str:
    """The beginning of the names of variables, in which nginx takes letters, digits and `_` only.

    They have at most 46 bytes, as its table of variables has room for. What is lost of the name of
    the target is made up for by its digest.
    """
    plain = re.sub("[^A-Za-z0-9]", "_", name)
    if re.fullmatch("[a-z0-9-]{1,28}", name) is None:
        plain = f"{plain[:19]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return f"mlver_{plain}"
