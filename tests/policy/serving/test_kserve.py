"""The layout of KServe, and with `--long` as its own classes judge it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlver.errors import MlverError
from mlver.policy.serving.kserve import LAYOUT, MANIFEST
from mlver.policy.serving.served import ServedTarget, Strategy, TrafficShare
from tests.policy.serving.served_targets import make_target, make_version
from tests.servers.install import NotInstallable, install_programs

NEEDED: Mapping[str, str | int] = {"format": "onnx", "storage": "pvc://models/serving"}
FULL = {
    **NEEDED,
    "runtime": "kserve-mlserver",
    "namespace": "serving",
    "replicas": 2,
    "cpu": "1",
    "memory": "2Gi",
}
TENTH = TrafficShare(strategy="canary", percent=10)
# Reads documents as the client of KServe reads those of a cluster, and asks each class for its own
# keys: it passes over those that it does not know.
JUDGE = """\
import json, sys
from kserve import models

def judge(kind, document, place):
    if kind.startswith("list["):
        for number, item in enumerate(document):
            judge(kind[5:-1], item, f"{place}[{number}]")
        return
    found = getattr(models, kind, None)
    if found is None:
        return
    keys = {key: name for name, key in found.attribute_map.items()}
    for key, value in document.items():
        if key not in keys:
            sys.exit(f"{place}: {kind} has no {key}")
        judge(found.openapi_types[keys[key]], value, f"{place}.{key}")
    found(**{keys[key]: value for key, value in document.items()})

for document in json.load(sys.stdin):
    judge("V1beta1InferenceService", document, "")
"""


def render(target: ServedTarget, options: Mapping[str, str | int] = NEEDED) -> dict[str, Any]:
    (files,) = LAYOUT.render_steps(None, target, options)
    document = files[MANIFEST]
    assert isinstance(document, dict)
    return document


def test_the_candidate_stands_under_canary() -> None:
    document = render(make_target("1.0.0", "1.1.0", share=TENTH), FULL)
    assert document["metadata"]["name"] == "digits"
    assert document["metadata"]["namespace"] == "serving"
    annotations = document["metadata"]["annotations"]
    assert annotations["serving.kserve.io/deploymentMode"] == "Standard"
    stable = document["spec"]["predictor"]["model"]
    assert stable["storageUri"] == "pvc://models/serving/models/digits/1.0.0"
    (canary,) = document["spec"]["canary"]
    assert canary["trafficPercent"] == 10
    assert canary["predictor"]["name"] == "digits-1-1-0"
    assert canary["predictor"]["model"] == {
        "modelFormat": {"name": "onnx"},
        "storageUri": "pvc://models/serving/models/digits/1.1.0",
        "runtime": "kserve-mlserver",
        "resources": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}},
    }
    assert LAYOUT.place_version is not None
    assert LAYOUT.place_version(make_version("1.1.0"), NEEDED) == "models/digits/1.1.0"


def test_a_candidate_without_a_share_gets_no_traffic() -> None:
    (canary,) = render(make_target("1.0.0", "1.1.0"))["spec"]["canary"]
    assert canary["trafficPercent"] == 0
    assert "canary" not in render(make_target("1.0.0"))["spec"]
    assert LAYOUT.render_steps(None, make_target(None), NEEDED) == ({},)
    with pytest.raises(MlverError, match="host has a candidate and no stable version"):
        render(make_target(None, "1.1.0"))


@pytest.mark.parametrize("strategy", ["ab", "shadow"])
def test_what_kserve_cannot_split_is_refused(strategy: Strategy) -> None:
    share = TrafficShare(strategy=strategy, percent=0, header="X-User-Id")
    with pytest.raises(MlverError, match="KServe can split traffic by request only"):
        render(make_target("1.0.0", "1.1.0", share=share))


def test_a_part_of_a_percent_is_refused() -> None:
    share = TrafficShare(strategy="canary", percent=0.5)
    with pytest.raises(MlverError, match=r"whole percents, and the candidate of host has 0\.5 %"):
        render(make_target("1.0.0", "1.1.0", share=share))


@pytest.mark.long
def test_the_classes_of_kserve_take_every_manifest() -> None:
    try:
        programs = install_programs("pip", "kserve")
    except NotInstallable as error:
        pytest.skip(f"NOT TESTED: KServe's classes cannot be installed: {error}")
    target = make_target("1.0.0", "1.1.0-rc.1", share=TENTH)
    documents = [render(target), render(target, FULL), render(make_target("1.0.0"))]
    assert find_faults(programs, documents) == ""
    documents[1]["spec"]["canary"][0]["percent"] = 10
    assert find_faults(programs, documents) == (
        ".spec.canary[0]: V1beta1CanarySpec has no percent\n"
    )
    del documents[1]["spec"]["canary"][0]["percent"], documents[2]["spec"]["predictor"]
    assert "predictor" in find_faults(programs, documents)


def find_faults(programs: Path, documents: list[dict[str, Any]]) -> str:
    judged = subprocess.run(
        [programs / "python", "-W", "ignore", "-c", JUDGE],
        input=json.dumps(documents),
        capture_output=True,
        text=True,
        check=False,
    )
    return judged.stderr if judged.returncode else ""
