#!/usr/bin/env bash
# Two people, two clones, a bare forge and a bucket: from nothing to a rollback and a collection of garbage.
#
#   examples/team.sh                 runs it with a directory as the bucket, and cleans up
#   examples/team.sh --keep          leaves everything, and says where it is
#   examples/team.sh s3://models/t   with a bucket of your own (AWS_… say who you are; MLVER_EXAMPLE_ENDPOINT says where)
#
# `mlver` has to be on the PATH, or in examples/.venv, which examples/quickstart.sh makes.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:$here/.venv/bin # where examples/quickstart.sh installs it
keep=false
bucket=
for word; do
  case $word in
    --keep) keep=true ;;
    *://*) bucket=$word ;;
    *)
      sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
      exit 2
      ;;
  esac
done
if ! command -v mlver >/dev/null; then
  echo 'mlver is not installed: run examples/quickstart.sh first, or pip install mlver' >&2
  exit 1
fi

# Set by a git hook, these would point at another repository; a person's own settings must not change the story.
unset "${!GIT_@}"
exec </dev/null

if [[ -t 1 && -z ${NO_COLOR-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
else
  bold='' dim='' plain=''
fi

chapter() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
note() { printf '%s# %s%s\n' "$dim" "$1" "$plain"; }

# Runs a command for a person, in their clone, and shows it as they would type it.
as() {
  local who=$1
  shift
  printf '%s%s$%s %s\n' "$dim" "${who,,}" "$plain" "$1"
  (
    cd "$place/${who,,}"
    export HOME=$place/home/${who,,}
    eval "$1"
  )
}

# The same for a command that has to be refused.
as_refused() {
  if as "$@"; then
    echo 'this should have been refused' >&2
    exit 1
  fi
}

place=$(mktemp -d)
finish() {
  local code=$?
  if ((code)); then printf '\nteam: a command failed (exit %d)\n' "$code" >&2; fi
  if $keep; then note "everything is in $place"; else rm -rf "$place"; fi
}
trap finish EXIT
SECONDS=0

for who in ann ben; do
  mkdir -p "$place/home/$who"
  HOME=$place/home/$who git config --global user.name "${who^}"
  HOME=$place/home/$who git config --global user.email "$who@example.org"
  HOME=$place/home/$who git config --global init.defaultBranch main
done
git init -q --bare --initial-branch=main "$place/forge.git"
add='mlver remote add store ../bucket --init'
if [[ $bucket ]]; then add="mlver remote add store $bucket${MLVER_EXAMPLE_ENDPOINT:+ --endpoint $MLVER_EXAMPLE_ENDPOINT}"; fi

chapter 'Ann begins: a model, a bucket, a forge'
mkdir "$place/ann"
as Ann 'git init -q && git remote add origin ../forge.git'
as Ann 'mlver init'
as Ann "$add && git add -A && git commit -qm 'Where models are kept'"
as Ann 'printf "/model/\n" > .gitignore && mkdir -p model && head -c 3000000 /dev/urandom > model/weights.bin && echo "accuracy: 0.93" > metrics.yaml && git add -A && git commit -qm "First model"'
as Ann 'mlver register digits --weights model --metrics metrics.yaml -m "first model"'
as Ann 'mlver push'
as Ann 'mlver promote digits@1.0.0 --to production -m "first release"'
as Ann 'mlver push'

chapter 'Ben joins: a clone has the records, and asks for the bytes'
git -c init.defaultBranch=main clone -q "$place/forge.git" "$place/ben" 2>/dev/null
as Ben 'mlver list'
as Ben 'mlver status || true'
as Ben 'mlver pull digits@production --yes'
as Ben 'mlver checkout digits@production'

chapter 'Both register a version, and both push'
as Ben 'head -c 3000000 /dev/urandom > model/weights.bin && echo "accuracy: 0.95" > metrics.yaml && git commit -qam "Train again"'
as Ben 'mlver register digits --bump minor -m "wider layer"'
as Ben 'mlver push'
as Ann 'head -c 3000000 /dev/urandom > model/weights.bin && echo "accuracy: 0.94" > metrics.yaml && git commit -qam "Train again"'
as Ann 'mlver register digits --bump minor -m "more data"'
as_refused Ann 'mlver push'
as Ann 'git pull -q --no-rebase origin main || true'
as Ann 'mlver resolve'
as Ann 'git checkout -q --ours metrics.yaml && git add metrics.yaml'
as Ann 'git -c core.editor=true merge --continue && git fetch -q --tags origin && mlver tag'
as Ann 'mlver push'

chapter 'Ben promotes what Ann made, and takes it back'
as Ben 'git pull -q --no-rebase && mlver list digits'
as Ben 'mlver promote digits@latest --to production -m "more data"'
as Ben 'mlver rollback digits --stage production -m "latency doubled" --checkout'
as Ben 'mlver push'

chapter 'What nobody needs any more is collected'
as Ann 'git pull -q --no-rebase && mlver du'
as Ann 'mlver gc'
as Ann 'mlver gc --remote store'

note "done in $SECONDS s"
