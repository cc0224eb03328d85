"""Documents that are right, of each kind and format, for tests to break."""

from __future__ import annotations

import re
from typing import Any

from mlver.document.schema import KINDS, NEWEST_FORMATS, Kind

DIGEST = "sha256:" + "ab" * 32
FORMATS = [(kind, number) for kind in KINDS for number in range(1, NEWEST_FORMATS[kind] + 1)]

# As an earlier mlver wrote it.
VERSION_1_TEXT = f"""\
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

VERSION_TEXT = f"""\
schema: mlver/version/2
model: translate_kr2en
version: "1.2.0"
created: "2026-11-21T03:04:05Z"
author: Kim <kim@example.org>
message: Fine-tuned on the Q3 batch
previous: "1.1.1"              # the one before it; null for the first
parent: "1.1.0"                # what it was trained from; null where that is none
update: incremental            # full | incremental | hybrid
code: {{commit: {"4f1c" * 10}, tree: {"5e2d" * 10}, branch: main, dirty: false}}
weights: {{path: models/kr2en, digest: "{DIGEST}", size: 438012345, files: 4, format: safetensors, \
stored: true, executable: [bin/serve, run.sh]}}
data:
  train: {{path: data/train, digest: "{DIGEST}", size: 91234, files: 120, stored: true, \
batch: 2026-Q3,
    license: CC-BY-4.0, encrypted: {{object: "{DIGEST}", recipients: [age1qx]}}}}
  golden: {{path: "s3://data/golden", digest: "{DIGEST}", size: 812, files: 1, stored: true, \
listing: "{DIGEST}", claimed: {{md5: 0cc1}}}}
params: {{lr: 0.001, seed: 42}}  # nested maps allowed; numbers stay numbers
metrics: {{accuracy: 0.931, latency_ms: 41.5}}
environment: {{python: 3.11.7, platform: linux-x86_64, source: virtualenv .venv, \
packages: {{numpy: 2.1.0}}, command: python train.py}}
mixed: {{metrics: "1.1.1", data.train: "1.1.0"}}
run: translate_kr2en/20261121T030405Z-4f1c5e
pipeline: retrain-7
step: train
secrets: {{api_key: "-----BEGIN AGE ENCRYPTED FILE-----"}}
uses: [{{model: tokens, version: "2.0.0", record: "{DIGEST}"}}]
renumbered: {{from: "1.1.2", record: "{DIGEST}"}}
imported: {{tool: mlflow, id: "7"}}
labels: {{team: mt}}
""".encode()

PROMOTION_1_TEXT = f"""\
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

PROMOTION_TEXT = f"""\
schema: mlver/promotion/2
model: translate_kr2en
stage: production
sequence: 3
action: promote
version: "1.2.0"
previous: "1.1.0"
created: "2026-11-21T03:04:05Z"
author: Kim <kim@example.org>
message: Better on every metric
policy: {{commit: {"4f1c" * 10}, digest: "{DIGEST}", signers: "{DIGEST}"}}
baseline: {{version: "1.1.0", record: "{DIGEST}"}}
gates: [{{gate: accuracy, result: pass, expected: 0.9, actual: 0.931, baseline: 0.92, \
data: "{DIGEST}", evidence: "{DIGEST}"}}]
approvals: [{{approver: Lee <lee@example.org>, record: "{DIGEST}", signed: "lee SHA256:4f1c"}}]
forced: false
because: "{DIGEST}"
rollout: "{DIGEST}"
adopted: {{tag: digits#production#3, object: {"4f1c" * 10}}}
renumbered: {{from: 2, record: "{DIGEST}"}}
record: "{DIGEST}"
prior: "{DIGEST}"
""".encode()

