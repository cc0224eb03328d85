"""Manifests for Kubernetes: rules for the Prometheus operator, and an analysis and a rollback for
Argo.

The analysis needs Argo Rollouts 1.8.2 or newer: before, one that was inconclusive could still
promote. It has both conditions, each behind a look at whether there is a number at all: with one of
them, an answer that is missing would be taken for the other.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlver.policy.monitoring.rules import ANSWER, build_groups
from mlver.policy.monitoring.subject import MonitoredStage
from mlver.policy.verdict_rule import list_limits
from mlver.records.values import Document

_KNOWN = "len(result) > 0 && !isNaN(result[0])"
_EVERY_S = 60
_ROLLBACK = """\
set -eu
git clone --quiet -- "$REPOSITORY" /work/repository
cd /work/repository
mlver rollback "$MODEL" --stage "$STAGE" --if-holds "$VERSION" --because /work/alert.json -m "$WHY"
git push --quiet --follow-tags origin HEAD
"""


def build_prometheus_rule(watched: MonitoredStage) -> Document:
    """Build the rules as the Prometheus operator takes them."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": _describe_object(watched, watched.object_name),
        "spec": {"groups": build_groups(watched)},
    }


def build_analysis(watched: MonitoredStage, prometheus: str) -> Document:
    """Build the analysis of a version: successful, failed, or inconclusive at its end."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": _describe_object(watched, watched.object_name),
        "spec": {
            "args": [{"name": "version"}],
            "metrics": list(_list_metrics(watched, prometheus)),
        },
    }


def _list_metrics(watched: MonitoredStage, prometheus: str) -> Iterator[Document]:
    count = max(watched.settings.window_seconds // _EVERY_S, 1)
    for metric in watched.settings.metrics:
        for limit, _ in list_limits(watched.settings, metric):
            selected = watched.select(
                'version="{{args.version}}"', f'metric="{metric}"', f'limit="{limit}"'
            )
            yield {
                "name": f"{metric}-{limit}".replace("_", "-").lower(),
                "interval": f"{_EVERY_S}s",
                # Argo reads durations as Go does, which knows no days and no weeks.
                "initialDelay": f"{watched.settings.fresh_seconds}s",
                "count": count,
                "successCondition": f"{_KNOWN} && result[0] < 0",
                "failureCondition": f"{_KNOWN} && result[0] > 0",
                "failureLimit": 0,
                # Half of the answers have to be good ones.
                "inconclusiveLimit": count // 2,
                # Many errors in a row fail an analysis: a server that is down would roll back.
                "consecutiveErrorLimit": count,
                "provider": {"prometheus": {"address": prometheus, "query": f"{ANSWER}{selected}"}},
            }


def build_rollback(watched: MonitoredStage, image: str) -> Document:
    """Build the workflow that rolls back; `argo submit` gives it a repository and a version.

    What is given reaches the script by its surroundings, so that no shell reads it.
    """
    given = ("repository", "version", "alert", "why")
    surroundings = [{"name": "MODEL", "value": watched.model}]
    surroundings.append({"name": "STAGE", "value": watched.stage})
    for name in ("repository", "version", "why"):
        value = f"{{{{workflow.parameters.{name}}}}}"
        surroundings.append({"name": name.upper(), "value": value})
    evidence = {"raw": {"data": "{{workflow.parameters.alert}}"}}
    rollback = {
        "name": "rollback",
        "inputs": {"artifacts": [{"name": "alert", "path": "/work/alert.json", **evidence}]},
        "container": {
            "name": "main",
            "image": image,
            "command": ["sh", "-c", _ROLLBACK],
            "env": surroundings,
        },
    }
    metadata = _describe_object(watched, None)
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": f"{watched.object_name}-rollback-", **metadata},
        "spec": {
            "entrypoint": "rollback",
            "arguments": {"parameters": [{"name": name} for name in given]},
            "templates": [rollback],
        },
    }


def _describe_object(watched: MonitoredStage, name: str | None) -> Document:
    labels = {"app.kubernetes.io/managed-by": "mlver"}
    return {"labels": labels} if name is None else {"name": name, "labels": labels}
