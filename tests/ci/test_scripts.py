"""GitLab's jobs, run by bash as its runner does: variables, what comes before, the script, what
comes after.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from mlver.records import layout
from tests.ci.conftest import require_commands
from tests.ci.forge import LocalForge
from tests.ci.test_act import branch
from tests.cli.conftest import assert_works, train_model
from tests.conftest import Repository
from tests.features.evaluating.exams import pin_exam

NOTES = "/projects/1/merge_requests/7/notes"


def job(forge: LocalForge, name: str, ref: str, **variables: str) -> tuple[int, str]:
    """Run a job in a fresh clone; its exit code, and what it printed."""
    jobs: dict[str, Any] = {}
    for path in sorted(forge.work.path.glob(".gitlab/mlver/*.yml")):
        jobs |= yaml.safe_load(path.read_text())
    found: dict[str, Any] = {"variables": {}}
    chain = [jobs[name]]
    while "extends" in chain[0]:
        chain.insert(0, jobs[chain[0]["extends"]])
    for entry in chain:
        found |= {**entry, "variables": found["variables"] | entry.get("variables", {})}
    place = forge.home / f"build{len(list(forge.home.glob('build*')))}"
    forge.origin.git("clone", "--quiet", "--no-checkout", f"file://{forge.origin.path}", str(place))
    clone = Repository(place)
    clone.git("fetch", "--quiet", "origin", ref)
    clone.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    environment = {
        "CI_API_V4_URL": forge.api.url,
        "CI_PROJECT_ID": "1",
        "CI_COMMIT_SHA": clone.git("rev-parse", "HEAD"),
        **variables,
    }
    environment |= {key: _expanded(value, environment) for key, value in found["variables"].items()}
    environment |= {
        f"GIT_CONFIG_{part}_1": text for part, text in (("KEY", "a.b"), ("VALUE", "c"))
    }  # there is no such server
    env = {
        **os.environ,
        **environment,
        "PATH": f"{forge.programs}{os.pathsep}{os.environ['PATH']}",
        "PIP_NO_COMPILE": "1",
    }
    code, output = _bash([*found["before_script"], *found["script"]], place, env)
    return code, output + (
        _bash(found["after_script"], place, env)[1] if "after_script" in found else ""
    )


def _expanded(value: str, told: dict[str, str]) -> str:
    """`$NAME` as GitLab expands it, once; `$$` is a dollar."""
    return re.sub(r"\$(\$|\w+)", lambda at: "$" if at[1] == "$" else told.get(at[1], ""), value)


def _bash(lines: list[str], where: Path, env: dict[str, str]) -> tuple[int, str]:
    words = ["bash", "-e", "-o", "pipefail", "-c", "\n".join(lines)]
    finished = subprocess.run(
        words, cwd=where, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return finished.returncode, finished.stdout.decode()


def write(forge: LocalForge, wheel: Path, *options: str) -> None:
    assert_works(forge.work, "ci", "gitlab", "--install", os.fspath(wheel), *options)
    forge.work.commit("Pipelines")
    forge.push_refs("main", "--tags")


def test_a_merge_request_gets_one_note_that_follows_it(forge: LocalForge, wheel: Path) -> None:
    require_commands("hook")
    write(forge, wheel, "--only", "check")
    base = forge.work.git("rev-parse", "main")
    branch(forge)
    forge.push_refs("next")
    environment = {
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        "CI_MERGE_REQUEST_IID": "7",
        "MLVER_TOKEN": "a-token",
    }
    code, output = job(forge, "mlver check", "next", **environment)
    assert (code, forge.api.list_changes()) == (0, [("POST", NOTES)]), output
    assert "1.1.0" in forge.api.comments[0]["body"]
    assert forge.api.asked[-1].token == "a-token"
    assert job(forge, "mlver check", "next", **environment)[0] == 0
    assert forge.api.list_changes()[1:] == [("PUT", f"{NOTES}/1")]
    code, output = job(forge, "mlver check", "next", **{**environment, "MLVER_TOKEN": ""})
    assert (
        code,
        "no note: there is no MLVER_TOKEN here" in output,
        len(forge.api.list_changes()),
    ) == (0, True, 2)


def test_what_is_merged_is_sealed_and_released(forge: LocalForge, wheel: Path) -> None:
    require_commands("release", "event")
    bytes_of = forge.work.path / ".git/mlver"
    write(forge, wheel, "--only", "seal,release", "--fetch", f"cp -r {bytes_of}/. .git/mlver/")
    train_model(forge.work, 2)
    assert_works(forge.work, "register", "digits", "--bump", "minor", "--no-commit", "-m", "Second")
    forge.work.git("commit", "--quiet", "--message", "Register 1.1.0")
    forge.push_refs("main")
    code, output = job(forge, "mlver seal", "main", MLVER_TOKEN="a-token")
    assert (code, forge.origin.git("tag").split()) == (0, ["digits@v1.0.0", "digits@v1.1.0"]), (
        output
    )
    code, output = job(
        forge, "mlver release", "refs/tags/digits@v1.1.0", CI_COMMIT_TAG="digits@v1.1.0"
    )
    assert (code, "All is well" in output) == (0, True), output


def test_new_data_becomes_a_branch_with_its_own_version(
    forge: LocalForge, wheel: Path, tmp_path: Path
) -> None:
    forge.origin.git("config", "receive.advertisePushOptions", "true")
    forge.work.write(".gitignore", "/model/\n")
    kept = tmp_path / "kept"
    training = "mkdir -p model && cp data/train.csv model/weights"
    write(
        forge,
        wheel,
        "--only",
        "retrain",
        "--train",
        training,
        "--store",
        f"cp -r .git/mlver {kept}",
    )
    forge.work.write("data/train.csv", "a,b\n1,2\n3,4\n")
    forge.work.commit("More data")
    forge.push_refs("main")
    code, output = job(forge, "mlver retrain", "main", CI_COMMIT_BRANCH="main")
    assert code == 0, output
    (created,) = forge.origin.git(
        "for-each-ref", "--format=%(refname:short)", "refs/heads/mlver"
    ).splitlines()
    assert "path: model" in forge.origin.git(
        "show", f"{created}:.mlver/models/digits/versions/1.1.0.yaml"
    )
    assert (kept / "packs").exists() or (kept / "objects").exists()
    tip = forge.origin.git("rev-parse", created)
    assert job(forge, "mlver retrain", "main", CI_COMMIT_BRANCH="main")[0] == 0
    assert forge.origin.git("rev-parse", created) == tip, (
        "what waits in a merge request is not trained on again"
    )


def test_older_versions_are_measured_and_their_records_become_a_branch(
    forge: LocalForge, wheel: Path
) -> None:
    forge.origin.git("config", "receive.advertisePushOptions", "true")
    forge.work.write(".gitignore", "/model/\n")
    pin_exam(forge.work)
    bytes_of = forge.work.path / ".git/mlver"
    measuring = "mlver evaluate digits --on golden --missing -- python3 evaluate.py"
    fetching = f"cp -r {bytes_of}/. .git/mlver/"
    write(forge, wheel, "--only", "benchmark", "--fetch", fetching, "--benchmark", measuring)
    forge.push_refs("main")
    asked = {"CI_COMMIT_BRANCH": "main", "MLVER_BENCHMARK": "1"}
    code, output = job(forge, "mlver benchmark", "main", **asked)
    assert code == 0, output
    (created,) = forge.origin.git(
        "for-each-ref", "--format=%(refname:short)", "refs/heads/mlver"
    ).splitlines()
    path = layout.evaluation_path("digits", "1.0.0", 1)
    assert "accuracy: 0.66" in forge.origin.git("show", f"{created}:{path}")
    forge.origin.git("update-ref", "refs/heads/main", f"refs/heads/{created}")
    code, output = job(forge, "mlver benchmark", "main", **asked)
    assert (code, "nothing was measured" in output) == (0, True), output