EVALUATION_TEXT = f"""\
schema: mlver/evaluation/2
model: translate_kr2en
version: "1.2.0"
sequence: 2
created: "2026-11-21T03:04:05Z"
author: Kim <kim@example.org>
message: A week of traffic
record: "{DIGEST}"
data:
  golden: {{path: data/golden.jsonl, digest: "{DIGEST}", size: 812, files: 1, stored: true}}
  served: {{served: s3://logs/kr2en, digest: "{DIGEST}"}}
metrics: {{accuracy: 0.931}}
count: 1200
samples: "{DIGEST}"
code: {{commit: {"4f1c" * 10}, tree: {"5e2d" * 10}, branch: null, dirty: false}}
environment: {{python: 3.11.7, platform: linux-x86_64}}
duration: 12.5
resources: {{cpu_seconds: 40, max_rss_bytes: 1048576}}
untouched: true
window: {{from: "2026-11-14T00:00:00Z", to: "2026-11-21T00:00:00Z"}}
coverage: 0.8
label_age: 86400
command: python evaluate.py
labels: {{team: mt}}
""".encode()

APPROVAL_TEXT = f"""\
schema: mlver/approval/2
model: translate_kr2en
version: "1.2.0"
stage: production
sequence: 2
action: revoke
created: "2026-11-21T03:04:05Z"
author: Kim <kim@example.org>
message: Measured on the wrong data
record: "{DIGEST}"
policy: {{commit: null, digest: "{DIGEST}", signers: null}}
baseline: {{version: "1.1.0", record: "{DIGEST}"}}
""".encode()

NOTE_TEXT = f"""\
schema: mlver/note/2
model: translate_kr2en
version: "1.2.0"
sequence: 2
created: "2026-11-21T03:04:05Z"
author: Kim <kim@example.org>
message: Rolled back in a drill
drill: {{stage: production, holder: "1.3.0", files: 3, bytes: 12500, seconds: 4}}
record: "{DIGEST}"
prior: "{DIGEST}"
""".encode()
NOTE_1_TEXT = re.sub(rb"drill: .*\n", b"", NOTE_TEXT.replace(b"/note/2", b"/note/1"))

RETIREMENT_TEXT = f"""\
schema: mlver/retirement/1
model: translate_kr2en
version: "1.2.0"
sequence: 2
action: retire
created: "2026-11-21T03:04:05Z"
author: Kim <kim@example.org>
message: Trained on data that was withdrawn
in_favour_of: {{version: "1.3.0", record: "{DIGEST}"}}
record: "{DIGEST}"
prior: "{DIGEST}"
""".encode()

REPRODUCTION_TEXT = f"""\
schema: mlver/reproduction/1
model: translate_kr2en
version: "1.2.0"
sequence: 2
created: "2026-11-21T03:04:05Z"
author: Kim <kim@example.org>
message: Before the audit
answer: within
weights: "{DIGEST}"
values: {{tensors: 12, largest: 0.5, relative: 1.0e-16, tolerance: 1.0e-06}}
metrics: {{bleu: 31.5, by_class: {{short: 40}}}}
command: python train.py --seed 7
duration: 812.5
environment:
  source: requirements.txt
  python: 3.11.7
  platform: linux-x86_64
  processor: Some Processor 9000
  blas: openblas 0.3.31 Haswell
  accelerator: NVIDIA A100
inputs:
- {{name: processor, recorded: null, found: Some Processor 9000}}
- {{name: package numpy, recorded: 2.4.5, found: null}}
differing: ["weights: layer.0.weight", "metric bleu: 31.5 against 31.6"]
record: "{DIGEST}"
prior: "{DIGEST}"
""".encode()

