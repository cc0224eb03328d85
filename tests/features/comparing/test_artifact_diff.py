"""A version and the work tree, or two versions, side by side."""

from __future__ import annotations

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.features.comparing.artifact_diff import ArtifactDiff, RenamedFile, compare_artifacts
from mlver.features.comparing.snapshot import ModelSnapshot, snapshot_version, snapshot_work_tree
from mlver.project.project import Project
from tests.conftest import Repository
from tests.project.helpers import initialise_project, register_one, remove_path, write_artifact


@pytest.fixture
def project(repository: Repository) -> Project:
    """A git repository after `mlver init`."""
    return initialise_project(repository)


@pytest.fixture
def first(project: Project, repository: Repository) -> ModelSnapshot:
    repository.write(".gitignore", "w\nd\nparams.yaml\nmetrics.json\n")
    repository.write("params.yaml", "lr: 0.1\n")
    repository.write("metrics.json", '{"accuracy": 0.9}')
    repository.commit()
    write_artifact(repository, "w", {"net.safetensors": "one", "config.json": "{}"})
    write_artifact(repository, "d", {"a": "1", "b": "2", "c/d": "3", "same": "4"})
    register_one(
        project, data={"train": "d"}, params_files=["params.yaml"], metrics_files=["metrics.json"]
    )
    return snapshot_version(project, project.resolve_ref("m@1.0.0"))


def diffs(old: ModelSnapshot, new: ModelSnapshot) -> dict[str, ArtifactDiff]:
    return {diff.name: diff for diff in compare_artifacts(old, new)}


def test_nothing_has_changed_yet(project: Project, first: ModelSnapshot) -> None:
    now = snapshot_work_tree(project, "m")
    assert (first.label, now.label) == ("m 1.0.0", "m (work tree)")
    assert {diff.state for diff in compare_artifacts(first, now)} == {"unchanged"}
    assert (
        (now.params, now.metrics)
        == (first.params, first.metrics)
        == ({"lr": 0.1}, {"accuracy": 0.9})
    )
    assert now.environment is None
    assert snapshot_work_tree(project, "m", environment=True).environment == first.environment
    assert not now.code.dirty
    assert now.lacking == ()


def test_files_added_removed_changed_and_renamed(
    project: Project, repository: Repository, first: ModelSnapshot
) -> None:
    write_artifact(
        repository, "d", {"a": "other", "c/d": "3", "moved/b": "2", "same": "4", "new": "5"}
    )
    found = diffs(first, snapshot_work_tree(project, "m"))
    assert found["weights"].state == "unchanged"
    assert found["weights"].changed == ()
    train = found["train"]
    assert train.state == "changed"
    assert (train.added, train.removed, train.changed) == (("new",), (), ("a",))
    assert train.renamed == (RenamedFile("b", "moved/b"),)
    assert (train.old_files, train.new_files, train.old_size, train.new_size) == (4, 5, 4, 9)
    assert train.old_digest != train.new_digest


def test_a_file_that_became_a_directory_and_back(
    project: Project, repository: Repository, first: ModelSnapshot
) -> None:
    write_artifact(repository, "w", "one")
    weights = diffs(first, snapshot_work_tree(project, "m"))["weights"]
    assert weights.state == "changed"
    assert weights.renamed == (RenamedFile("net.safetensors", ""),)
    assert weights.removed == ("config.json",)


@pytest.mark.parametrize("hollow", [True, False])
def test_an_empty_place_is_told_from_a_change(
    project: Project, repository: Repository, first: ModelSnapshot, hollow: bool
) -> None:
    remove_path(repository.path / "w")
    if hollow:
        (repository.path / "w").mkdir()
    weights = diffs(first, snapshot_work_tree(project, "m"))["weights"]
    assert (weights.state, weights.new_digest, weights.new_files) == ("missing", None, 0)
    assert weights.removed == ()


def test_files_of_values_that_are_gone_are_told(
    project: Project, repository: Repository, first: ModelSnapshot
) -> None:
    (repository.path / "params.yaml").unlink()
    now = snapshot_work_tree(project, "m")
    assert (now.lacking, now.params, now.metrics) == (("params.yaml",), {}, {"accuracy": 0.9})


def test_code_is_dirty_but_what_the_record_pins_is_not(
    project: Project, repository: Repository, first: ModelSnapshot
) -> None:
    repository.write("README.md", "edited\n")
    assert snapshot_work_tree(project, "m").code.dirty
    repository.git("checkout", "--quiet", "README.md")
    repository.git("add", "--force", "params.yaml")
    assert not snapshot_work_tree(project, "m").code.dirty


def test_two_versions(project: Project, repository: Repository, first: ModelSnapshot) -> None:
    repository.write("golden", "gold")
    repository.write("metrics.json", '{"accuracy": 0.95}')
    register_one(
        project, weights=None, bump="minor", data={"golden": "golden"}, labels={"team": "mt"}
    )
    second = snapshot_version(project, project.resolve_ref("m@1.1.0"))
    found = diffs(first, second)
    assert list(found) == ["weights", "train", "golden"]
    assert {name: diff.state for name, diff in found.items()} == {
        "weights": "unchanged",
        "train": "unchanged",
        "golden": "added",
    }
    assert found["golden"].new_digest == str(Digest.of_bytes(b"gold"))
    assert {name: diff.state for name, diff in diffs(second, first).items()}["golden"] == "removed"
    assert (second.metrics, second.labels) == ({"accuracy": 0.95}, {"team": "mt"})


def test_without_settings_the_hint_registers(
    project: Project, repository: Repository, first: ModelSnapshot
) -> None:
    (repository.path / ".mlver/models/m/model.yaml").unlink()
    with pytest.raises(MlverError, match=r"m has no model\.yaml") as refused:
        snapshot_work_tree(project, "m")
    assert (refused.value.hint or "").startswith("mlver register m --weights")
