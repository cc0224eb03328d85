"""The Python API: which model answers, proven byte by byte."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import git
import pytest

import mlver
from mlver.api import Registry
from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import MlverError, ObjectDamaged
from mlver.project.artifacts import measuring
from mlver.project.checkout import CheckoutOptions, check_out
from mlver.project.history.registered_versions import RegisteredVersions
from mlver.project.project import Project
from mlver.project.stages.promote import promote_version
from mlver.records import layout
from mlver.storage.local import LocalStore
from mlver.system import state
from tests.conftest import CHECKOUT, Repository
from tests.copies import copy_folder
from tests.project.helpers import (
    flip_bit,
    initialise_project,
    new_repository,
    register_one,
    remove_path,
    write_artifact,
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of `digits`; the first holds staging."""
    repository = new_repository(tmp_path_factory.mktemp("told") / "repository")
    project = initialise_project(repository)
    repository.write(".gitignore", "net.onnx\ndata\n")
    repository.commit()
    write_artifact(repository, "data", {"a": "1", "b": "2"})
    write_artifact(repository, "net.onnx", "one")
    register_one(
        project,
        "digits",
        weights="net.onnx",
        data={"train": "data"},
        params=["lr=0.1", "opt.name=sgd"],
        metrics=["accuracy=0.9"],
        labels={"team": "mt"},
    )
    promote_version(project, "digits", to="staging", message="try it")
    write_artifact(repository, "net.onnx", "two")
    register_one(project, "digits", weights=None, bump="minor", message="better")
    repository.pack()
    return repository.path


@pytest.fixture
def project(told: Path, tmp_path: Path) -> Project:
    return Project.open_existing(copy_folder(told, tmp_path / "repository"))


@pytest.fixture
def registry(project: Project) -> Registry:
    return Registry.find(project.top_folder)


def list_numbers(versions: RegisteredVersions) -> list[str]:
    return [version.record.version for version in versions]


def test_a_program_that_resolves_leaves_no_cache_open(registry: Registry) -> None:
    """Programs run on and on, and none of them closes what it does not know of."""
    state.close_all()
    registry.versions("digits")
    registry.resolve("digits@staging")
    assert state._opened == set()


def test_a_version_is_resolved_with_all_that_names_it(registry: Registry) -> None:
    assert registry.models() == ["digits"]
    assert list_numbers(registry.versions("digits")) == ["1.0.0", "1.1.0"]
    found = registry.resolve("digits@1.0.0")
    assert (found.name, found.version, found.message) == ("digits", "1.0.0", "why")
    assert found.digest == str(Digest.of_bytes(b"one"))
    record = registry.project.top_folder / layout.version_path("digits", "1.0.0")
    assert found.record == str(Digest.of_bytes(record.read_bytes()))
    assert found.params == {"lr": 0.1, "opt": {"name": "sgd"}}
    assert found.metrics == {"accuracy": 0.9}
    assert found.labels == {"team": "mt"}
    assert set(found.data) == {"train"}
    assert str(found) == f"digits 1.0.0 ({found.digest[:19]})"


@pytest.mark.parametrize(
    ("ref", "version"),
    [
        ("digits", "1.1.0"),
        ("digits@latest", "1.1.0"),
        ("digits@staging", "1.0.0"),
        ("@v1.0.0", "1.0.0"),
    ],
)
def test_versions_stages_and_latest_resolve(registry: Registry, ref: str, version: str) -> None:
    found = registry.resolve(ref)
    assert found.version == version
    assert found.path.read_bytes() == {"1.0.0": b"one", "1.1.0": b"two"}[version]


def test_the_working_file_serves_where_it_is_right(registry: Registry, project: Project) -> None:
    assert registry.resolve("digits").path == project.top_folder / "net.onnx"
    private = registry.resolve("digits@staging").path
    assert not private.is_relative_to(project.top_folder / "net.onnx")
    assert private.is_relative_to(project.state_directory)
    assert private.name == "net.onnx"


@pytest.mark.parametrize(
    "state", ["edited", "gone", "a folder", "an empty folder", "a dangling link", "a link away"]
)
def test_else_a_private_copy_does_and_the_work_tree_is_left_alone(
    registry: Registry, project: Project, tmp_path: Path, state: str
) -> None:
    where = project.top_folder / "net.onnx"
    remove_path(where)
    if state == "edited":
        where.write_text("edited")
    elif state == "a folder":
        where.mkdir()
        (where / "dangling").symlink_to("nowhere")
    elif state == "an empty folder":
        where.mkdir()
    elif state == "a dangling link":
        where.symlink_to("nowhere")
    elif state == "a link away":
        (tmp_path / "away").write_text("another")
        where.symlink_to(tmp_path / "away")
    found = registry.resolve("digits")
    assert found.path.read_bytes() == b"two"
    assert found.path.is_relative_to(project.state_directory)
    assert state != "edited" or where.read_text() == "edited"


