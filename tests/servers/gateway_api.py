"""What Kubernetes' Gateway API says of an HTTPRoute, by the models that npm has of it.

Its validator knows types, patterns and bounds, and lets unknown keys pass, which would do nothing
in a cluster. TypeScript refuses these.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.servers.install import install_programs

_VALIDATOR = """
import {{ validate }} from "{package}/_schemas/IoK8sSigsGatewayApiApisV1HTTPRoute.js";
import {{ readFileSync }} from "node:fs";
for (const [number, route] of JSON.parse(readFileSync(0)).entries()) {{
  if (!validate(route)) {{
    for (const error of validate.errors) {{
      console.log(`${{number}}: ${{error.instancePath}} ${{error.keyword}}`);
    }}
  }}
}}
"""
_IMPORT = 'import type {{ IHTTPRoute }} from "{package}/gateway.networking.k8s.io/v1/HTTPRoute.js";'


def find_route_faults(routes: Sequence[Any], folder: Path) -> list[str]:
    """What is wrong with documents that ought to be HTTPRoutes; `folder` is for scratch."""
    programs = install_programs("npm", "gateway-api")
    package = programs.parent / "@kubernetes-models" / "gateway-api"
    script = folder / "validate.mjs"
    script.write_text(_VALIDATOR.format(package=package))
    node = shutil.which("node") or "node"
    faults = _run_program([node, script], folder, json.dumps(routes))
    lines = [_IMPORT.format(package=package)]
    for number, route in enumerate(routes):
        lines.append(f"export const route{number}: IHTTPRoute = {json.dumps(route)};")
    types = folder / "routes.ts"
    types.write_text("\n".join(lines))
    module = ("--module", "nodenext", "--moduleResolution", "nodenext")
    options = ("--noEmit", "--strict", "--skipLibCheck", *module)
    return faults + _run_program([programs / "tsc", *options, types], folder)


def _run_program(command: Sequence[str | Path], folder: Path, given: str = "") -> list[str]:
    """The lines that a program writes; it has to run, whatever it finds."""
    done = subprocess.run(
        command, cwd=folder, input=given, capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()