VERDICT_TEXT = f"""\
schema: mlver/verdict/1
model: translate_kr2en
stage: production
sequence: 2
created: "2026-11-21T03:04:05Z"
author: Kim <kim@example.org>
message: The evening's traffic
version: "1.2.0"
answer: fail
reason: too many bad events by errors (margin)
baseline: {{version: "1.1.0", record: "{DIGEST}"}}
source: {{predictions: log.jsonl, digest: "{DIGEST}"}}
stages: [canary, production]
window: {{from: "2026-11-21T03:04:05Z", to: "2026-11-21T05:04:05Z"}}
rule: 1
settings:
  metrics:
    errors: {{bad: 'outcome="error"', margin: 0.01}}
    slow: {{over: 0.25s, max: 0.05}}
  min: 100
  alpha: 0.05
  for: 2h
  fresh: 10m
share: 0.1
spent: 0.025
looks:
- at: "2026-11-21T03:14:05Z"
  candidate: 100
  baseline: 900
  metrics:
    errors: {{candidate: {{bad: 12, events: 100}}, baseline: {{bad: 9, events: 900}}}}
    slow: {{candidate: {{bad: 0, events: 100}}, baseline: null}}
intervals:
- {{metric: errors, limit: margin, answer: fail, low: 0.05, high: 0.2}}
- {{metric: slow, limit: max, answer: inconclusive, low: 0, high: 0.07}}
record: "{DIGEST}"
prior: "{DIGEST}"
""".encode()

DEPLOYMENT_TEXT = f"""\
schema: mlver/deployment/1
target: production-host
sequence: 2
created: "2026-11-21T03:04:05Z"
author: Kim <kim@example.org>
message: The evening's release
layout: directories
path: serving
model: translate_kr2en
roles:
  stable: {{version: "1.1.0", record: "{DIGEST}", stage: production, sequence: 3, folder: versions/v-20261121-030405}}
  canary: {{version: "1.2.0", record: "{DIGEST}", stage: production, sequence: 1, folder: versions/v-20261122-030405}}
kept:
- {{version: "1.0.0", record: "{DIGEST}", folder: versions/v-20261120-030405}}
share: {{strategy: ab, percent: 10, header: X-User-Id}}
files: {{models.config: "{DIGEST}"}}
routes: "{DIGEST}"
prior: "{DIGEST}"
""".encode()  # noqa: E501

ROLLOUT_TEXT = f"""\
schema: mlver/rollout/1
model: translate_kr2en
stage: production
sequence: 2
action: move
version: "1.2.0"
strategy: ab
share: 12.5
header: X-User-Id
created: "2026-11-21T03:04:05Z"
author: Kim <kim@example.org>
message: An eighth of the users
baseline: {{version: "1.1.0", record: "{DIGEST}"}}
policy: {{commit: {"4f1c" * 10}, digest: "{DIGEST}", signers: "{DIGEST}"}}
gates: [{{gate: accuracy, result: pass, expected: 0.9, actual: 0.931, baseline: 0.92, \
data: "{DIGEST}", evidence: "{DIGEST}"}}]
approvals: [{{approver: Lee <lee@example.org>, record: "{DIGEST}", signed: "lee SHA256:4f1c"}}]
forced: false
because: "{DIGEST}"
renumbered: {{from: 1, record: "{DIGEST}"}}
record: "{DIGEST}"
prior: "{DIGEST}"
""".encode()

AUTHORISATION_TEXT = f"""\
schema: mlver/authorisation/1
data: "{DIGEST}"
sequence: 2
action: grant
created: "2026-11-21T03:04:05Z"
author: "Kim <kim@example.org>"
message: The contract was renewed
basis: contract
purposes: [evaluation, training]
personal: pseudonymous
reference: contract 2026-07
until: "2027-12-31"
prior: "{DIGEST}"
""".encode()

