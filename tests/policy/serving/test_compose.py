"""The layout of compose, and with `--long` as the schema of compose judges it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlver.policy.serving.compose import COMPOSE_FILE, LAYOUT
from mlver.policy.serving.served import ServedTarget
from tests.policy.serving.served_targets import make_target, make_version
from tests.servers.install import NotInstallable, install_programs

NEEDED: Mapping[str, str | int] = {"base": "acme/server:3"}
FULL = {
    **NEEDED,
    "image": "ghcr.io/acme/digits",
    "mount": "/srv/model",
    "port": 9000,
    "cpu": "0.5",
    "memory": "512m",
}


def render(target: ServedTarget, options: Mapping[str, str | int] = NEEDED) -> Mapping[str, Any]:
    (files,) = LAYOUT.render_steps(None, target, options)
    return files


def test_a_version_is_a_service() -> None:
    files = render(make_target("1.0.0", "1.1.0"), FULL)
    assert sorted(files) == [COMPOSE_FILE, "digits-1-0-0/Dockerfile", "digits-1-1-0/Dockerfile"]
    document = files[COMPOSE_FILE]
    assert document["name"] == "digits"
    assert document["services"]["digits-1-1-0"] == {
        "build": {"context": "./digits-1-1-0"},
        "image": "ghcr.io/acme/digits:1.1.0",
        "environment": {
            "MODEL_NAME": "digits",
            "MODEL_VERSION": "1.1.0",
            "MODEL_RECORD": str(make_version("1.1.0").record),
            "MODEL_PATH": "/srv/model",
        },
        "expose": ["9000"],
        "restart": "unless-stopped",
        "cpus": "0.5",
        "mem_limit": "512m",
    }
    roles = {"target": "host", "stable": "digits-1-0-0", "canary": "digits-1-1-0"}
    assert document["x-mlver"] == roles


def test_a_role_moves_without_a_change_of_any_service() -> None:
    before = render(make_target("1.0.0", kept=("1.1.0",)))[COMPOSE_FILE]
    after = render(make_target("1.1.0", kept=("1.0.0",)))[COMPOSE_FILE]
    assert before["services"] == after["services"]
    assert after["x-mlver"]["stable"] == "digits-1-1-0"
    assert render(make_target(None)) == {}


@pytest.mark.long
def test_the_schema_of_compose_takes_every_file(tmp_path: Path) -> None:
    try:
        program = install_programs("pip", "pipelines") / "check-jsonschema"
    except NotInstallable as error:
        pytest.skip(f"NOT TESTED: check-jsonschema cannot be installed: {error}")
    files = []
    for number, options in enumerate((NEEDED, FULL)):
        document = render(make_target("1.0.0", "1.1.0-rc.1", kept=("0.9.0",)), options)
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(document[COMPOSE_FILE]))
    command: list[str | Path] = [program, "--builtin-schema", "vendor.compose-spec"]
    judged = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    files[0].write_text(files[0].read_text().replace("restart", "restarts"))
    judged = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert "restarts" in judged.stdout + judged.stderr
