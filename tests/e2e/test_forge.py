"""The whole way through a forge: pull request, squash, seal, release, promote, deploy, roll back,
from two clones.

The forge is a bare repository behind a real server, over SSH and over HTTP; its `post-receive` hook
plays the pipelines. Objects have no remote yet: a shared folder, copied by hand, stands in for one.
"""

from __future__ import annotations

import base64
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.cli.results import read_document
from tests.conftest import CHECKOUT, Repository
from tests.e2e import servers

# A job: a clone of the tag alone, told by `event` what it means; a promotion is deployed.
PIPELINE = """\
#!/bin/sh
set -eu
unset $(git rev-parse --local-env-vars)
export PATH='{path}' HOME='{home}' GIT_CONFIG_GLOBAL='{home}/.gitconfig'
export PYTHONPATH='{checkout}' LC_ALL=C.UTF-8
cd '{top}'
while read -r old new ref; do
  case $ref in refs/tags/*) ;; *) continue ;; esac
  job=$(mktemp -d "$PWD/job.XXXXXX")
  tag=${{ref#refs/tags/}}
  git -c advice.detachedHead=false clone -q --depth 1 --branch "$tag" \\
    "file://$PWD/forge.git" "$job/clone"
  cd "$job/clone"
  '{python}' -m mlver event "$ref" --format dotenv > ../event.env
  unset MLVER_STAGE MLVER_ACTION MLVER_PREVIOUS
  . ../event.env
  line="$MLVER_KIND $MLVER_MODEL $MLVER_VERSION"
  if [ "$MLVER_KIND" = promotion ]; then
    mkdir -p .git/mlver
    cp -r '{top}'/share/* .git/mlver/
    '{python}' -m mlver checkout "$MLVER_MODEL@$MLVER_VERSION" \\
      --to '{top}/serving/'"$MLVER_STAGE" >/dev/null
    line="$line $MLVER_STAGE $MLVER_ACTION, was ${{MLVER_PREVIOUS-nothing}}"
  fi
  cd '{top}'
  echo "$line" >> jobs
done
"""


@dataclass(frozen=True, slots=True)
class Forge:
    top: Path
    url: str

    def clone(self, name: str, *words: str) -> Repository:
        created = Repository(self.top / name)
        Repository(self.top).git(
            "clone", "--quiet", *words, f"{self.url}{self.top}/forge.git", name
        )
        created.git("config", "user.name", name.title())
        return created

    def jobs(self) -> list[str]:
        """What the pipelines did so far."""
        log = self.top / "jobs"
        return log.read_text().splitlines() if log.exists() else []

    def serves(self, stage: str, run: int) -> bool:
        """Whether what was deployed is what a training run made."""
        weights = self.top / "serving" / stage / "model/weights.safetensors"
        return weights.read_text() == f"weights of run {run}\n" * 1000

    def share(self, clone: Repository) -> None:
        _carry(clone.path / ".git/mlver", self.top / "share")

    def fill(self, clone: Repository) -> None:
        _carry(self.top / "share", clone.path / ".git/mlver")

    def squash(self, branch: str) -> None:
        """What the forge's button does with a pull request."""
        button = self.clone(f"button-{branch}")
        button.git("merge", "--quiet", "--squash", f"origin/{branch}")
        button.git("commit", "--quiet", "--message", f"Merge {branch} (#1)")
        button.git("push", "--quiet", "origin", "main")


def _carry(source: Path, target: Path) -> None:
    for name in ("objects", "packs"):
        for path in (source / name).rglob("*"):
            to = target / path.relative_to(source)
            if path.is_file() and not to.exists():
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, to)


@pytest.fixture(params=["ssh", "http"])
def forge(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Forge]:
    bare = Repository(tmp_path / "forge.git")
    bare.path.mkdir()
    bare.git("init", "--quiet", "--bare")
    bare.git("config", "http.receivepack", "true")
    environment = {
        "path": os.environ["PATH"],
        "home": os.environ["HOME"],
        "python": sys.executable,
        "top": tmp_path,
    }
    hook = bare.path / "hooks/post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(PIPELINE.format(**environment, checkout=CHECKOUT))
    hook.chmod(0o755)
    place = tmp_path / "server"
    place.mkdir()
    if request.param == "http":
        with servers.serve_http(place) as url:
            yield Forge(tmp_path, url)
        return
    with servers.serve_ssh(place) as (url, client):
        monkeypatch.setenv("GIT_SSH_COMMAND", client)
        yield Forge(tmp_path, url)


def begin(forge: Forge) -> Repository:
    """Kim's clone of an empty forge, in which mlver is set up."""
    kim = forge.clone("kim")
    kim.write(".gitignore", "/model/\n/data/\n")
    assert_works(kim, "init")
    train_model(kim, 1)
    kim.git("push", "--quiet", "--set-upstream", "origin", "main")
    return kim


PATHS = (
    "--weights",
    "model",
    "--data",
    "train=data/train.csv",
    "--params",
    "params.yaml",
    "--metrics",
    "metrics.json",
)


