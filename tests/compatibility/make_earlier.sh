#!/bin/bash
# Make earlier.tar.gz: a repository as an earlier mlver left it, with an operation that was interrupted.
#
#   PYTHONPATH=/path/to/the/earlier/checkout tests/compatibility/make_earlier.sh python3
#
# The archive that is kept was made by commit 7f64cb0, which promised already that its repositories open later.
set -euo pipefail

python=$1
archive=$(cd "$(dirname "$0")" && pwd)/earlier.tar.gz
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export HOME=$folder GIT_CONFIG_NOSYSTEM=1 TZ=UTC LC_ALL=C.UTF-8
export GIT_AUTHOR_DATE=2026-01-02T03:04:05Z GIT_COMMITTER_DATE=2026-01-02T03:04:05Z SOURCE_DATE_EPOCH=1767323045
git config --global user.name Kim
git config --global user.email kim@example.org
git config --global init.defaultBranch main
git config --global init.templateDir ''
mlver() { "$python" -P -m mlver "$@" >/dev/null; }
train() { # one training run: a large file, which is stored loose, and small ones, which are packed
  mkdir -p model data
  (yes "weights of run $1" || true) | head -c 3000000 >model/weights.bin
  echo "{\"layers\": $1}" >model/config.json
  echo "a,b" >data/train.csv
  echo "{\"accuracy\": 0.9$1}" >metrics.json
}

mkdir "$folder/project" && cd "$folder/project"
git init --quiet
printf '/model/\n/data/\n/metrics.json\n' >.gitignore
echo "weights that git keeps" >legacy.bin
git add .gitignore legacy.bin && git commit --quiet -m "Before mlver"
git tag -a legacy@v0.9.0 -m "A release made by hand"
git commit --quiet --allow-empty -m "More work"
mlver init
mlver adopt legacy --weights legacy.bin

train 1
mlver register digits --weights model --data train=data/train.csv --metrics metrics.json -m "First"
mlver promote digits@1.0.0 --to staging -m "Try it"
mlver promote digits@1.0.0 --to production -m "Release"
train 2
mlver register digits --bump minor -m "Second"
printf 'tags:\n  promotions: true\n' >>.mlver/config.yaml
git add .mlver/config.yaml && git commit --quiet -m "Promotions get tags from now on"
mlver promote digits@1.1.0 --to production -m "Better"
mlver rollback digits --stage production -m "Not better"

# Two branches claim one number; the one that has not landed counts on.
git switch --quiet -c topic
train 4
mlver register digits --bump minor -m "Of the topic"
git tag --delete digits@v1.2.0 >/dev/null
git switch --quiet main
train 3
mlver register digits --bump minor -m "Of main"
git switch --quiet topic
git merge --quiet main >/dev/null 2>&1 || true
mlver resolve --rewrite ours
git commit --quiet --no-edit
git switch --quiet main
git merge --quiet --no-ff --no-edit topic
git branch --quiet --delete topic
mlver tag

# A promotion whose process dies right after its commit, so that its tag is still to be made.
mkdir .git/hooks
cat >.git/hooks/commit-msg <<'HOOK'
#!/bin/sh
kill -9 "$(ps -o ppid= -p "$PPID" | tr -d ' ')"
HOOK
chmod +x .git/hooks/commit-msg
mlver promote digits@1.3.0 --to staging -m "Interrupted" || true
sleep 2
rm -r .git/hooks

test -e .git/mlver/intent.json
# Nothing of the machine it was made on: the plan's work tree is found by its git directory.
sed -i "s#$folder#/home/kim#" .git/mlver/intent.json
rm -rf .git/mlver/state.db* .git/mlver/lock .git/logs model data metrics.json
git gc --quiet --prune=now
tar --sort=name --owner=0 --group=0 --mtime="$GIT_COMMITTER_DATE" -czf "$archive" .
