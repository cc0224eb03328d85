#!/usr/bin/env bash
# A version in use that is bad: found, taken back and gone within seconds, with nobody typing.
#
#   examples/serving/run.sh           runs it and cleans up
#   examples/serving/run.sh --keep    leaves everything, and says where it is
#
# `mlver` has to be on the PATH, or in examples/.venv, which examples/quickstart.sh makes.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:$here/../.venv/bin # where examples/quickstart.sh installs it
keep=false
case ${1-} in
  '') ;;
  --keep) keep=true ;;
  *)
    sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
if ! command -v mlver >/dev/null; then
  echo 'mlver is not installed: run examples/quickstart.sh first, or pip install mlver' >&2
  exit 1
fi
# The Python that has mlver, for the application.
python=$(dirname "$(command -v mlver)")/python

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

# Shows a command as a person would type it, then runs just that.
run() {
  printf '%s$%s %s\n' "$dim" "$plain" "$1"
  eval "$1"
}

place=$(mktemp -d)
started=()
finish() {
  local code=$?
  ((${#started[@]})) && kill "${started[@]}" 2>/dev/null && wait "${started[@]}" 2>/dev/null
  if ((code)); then printf '\nserving: a command failed (exit %d)\n' "$code" >&2; fi
  if $keep; then note "everything is in $place"; else rm -rf "$place"; fi
  exit "$code"
}
trap finish EXIT

# Waits until watch has said something.
wait_for() {
  local second
  for ((second = 0; second < 600; second++)); do
    if grep -q "$1" "$place/watch.log"; then return; fi
    sleep 0.1
  done
  cat "$place/watch.log" >&2
  return 1
}

mkdir "$place/home"
export HOME=$place/home XDG_STATE_HOME=
git config --global user.name 'Kim'
git config --global user.email 'kim@example.org'
git config --global init.defaultBranch main
cd "$place"
SECONDS=0

chapter 'A model with two versions, a forge and a place for the bytes'
run 'git init -q --bare forge.git && mlver store --init store'
run 'git init -q digits && cd digits && git remote add origin ../forge.git'
run 'mlver init && mlver remote add storage ../store'
run 'echo /model/ > .gitignore && git add . && git commit -q -m "Begin"'
note 'the second one is better on paper: half of its answers are wrong'
run 'mkdir model && echo 0.01 > model/wrong-answers.txt && mlver register digits --weights model -m "first"'
run 'echo 0.5 > model/wrong-answers.txt && mlver register digits --bump minor -m "better on paper"'

chapter 'What is bad, what may be rolled back, and where it is served: settings, reviewed like code'
cat >>.mlver/config.yaml <<'SETTINGS'
verdict:
  metrics:
    errors: {bad: 'outcome="error"', margin: 0.05}
  min: 30
auto_rollback:
  digits: {stages: [production]}
deploy:
  host:
    layout: directories
    path: serving
    stages: {stable: production}
    routes:
      kind: gateway-api
      file: routes/digits.yaml
      upstreams: {stable: 'stable:8080', canary: 'canary:8080'}
      options: {gateway: public}
SETTINGS
run 'tail -n 17 .mlver/config.yaml'
run 'git commit -qam "Say what is bad, and where it is served"'
run 'mlver push'

chapter 'The first version serves'
run 'mlver promote digits@1.0.0 --to production -m "first release" && mlver push'
run 'mlver watch digits --stage production --clone ../watch --deploy host --once'
"$python" "$here/application.py" ../watch/serving ../watch/routes/digits.yaml ../log >../application.log 2>&1 &
started+=($!)
watch='mlver watch digits --stage production --clone ../watch --deploy host --predictions ../log --every 0.5'
note "in the background, from now on: $watch"
$watch >../watch.log 2>../watch.err &
started+=($!)
wait_for started

chapter 'The second one gets a tenth of the traffic'
run 'git pull -q && mlver rollout digits@1.1.0 --to production --share 10 -m "a tenth to begin with" && mlver push'
begun=$SECONDS
wait_for 'rolled back'
wait_for 'deployed .*: stable is 1.0.0$'
sleep 1.5
run 'cat ../watch.log'
run 'tail -n 12 ../application.log'
note "from the release to the last wrong answer: less than $((SECONDS - begun)) s, and nobody typed"

chapter 'What is left: the record, with the evidence'
run 'git pull -q && mlver log digits'
run 'cat .mlver/models/digits/rollouts/production/0002.yaml'
run 'sha256sum .mlver/models/digits/verdicts/production/0001.yaml'
run 'mlver verify --all'

printf '\n%s# done in %d s%s\n' "$dim" "$SECONDS" "$plain"