def land(clone: Repository) -> str:
    """Push what is on main, and release it."""
    clone.git("push", "--quiet", "origin", "main")
    return assert_works(clone, "release")


def test_from_a_pull_request_to_a_rollback_from_two_clones(forge: Forge) -> None:
    kim = begin(forge)
    lee = forge.clone("lee")
    # a version proposed on a branch, and squashed by the forge: Kim's own tag seals a commit main
    # never gets
    kim.git("switch", "--quiet", "-c", "work")
    assert_works(kim, "register", "digits", *PATHS, "-m", "First")
    forge.share(kim)
    kim.git("push", "--quiet", "origin", "work")
    forge.squash("work")
    lee.git("pull", "--quiet")
    squashed = lee.git("rev-parse", "HEAD")
    assert assert_works(lee, "release") == (
        f"Sealed digits@v1.0.0  on commit {squashed[:10]}\nPushed digits@v1.0.0  to origin\n"
    )
    assert forge.jobs() == ["version digits 1.0.0"]
    # Kim's clone accepts Lee's seal: it is of the same record
    kim.git("switch", "--quiet", "main")
    kim.git("pull", "--quiet")
    assert (
        assert_works(kim, "release")
        == "Found digits@v1.0.0  at origin, which seals the same record\n"
    )
    # a version registered on main, promoted by the other
    train_model(kim, 2)
    assert_works(kim, "register", "digits", "--bump", "minor", "-m", "Second")
    forge.share(kim)
    assert "Pushed digits@v1.1.0  to origin\n" in land(kim)
    lee.git("pull", "--quiet")
    forge.fill(lee)
    assert_works(lee, "promote", "digits@1.0.0", "--to", "production", "-m", "First release")
    assert land(lee) == "Pushed digits@production.1  to origin\n"
    assert forge.serves("production", 1)
    kim.git("pull", "--quiet")
    assert_works(kim, "promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    assert "Pushed digits@production.2  to origin\n" in land(kim)
    assert forge.serves("production", 2)
    lee.git("pull", "--quiet")
    assert_works(lee, "rollback", "digits", "--stage", "production", "-m", "Slow")
    assert land(lee) == "Pushed digits@production.3  to origin\n"
    assert forge.serves("production", 1)
    assert forge.jobs()[1:] == [
        "version digits 1.1.0",
        "promotion digits 1.0.0 production promote, was nothing",
        "promotion digits 1.1.0 production promote, was 1.0.0",
        "promotion digits 1.0.0 production rollback, was 1.1.0",
    ]
    kim.git("pull", "--quiet")
    for clone in (kim, lee):
        assert assert_works(clone, "verify", "--all").startswith(
            "All is well  2 versions, 3 promotions"
        )
        assert assert_works(clone, "show", "digits@production").startswith("digits 1.0.0")


@pytest.mark.parametrize("forge", ["http"], indirect=True)
def test_a_clone_of_one_tag_proves_tag_record_and_manifest(forge: Forge) -> None:
    kim = begin(forge)
    assert_works(kim, "register", "digits", *PATHS, "-m", "First")
    forge.share(kim)
    land(kim)
    job = forge.clone("job", "--depth=1", "--single-branch", "--branch=digits@v1.0.0")
    assert read_document(job.mlver("event", "--json"), "event")["verified"] is True
    document = read_document(job.mlver("verify", "digits@1.0.0", "--json"), "verify")
    assert document["broken"] == []
    assert "object" in {note["kind"] for note in document["notes"]}
    forge.fill(job)
    assert assert_works(job, "verify", "--all").startswith("All is well  1 version,")
    (manifest,) = (job.path / ".mlver/manifests").iterdir()
    manifest.chmod(0o644)
    manifest.write_text(manifest.read_text() + "\n")
    assert "no longer hash" in job.mlver("verify", "digits@1.0.0").out


@pytest.mark.parametrize("forge", ["http"], indirect=True)
def test_a_jobs_own_token_is_told_before_it_starts_nothing(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    kim = begin(forge)
    assert_works(kim, "register", "digits", *PATHS, "-m", "First")
    kim.git("push", "--quiet", "origin", "main")
    environment = base64.b64encode(b"x-access-token:ghs_own").decode()
    kim.git("config", f"http.{forge.url}/.extraheader", f"AUTHORIZATION: basic {environment}")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_own")
    output = assert_refused(kim, "release", "--require-trigger")
    assert output.startswith(
        "error: nothing was released: this push is made with the job's own GITHUB_TOKEN"
    )
    assert forge.jobs() == []
    finished = kim.mlver("release", "--json")
    assert finished.code == 0
    assert "note: this push is made with the job's own GITHUB_TOKEN" in finished.err
    assert "ghs_own" not in finished.err + finished.out
    document = read_document(finished, "release")
    assert (document["pushed"], document["silent"] is None) == (["digits@v1.0.0"], False)
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_another")
    assert (
        assert_works(kim, "release", "--require-trigger")
        == "origin has a tag of every record on its main already\n"
    )
