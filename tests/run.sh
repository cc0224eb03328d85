#!/usr/bin/env bash
# Checks everything, in a virtual environment of its own; needs git and a Python of 3.11 or newer.
#
#   tests/run.sh                           every check, with the packages that locks/dev.txt names
#   tests/run.sh --quick                   format, lint, types, contracts and the unit tests: before every commit
#   tests/run.sh --long                    every check, with the long campaigns
#   tests/run.sh tests/document -k yaml    only pytest, with these arguments (options may be among them)
#   tests/run.sh --latest                  every check, with the newest of everything; tells what is newer than the lock
#   tests/run.sh --lowest                  only pytest, with the lowest versions that mlver says it works with
#   tests/run.sh --python 3.14             with this Python (a version, a name or a path; PYTHON does the same)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Started from a git hook or an activated environment, these would point the tools at another repository or Python.
unset "${!GIT_@}" PYTHONPATH PYTHONHOME VIRTUAL_ENV
# Where Python keeps no compiled files, each of the thousands of processes compiles all of mlver again.
unset PYTHONDONTWRITEBYTECODE
export PYTHONHASHSEED=0 PYTHONUTF8=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
exec </dev/null

versions=dev # the lock file to install from, or `latest`
interpreter=${PYTHON-}
quick=
long=()
arguments=()
while (($#)); do
  case $1 in
    --quick) quick=1 ;;
    --long) long=(--long) ;;
    --latest | --lowest) versions=${1#--} ;;
    --python)
      interpreter=${2:?which Python, such as 3.14?}
      shift
      ;;
    *) arguments+=("$1") ;;
  esac
  shift
done

# Each choice keeps an environment of its own.
environment=.venv
if [[ $versions != dev ]]; then environment+=-$versions; fi
if [[ $interpreter ]]; then environment+=-${interpreter##*/}; fi
python=$environment/bin/python
lock=locks/$versions.txt
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
  local candidate candidates=(python3 python3.14 python3.13 python3.12 python3.11)
  if [[ $interpreter ]]; then candidates=("python$interpreter" "$interpreter"); fi
  for candidate in "${candidates[@]}"; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  echo "no Python of 3.11 or newer found (looked for ${candidates[*]})" >&2
  return 1
}

# What the environment was made from and for: anything else asks for a new one. Scripts in it name the place they are in.
fingerprint() {
  "$1" - pyproject.toml "$lock" <<'PYTHON'
import hashlib, pathlib, sys
print(sys.version, pathlib.Path(sys.executable).resolve(), pathlib.Path.cwd(), sep="\n")
for name in sys.argv[1:]:
    print(hashlib.sha256(pathlib.Path(name).read_bytes()).hexdigest(), name)
PYTHON
}

make_environment() {
  local base made_from=latest
  base=$(find_python)
  if [[ $versions != latest ]]; then made_from=$(fingerprint "$base"); fi # the newest may be others tomorrow
  if [[ $made_from != latest && $made_from == "$(cat "$environment/made-from" 2>/dev/null)" ]]; then
    echo "$environment is up to date"
    return
  fi
  echo "making $environment with $("$base" --version)"
  rm -rf "$environment"
  "$base" -m venv "$environment" || {
    echo "$base cannot make virtual environments (on Debian and Ubuntu: apt install python3-venv)" >&2
    return 1
  }
  if [[ $versions == latest ]]; then install_latest; else install_locked; fi
  printf '%s\n' "$made_from" >"$environment/made-from" # last: one that was interrupted is made anew
}

install_locked() {
  "$python" -m pip install -qq --require-hashes --requirement "$lock"
  "$python" -m pip install -qq --no-deps --no-build-isolation --editable .
}

install_latest() {
  "$python" -m pip install -qq --upgrade 'pip>=25.1' # the first that knows --group
  "$python" -m pip install -qq --editable . --group dev
}

# Each package that is not at the version that the lock has: name, old -> new.
compare_with_lock() {
  "$python" - locks/dev.txt <<'PYTHON'
import pathlib, re, sys
from importlib.metadata import PackageNotFoundError, version
pins = re.findall(r"^([\w.-]+)==([\w.]+)", pathlib.Path(sys.argv[1]).read_text(), re.MULTILINE)
changed = []
for name, old in pins:
    try:
        if version(name) != old:
            changed.append(f"  {name} {old} -> {version(name)}")
    except PackageNotFoundError:
        pass  # a package for another system
print("newer than the lock:" if changed else "nothing is newer than the lock", *changed, sep="\n")
PYTHON
}

