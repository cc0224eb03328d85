#!/usr/bin/env bash
# Checks everything, in a virtual environment of its own; needs git and a Python of 3.11 or newer.
#
#   tests/run.sh                           every check
#   tests/run.sh --long                    every check, with the long campaigns
#   tests/run.sh tests/document -k yaml    only pytest, with these arguments (--long may be among them)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Started from a git hook or an activated environment, these would point the tools at another repository or Python.
unset "${!GIT_@}" PYTHONPATH PYTHONHOME VIRTUAL_ENV
export PYTHONHASHSEED=0 PYTHONUTF8=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
exec </dev/null

environment=.venv
python=$environment/bin/python
section=start

if [[ -t 1 && -z ${NO_COLOR-} ]]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi

heading() {
  section=$1
  printf '\n%s== %s%s\n' "$bold" "$section" "$plain"
}

on_exit() {
  local code=$?
  if ((code)); then printf '\ntests/run.sh: FAILED at: %s (after %d s)\n' "$section" "$SECONDS" >&2; fi
}
trap on_exit EXIT

# The first that works: a name on the PATH may be a shim for a Python that is not installed.
find_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  echo 'no Python of 3.11 or newer found (looked for python3, python3.11 to python3.14)' >&2
  return 1
}

# What the environment was made from and for: anything else asks for a new one. Scripts in it name the place they are in.
fingerprint() {
  "$1" - <<'PYTHON'
import hashlib, pathlib, sys
print(sys.version, pathlib.Path(sys.executable).resolve(), pathlib.Path.cwd(), sep="\n")
print(hashlib.sha256(pathlib.Path("pyproject.toml").read_bytes()).hexdigest())
PYTHON
}

make_environment() {
  local base made_from
  base=$(find_python)
  made_from=$(fingerprint "$base")
  if [[ $made_from == "$(cat "$environment/made-from" 2>/dev/null)" ]]; then
    echo "$environment is up to date"
    return
  fi
  echo "making $environment with $("$base" --version)"
  rm -rf "$environment"
  "$base" -m venv "$environment" || {
    echo "$base cannot make virtual environments (on Debian and Ubuntu: apt install python3-venv)" >&2
    return 1
  }
  "$python" -m pip install -qq --upgrade 'pip>=25.1' # the first that knows --group
  "$python" -m pip install -qq --editable . --group dev
  printf '%s\n' "$made_from" >"$environment/made-from" # last: one that was interrupted is made anew
}

heading 'environment'
# Two runs in one checkout must not make the environment at once. Not every system has flock.
exec 9<pyproject.toml
if command -v flock >/dev/null; then flock 9; fi
make_environment
exec 9<&-

long=()
arguments=()
for argument in "$@"; do
  if [[ $argument == --long ]]; then long=(--long); else arguments+=("$argument"); fi
done

if ((${#arguments[@]})); then
  heading 'tests'
  "$python" -m pytest -n 2 --dist worksteal "${long[@]}" "${arguments[@]}"
  exit
fi

heading 'format (mend with: .venv/bin/ruff format .)'
"$python" -m ruff format --check .

heading 'lint'
"$python" -m ruff check .

heading 'types'
"$python" -m mypy --strict

heading 'import contracts'
"$environment/bin/lint-imports" --no-cache --no-logo

heading 'the wheel, installed elsewhere'
bash tests/wheel_smoke.sh "$PWD/$python"

# The first thing a newcomer runs must not rot; what it shows is of interest only when it fails.
heading 'the quickstart'
story=$(bash examples/quickstart.sh 2>&1) || {
  printf '%s\n' "$story"
  exit 1
}
echo "ok: $(grep -c '^\$ ' <<<"$story") commands"

heading 'tests'
"$python" -m pytest -n 2 --dist worksteal "${long[@]}"

printf '\nall checks passed in %d s\n' "$SECONDS"
