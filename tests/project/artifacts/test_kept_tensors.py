"""What is kept of tensors travels with the record, and is held to as manifests are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.project.artifacts.kept_tensors import read_kept_tensors
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.tensors import KeptTensors
from tests.cli.conftest import assert_works, copy_repository
from tests.conftest import Repository
from tests.content.tensors.makers import draw_values, make_safetensors

FIRST = make_safetensors({"a": draw_values(4, 4), "b": draw_values(3)})
SECOND = make_safetensors({"a": draw_values(4, 4, seed=1), "b": draw_values(3)})


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = Repository(tmp_path_factory.mktemp("kept") / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    made.write(".gitignore", "*.safetensors\n")
    made.write("w.safetensors", FIRST)
    made.commit("First")
    assert made.mlver("init").code == 0
    done = made.mlver("register", "m", "--weights", "w.safetensors", "-m", "Why")
    assert done.code == 0, done.err
    return made


@pytest.fixture
def registered(template: Repository, tmp_path: Path) -> Repository:
    return copy_repository(template, tmp_path / "repository")


def kept_path(data: bytes) -> str:
    return layout.tensors_path(Digest.of_bytes(data))


def list_kept(repository: Repository) -> list[str]:
    return repository.git("ls-tree", "-r", "--name-only", "HEAD", layout.TENSORS).split()


def test_it_is_committed_with_the_record(registered: Repository) -> None:
    assert kept_path(FIRST) in registered.git("show", "--name-only", "--format=").split()
    project = Project.open_existing(registered.path)
    kept = read_kept_tensors(project, Digest.of_bytes(FIRST))
    assert kept is not None
    assert [(tensor.name, tensor.shape) for tensor in kept.tensors] == [("a", (4, 4)), ("b", (3,))]
    assert registered.mlver("verify", "--all").code == 0
    assert registered.git("status", "--porcelain") == ""


def test_the_same_weights_are_kept_once(registered: Repository) -> None:
    assert_works(registered, "register", "m", "--bump", "minor", "--param", "a=1", "-m", "Again")
    assert kept_path(FIRST) not in registered.git("show", "--name-only", "--format=").split()
    assert list_kept(registered) == [kept_path(FIRST)]


def test_what_somebody_kept_of_other_tensors_is_refused(registered: Repository) -> None:
    """Whoever knows the digest of weights to come could say what they will look like."""
    first, second = Digest.of_bytes(FIRST), Digest.of_bytes(SECOND)
    planted = (registered.path / kept_path(FIRST)).read_text().replace(first.hex, second.hex)
    registered.write(kept_path(SECOND), planted)
    registered.commit("Plant it")
    registered.write("w.safetensors", SECOND)
    done = registered.mlver("register", "m", "--bump", "minor", "-m", "Second")
    assert done.code == 3
    assert f"{kept_path(SECOND)} says other tensors of a file than the file has" in done.err


def test_what_a_machine_without_numpy_kept_will_do(registered: Repository) -> None:
    path = kept_path(FIRST)
    kept = KeptTensors.parse((registered.path / path).read_bytes(), path)
    assert kept != kept.drop_summaries()
    registered.write(path, kept.drop_summaries().to_bytes())
    registered.commit("As it is without numpy")
    assert_works(registered, "register", "m", "--bump", "minor", "--param", "a=1", "-m", "Again")
    assert registered.git("status", "--porcelain") == ""


def test_a_dry_run_and_what_has_no_tensors_keep_nothing(registered: Repository) -> None:
    registered.write("w.safetensors", SECOND)
    assert_works(registered, "register", "m", "--bump", "minor", "-m", "Try", "--dry-run")
    assert registered.git("status", "--porcelain") == ""
    registered.write("w.safetensors", b"no tensors")
    assert_works(registered, "register", "m", "--bump", "minor", "-m", "Other")
    assert list_kept(registered) == [kept_path(FIRST)]


def test_an_amended_version_keeps_its_own_tensors_only(registered: Repository) -> None:
    registered.write("w.safetensors", SECOND)
    assert_works(registered, "register", "m", "--amend", "--weights", "w.safetensors", "-m", "New")
    assert list_kept(registered) == [kept_path(SECOND)]
    assert_works(registered, "register", "m", "--amend", "-m", "Another word")
    assert list_kept(registered) == [kept_path(SECOND)]


def test_two_branches_that_keep_the_same_tensors_merge(registered: Repository) -> None:
    registered.git("switch", "--quiet", "-c", "other")
    registered.write("w.safetensors", SECOND)
    assert_works(registered, "register", "m", "--version", "2.0.0", "-m", "Theirs")
    registered.git("switch", "--quiet", "main")
    registered.write("w.safetensors", SECOND)
    assert_works(registered, "register", "m", "--version", "3.0.0", "-m", "Ours")
    registered.git("merge", "--quiet", "-m", "Both", "other")
    assert list_kept(registered) == sorted([kept_path(FIRST), kept_path(SECOND)])
    assert registered.mlver("verify", "--all").code == 0


def test_weights_that_are_not_stored_are_looked_into_as_well(registered: Repository) -> None:
    registered.write("w.safetensors", SECOND)
    registered.git("add", "--force", "w.safetensors")
    registered.commit("In git")
    words = ("register", "m", "--bump", "minor", "--weights", "w.safetensors")
    assert_works(registered, *words, "--no-store", "weights", "-m", "Elsewhere")
    assert kept_path(SECOND) in list_kept(registered)


def test_a_change_of_what_was_committed_is_named(registered: Repository) -> None:
    path = registered.path / kept_path(FIRST)
    text = path.read_text()
    path.write_text(text.replace('"shape": [3]', '"shape": [4]'))
    registered.commit("Forge")
    done = registered.mlver("verify", "--all")
    assert done.code == 1
    assert "was changed in" in done.out


FORGED = {
    "no JSON": (kept_path(FIRST), "{"),
    "of another file": (kept_path(SECOND), None),
    "no digest": (f"{layout.TENSORS}/evil.json", None),
    "more": (f"{layout.TENSORS}/{'a' * 64}.json", json.dumps({"schema": "mlver/tensors/1"})),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_none_is_refused_on_its_way_in(registered: Repository, name: str) -> None:
    path, text = FORGED[name]
    good = (registered.path / kept_path(FIRST)).read_text()
    registered.write(path, good if text is None else text)
    registered.git("add", "--all")
    done = registered.mlver("hook", "check")
    assert (done.code, path in done.out + done.err) == (1, True), done
    doctored = registered.mlver("doctor")
    assert path in doctored.out
