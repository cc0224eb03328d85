"""Documents that are right, for tests to break."""

from __future__ import annotations

from typing import Any

DIGEST = "sha256:" + "ab" * 32

# As the design document prints it, its elided digests and commit filled in.
VERSION_TEXT = f"""\
schema: mlver/version/1
model: translate_kr2en
version: "1.2.0"
created: "2026-11-21T03:04:05Z"
author: Kim <kim@example.org>
message: Fine-tuned on the Q3 batch
parent: "1.1.0"                # what it was trained from; null for the first
update: incremental            # full | incremental | hybrid
code: {{commit: {"4f1c" * 10}, branch: main, dirty: false}}
weights: {{path: models/kr2en, digest: "{DIGEST}", size: 438012345, files: 4, format: safetensors, \
stored: true}}
data:
  train: {{path: data/train, digest: "{DIGEST}", size: 91234, files: 120, stored: true, \
batch: 2026-Q3,
    license: CC-BY-4.0}}
  golden: {{path: data/golden.jsonl, digest: "{DIGEST}", size: 812, files: 1, stored: true}}
params: {{lr: 0.001, seed: 42}}  # nested maps allowed; numbers stay numbers
metrics: {{accuracy: 0.931, latency_ms: 41.5}}
environment: {{python: 3.11.7, platform: linux-x86_64, packages: {{numpy: 2.1.0}}, \
command: python train.py}}
labels: {{team: mt}}
""".encode()

PROMOTION_TEXT = f"""\
schema: mlver/promotion/1
model: translate_kr2en
stage: production
sequence: 3
action: promote
version: "1.2.0"
previous: "1.1.0"
created: "2026-11-21T03:04:05Z"
author: Kim <kim@example.org>
message: Better on every metric
gates: [{{gate: accuracy, result: pass, expected: 0.9, actual: 0.931}}]
approvals: [{{approver: Lee <lee@example.org>, record: "{DIGEST}"}}]
forced: false
record: "{DIGEST}"
prior: "{DIGEST}"
""".encode()

ARTIFACT = {"path": "a", "digest": DIGEST, "size": 1, "files": 1, "stored": True}
MADE = {"created": "2026-11-21T03:04:05Z", "author": "Kim <k@example.org>", "message": "why"}

SMALL: dict[str, dict[str, Any]] = {
    "version": {
        "schema": "mlver/version/1",
        "model": "m",
        "version": "1.0.0",
        **MADE,
        "parent": None,
        "update": "full",
        "code": {"commit": None, "branch": None, "dirty": False},
        "weights": ARTIFACT,
    },
    "promotion": {
        "schema": "mlver/promotion/1",
        "model": "m",
        "stage": "production",
        "sequence": 1,
        "action": "promote",
        "version": "1.0.0",
        "previous": None,
        **MADE,
        "gates": [],
        "approvals": [],
        "forced": False,
        "record": DIGEST,
        "prior": None,
    },
    "evaluation": {
        "schema": "mlver/evaluation/1",
        "model": "m",
        "version": "1.0.0",
        "sequence": 1,
        **MADE,
        "record": DIGEST,
        "data": {"golden": ARTIFACT},
        "metrics": {"accuracy": 0.5},
    },
    "approval": {
        "schema": "mlver/approval/1",
        "model": "m",
        "version": "1.0.0",
        "stage": "production",
        "sequence": 1,
        **MADE,
        "record": DIGEST,
    },
    "model": {"schema": "mlver/model/1", "model": "m"},
    "config": {"schema": "mlver/config/1", "stages": {"staging": {"verified": False}}},
}
