"""Stages as they are monitored in tests, and the programs that judge what is written for them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlver.document.emit import dump_document
from mlver.policy.monitoring.documents import MonitoringPlaces, build_documents
from mlver.policy.monitoring.subject import MonitoredStage
from mlver.records.sections.verdict import VerdictSettings
from mlver.records.values import Document
from tests.servers.install import install_programs

SETTINGS: Document = {
    "metrics": {
        "errors": {"bad": 'outcome="error"', "margin": 0.01, "max": 0.05},
        "slow": {"over": "0.25s", "margin": 0.02},
        "not_ok": {"bad": 'outcome!="ok"', "max": 0.3},
    }
}


def watch_stage(settings: Document | None = None, stage: str = "production") -> MonitoredStage:
    read = VerdictSettings.from_document(settings or SETTINGS)
    return MonitoredStage(model="digits", stage=stage, settings=read)


def write_documents(folder: Path, watched: Sequence[MonitoredStage]) -> Mapping[str, Document]:
    """Write all documents to a folder as YAML, and return them."""
    documents = build_documents(watched, MonitoringPlaces())
    for name, document in documents.items():
        (folder / name).write_bytes(dump_document(document))
    return documents


def run_program(name: str, *words: str | Path) -> tuple[int, str]:
    """Run a program that comes with Prometheus or Alertmanager; give its exit code and words."""
    package = "prometheus-alertmanager" if name == "amtool" else "prometheus"
    program = install_programs("apt", package) / name
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def find_keys(document: Any, key: str) -> Iterator[Any]:
    """Find what stands under a key, however deep."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name == key:
                yield value
            yield from find_keys(value, key)
    elif isinstance(document, list):
        for value in document:
            yield from find_keys(value, key)
