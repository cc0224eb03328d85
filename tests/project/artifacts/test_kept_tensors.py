"""What is kept of tensors travels with the record, and is held to as manifests are."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.project.artifacts.kept_tensors import read_kept_tensors
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.tensors import KeptTensors
from mlver.records.version import VersionRecord
from tests.cli.conftest import assert_works, copy_repository
from tests.conftest import Repository
from tests.content.tensors.makers import draw_values, make_bundle, make_safetensors
from tests.features.merging.merges import run_git

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


def read_record(repository: Repository, version: str) -> VersionRecord:
    return Project.open_existing(repository.path).registry.read_version("m", version)[0]


def list_kept(repository: Repository) -> list[str]:
    return repository.git("ls-tree", "-r", "--name-only", "HEAD", layout.TENSORS).split()


def test_it_is_committed_with_the_record(registered: Repository) -> None:
    assert kept_path(FIRST) in registered.git("show", "--name-only", "--format=").split()
    project = Project.open_existing(registered.path)
    record = read_record(registered, "1.0.0")
    kept = read_kept_tensors(project, record, Digest.of_bytes(FIRST))
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
    registered.write("w.bin", b"no tensors")
    words = ("--weights", "w.bin", "--bump", "minor", "-m", "Other")
    assert_works(registered, "register", "m", *words)
    assert list_kept(registered) == [kept_path(FIRST)]


def test_damaged_weights_are_registered_with_a_word_and_open_no_gate(
    registered: Repository,
) -> None:
    registered.write("w.safetensors", SECOND[:-4])
    done = registered.mlver("register", "m", "--bump", "minor", "-m", "Cut short")
    assert done.code == 0
    assert "warning: w.safetensors cannot be read: " in done.out
    record = read_record(registered, "1.1.0")
    assert record.unreadable == {"w.safetensors": record.unreadable["w.safetensors"]}
    assert not record.kept.tensors
    config = registered.path / layout.CONFIG
    rule = "stages: {production: {requires: {formats: [safetensors]}}}"
    config.write_text(re.sub(r"(?ms)^stages:.*?(?=^\S|\Z)", f"{rule}\n", config.read_text()))
    registered.commit("Ask for a format")
    gates = registered.mlver("gates", "m@1.1.0", "--to", "production")
    assert gates.code == 1
    assert "w.safetensors cannot be read" in " ".join(gates.out.split())
    assert registered.mlver("gates", "m@1.0.0", "--to", "production").code == 0
    assert_works(registered, "verify", "--all", "--strict")


def test_a_side_that_is_damaged_is_named(registered: Repository) -> None:
    registered.write("w.safetensors", SECOND[:-4])
    assert registered.mlver("register", "m", "--bump", "minor", "-m", "Cut short").code == 0
    done = registered.mlver("diff", "m@1.0.0", "m@1.1.0", "--weights")
    assert done.code == 3
    assert "m 1.1.0: w.safetensors cannot be read as safetensors" in done.err


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


def forge_version(repository: Repository, kept: KeptTensors) -> None:
    """Register version 1.0.0 as somebody does whose mlver was made to lie."""
    path = kept_path(FIRST)
    record = repository.path / layout.version_path("m", "1.0.0")
    pin, forged = (Digest.of_bytes(data) for data in (read_kept(repository), kept.to_bytes()))
    record.write_text(record.read_text().replace(str(pin), str(forged)))
    repository.write(path, kept.to_bytes())
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--amend", "--no-edit")
    repository.git("tag", "--delete", "m@v1.0.0")
    assert_works(repository, "tag")


def read_kept(repository: Repository) -> bytes:
    return (repository.path / kept_path(FIRST)).read_bytes()


def test_what_the_record_does_not_pin_is_refused(registered: Repository) -> None:
    path = kept_path(FIRST)
    forged = read_kept(registered).replace(b'"shape": [3]', b'"shape": [4]')
    registered.write("w.safetensors", SECOND)
    assert_works(registered, "register", "m", "--bump", "minor", "-m", "Second")
    registered.write(path, forged)
    done = registered.mlver("verify", "m@1.0.0")
    assert (done.code, f"{path} is not what m 1.0.0 was registered with" in done.out) == (1, True)
    shutil.rmtree(registered.path / ".git/mlver")
    done = registered.mlver("diff", "m@1.0.0", "m@1.1.0", "--weights")
    assert (done.code, done.out) == (3, "")
    assert f"{path} is not what m 1.0.0 was registered with" in done.err
    assert "is not what m 1.0.0 was registered with" in registered.mlver("show", "m@1.0.0").err
    (registered.path / path).unlink()
    done = registered.mlver("verify", "m@1.0.0")
    assert (done.code, "is missing, and m 1.0.0 pins it" in done.out) == (1, True)


@pytest.mark.parametrize("lie", ["digest", "norm", "imports"])
def test_what_the_record_pins_and_the_bytes_contradict_is_named(
    registered: Repository, lie: str
) -> None:
    kept = KeptTensors.parse(read_kept(registered), "kept")
    first, *others = kept.tensors
    assert first.summary is not None
    lies = {
        "digest": replace(kept, tensors=(replace(first, digest="0" * 64), *others)),
        "norm": replace(
            kept, tensors=(replace(first, summary=replace(first.summary, norm=1.0)), *others)
        ),
        "imports": replace(kept, imports=("os.system",)),
    }
    forge_version(registered, lies[lie])
    done = registered.mlver("verify", "--all")
    assert done.code == 1
    assert f"{kept_path(FIRST)} says other things of w.safetensors than m 1.0.0 has" in " ".join(
        done.out.split()
    )


def test_damage_that_a_record_hides_is_unconfirmed(registered: Repository) -> None:
    registered.write("w.safetensors", SECOND[:-4])
    assert registered.mlver("register", "m", "--bump", "minor", "-m", "Cut short").code == 0
    path = registered.path / layout.version_path("m", "1.1.0")
    path.write_text(re.sub(r"(?m)^unreadable:\n(  .*\n)+", "", path.read_text()))
    assert not read_record(registered, "1.1.0").unreadable
    registered.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    registered.git("tag", "--delete", "m@v1.1.0")
    assert_works(registered, "tag")
    done = registered.mlver("verify", "--all", "--strict")
    assert done.code == 1
    assert "does not say that w.safetensors cannot be read" in " ".join(done.out.split())


def test_what_no_record_pins_tells_nothing(registered: Repository) -> None:
    """So it is with versions that were registered before anything was pinned."""
    record = registered.path / layout.version_path("m", "1.0.0")
    record.write_text(re.sub(r"(?m)^kept:\n(  .*\n)+", "", record.read_text()))
    registered.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    registered.git("tag", "--delete", "m@v1.0.0")
    assert_works(registered, "tag")
    assert_works(registered, "verify", "--all")
    shutil.rmtree(registered.path / ".git/mlver")
    (registered.path / "w.safetensors").unlink()
    done = registered.mlver("diff", "m@1.0.0", "--weights")
    assert done.code == 3
    assert "its record pins nothing of its tensors" in done.err


def test_the_same_weights_are_not_looked_into_again(registered: Repository) -> None:
    """The version before pins what is kept of them: here that there is one tensor less."""
    kept = KeptTensors.parse(read_kept(registered), "kept")
    forge_version(registered, replace(kept, tensors=kept.tensors[1:]))
    assert_works(registered, "register", "m", "--bump", "minor", "--param", "a=1", "-m", "Again")
    assert read_record(registered, "1.1.0").kept == read_record(registered, "1.0.0").kept


def test_clones_that_register_the_same_version_keep_their_pins(registered: Repository) -> None:
    """One has numpy, the other has not: what both keep of the same weights differs."""
    registered.git("switch", "--quiet", "-c", "other")
    registered.write("w.safetensors", SECOND)
    assert_works(registered, "register", "m", "--bump", "minor", "-m", "Theirs")
    registered.git("tag", "--delete", "m@v1.1.0")
    full = (registered.path / kept_path(SECOND)).read_bytes()
    plain = KeptTensors.parse(full, "kept").drop_summaries().to_bytes()
    registered.git("switch", "--quiet", "main")
    assert_works(registered, "register", "m", "--bump", "minor", "--param", "a=1", "-m", "Ours")
    path = registered.path / layout.version_path("m", "1.1.0")
    pin, plain_pin = str(Digest.of_bytes(full)), str(Digest.of_bytes(plain))
    path.write_text(path.read_text().replace(pin, plain_pin))
    registered.write(kept_path(SECOND), plain)
    registered.git("add", "--all")
    registered.git("commit", "--quiet", "--amend", "--no-edit")
    registered.git("tag", "--delete", "m@v1.1.0")
    assert_works(registered, "tag")
    assert run_git(registered, "merge", "--quiet", "-m", "Both", "other") == 1
    done = registered.mlver("resolve")
    assert done.code == 0, done
    registered.git("commit", "--quiet", "--no-edit")
    assert_works(registered, "tag")
    assert (registered.path / kept_path(SECOND)).read_bytes() == full
    assert_works(registered, "hook", "check", "--from", "HEAD^1", "--to", "HEAD")
    versions = [read_record(registered, number) for number in ("1.1.0", "1.2.0")]
    found = {str(*record.kept.tensors.values()) for record in versions}
    assert found == {pin, plain_pin}
    assert registered.mlver("verify", "--all").code == 0
    project = Project.open_existing(registered.path)
    for record in versions:
        kept = read_kept_tensors(project, record, Digest.of_bytes(SECOND))
        assert kept is not None
        assert Digest.of_bytes(kept.to_bytes()) in record.kept.tensors.values()


def test_tensors_in_files_beside_are_those_of_their_own_version(registered: Repository) -> None:
    """The index of a bundle may be the same, and the data beside it other ones."""
    registered.write(".gitignore", "*.safetensors\n/saved\n")
    registered.commit("Ignore it")
    words = ("--weights", "saved", "-m", "Saved")
    for version, seed in (("2.0.0", 1), ("2.1.0", 2)):
        index, (data,) = make_bundle({"a": draw_values(4, 4, seed=seed), "b": draw_values(3)})
        registered.write("saved/variables.index", index)
        registered.write("saved/variables.data-00000-of-00001", data)
        assert_works(registered, "register", "m", "--version", version, *words)
    pins = [read_record(registered, version).kept.tensors for version in ("2.0.0", "2.1.0")]
    assert [len(one) for one in pins] == [1, 1]
    assert pins[0].keys() != pins[1].keys()
    shutil.rmtree(registered.path / ".git/mlver")
    shutil.rmtree(registered.path / "saved")
    said = assert_works(registered, "diff", "m@2.0.0", "m@2.1.0", "--weights")
    assert "1 of 2 tensors changed" in said


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
