#!/bin/bash
# Make adopted.tar.gz: a repository whose versions and stages an earlier mlver adopted from GTO's tags.
#
#   PYTHONPATH=/path/to/the/earlier/checkout tests/compatibility/make_adopted.sh python3
#
# The archive that is kept was made by commit 7f64cb0. Nothing in it has a tag of mlver's own.
set -euo pipefail

python=$1
archive=$(cd "$(dirname "$0")" && pwd)/adopted.tar.gz
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export HOME=$folder GIT_CONFIG_NOSYSTEM=1 TZ=UTC LC_ALL=C.UTF-8
export GIT_AUTHOR_DATE=2026-01-02T03:04:05Z GIT_COMMITTER_DATE=2026-01-02T03:04:05Z SOURCE_DATE_EPOCH=1767323045
git config --global user.name Kim
git config --global user.email kim@example.org
git config --global init.defaultBranch main
git config --global init.templateDir ''
mlver() { "$python" -P -m mlver "$@" >/dev/null; }
keep() { # what `dvc add` does with a file
  local md5
  md5=$(md5sum "$1" | cut -c 1-32)
  mkdir -p ".dvc/cache/files/md5/${md5:0:2}"
  cp "$1" ".dvc/cache/files/md5/${md5:0:2}/${md5:2}"
  printf 'outs:\n- md5: %s\n  size: %s\n  hash: md5\n  path: %s\n' "$md5" "$(stat -c %s "$1")" "$(basename "$1")" >"$1.dvc"
}

mkdir "$folder/project" && cd "$folder/project"
git init --quiet
printf '/corpus.csv\n/.dvc/cache\n' >.gitignore
printf 'artifacts:\n  clf:\n    type: model\n    path: clf.bin\n' >dvc.yaml
for number in 1 2 3; do
  echo "weights $number" >clf.bin
  echo "text $number" >corpus.csv && keep corpus.csv
  echo "{\"accuracy\": 0.9$number}" >metrics.json
  git add . && git commit --quiet -m "Training $number"
  git tag -a "clf@v$number.0.0" -m "Version $number"
  git tag -a "clf#prod#$number" -m "Stage $number"
done
git tag -a "clf#prod!#4" -m "Taken back" "clf@v3.0.0^{}"
mlver init
mlver adopt clf --data corpus=corpus.csv
mlver promote clf@2.0.0 --to staging -m "Try it"
rm -rf .git/mlver/state.db* .git/mlver/lock .git/logs
git gc --quiet --prune=now
tar --sort=name --owner=0 --group=0 --mtime="$GIT_COMMITTER_DATE" -czf "$archive" .
