"""The layout of BentoML, and with `--long` as BentoML itself reads it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.policy.serving.bentoml import LAYOUT, MODEL_FILE
from mlver.policy.serving.served import ServedTarget
from tests.policy.serving.served_targets import make_target, make_version
from tests.servers.install import NotInstallable, install_programs

READ = """\
import json, pathlib, bentoml
found = bentoml.models.get("digits:latest")
listed = {str(model.tag): model.info.metadata for model in bentoml.models.list()}
weights = pathlib.Path(found.path, "weights.bin").read_text()
print(json.dumps([str(found.tag), weights, listed, str(found.info.creation_time)]))
"""


def render(target: ServedTarget) -> dict[str, Any]:
    (files,) = LAYOUT.render_steps(None, target, {})
    return dict(files)


def test_latest_is_the_stable_version() -> None:
    files = render(make_target("1.0.0", "1.1.0-rc.1"))
    assert files["models/digits/latest"] == "1.0.0"
    model = files[f"models/digits/1.1.0-rc.1/{MODEL_FILE}"]
    assert (model["name"], model["version"]) == ("digits", "1.1.0-rc.1")
    assert model["metadata"]["mlver/record"] == str(make_version("1.1.0-rc.1").record)
    assert LAYOUT.place_version is not None
    assert LAYOUT.place_version(make_version("1.0.0", "Digits"), {}) == "models/digits/1.0.0"
    assert "models/digits/latest" not in render(make_target(None, "1.1.0"))
    assert render(make_target(None)) == {}


@pytest.mark.parametrize("model", ["digits_", "d" * 64, "latest"])
def test_a_name_that_bentoml_does_not_take_is_refused(model: str) -> None:
    with pytest.raises(MlverError, match=f"BentoML takes no name like {model}"):
        render(make_target(model=model))


def test_weights_with_a_file_of_bentomls_own_are_refused() -> None:
    version = make_version("1.0.0", files={MODEL_FILE: Digest.of_bytes(b"")})
    with pytest.raises(MlverError, match=r"the weights of digits 1\.0\.0 hold a model\.yaml"):
        render(replace(make_target(), stable=version))
    with pytest.raises(MlverError, match="the layout bentoml has no option `port`"):
        LAYOUT.render_steps(None, make_target(), {"port": 1})


@pytest.mark.long
def test_bentoml_reads_the_store(tmp_path: Path) -> None:
    try:
        programs = install_programs("pip", "bentoml")
    except NotInstallable as error:
        pytest.skip(f"NOT TESTED: BentoML cannot be installed: {error}")
    dated = replace(make_version("1.0.0"), created="2026-03-03T09:15:00Z")
    target = replace(make_target("1.0.0", "1.1.0-rc.1"), stable=dated)
    for path, file in render(target).items():
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(file if isinstance(file, str) else yaml.safe_dump(file))
        if place.name == MODEL_FILE:
            (place.parent / "weights.bin").write_text(place.parent.name)
    surroundings = {"BENTOML_HOME": str(tmp_path), "BENTOML_DO_NOT_TRACK": "True"}
    command: list[str | Path] = [programs / "python", "-W", "ignore", "-c", READ]
    read = subprocess.run(
        command, env={**os.environ, **surroundings}, capture_output=True, text=True, check=False
    )
    assert read.returncode == 0, read.stderr
    tag, weights, listed, created = json.loads(read.stdout.splitlines()[-1])
    assert (tag, weights) == ("digits:1.0.0", "1.0.0")
    assert created == "2026-03-03 09:15:00+00:00"
    assert sorted(listed) == ["digits:1.0.0", "digits:1.1.0-rc.1"]
    assert listed["digits:1.0.0"]["mlver/record"] == str(dated.record)
