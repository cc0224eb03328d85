#!/usr/bin/env bash
# A sentiment classifier learns reviews and loses tweets: one gate opens, another one shuts, for a real reason.
#
#   examples/gates/run.sh            runs it and cleans up
#   examples/gates/run.sh --keep     leaves the repository, and says where it is
#
# mlver and scikit-learn have to be on the PATH, or in examples/.venv, which examples/quickstart.sh makes.
# VADER_SDIST names vaderSentiment's source distribution, where it is here already.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:$here/../.venv/bin # where examples/quickstart.sh installs both
keep=false
case ${1-} in
  '') ;;
  --keep) keep=true ;;
  *)
    sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
if ! command -v mlver >/dev/null; then
  echo 'mlver is not installed: run examples/quickstart.sh first, or pip install mlver scikit-learn' >&2
  exit 1
fi
# The Python that mlver is installed for: scikit-learn has to be there, too.
python=$(dirname "$(command -v mlver)")/python
if [[ ! -x $python ]]; then python=python3; fi

# Set by a git hook, these would point at another repository.
unset "${!GIT_@}"
exec </dev/null

if [[ -t 1 && -z ${NO_COLOR-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
else
  bold='' dim='' plain=''
fi

chapter() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

# Shows a command as a person would type it, then runs just that.
run() {
  printf '%s$%s %s\n' "$dim" "$plain" "$1"
  eval "$1"
}

# The same for a command whose answer has to be no.
run_refused() {
  printf '%s$%s %s\n' "$dim" "$plain" "$1"
  local code=0
  eval "$1" || code=$?
  if ((code != 1)); then
    echo "this should have said no, and exited $code" >&2
    exit 1
  fi
}

python() { "$python" "$@"; }

place=$(mktemp -d)
finish() {
  local code=$?
  if ((code)); then printf '\ngates: a command failed (exit %d)\n' "$code" >&2; fi
  if $keep; then echo "the repository is $place/sentiment"; else rm -rf "$place"; fi
}
trap finish EXIT

sdist=${VADER_SDIST-}
if [[ -z $sdist ]]; then
  python -m pip download --quiet --no-deps --no-binary :all: --dest "$place" vaderSentiment==3.3.2
  sdist=$(echo "$place"/*.tar.gz)
fi

mkdir "$place/sentiment"
cd "$place/sentiment"
git init --quiet --initial-branch main
git config user.name 'Kim Example'
git config user.email kim@example.org
cp "$here"/{prepare,train,evaluate}.py .
printf '%s\n' /model/ /data/ >.gitignore

chapter 'Labelled sentences, and a rule about them'
run "python prepare.py $sdist"
run 'mlver init'
pin() { printf '  %s: {path: data/exam/%s.tsv, digest: "sha256:%s"}\n' "$1" "$1" "$(python -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "data/exam/$1.tsv")"; }
cat >.mlver/config.yaml <<EOF
schema: mlver/config/1
stages:
  production:
    description: Answers what people feel
    gates:
      - {metric: accuracy, on: tweets, min: 0.8, max_drop: 0.01}
      - {metric: accuracy, on: reviews, min: 0.6}
datasets:
$(pin tweets)
$(pin reviews)
EOF
git add . && git commit --quiet --message 'A classifier, its exams and its rule'

# Trains on these kinds of sentences, registers what came of it, and examines it.
release() {
  local bump=$1 why=$2
  shift 2
  run "python train.py $*"
  git add --all && git commit --quiet --message "$why"
  run "mlver register sentiment --weights model --params params.yaml --metrics metrics.json --bump $bump -m '$why'"
  run "mlver evaluate sentiment --on tweets -- $python evaluate.py {weights} {data}"
  run "mlver evaluate sentiment --on reviews -- $python evaluate.py {weights} {data}"
}

chapter 'A version that knows tweets'
release major 'Learned tweets' tweets
run 'mlver promote sentiment@1.0.0 --to production -m "first release"'

chapter 'One that learned reviews instead: better there, and lost where it was good'
release minor 'Learned reviews' reviews
run_refused 'mlver promote sentiment@1.1.0 --to production -m "better at reviews"'

chapter 'One that learned both'
release minor 'Learned both' tweets reviews
run 'mlver promote sentiment@1.2.0 --to production -m "better at reviews, as good at tweets"'

chapter 'What each of them is worth today'
run 'mlver list sentiment'
run 'mlver verify --all'