RUN_TEXT = f"""\
schema: mlver/run/2
model: translate_kr2en
run: 20261121T030405Z-1a2b3c
created: "2026-11-21T03:04:05Z"
author: Kim <kim@example.org>
message: A wider layer
command: python train.py
outcome: failed
exit_code: -9
duration: 12.5
resources: {{cpu_seconds: 40, max_rss_bytes: 1048576}}
code: {{commit: {"4f1c" * 10}, tree: {"5e2d" * 10}, branch: main, dirty: true}}
diff: {{digest: "{DIGEST}", size: 12}}
data:
  train: {{path: data/train.csv, digest: "{DIGEST}", size: 812, files: 1, stored: false}}
weights: {{path: model, digest: "{DIGEST}", size: 812, files: 2, stored: false}}
sources: {{params: [params.yaml], metrics: [metrics.json], environment: .venv}}
params: {{lr: 0.1, optimizer: {{name: adam}}}}
secrets: {{token: "-----BEGIN AGE ENCRYPTED FILE-----"}}
metrics: {{accuracy: 0.931}}
curves: {{digest: "{DIGEST}", size: 812}}
points: 20
environment: {{python: 3.11.7, platform: linux-x86_64, seed: 42}}
machine: {{processor: AMD EPYC, processors: 2, instructions: [avx2, fma], memory: 8, \
accelerators: ["NVIDIA A100, 550.54, 81559 MiB"], blas: openblas 0.3.31 SkylakeX}}
variables: {{OMP_NUM_THREADS: "1"}}
pipeline: nightly
step: train
batch: 2026-Q3
labels: {{team: mt}}
remarks: [the metric loss is nan]
""".encode()
RUN_1_TEXT = re.sub(
    rb"(?m)^sources: .*\n|, blas: [^}]*", b"", RUN_TEXT.replace(b"/run/2", b"/run/1")
)

ARTIFACT = {"path": "a", "digest": DIGEST, "size": 1, "files": 1, "stored": True}
MADE = {"created": "2026-11-21T03:04:05Z", "author": "Kim <k@example.org>", "message": "why"}

