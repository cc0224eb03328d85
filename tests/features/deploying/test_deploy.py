"""A target comes to serve what its stages say, by renames, and every deployment is recorded."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from mlver.project.project import Project
from mlver.project.registry.deployments import read_deployments
from mlver.project.reporter import SilentReporter
from mlver.project.serving.deploying import DeployOptions, deploy
from mlver.records.deployment import DeploymentRecord
from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.deploying.conftest import (
    add_target,
    list_all,
    list_records,
    promote,
    read_served,
)


def read_chain(repository: Repository) -> list[DeploymentRecord]:
    return read_deployments(Project.open_existing(repository.path).registry, "host")


def test_a_first_deployment_puts_a_proven_version_behind_the_link(hosted: Repository) -> None:
    said = assert_works(hosted, "deploy", "host", "-m", "First")
    folder = hosted.path / "serving"
    place = "versions/v-20260102-030405"
    assert said == (
        "Deployed host\n"
        f"  stable  1.0.0  {place}\n"
        f"  {place} gets digits 1.0.0\n"
        f"  stable leads to {place}\n"
        "  recorded in .mlver/deployments/host/0001.yaml\n"
    )
    assert str((folder / "stable").readlink()) == place
    weights = (folder / place / "model/weights.safetensors").read_text()
    assert weights == "weights of run 1\n" * 1000
    described = read_served(folder)
    assert (described["version"], described["stage"], described["sequence"]) == (
        "1.0.0",
        "production",
        1,
    )
    assert described["weights"] == "model"
    assert set(described["files"]) == {"model/config.json", "model/weights.safetensors"}
    (record,) = read_chain(hosted)
    assert record.roles["stable"].folder == place
    assert (record.message, record.prior) == ("First", None)
    assert hosted.git("status", "--porcelain") == ""


def test_again_it_changes_nothing_and_records_nothing(deployed: Repository) -> None:
    before = list_all(deployed.path / "serving"), deployed.git("rev-parse", "HEAD")
    result = read_document(deployed.mlver("deploy", "host", "--json"), "deploy")
    assert (result["changed"], result["changes"], result["commit"]) == (False, [], None)
    assert (list_all(deployed.path / "serving"), deployed.git("rev-parse", "HEAD")) == before


def test_a_promotion_moves_the_link_and_a_rollback_moves_it_back(deployed: Repository) -> None:
    promote(deployed, "1.1.0")
    assert_works(deployed, "deploy", "host")
    folder = deployed.path / "serving"
    # Both records are of one second here, so that the later has the next free name.
    assert str((folder / "stable").readlink()) == "versions/v-20260102-030406"
    assert read_served(folder)["version"] == "1.1.0"
    assert_works(deployed, "rollback", "digits", "--stage", "production", "-m", "Worse")
    said = assert_works(deployed, "deploy", "host")
    assert "gets digits" not in said
    assert str((folder / "stable").readlink()) == "versions/v-20260102-030405"
    assert [record.roles["stable"].version for record in read_chain(deployed)] == [
        "1.0.0",
        "1.1.0",
        "1.0.0",
    ]
    assert read_served(folder)["sequence"] == 3


def test_a_check_names_each_difference_and_writes_nothing(deployed: Repository) -> None:
    assert assert_works(deployed, "deploy", "host", "--check").startswith("host serves what")
    promote(deployed, "1.1.0")
    before = list_all(deployed.path / "serving")
    checked = deployed.mlver("deploy", "host", "--check")
    assert (checked.code, checked.err) == (1, "")
    assert "versions/v-20260102-030406 gets digits 1.1.0" in checked.out
    assert "stable leads to versions/v-20260102-030406" in checked.out
    said = assert_works(deployed, "deploy", "host", "--dry-run")
    assert said.startswith("Would deploy host\n")
    assert said.endswith("nothing was written\n")
    assert list_all(deployed.path / "serving") == before
    assert list_records(deployed) == ["0001.yaml"]


def test_a_folder_that_is_not_there_is_not_made_by_a_check(hosted: Repository) -> None:
    assert hosted.mlver("deploy", "host", "--check").code == 1
    assert not (hosted.path / "serving").exists()


def test_what_lies_there_is_proven_and_put_right(deployed: Repository) -> None:
    place = deployed.path / "serving/versions/v-20260102-030405"
    (place / "model/weights.safetensors").write_text("other weights")
    (place / "model/extra.bin").write_text("more")
    (place / "model/config.json").unlink()
    (place / "model/config.json").symlink_to("/etc/passwd")
    checked = deployed.mlver("deploy", "host", "--check")
    assert checked.code == 1
    for name in ("weights.safetensors", "extra.bin", "config.json"):
        assert f"v-20260102-030405/model/{name} is" in checked.out
    assert_works(deployed, "deploy", "host")
    assert (place / "model/weights.safetensors").read_text() == "weights of run 1\n" * 1000
    assert not (place / "model/config.json").is_symlink()
    assert not (place / "model/extra.bin").exists()
    # What is served is what the last record says.
    assert list_records(deployed) == ["0001.yaml"]
    assert_works(deployed, "deploy", "host", "--check")


def test_a_link_that_somebody_moved_is_put_back(deployed: Repository) -> None:
    promote(deployed, "1.1.0")
    assert_works(deployed, "deploy", "host")
    folder = deployed.path / "serving"
    (folder / "stable").unlink()
    (folder / "stable").symlink_to("versions/v-20260102-030405")
    assert_works(deployed, "deploy", "host")
    assert read_served(folder)["version"] == "1.1.0"


def test_a_canary_has_a_link_of_its_own_until_its_stage_is_empty(second: Repository) -> None:
    add_target(
        second,
        "  canary: {}\n"
        "deploy:\n  host:\n    layout: directories\n    path: serving\n"
        "    stages: {stable: production, canary: canary}\n",
    )
    assert_works(second, "deploy", "host")
    assert not (second.path / "serving/canary").exists()
    promote(second, "1.1.0", "canary")
    assert_works(second, "deploy", "host")
    folder = second.path / "serving"
    assert [read_served(folder, role)["version"] for role in ("stable", "canary")] == [
        "1.0.0",
        "1.1.0",
    ]
    assert_works(second, "retire", "digits", "--stage", "canary", "-m", "Over")
    assert "canary goes" in assert_works(second, "deploy", "host")
    assert not os.path.lexists(folder / "canary")


def test_an_emptied_stage_serves_nothing(deployed: Repository) -> None:
    assert_works(deployed, "retire", "digits", "--stage", "production", "-m", "Over")
    said = assert_works(deployed, "deploy", "host")
    assert "nothing holds its stages" in said
    assert not os.path.lexists(deployed.path / "serving/stable")
    assert read_chain(deployed)[-1].roles == {}


def test_old_versions_go_but_for_those_in_use(deployed: Repository) -> None:
    path = deployed.path / ".mlver/config.yaml"
    path.write_text(path.read_text() + "    keep: 1\n    keep_serving: [1.2.0]\n")
    deployed.git("commit", "--quiet", "--all", "--message", "Keep one")
    for run in (3, 1):
        train_model(deployed, run)
        deployed.write("params.yaml", f"lr: 0.1\nrun: {run}\n")
        deployed.commit("Another run")
        assert_works(deployed, "register", "digits", "--bump", "minor", "-m", "Next")
    for version in ("1.1.0", "1.2.0", "1.3.0"):
        promote(deployed, version)
        assert_works(deployed, "deploy", "host")
    said = assert_works(deployed, "deploy", "host", "--check")
    assert "kept" in said
    versions = deployed.path / "serving/versions"
    present = {read_identity(one) for one in versions.iterdir()}
    # 1.2.0 was served before and is kept besides; 1.0.0 and 1.1.0 were beyond `keep`.
    assert present == {"1.3.0", "1.2.0"}


def test_what_a_stage_holds_stays_and_what_was_served_before(deployed: Repository) -> None:
    path = deployed.path / ".mlver/config.yaml"
    path.write_text(path.read_text() + "    keep: 1\n")
    deployed.git("commit", "--quiet", "--all", "--message", "Keep one")
    promote(deployed, "1.0.0", "staging")
    train_model(deployed, 3)
    assert_works(deployed, "register", "digits", "--bump", "minor", "-m", "Third")
    for version in ("1.1.0", "1.2.0"):
        promote(deployed, version)
        assert_works(deployed, "deploy", "host")
    versions = deployed.path / "serving/versions"
    assert {read_identity(one) for one in versions.iterdir()} == {"1.0.0", "1.1.0", "1.2.0"}
    assert_works(deployed, "deploy", "host", "--check")
    promote(deployed, "1.2.0", "staging")
    assert "goes: nothing needs it" in assert_works(deployed, "deploy", "host")
    assert {read_identity(one) for one in versions.iterdir()} == {"1.1.0", "1.2.0"}


def read_identity(folder: Path) -> str:
    return str(json.loads((folder / "mlver.json").read_text())["version"])


def test_versions_may_name_their_folders(second: Repository) -> None:
    add_target(
        second,
        "deploy:\n  host:\n    layout: directories\n    path: serving\n"
        "    stages: {stable: production}\n    names: version\n    data: true\n",
    )
    assert_works(second, "deploy", "host")
    assert str((second.path / "serving/stable").readlink()) == "versions/1.0.0"
    data = second.path / "serving/versions/1.0.0/data/train.csv"
    assert data.read_text() == "a,b\n1,2\n"


def test_what_was_served_on_a_day_is_told(deployed: Repository) -> None:
    said = assert_works(deployed, "deploy", "host", "--at", "2026-01-02")
    assert said.startswith("0001  since 2026-01-02T03:04:05Z  Kim")
    assert "1.0.0" in said
    before = assert_works(deployed, "deploy", "host", "--at", "2025-12-31")
    assert before == "host served nothing yet before 2026-01-01T00:00:00Z\n"
    result = read_document(
        deployed.mlver("deploy", "host", "--at", "2026-03-03", "--json"), "served"
    )
    assert [record["sequence"] for record in result["deployments"]] == [1]
    assert "nothing was ever deployed to other" in assert_refused(
        deployed, "deploy", "other", "--at", "today"
    )


def test_what_no_tag_seals_is_not_deployed(hosted: Repository) -> None:
    hosted.git("tag", "--delete", "digits@production.1")
    said = assert_refused(hosted, "deploy", "host")
    assert "no tag seals .mlver/models/digits/stages/production/0001.yaml" in said
    assert not (hosted.path / "serving").exists()
    assert_works(hosted, "tag")
    assert_works(hosted, "deploy", "host")


def test_missing_bytes_leave_what_is_served(deployed: Repository) -> None:
    promote(deployed, "1.1.0")
    objects = deployed.path / ".git/mlver"
    before = list_all(deployed.path / "serving")
    objects.rename(objects.with_name("away"))
    said = assert_refused(deployed, "deploy", "host")
    assert "digits 1.1.0" in said
    assert "hint: " in said
    assert list_all(deployed.path / "serving") == before
    assert list_records(deployed) == ["0001.yaml"]


def test_a_reload_runs_once_what_is_served_has_changed(hosted: Repository, tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = f"sh -c 'echo told >> {told}'"
    assert_works(hosted, "deploy", "host", "--reload", command)
    assert_works(hosted, "deploy", "host", "--reload", command)
    assert told.read_text() == "told\n"


def test_a_reload_that_fails_is_owed(hosted: Repository, tmp_path: Path) -> None:
    said = assert_refused(hosted, "deploy", "host", "--reload", "sh -c 'exit 7'")
    assert "everything is in place, but it was not reloaded: sh failed with exit code 7" in said
    assert read_served(hosted.path / "serving")["version"] == "1.0.0"
    assert list_records(hosted) == ["0001.yaml"]
    told = tmp_path / "told"
    assert_works(hosted, "deploy", "host", "--reload", f"touch {told}")
    assert told.exists()


def test_what_a_stopped_deployment_had_switched_is_recorded_first(hosted: Repository) -> None:
    hook = hosted.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    said = assert_refused(hosted, "deploy", "host", "-m", "Tonight")
    assert "commit" in said
    assert read_served(hosted.path / "serving")["version"] == "1.0.0"
    assert list_records(hosted) == []
    hook.unlink()
    promote(hosted, "1.1.0")
    done = hosted.mlver("deploy", "host")
    assert done.code == 0
    assert "recorded deployment 0001, which was interrupted" in done.err
    told = [(one.roles["stable"].version, one.message) for one in read_chain(hosted)]
    assert told == [("1.0.0", "Tonight"), ("1.1.0", "")]


def test_what_was_not_switched_to_is_not_recorded(deployed: Repository) -> None:
    promote(deployed, "1.1.0")
    hook = deployed.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    assert_refused(deployed, "deploy", "host")
    hook.unlink()
    folder = deployed.path / "serving"
    (folder / "stable").unlink()
    (folder / "stable").symlink_to("versions/v-20260102-030405")
    assert_works(deployed, "rollback", "digits", "--stage", "production", "-m", "Worse")
    assert_works(deployed, "deploy", "host")
    assert [one.roles["stable"].version for one in read_chain(deployed)] == ["1.0.0", "1.0.0"]


def test_two_deployments_to_one_folder_wait_for_each_other(deployed: Repository) -> None:
    promote(deployed, "1.1.0")
    descriptor = os.open(deployed.path / "serving", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        said = assert_refused(deployed, "deploy", "host")
        assert "another command deploys to" in said
    finally:
        os.close(descriptor)
    assert_works(deployed, "deploy", "host")


def test_nothing_is_deployed_where_no_commit_could_land(hosted: Repository) -> None:
    hosted.git("switch", "--quiet", "--detach")
    assert "HEAD is detached" in assert_refused(hosted, "deploy", "host")
    assert not (hosted.path / "serving").exists()


def test_each_move_of_its_stage_names_the_target_that_follows(hosted: Repository) -> None:
    moves = (
        ("rollout", "digits@1.1.0", "--to", "production", "--share", "5"),
        ("rollback", "digits", "--stage", "production"),
        ("promote", "digits@1.1.0", "--to", "production", "--force"),
        ("rollback", "digits", "--stage", "production"),
    )
    for move in moves:
        would = assert_works(hosted, *move, "-m", "Go", "--dry-run")
        assert "mlver deploy" not in would
        assert assert_works(hosted, *move, "-m", "Go").endswith("next: mlver deploy host\n")
    told = assert_works(hosted, "promote", "digits@1.1.0", "--to", "staging", "-m", "Go")
    assert "mlver deploy" not in told


@dataclass
class WorkReporter(SilentReporter):
    """Hears what work is under way, and whether any was told of outside of it."""

    under_way: str = ""
    heard: list[str] = field(default_factory=list)

    def begin_work(self, what: str, total: int | None) -> None:
        self.under_way = what

    def advance_work(self, count: int) -> None:
        self.heard.append(self.under_way)

    def end_work(self) -> None:
        self.under_way = ""


def test_proving_tells_what_it_reads_and_leaves_no_bar(deployed: Repository) -> None:
    reporter = WorkReporter()
    deploy(Project.open_existing(deployed.path, reporter), "host", DeployOptions(check=True))
    assert set(reporter.heard) == {"proving digits 1.0.0"}
    assert reporter.under_way == ""
