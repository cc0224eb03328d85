"""Versions that were measured on a pinned data set, without a command."""

from __future__ import annotations

import io

from mlver.digest import Digest
from mlver.document import codec
from mlver.project.artifacts.storing import open_store
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.evaluation import EvaluationRecord
from tests.project.audit.forging import Town

PINNED = Digest.of_bytes(b"the golden rows")
PINS = f'datasets:\n  golden: {{path: golden.csv, digest: "{PINNED}"}}\n'


def pin_golden(town: Town) -> None:
    """Pin the golden rows in the settings, without a commit."""
    path = town.repository.path / layout.CONFIG
    assert "\ndatasets:" not in path.read_text()
    path.write_text(path.read_text().rstrip("\n") + "\n" + PINS)


def evaluate(
    town: Town, version: str, accuracy: float, *, number: int = 1, samples: bytes | None = None
) -> EvaluationRecord:
    """Write an evaluation, as `mlver evaluate` would, without a commit; its samples are stored."""
    stored: Digest | None = None
    if samples is not None:
        with open_store(town.project).open_deposit() as deposit:
            stored = deposit.put_object(io.BytesIO(samples))
    digest = town.project.registry.read_version_digest("m", version)
    assert digest is not None
    golden = Artifact(path="golden.csv", digest=PINNED, size=1, files=1, stored=False)
    record = EvaluationRecord(
        model="m",
        version=version,
        sequence=number,
        created=town.project.record_time,
        author=town.project.repository.author(),
        message="",
        record=digest,
        data={"golden": golden},
        metrics={"accuracy": accuracy},
        command="measure",
        samples=stored,
    )
    data = codec.encode_document("evaluation", record.to_document())
    town.repository.write(record.record_path, data)
    return record