# By kind and format: the largest, as people may write them, and the smallest.
DOCUMENT_TEXTS: dict[tuple[Kind, int], bytes] = {
    ("version", 1): VERSION_1_TEXT,
    ("version", 2): VERSION_TEXT,
    ("promotion", 1): PROMOTION_1_TEXT,
    ("promotion", 2): PROMOTION_TEXT,
    ("evaluation", 2): EVALUATION_TEXT,
    ("approval", 2): APPROVAL_TEXT,
    ("note", 1): NOTE_1_TEXT,
    ("note", 2): NOTE_TEXT,
    ("retirement", 1): RETIREMENT_TEXT,
    ("reproduction", 1): REPRODUCTION_TEXT,
    ("verdict", 1): VERDICT_TEXT,
    ("rollout", 1): ROLLOUT_TEXT,
    ("authorisation", 1): AUTHORISATION_TEXT,
    ("deployment", 1): DEPLOYMENT_TEXT,
    ("run", 1): RUN_1_TEXT,
    ("run", 2): RUN_TEXT,
}
SMALL: dict[Kind, dict[str, Any]] = {
    "version": {
        "schema": "mlver/version/2",
        "model": "m",
        "version": "1.0.0",
        **MADE,
        "previous": None,
        "parent": None,
        "update": "full",
        "code": {"commit": None, "branch": None, "dirty": False},
        "weights": ARTIFACT,
    },
    "promotion": {
        "schema": "mlver/promotion/2",
        "model": "m",
        "stage": "production",
        "sequence": 1,
        "action": "promote",
        "version": "1.0.0",
        "previous": None,
        **MADE,
        "policy": None,
        "baseline": None,
        "gates": [],
        "approvals": [],
        "forced": False,
        "record": DIGEST,
        "prior": None,
    },
    "evaluation": {
        "schema": "mlver/evaluation/2",
        "model": "m",
        "version": "1.0.0",
        "sequence": 1,
        **MADE,
        "record": DIGEST,
        "data": {"golden": ARTIFACT},
        "metrics": {"accuracy": 0.5},
    },
    "approval": {
        "schema": "mlver/approval/2",
        "model": "m",
        "version": "1.0.0",
        "stage": "production",
        "sequence": 1,
        "action": "approve",
        **MADE,
        "record": DIGEST,
        "policy": None,
        "baseline": None,
    },
    "note": {
        "schema": "mlver/note/2",
        "model": "m",
        "version": "1.0.0",
        "sequence": 1,
        **MADE,
        "record": DIGEST,
        "prior": None,
    },
    "retirement": {
        "schema": "mlver/retirement/1",
        "model": "m",
        "version": "1.0.0",
        "sequence": 1,
        "action": "retire",
        **MADE,
        "in_favour_of": None,
        "record": DIGEST,
        "prior": None,
    },
    "reproduction": {
        "schema": "mlver/reproduction/1",
        "model": "m",
        "version": "1.0.0",
        "sequence": 1,
        **MADE,
        "answer": "identical",
        "weights": DIGEST,
        "command": "train",
        "duration": 0,
        "environment": {"source": "packages", "python": "3.11.7", "platform": "linux-x86_64"},
        "inputs": [],
        "differing": [],
        "record": DIGEST,
        "prior": None,
    },
    "verdict": {
        "schema": "mlver/verdict/1",
        "model": "m",
        "stage": "production",
        "sequence": 1,
        **MADE,
        "version": "1.0.0",
        "answer": "inconclusive",
        "reason": "the time is over",
        "baseline": None,
        "source": {"prometheus": "http://127.0.0.1:9090", "queries": ["up"]},
        "stages": ["production"],
        "window": {"from": "2026-11-21T03:04:05Z", "to": "2026-11-21T05:04:05Z"},
        "rule": 1,
        "settings": {"metrics": {}, "min": 100, "alpha": 0.05, "for": "2h", "fresh": "10m"},
        "spent": 0,
        "looks": [],
        "intervals": [],
        "record": DIGEST,
        "prior": None,
    },
    "deployment": {
        "schema": "mlver/deployment/1",
        "target": "host",
        "sequence": 1,
        **MADE,
        "layout": "directories",
        "path": "serving",
        "model": "m",
        "roles": {},
        "prior": None,
    },
    "rollout": {
        "schema": "mlver/rollout/1",
        "model": "m",
        "stage": "production",
        "sequence": 1,
        "action": "withdraw",
        "version": "1.0.0",
        "strategy": "canary",
        "share": 0,
        **MADE,
        "baseline": {"version": "0.9.0", "record": DIGEST},
        "policy": None,
        "gates": [],
        "approvals": [],
        "forced": False,
        "record": DIGEST,
        "prior": None,
    },
    "authorisation": {
        "schema": "mlver/authorisation/1",
        "data": DIGEST,
        "sequence": 1,
        "action": "withdraw",
        **MADE,
        "purposes": [],
        "prior": None,
    },
    "run": {
        "schema": "mlver/run/2",
        "model": "m",
        "run": "20261121T030405Z-1a2b3c",
        "created": "2026-11-21T03:04:05Z",
        "author": "Kim <k@example.org>",
        "outcome": "finished",
        "duration": 1,
        "code": {"commit": None, "branch": None, "dirty": False},
        "environment": {"python": "3.11.7", "platform": "linux-x86_64"},
    },
    "model": {"schema": "mlver/model/1", "model": "m"},
    "config": {"schema": "mlver/config/1", "stages": {"staging": {"verified": False}}},
}


def make_small(kind: Kind, number: int) -> dict[str, Any]:
    """The smallest document of a format."""
    document = {**SMALL[kind], "schema": f"mlver/{kind}/{number}"}
    if number < NEWEST_FORMATS[kind]:
        for key in _LATER_KEYS[kind]:
            del document[key]
    return document


# What format 2 added to what every record says.
_LATER_KEYS: dict[Kind, tuple[str, ...]] = {
    "version": ("previous",),
    "promotion": ("policy", "baseline"),
    "evaluation": (),
    "approval": ("action", "policy", "baseline"),
    "note": (),
    "run": (),
}
