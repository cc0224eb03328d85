"""What is written for Alertmanager, Grafana and Argo is what these take."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlver.document.emit import dump_document
from mlver.policy.monitoring.alertmanager import build_alertmanager
from mlver.policy.monitoring.argo import build_analysis, build_prometheus_rule, build_rollback
from mlver.policy.monitoring.documents import MonitoringPlaces
from mlver.policy.monitoring.grafana import build_dashboard
from mlver.records.values import Document
from tests.policy.monitoring.watched import SETTINGS, find_keys, run_program, watch_stage
from tests.servers.install import install_programs

PLACES = MonitoringPlaces()
_KINDS = {
    "AnalysisTemplate": "argo-rollouts/argoproj.io/v1alpha1",
    "Workflow": "argo-workflows/argoproj.io/v1alpha1",
    "PrometheusRule": "prometheus-operator/monitoring.coreos.com/v1",
}
_OPTIONS = ("--strict", "--noEmit", "--skipLibCheck", "--module", "nodenext")
_READ_DASHBOARD = """\
import json, sys
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
dashboard = Dashboard.from_json(json.load(sys.stdin))
json.dump(dashboard, sys.stdout, cls=JSONEncoder)
"""


def test_alertmanager_takes_its_settings(tmp_path: Path) -> None:
    watched = [watch_stage(), watch_stage(stage="staging")]
    document = build_alertmanager(watched, PLACES.webhook, PLACES.token_file)
    settings = tmp_path / "alertmanager.yaml"
    settings.write_bytes(dump_document(document))
    code, said = run_program("amtool", "check-config", settings)
    assert code == 0, said
    routes = {
        ("mlver_action=rollback", "model=digits", "stage=production"): "mlver-digits",
        ("model=digits", "stage=production"): "people",
        ("mlver_action=rollback", "model=other", "stage=production"): "people",
        ("mlver_action=rollback", "model=digits", "stage=elsewhere"): "people",
    }
    for labels, receiver in routes.items():
        words = ("config", "routes", "test", f"--config.file={settings}", *labels)
        code, said = run_program("amtool", *words)
        assert (code, said.split()[0].split(",")[0]) == (0, receiver), (labels, said)


def check_types(folder: Path, objects: list[Document]) -> str:
    """Hold objects against the types of their kinds; say what is wrong."""
    modules = install_programs("npm", "argo").parent
    lines: list[str] = []
    for kind, module in _KINDS.items():
        path = modules / "@kubernetes-models" / module / f"{kind}.js"
        lines.append(f'import type {{ I{kind} }} from "{path}";')
    for number, one in enumerate(objects):
        lines.append(f"export const object{number}: I{one['kind']} = {json.dumps(one)};")
    (folder / "objects.mts").write_text("\n".join(lines))
    compiler = modules / ".bin" / "tsc"
    done = subprocess.run(
        [compiler, *_OPTIONS, "objects.mts"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_kubernetes_takes_its_objects_and_no_other_keys(tmp_path: Path) -> None:
    watched = watch_stage()
    good = [
        build_analysis(watched, PLACES.prometheus),
        build_rollback(watched, PLACES.image),
        build_prometheus_rule(watched),
    ]
    typos: list[Document] = []
    for one, (right, wrong) in zip(
        good,
        (("failureCondition", "failCondition"), ("env", "environment"), ("expr", "expression")),
        strict=True,
    ):
        typos.append(json.loads(json.dumps(one).replace(f'"{right}":', f'"{wrong}":')))
    said = check_types(tmp_path, [*good, *typos])
    faulty = {line.partition("(")[2].partition(",")[0] for line in said.splitlines()}
    first = len(_KINDS) + len(good)
    assert faulty == {str(first + number) for number in (1, 2, 3)}, said


def test_no_number_is_neither_success_nor_failure() -> None:
    """Argo takes a single condition that does not hold for the other one."""
    analysis = build_analysis(watch_stage(), PLACES.prometheus)
    metrics = analysis["spec"]["metrics"]
    assert [metric["name"] for metric in metrics] == [
        "errors-margin",
        "errors-max",
        "slow-margin",
        "not-ok-max",
    ]
    known = "len(result) > 0 && !isNaN(result[0]) && result[0]"
    for metric in metrics:
        assert (metric["successCondition"], metric["failureCondition"]) == (
            f"{known} < 0",
            f"{known} > 0",
        )
        assert metric["inconclusiveLimit"] < metric["count"] == metric["consecutiveErrorLimit"]


def test_argo_is_told_of_days_and_weeks_in_seconds() -> None:
    """Go, whose durations these are, refuses `1d`."""
    metrics = build_analysis(watch_stage({**SETTINGS, "fresh": "1d"}), PLACES.prometheus)["spec"]
    assert {metric["initialDelay"] for metric in metrics["metrics"]} == {"86400s"}


def test_no_shell_reads_what_a_workflow_is_given() -> None:
    workflow = build_rollback(watch_stage(), PLACES.image)
    (container,) = find_keys(workflow, "container")
    assert "{{" not in "".join(container["command"])
    assert {one["name"] for one in container["env"]} == {
        *("MODEL", "STAGE", "REPOSITORY", "VERSION", "WHY")
    }


def list_paths(document: Any, path: str = "") -> Iterator[str]:
    if isinstance(document, dict):
        for key, value in document.items():
            yield from list_paths(value, f"{path}.{key}")
    elif isinstance(document, list):
        for value in document:
            yield from list_paths(value, f"{path}[]")
    else:
        yield path


def test_grafana_knows_every_key_of_the_dashboard() -> None:
    dashboard = build_dashboard([watch_stage(), watch_stage(stage="staging")])
    python = install_programs("pip", "manifests") / "python"
    done = subprocess.run(
        [python, "-c", _READ_DASHBOARD],
        input=json.dumps(dashboard),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(list_paths(dashboard)) <= set(list_paths(json.loads(done.stdout)))
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) == 16
