"""All documents that monitor a model, by the names of their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlver.policy.monitoring.alertmanager import build_alertmanager
from mlver.policy.monitoring.argo import build_analysis, build_prometheus_rule, build_rollback
from mlver.policy.monitoring.grafana import build_dashboard
from mlver.policy.monitoring.rules import build_groups
from mlver.policy.monitoring.stories import build_tests
from mlver.policy.monitoring.subject import MonitoredStage
from mlver.records.values import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringPlaces:
    """Where the parts find each other.

    `prometheus` is the address of the server as Argo reaches it, `webhook` that of `mlver watch` as
    Alertmanager reaches it, `token_file` the file on Alertmanager's machine that holds its token,
    and `image` a container image with mlver, git and a shell.
    """

    prometheus: str = "http://prometheus:9090"
    webhook: str = "http://127.0.0.1:9409/alerts"
    token_file: str = "/etc/alertmanager/mlver-token"
    image: str = "mlver:latest"


def build_documents(
    watched: Sequence[MonitoredStage], places: MonitoringPlaces
) -> Mapping[str, Document]:
    """Build the documents of a model; all of `watched` are its stages."""
    documents: dict[str, Document] = {}
    for one in watched:
        rules_file = f"{one.name}.rules.yaml"
        documents[rules_file] = {"groups": build_groups(one)}
        documents[f"{one.name}.rules-test.yaml"] = build_tests(one, rules_file)
        documents[f"{one.name}.prometheus-rule.yaml"] = build_prometheus_rule(one)
        documents[f"{one.name}.analysis-template.yaml"] = build_analysis(one, places.prometheus)
        documents[f"{one.name}.rollback-workflow.yaml"] = build_rollback(one, places.image)
    model = watched[0].model
    alertmanager = build_alertmanager(watched, places.webhook, places.token_file)
    documents[f"mlver-{model}.alertmanager.yaml"] = alertmanager
    documents[f"mlver-{model}.dashboard.json"] = build_dashboard(watched)
    return documents
