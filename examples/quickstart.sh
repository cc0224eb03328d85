#!/usr/bin/env bash
# The whole story of a model, from its first version to a rollback, in a temporary git repository.
#
#   examples/quickstart.sh           runs it and cleans up
#   examples/quickstart.sh --keep    leaves the repository, and says where it is
#
# The first run installs mlver and the example's requirements into examples/.venv, which later runs use again; the
# versions are those in locks/example.txt.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
environment=$here/.venv
lock=$here/../locks/example.txt
keep=false
case ${1-} in
  '') ;;
  --keep) keep=true ;;
  *)
    sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac

# Set by a git hook or an activated environment, these would point at another repository or Python.
unset "${!GIT_@}" PYTHONPATH PYTHONHOME VIRTUAL_ENV
exec </dev/null

if [[ -t 1 && -z ${NO_COLOR-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
else
  bold='' dim='' plain=''
fi

chapter() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
note() { printf '%s# %s%s\n' "$dim" "$1" "$plain"; }

# Shows a command as a person would type it, then runs just that.
run() {
  printf '%s$%s %s\n' "$dim" "$plain" "$1"
  eval "$1"
}

find_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  echo 'no Python of 3.11 or newer found' >&2
  return 1
}

install() {
  local wanted
  # The Python by its place, the packages by their lists: when one changes, the environment is made anew.
  wanted=$("$1" -c 'import sys; print(sys.version, sys.executable)'; cat "$here/../pyproject.toml" "$lock")
  if [[ $wanted == "$(cat "$environment/made-from" 2>/dev/null)" ]]; then return; fi
  note "installing mlver and the example's requirements into $environment (once)"
  rm -rf "$environment"
  "$1" -m venv "$environment"
  export PIP_DISABLE_PIP_VERSION_CHECK=1
  "$environment/bin/python" -m pip install -qq --require-hashes --requirement "$lock"
  "$environment/bin/python" -m pip install -qq --no-deps --no-build-isolation --editable "$here/.."
  printf '%s\n' "$wanted" >"$environment/made-from"
}

install "$(find_python)"
PATH=$environment/bin:$PATH

place=$(mktemp -d)
finish() {
  local code=$?
  if ((code)); then printf '\nquickstart: a command failed (exit %d)\n' "$code" >&2; fi
  if $keep; then note "the repository is $place/digits"; else rm -rf "$place"; fi
}
trap finish EXIT
cd "$place"
SECONDS=0

chapter 'A git repository with a training script'
run 'git init -q -b main digits && cd digits'
# Only for this repository: the story must not depend on, or wait for, anybody's own settings.
git config user.name 'Kim'
git config user.email 'kim@example.org'
git config commit.gpgSign false
git config tag.gpgSign false
cp "$here"/digits/{.gitignore,README.md,params.yaml,requirements.txt,*.py} .
run 'ls'
run 'python train.py'
run 'git add . && git commit -q -m "A classifier of handwritten digits"'

chapter 'The first version'
run 'mlver init'
run 'mlver register digits --weights model --data train=data/train --data golden=data/golden.csv --params params.yaml --metrics metrics.json -m "first"'

chapter 'A better one: change a parameter, train again'
run 'sed -i.bak "s/hidden_width: .*/hidden_width: 256/" params.yaml && rm params.yaml.bak'
run 'python train.py'
run 'git commit -qam "Widen the hidden layer"'
run 'mlver status'
run 'mlver register digits --bump minor -m "wider layer"'
run 'mlver list'
run 'mlver diff digits@1.0.0 digits@1.1.0'

chapter 'Into production, one after the other'
run 'mlver promote digits@1.0.0 --to production -m "first release"'
run 'mlver promote digits@1.1.0 --to production -m "better"'
run 'python predict.py'

chapter 'Too slow: back to the version before'
run 'mlver rollback digits --stage production -m "latency" --checkout'
run 'python predict.py'
run 'mlver log digits'

chapter 'Nothing has to be believed'
weights=$(sed -n '/^weights:/,/^[^ ]/s/.*digest: "\{0,1\}sha256:\([0-9a-f]\{64\}\).*/\1/p' .mlver/models/digits/versions/1.0.0.yaml | head -n 1)
note 'the files on disk against the record, without mlver'
if command -v sha256sum >/dev/null; then check=sha256sum; else check='shasum -a 256'; fi
run "(cd model && $check -c ../.mlver/manifests/$weights.sha256)"
note 'the whole chain: tag, record, manifest, objects, working files'
run 'mlver verify --all'

printf '\n%s# done in %d s%s\n' "$dim" "$SECONDS" "$plain"