def test_no_cache_vouches_for_the_bytes(registry: Registry, project: Project) -> None:
    """The cache is made to say that the edited file holds what it held before."""
    write_artifact(Repository(project.top_folder), "net.onnx", "TWO")
    time.sleep(0.05)  # a file that has just changed is not cached at all
    measuring.measure_at(project, "net.onnx")
    true, false = (bytes.fromhex(Digest.of_bytes(data).hex) for data in (b"TWO", b"two"))
    kept = list(project.state.read_files(".", b"net.onnx"))
    assert kept[0][1].count(true) == 1
    project.state.keep_files(".", [(path, entry.replace(true, false)) for path, entry in kept], [])
    found = measuring.measure_at(project, "net.onnx")
    assert found is not None
    assert found.digest == Digest.of_bytes(b"two")
    assert registry.resolve("digits").path.read_bytes() == b"two"


def test_damaged_bytes_are_never_served(registry: Registry, project: Project) -> None:
    digest = Digest.of_bytes(b"one")
    (place,) = LocalStore.open_in(project.state_directory).find_locations({digest.hex})[digest.hex]
    flip_bit(Path(place.path), place.offset)
    with pytest.raises(ObjectDamaged, match=digest.hex):
        registry.resolve("digits@1.0.0")


def test_weights_that_are_not_stored_must_be_at_hand(registry: Registry, project: Project) -> None:
    repository = Repository(project.top_folder)
    write_artifact(repository, "net.onnx", "three")
    repository.git("add", "--force", "net.onnx")
    repository.commit("Keep it in git")
    register_one(project, "digits", weights=None, bump="minor", unstored=["weights"])
    assert registry.resolve("digits").path == project.top_folder / "net.onnx"
    remove_path(project.top_folder / "net.onnx")
    with pytest.raises(
        MlverError, match=r"keeps no copy of the weights of digits 1\.2\.0"
    ) as refused:
        registry.resolve("digits")
    assert refused.value.hint


@pytest.mark.parametrize("stored", [True, False])
def test_files_that_nobody_hashed_lie_beside_no_weights_that_are_resolved(
    registry: Registry, project: Project, stored: bool
) -> None:
    """A loader opens what it finds in a folder, whatever `.mlverignore` says of it."""
    repository = Repository(project.top_folder)
    write_artifact(repository, "model", {"config.json": "{}"})
    repository.git("add", "--force", "model")
    repository.commit("Keep it in git")
    unstored = () if stored else ("weights",)
    register_one(project, "texts", weights="model", unstored=unstored)
    assert registry.resolve("texts").path == project.top_folder / "model"
    repository.write(".mlverignore", "*.bin\n")
    repository.write("model/pytorch_model.bin", "from somebody")
    if stored:
        found = registry.resolve("texts").path
        assert found.is_relative_to(project.state_directory)
        assert [place.name for place in found.iterdir()] == ["config.json"]
        return
    with pytest.raises(MlverError, match="holds files that are not theirs") as refused:
        registry.resolve("texts")
    assert "model/pytorch_model.bin" in str(refused.value)
    assert refused.value.hint == "ls -ld -- model/pytorch_model.bin"


def test_an_edited_record_answers_nothing(registry: Registry, project: Project) -> None:
    record = project.top_folder / layout.version_path("digits", "1.0.0")
    record.write_bytes(record.read_bytes().replace(b"accuracy: 0.9", b"accuracy: 0.99"))
    with pytest.raises(MlverError, match="was edited after its tag sealed it"):
        registry.resolve("digits@1.0.0")


