"""GitHub's workflows, run for real against a bare repository and a stand-in of the API."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mlver.cli.app import COMMANDS
from tests.ci.conftest import require_commands
from tests.ci.forge import LocalForge, WorkflowRun
from tests.cli.conftest import assert_works, train_model
from tests.conftest import CHECKOUT

NUMBER = 7
COMMENTS = f"/repos/kim/digits/issues/{NUMBER}/comments"


def write(forge: LocalForge, wheel: Path, *options: str) -> None:
    """Write the pipelines, commit them and all else, and push it."""
    assert_works(forge.work, "ci", "github", "--install", os.fspath(wheel), *options)
    forge.work.commit("Pipelines")
    forge.push_refs("main", "--tags")


def proposed(forge: LocalForge, *, fork: bool = False) -> WorkflowRun:
    """What a pull request from the branch `next` sets off: its head merged into main, as the forge
    does.
    """
    base, head = (forge.work.git("rev-parse", name) for name in ("main", "next"))
    forge.work.git("switch", "--quiet", "--detach", "main")
    forge.work.git("merge", "--quiet", "--no-ff", "--message", "Merge", "next")
    forge.push_refs(f"+HEAD:refs/pull/{NUMBER}/merge", "next")
    forge.work.git("switch", "--quiet", "next")
    repo = {"full_name": "mallory/digits" if fork else "kim/digits"}
    request = {
        "number": NUMBER,
        "base": {"sha": base, "ref": "main"},
        "head": {"sha": head, "ref": "next", "repo": repo},
    }
    return forge.run_workflow(
        "mlver-check.yml", "pull_request", {"number": NUMBER, "pull_request": request}
    )


def branch(forge: LocalForge) -> None:
    """A branch `next` that registers 1.1.0."""
    forge.work.git("switch", "--quiet", "--create", "next")
    train_model(forge.work, 2)
    assert_works(forge.work, "register", "digits", "--bump", "minor", "--no-commit", "-m", "Second")
    forge.work.git("commit", "--quiet", "--message", "Register 1.1.0")


def test_a_pull_request_gets_one_comment_that_follows_it(forge: LocalForge, wheel: Path) -> None:
    require_commands("hook")
    write(forge, wheel, "--only", "check")
    branch(forge)
    # nothing of the repository is imported by what holds the token
    forge.work.write("json.py", "raise SystemExit('imported')\n")
    forge.work.commit("Shadow a module")
    finished = proposed(forge)
    assert finished.code == 0, finished.out
    assert forge.api.list_changes() == [("POST", COMMENTS)]
    assert forge.api.asked[-1].token == "a-token"
    body = forge.api.comments[0]["body"]
    assert "1.1.0" in body
    assert "0.91" in body, "the metrics are compared"
    marker = body.splitlines()[0]
    assert marker.startswith("<!--")
    forge.api.comments.insert(
        0, {"url": "http://127.0.0.1:1/", "user": {"login": "kim"}, "body": f"{marker}\nquoted"}
    )
    forge.api.comments[1]["url"] = f"{forge.api.url}{COMMENTS}/2"
    assert_works(forge.work, "promote", "digits@1.0.0", "--to", "staging", "-m", "Try")
    assert proposed(forge).code == 0
    assert forge.api.list_changes()[1:] == [("PATCH", f"{COMMENTS}/2")]
    assert "staging" in forge.api.comments[1]["body"]


def test_a_pull_request_that_edits_a_record_fails_and_still_shows_what_it_does(
    forge: LocalForge, wheel: Path
) -> None:
    require_commands("hook")
    write(forge, wheel, "--only", "check")
    forge.work.git("switch", "--quiet", "--create", "next")
    record = forge.work.path / ".mlver/models/digits/versions/1.0.0.yaml"
    record.write_text(record.read_text().replace("0.91", "0.99"))
    forge.work.commit("Better")
    finished = proposed(forge)
    assert finished.code == 1
    assert "versions/1.0.0.yaml" in finished.out
    assert forge.api.list_changes() == [("POST", COMMENTS)]


def test_pull_requests_from_forks_and_those_without_records_get_no_comment(
    forge: LocalForge, wheel: Path
) -> None:
    require_commands("hook")
    write(forge, wheel, "--only", "check")
    forge.work.git("switch", "--quiet", "--create", "next")
    forge.work.write("README.md", "# Words\n")
    forge.work.commit("Words")
    assert proposed(forge).code == 0
    assert_works(forge.work, "promote", "digits@1.0.0", "--to", "staging", "-m", "Try")
    assert proposed(forge, fork=True).code == 0
    assert forge.api.list_changes() == []


def test_a_push_to_main_seals_and_starts_the_pipelines_of_the_tags(
    forge: LocalForge, wheel: Path
) -> None:
    require_commands("release", "event")
    write(forge, wheel, "--only", "seal,release")
    train_model(forge.work, 2)
    assert_works(forge.work, "register", "digits", "--bump", "minor", "--no-commit", "-m", "Second")
    forge.work.git("commit", "--quiet", "--message", "Register 1.1.0 (#7)")
    forge.push_refs("main")
    finished = forge.run_workflow("mlver-seal.yml", "push", {"ref": "refs/heads/main"})
    assert finished.code == 0, finished.out
    assert forge.origin.git("tag").split() == ["digits@v1.0.0", "digits@v1.1.0"]
    (asked,) = forge.api.asked
    assert asked.path == "/repos/kim/digits/actions/workflows/mlver-release.yml/dispatches"
    assert (asked.method, asked.token, asked.body) == ("POST", "a-token", {"ref": "digits@v1.1.0"})
    second_run = forge.run_workflow("mlver-seal.yml", "push", {"ref": "refs/heads/main"})
    assert second_run.code == 0
    assert len(forge.api.asked) == 1


def test_a_version_tag_is_told_and_verified_to_the_last_byte(
    forge: LocalForge, wheel: Path
) -> None:
    require_commands("event")
    bytes_of = forge.work.path / ".git/mlver"
    write(
        forge,
        wheel,
        "--only",
        "release",
        "--fetch",
        f"mkdir .git/mlver && cp -r {bytes_of}/. .git/mlver",
    )
    finished = forge.run_workflow("mlver-release.yml", "push", {"ref": "refs/tags/digits@v1.0.0"})
    assert finished.code == 0, finished.out
    assert (
        finished.read_outputs()["kind"],
        finished.read_outputs()["model"],
        finished.read_outputs()["version"],
    ) == (
        "version",
        "digits",
        "1.0.0",
    )
    assert "All is well" in finished.out
    stored = next(path for path in sorted(bytes_of.glob("packs/*.pack")))
    stored.chmod(0o644)
    stored.write_bytes(stored.read_bytes().replace(b"weights of run 1", b"weights of run 9", 1))
    assert (
        forge.run_workflow("mlver-release.yml", "push", {"ref": "refs/tags/digits@v1.0.0"}).code
        == 1
    )


def test_a_promotion_deploys_what_holds_the_stage_now(
    forge: LocalForge, wheel: Path, tmp_path: Path
) -> None:
    require_commands("event")
    bytes_of, served = forge.work.path / ".git/mlver", tmp_path / "served"
    fetch = f"mkdir .git/mlver && cp -r {bytes_of}/. .git/mlver"
    deploy = f'mkdir -p {served} && cp -r serving "{served}/$MODEL-$STAGE-$VERSION"'
    write(forge, wheel, "--only", "deploy", "--fetch", fetch, "--deploy", deploy)
    assert_works(forge.work, "promote", "digits@1.0.0", "--to", "production", "-m", "Release")
    forge.push_refs("main", "--tags")
    finished = forge.run_workflow(
        "mlver-deploy.yml", "push", {"ref": "refs/tags/digits@production.1"}
    )
    assert finished.code == 0, finished.out
    assert [path.name for path in served.iterdir()] == ["digits-production-1.0.0"]
    weights = list((served / "digits-production-1.0.0").rglob("weights.safetensors"))
    assert weights[0].read_bytes() == b"weights of run 1\n" * 1000
    forge.work.git("switch", "--quiet", "-c", "wild")
    assert_works(forge.work, "promote", "digits@1.0.0", "--to", "staging", "-m", "Never merged")
    forge.push_refs("digits@staging.1")
    finished = forge.run_workflow("mlver-deploy.yml", "push", {"ref": "refs/tags/digits@staging.1"})
    assert finished.code == 1
    assert "is not on origin/main" in finished.out
    assert len(list(served.iterdir())) == 1


def test_new_data_is_trained_on_once_and_becomes_a_pull_request(
    forge: LocalForge, wheel: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    (forge.work.path / ".gitignore").write_text("/model/\n")
    training = (
        'mkdir -p model && wc -c < data/train.csv > "model/$MODEL"'
        " && echo '{\"accuracy\": 0.99}' > metrics.json"
    )
    store = f"cp -r .git/mlver {kept}"
    write(forge, wheel, "--only", "retrain", "--train", training, "--store", store)
    event = {"ref": "refs/heads/main"}
    same = forge.run_workflow("mlver-retrain.yml", "push", event)
    assert same.code == 0, same.out
    assert same.read_outputs()["models"] == "[]"
    assert not kept.exists()
    forge.work.write("data/train.csv", "a,b\n1,2\n3,4\n")
    forge.work.commit("More data")
    forge.push_refs("main")
    finished = forge.run_workflow("mlver-retrain.yml", "push", event)
    assert finished.code == 0, finished.out
    created = forge.origin.git(
        "for-each-ref", "--format=%(refname:short)", "refs/heads/mlver"
    ).splitlines()
    assert len(created) == 1
    assert created[0].startswith("mlver/retrain-digits-")
    (asked,) = forge.api.asked
    assert (asked.method, asked.path) == ("POST", "/repos/kim/digits/pulls")
    assert (asked.body["head"], asked.body["base"]) == (created[0], "main")
    record = forge.origin.git("show", f"{created[0]}:.mlver/models/digits/versions/1.1.0.yaml")
    assert "accuracy: 0.99" in record
    assert list(kept.glob("packs/*.pack")) or list(kept.glob("objects/*/*")), (
        "the new bytes are taken away"
    )
    second_run = forge.run_workflow("mlver-retrain.yml", "push", event)
    assert second_run.code == 0, second_run.out
    assert len(forge.api.asked) == 1, "what waits in a pull request is not trained on again"


ACTION = """\
on: push
jobs:
  use:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
        with: {persist-credentials: false, fetch-depth: 0}
      - uses: mlver/mlver@main
        id: mlver
        with:
          event: EVENT
          run: |
            mlver list "digits"
            mlver --version | tr m M
      - run: git mlver --version
      - run: echo "told $VERSION"
        env:
          VERSION: ${{ steps.mlver.outputs.version }}
"""


def test_the_action_installs_itself_and_runs_what_it_is_told(
    forge: LocalForge, tmp_path: Path
) -> None:
    event = str("event" in COMMANDS).lower()
    source = tmp_path / "action"
    source.mkdir()
    for name in ("action.yml", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, source)
    for name in ("mlver", "schemas"):
        shutil.copytree(
            CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    forge.work.write(".github/workflows/use.yml", ACTION.replace("EVENT", event))
    # the action runs before anything of the repository could
    forge.work.write("venv.py", "raise SystemExit('imported')\n")
    forge.work.commit("Use the action")
    forge.push_refs("main", "--tags")
    finished = forge.run_workflow(
        "use.yml", "push", {"ref": "refs/tags/digits@v1.0.0"}, **{"mlver/mlver@main": source}
    )
    assert ("venv.py" in finished.out, finished.code) == (False, 0), finished.out
    assert "Mlver 0." in finished.out
    assert ("told 1.0.0" in finished.out) == (event == "true")
