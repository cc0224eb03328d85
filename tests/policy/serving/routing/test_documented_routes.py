"""What docs/routes.md tells people to write works with what mlver writes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from mlver.document.schema import validate_document
from mlver.policy.serving.rendering import RouteTarget
from mlver.policy.serving.routes import ROUTES
from mlver.records.sections.deploy import read_targets
from tests.conftest import CHECKOUT
from tests.policy.serving.routing.targets import FILES, make_target, render_routes
from tests.servers.envoy import find_envoy
from tests.servers.haproxy import find_haproxy
from tests.servers.install import NotInstallable
from tests.servers.nginx import find_nginx
from tests.servers.reloading import write_routes

PAGE = (CHECKOUT / "docs" / "routes.md").read_text()
# Where a program writes as another user, or cannot in a test.
NGINX_PLACES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def find_block(language: str, word: str) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if word in block]
    return str(found)


def place_block(language: str, word: str, folder: Path) -> Path:
    """Write what a person would write, for a folder of the test."""
    text = find_block(language, word).replace("/srv/digits", str(folder))
    places = "".join(f"{name}_temp_path {folder}/{name};" for name in NGINX_PLACES)
    file = folder / "settings.yaml"
    file.write_text(text.replace("http {", f"pid {folder}/pid;\nhttp {{ {places}", 1))
    return file


def build_check(kind: str, folder: Path) -> Sequence[str | Path]:
    if kind == "nginx":
        settings = place_block("nginx", "http {", folder)
        return [find_nginx(), "-t", "-e", "stderr", "-p", folder, "-c", settings]
    if kind == "haproxy":
        settings = place_block("haproxy", "frontend", folder)
        return [find_haproxy(), "-c", "-f", settings, "-f", folder / FILES["haproxy"]]
    settings = place_block("yaml", "node:", folder)
    return [find_envoy(), "--mode", "validate", "--log-level", "error", "-c", settings]


@pytest.mark.parametrize("kind", ["nginx", "haproxy", "envoy"])
def test_a_program_takes_what_the_page_shows(kind: str, tmp_path: Path) -> None:
    write_routes(tmp_path, render_routes(kind, make_target()))
    try:
        command = build_check(kind, tmp_path)
    except NotInstallable as error:
        pytest.skip(f"NOT TESTED: {kind} cannot be installed here: {error}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("word", ["kind: nginx", "kind: gateway-api"])
def test_the_settings_of_the_page_make_routes(word: str) -> None:
    document = yaml.safe_load(find_block("yaml", word))
    validate_document("config", {"schema": "mlver/config/1", **document}, None, "docs/routes.md")
    ((_, target),) = read_targets(document["deploy"]).items()
    routes = target.routes
    assert routes.file
    made = RouteTarget(file=routes.file, upstreams=routes.upstreams, options=routes.options)
    assert ROUTES[routes.kind](make_target(), made)
