"""The layout of Kubernetes, as its own schemas judge it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlver.errors import MlverError
from mlver.policy.serving.kubernetes import LAYOUT, ROLES, VERSIONS
from mlver.policy.serving.served import ServedTarget
from tests.policy.serving.served_targets import make_target, make_version
from tests.servers.install import NotInstallable, install_programs

NEEDED: Mapping[str, str | int] = {"base": "acme/server:3", "image": "ghcr.io/acme/digits"}
FULL = {
    **NEEDED,
    "mount": "/srv/model",
    "port": 9000,
    "health": "/healthz",
    "namespace": "serving",
    "replicas": 3,
    "cpu": "250m",
    "memory": "512Mi",
}


def render(target: ServedTarget, options: Mapping[str, str | int]) -> Mapping[str, Any]:
    (files,) = LAYOUT.render_steps(None, target, options)
    return files


def find_faults(folder: Path, documents: Sequence[Mapping[str, Any]]) -> str:
    """What Kubernetes' schemas say against them; they close every object."""
    try:
        program = install_programs("pip", "manifests") / "kubernetes-validate"
    except NotInstallable as error:
        pytest.skip(f"NOT TESTED: kubernetes-validate cannot be installed: {error}")
    file = folder / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    command: list[str | Path] = [program, "--strict", "--quiet", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_the_schemas_of_kubernetes_take_every_manifest(tmp_path: Path) -> None:
    target = make_target("1.0.0", "1.1.0-rc.1", kept=("0.9.0",))
    hostile = make_target("1.0.0", "1.0.1", model="7b.Chat_Model-" + "x" * 80)
    documents = []
    for served in (target, hostile):
        for options in (NEEDED, FULL):
            files = render(served, options)
            documents += [*files[VERSIONS], *files[ROLES]]
    assert len(documents) == 2 * (3 * 2 + 2) + 2 * (2 * 2 + 2)
    assert find_faults(tmp_path, documents) == ""
    documents[0]["spec"]["template"]["spec"]["containers"][0]["imagePolicy"] = "Always"
    assert "imagePolicy" in find_faults(tmp_path, documents)


def test_a_role_moves_without_a_change_of_any_pod() -> None:
    before = render(make_target("1.0.0", kept=("1.1.0",)), NEEDED)
    after = render(make_target("1.1.0", kept=("1.0.0",)), NEEDED)
    assert before[VERSIONS] == after[VERSIONS]
    assert [each["metadata"]["name"] for each in after[ROLES]] == ["digits-stable"]
    selected = [files[ROLES][0]["spec"]["selector"] for files in (before, after)]
    versions = [each["app.kubernetes.io/version"] for each in selected]
    assert versions == ["digits-1-0-0", "digits-1-1-0"]
    assert before[ROLES][0]["spec"]["ports"][0] == {
        "name": "http",
        "port": 8080,
        "targetPort": "http",
    }


def test_a_service_finds_the_pods_of_its_version_and_no_others() -> None:
    files = render(make_target("1.0.0", "1.1.0"), NEEDED)
    pods = {}
    for document in files[VERSIONS]:
        if document["kind"] == "Deployment":
            name = document["metadata"]["name"]
            pods[name] = document["spec"]["template"]["metadata"]["labels"]
            assert document["spec"]["selector"]["matchLabels"] == pods[name]
    for document in files[VERSIONS]:
        if document["kind"] == "Service":
            wanted = document["spec"]["selector"]
            found = [name for name, labels in pods.items() if labels == wanted]
            assert found == [document["metadata"]["name"]]


def test_the_image_of_a_version_holds_its_files() -> None:
    files = render(make_target("1.1.0-rc.1"), FULL)
    version = make_version("1.1.0-rc.1")
    assert LAYOUT.place_version is not None
    assert LAYOUT.place_version(version, FULL) == "digits-1-1-0-rc-1/model"
    assert files["digits-1-1-0-rc-1/Dockerfile"] == (
        "# mlver wrote this for digits 1.1.0-rc.1, and will write it again.\n"
        "FROM acme/server:3\n"
        "LABEL org.opencontainers.image.version=1.1.0-rc.1\n"
        "ENV MODEL_NAME=digits\n"
        "ENV MODEL_VERSION=1.1.0-rc.1\n"
        f"ENV MODEL_RECORD={version.record}\n"
        "ENV MODEL_PATH=/srv/model\n"
        "COPY model/ /srv/model/\n"
    )
    container = files[VERSIONS][0]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "ghcr.io/acme/digits:1.1.0-rc.1"


def test_nothing_served_is_no_manifest() -> None:
    assert render(make_target(None), NEEDED) == {}
    with pytest.raises(
        MlverError, match=r"needs the option `base`, such as `options: \{base: ghcr"
    ):
        render(make_target(None), {})
