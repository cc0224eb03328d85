"""`mlver init`: lay out `.mlver/`."""

from __future__ import annotations

from dataclasses import dataclass

from mlver import paths
from mlver.errors import refusal_error
from mlver.project.project import Project
from mlver.project.transaction import open_edit
from mlver.records import layout
from mlver.system import durable

_ATTRIBUTES = b"""\
# Digests are of bytes: keep every file here exactly as it was written.
* -text -eol -ident -filter -working-tree-encoding
/manifests/** -diff linguist-generated
"""

# Every setting there is, in force or as a comment to take the `#` from; a test holds it so.
_CONFIG = b"""\
schema: mlver/config/1

# `mlver config list --all` says what each setting means. `mlver config set KEY VALUE` changes one,
# and keeps these comments. To use an example, take its `#` away.

# The positions a version can hold, in the order they are shown. `after` names stages that it must
# have held first; with `verified`, every byte of it is checked before the stage moves; `requires`
# asks that others could get it, too: with remotes, `recoverable` is true unless it says false.
stages:
  staging:
    description: Under test before it serves anyone
    verified: true
  production:
    description: Serves users
    verified: true
#  canary:
#    description: Serves a few users first
#    after: [staging]
#    hold: 48h
#    gates:
#    - {metric: accuracy, on: golden, min: 0.92, max_drop: 0.005}
#    approvals: {min: 2, from: [leads], not: [author, promoter], within: 30d}
#    requires:
#      verified: true
#      recoverable: true
#      copies: 2
#      authorised: training
#      drilled: 30d
#      uses: true
#      reproduced: {within: 1e-9}
#      drift: none
#      verdict: pass
#      signed: true
#      formats: [safetensors, onnx]
#      max_size: 4GiB
#      clean_code: true
#      stored: true
#      labels: [team, ticket]
#      licenses: [MIT, Apache-2.0, CC-BY-4.0]
#      message: true
#      update: [full, incremental]
# `golden` is a stage like any other: the version to go back to when all else fails, by
# `mlver rollback MODEL --stage production --golden`.
#  golden:
#    description: Known to be good
#    after: [production]

# What the tags that seal records have to be: signed, with the key that git has for tags.
#tags:
#  signed: true
# `mirror: gto` makes GTO's tags of each promotion, too, for those who go by them.
#  mirror: gto

# What the hooks (mlver hook install) keep out of git: files of more bytes than this, pickles, and
# direct commits to branches. `allow` lets paths through.
#guard:
#  max_file_size: 10485760
#  pickle: forbid
#  allow: [docs/*.png]
#  protect: [main]

# The places that keep the bytes of models for a team; the first one is the default. Secrets never
# stand here. `mlver remote add NAME URL` adds one.
#remotes:
#  storage:
#    url: s3://bucket/models
#    endpoint: https://minio.example.org:9000
#    region: eu-central-1
#    insecure: false

# What `mlver gc` keeps of versions that nothing leads to any more, and how long it waits before it
# deletes anything. What a branch, a tag or a work tree leads to is kept in any case.
#retention:
#  keep_last: 3
#  keep_stages: [production]
#  keep_for: 90d
#  keep_labels: [audit]
#  grace: 14d

# The data sets that gates name (`mlver config pin golden data/golden` writes this), people by
# group, and the branch whose settings judge: without it, the remote's main branch.
#datasets:
#  golden:
#    path: data/golden
#    digest: sha256:0000000000000000000000000000000000000000000000000000000000000000
#groups:
#  leads: [kim@example.org, Ana <ana@example.org>]
#policy:
#  from: main
#  signers: .mlver/allowed_signers

# What is kept encrypted only, and who can read it: public keys of age or SSH.
#encrypt:
#  params: [db.password, "api.*"]
#  artifacts: [weights]
#  recipients: [age1example]

# Whether `register` keeps profiles of tables, which then anybody can read here, and how far a
# column has to move, and not by chance, before `mlver drift` says that it did.
#insight:
#  profiles: true
#  drift:
#    ks: 0.1
#    js: 0.02
#    psi: 0.2
#    p: 0.05
#    rows: 200
#    ignore: [row]

# Which answers of versions in use are bad, and how many of them are too many beside the version
# before (`margin`) or in any case (`max`), for `mlver judge`.
#verdict:
#  metrics:
#    errors:
#      bad: outcome="error"
#      margin: 0.01
#    slow:
#      over: 0.25s
#      margin: 0.02
#      max: 0.2
#  min: 100
#  alpha: 0.05
#  for: 2h
#  fresh: 10m
#  warm_up: 5m
#  on_timeout: hold

# Where versions are served: `mlver deploy` makes each folder equal to what the stages say.
#deploy:
#  production-host:
#    layout: directories
#    path: serving
#    model: digits
#    stages: {stable: production, canary: canary}
#    routes:
#      kind: nginx
#      file: routes/nginx.conf
#      upstreams:
#        stable: 127.0.0.1:9001
#        canary: 127.0.0.1:9002
#      options: {prefix: /}
#    names: time
#    keep: 5
#    keep_serving: [1.0.0]
#    data: false
#  cluster:
#    layout: kubernetes
#    path: manifests
#    stages: {stable: production}
#    options: {base: acme/server:3, image: registry.example.org/digits}

# When a model is due for another training (`mlver due`): how old its version may be, whether drift
# and changed data are reasons, the worst value of its metrics, and how much worse they may become.
#due:
#  digits:
#    age: 30d
#    drift: true
#    data: true
#    metric:
#      accuracy: 0.9
#    fall:
#      accuracy: 2%

# The models that `mlver watch` may roll back without asking anybody, on the word of a verdict or of
# an alert, and the stages of them; a list of models means all of their stages.
#auto_rollback:
#  digits:
#    stages: [production]
"""

_FILES = {layout.ATTRIBUTES: _ATTRIBUTES, layout.CONFIG: _CONFIG}


@dataclass(frozen=True, slots=True)
class InitResult:
    """`created` is empty where everything was there already."""

    top: str
    created: tuple[str, ...]
    dry_run: bool


def init_project(project: Project, *, dry_run: bool = False) -> InitResult:
    """Write what of `.mlver/` is missing; never touches what is there. Register commits it."""
    with open_edit(project, "init", dry_run=dry_run):
        missing = [
            path for path in _FILES if not paths.join_inside(project.top_folder, path).exists()
        ]
        if not dry_run:
            _write_files(project, missing)
    return InitResult(str(project.top_folder), tuple(missing), dry_run)


def _write_files(project: Project, missing: list[str]) -> None:
    try:
        for path in missing:
            where = paths.join_inside(project.top_folder, path)
            durable.make_directory(where.parent)
            durable.create_file(where, _FILES[path])
    except OSError as error:
        outcome = "what is written is whole, and the same command writes the rest"
        raise refusal_error("writing .mlver/", error, outcome=outcome) from error