# Most tests wait for syncs, of which one in memory takes no time: a third of a run. Where a TMPDIR is set, or 8 GiB
# cannot be spared, they stay on the disk.
test_in_memory() {
  local folder=/dev/shm/mlver-tests-$UID spare available
  if [[ ${TMPDIR-} || ! -w /dev/shm || ! -r /proc/meminfo ]]; then return; fi
  spare=$(df -Pk /dev/shm | awk 'NR == 2 { print $4 }')
  available=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
  if ((spare < 8 << 20 || available < 8 << 20)); then return; fi
  mkdir -p -m 700 "$folder"
  if [[ -O $folder && ! -L $folder ]]; then export TMPDIR=$folder; fi
}

heading 'environment'
# Two runs in one checkout must not make the environment at once. Not every system has flock.
exec 9<pyproject.toml
if command -v flock >/dev/null; then flock 9; fi
make_environment
exec 9<&-
if [[ $versions == latest ]]; then
  compare_with_lock
  export MLVER_TESTS_LATEST=1 # for the environments that tests make
fi

# Beside the lowest versions there is no linter: theirs are higher.
if ((${#arguments[@]})) || [[ $versions == lowest ]]; then
  heading 'tests'
  test_in_memory
  "$python" -m pytest -n 2 --dist worksteal "${long[@]}" "${arguments[@]}"
  exit
fi

# Each step of a whole run, by its title; what is a step is a function of its name below.
declare -A titles=(
  [check_format]="format (fix with: $environment/bin/ruff format .)"
  [check_lint]='lint'
  [check_types]='types'
  [check_contracts]='import contracts'
  [check_wheel]='the wheel, installed elsewhere'
  [check_quickstart]='the quickstart'
  [check_team]='the team'
  [check_serving]='the bad release'
  [run_units]='unit tests'
)

check_format() { "$python" -m ruff format --check .; }
check_lint() { "$python" -m ruff check .; }
check_types() { "$python" -m mypy --strict; }
check_contracts() { "$environment/bin/lint-imports" --no-cache --no-logo; }
check_wheel() { bash tests/wheel_smoke.sh "$PWD/$python"; }

# The first thing a newcomer runs must not rot; what it shows is of interest only when it fails.
check_quickstart() {
  local story
  story=$(bash examples/quickstart.sh 2>&1) || {
    printf '%s\n' "$story"
    return 1
  }
  echo "ok: $(grep -c '^\$ ' <<<"$story") commands"
}

# With the mlver under test, which the example takes from the PATH.
check_team() {
  local story
  story=$(PATH=$PWD/$environment/bin:$PATH bash examples/team.sh 2>&1) || {
    printf '%s\n' "$story"
    return 1
  }
  echo "ok: $(grep -c '^[a-z]*\$ ' <<<"$story") commands of two people"
}

# The same, with an application that runs beside it.
check_serving() {
  local story
  story=$(PATH=$PWD/$environment/bin:$PATH bash examples/serving/run.sh 2>&1) || {
    printf '%s\n' "$story"
    return 1
  }
  echo "ok: $(tail -n 1 <<<"$story")"
}

run_units() {
  local unit=(document hashing policy project records storage system terminal)
  test_in_memory
  # Its processes are killed, one test each: a campaign of its own, and an eighth of the time of all these.
  # Nor do real servers of storage start here, which the whole run has.
  local served=(cloud ssh sftp oci https lfs) ignored=() name
  for name in "${served[@]}"; do ignored+=("--ignore-glob=tests/storage/remote/test_$name*.py"); done
  "$python" -m pytest -n 2 --dist worksteal -q --ignore=tests/storage/local/test_crash.py "${ignored[@]}" \
    "${unit[@]/#/tests/}" tests/test_*.py
}

# Most steps keep one core busy: they run beside one another. What each said is shown in their order, and all that
# failed are told.
run_beside() {
  local step number=0 processes=() failed=()
  reports=$(mktemp -d)
  for step in "$@"; do
    "$step" >"$reports/$step" 2>&1 &
    processes+=($!)
  done
  for step in "$@"; do
    heading "${titles[$step]}"
    wait "${processes[number++]}" || failed+=("${titles[$step]}")
    cat "$reports/$step"
  done
  rm -rf "$reports"
  if ((${#failed[@]})); then
    section=$(printf '%s; ' "${failed[@]}")
    section=${section%; }
    return 1
  fi
}

if [[ $quick ]]; then
  run_beside check_format check_lint check_types check_contracts run_units
  printf '\nthe quick checks passed in %d s\n' "$SECONDS"
  exit
fi

run_beside check_format check_lint check_types check_contracts check_wheel check_quickstart check_team check_serving

heading 'tests'
test_in_memory
# Three workers keep two cores busy: a test waits for processes, and for disks where memory is short.
"$python" -m pytest -n 3 --dist worksteal "${long[@]}"

printf '\nall checks passed in %d s\n' "$SECONDS"