@pytest.mark.parametrize("ref", ["digits@staging", "digits@1.0.0"])
def test_a_promotion_vouches_for_its_record_where_no_tag_does(
    registry: Registry, project: Project, ref: str
) -> None:
    ground = Repository(project.top_folder)
    ground.git("tag", "--delete", "digits@v1.0.0", "digits@v1.1.0")
    assert registry.resolve(ref).metrics == {"accuracy": 0.9}
    record = project.top_folder / layout.version_path("digits", "1.0.0")
    record.write_bytes(record.read_bytes().replace(b"accuracy: 0.9", b"accuracy: 0.99"))
    ground.commit("Polish")
    with pytest.raises(
        MlverError, match=r"1\.0\.0 cannot be trusted: .*0001\.yaml promoted another record"
    ) as refused:
        registry.resolve(ref)
    assert refused.value.hint
    with pytest.raises(MlverError, match="promoted another record"):
        check_out(project, ref, CheckoutOptions(force=True))


def test_a_record_that_nothing_names_yet_is_had_by_its_version(
    registry: Registry, project: Project
) -> None:
    Repository(project.top_folder).git("tag", "--delete", "digits@v1.1.0")
    assert registry.resolve("digits@1.1.0").version == "1.1.0"


def test_a_record_of_another_version_answers_nothing(registry: Registry, project: Project) -> None:
    """Its tag and promotions would be those of the version it says it is."""
    records = project.top_folder / layout.versions_folder("digits")
    (records / "1.0.0.yaml").write_bytes((records / "1.1.0.yaml").read_bytes())
    with pytest.raises(
        MlverError,
        match=r"1\.0\.0\.yaml is not valid:\n  it says that it belongs at "
        r"\.mlver/models/digits/versions/1\.1\.0\.yaml",
    ):
        registry.resolve("digits@1.0.0")


def test_no_cache_vouches_for_a_record(registry: Registry, project: Project) -> None:
    """Make the cache say that 1.0.0 has the weights of 1.1.0, and that 1.1.0 holds staging."""
    for kind, path, old, new in (
        (
            "version",
            layout.version_path("digits", "1.0.0"),
            Digest.of_bytes(b"one").hex,
            Digest.of_bytes(b"two").hex,
        ),
        (
            "promotion",
            layout.promotion_path("digits", "staging", 1),
            '"version": "1.0.0"',
            '"version": "1.1.0"',
        ),
    ):
        data = (project.top_folder / path).read_bytes()
        key = Digest.of_bytes(f"{kind}\0".encode() + data).hex
        text = json.dumps(
            codec.decode_document("version" if kind == "version" else "promotion", data, path)
        )
        assert old in text
        project.state.put_document(key, text.replace(old, new))
    # a command that only shows may be misled, as it asks for the cache by name
    assert project.cached.registry.find_holders("digits") == {"staging": "1.1.0"}
    found = registry.resolve("digits@staging")
    assert (found.version, found.digest) == ("1.0.0", str(Digest.of_bytes(b"one")))
    check_out(project, "digits@staging", CheckoutOptions(force=True))
    assert (project.top_folder / "net.onnx").read_bytes() == b"one"
    assert (
        promote_version(project, "digits@1.1.0", to="staging", message="better").outcome
        == "promoted"
    )


def test_unknown_names_raise_with_a_hint(registry: Registry, tmp_path: Path) -> None:
    for ref in ("digits@9.9.9", "nobody", "digits@production"):
        with pytest.raises(MlverError) as refused:
            registry.resolve(ref)
        assert refused.value.hint
    with pytest.raises(MlverError, match="is not in a git repository"):
        Registry.find(tmp_path)


def test_the_package_itself_opens_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.top_folder)
    assert mlver.open().models() == mlver.open(project.top_folder / ".mlver").models() == ["digits"]


def test_a_git_repo_opens_it_and_it_offers_one(project: Project) -> None:
    with git.Repo(project.top_folder / ".mlver", search_parent_directories=True) as repo:
        registry = mlver.open(repo)
    assert registry.models() == ["digits"]
    with registry.repo as offered:
        assert isinstance(offered, git.Repo)
        assert offered.working_tree_dir == str(project.top_folder)
        assert offered.tags["digits@v1.0.0"].tag is not None
    bare = git.Repo.init(project.top_folder.parent / "bare.git", bare=True)
    with bare, pytest.raises(MlverError, match="is a bare repository"):
        mlver.open(bare)


def test_it_brings_no_command_line_no_screen_and_no_schema_library(registry: Registry) -> None:
    program = (
        "import sys; from mlver.api import Registry; found = Registry.find('.').resolve('digits');"
        "unwanted = {'git', 'typer', 'rich', 'jsonschema', 'mlver.cli', 'mlver.features'};"
        "print(found.version, sorted(unwanted & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=registry.project.top_folder,
        env={"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("1.1.0 []\n", "")
