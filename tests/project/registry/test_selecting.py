"""What a REF means among several models, stages that moved back, and digests."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.errors import MlverError, UsageError
from mlver.project.project import Project
from mlver.project.stages.promote import promote_version
from mlver.project.stages.rollback import roll_back_stage
from mlver.records import layout
from tests.conftest import Repository
from tests.copies import copy_folder
from tests.project.helpers import initialise_project, new_repository, register_one, write_artifact

NUMBERS = ("1.0.0", "1.1.0", "1.1.1", "1.2.0-rc.1")


@pytest.fixture(scope="session")
def lines_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Production held all releases in turn; staging was rolled back from 1.1.0 to 1.0.0."""
    repository = new_repository(tmp_path_factory.mktemp("lines") / "repository")
    project = initialise_project(repository)
    repository.write(".gitignore", "w\n")
    repository.commit()
    for number in NUMBERS:
        write_artifact(repository, "w", number)
        register_one(project, version=number)
    for number in NUMBERS[:3]:
        promote_version(project, f"m@{number}", to="production", message="better")
    for number in NUMBERS[:2]:
        promote_version(project, f"m@{number}", to="staging", message="to be tried")
    roll_back_stage(project, "m", stage="staging", message="slow")
    repository.pack()
    return repository.path


@pytest.fixture
def lines(lines_path: Path, tmp_path: Path) -> Project:
    return Project.open_existing(copy_folder(lines_path, tmp_path / "lines"))


def add_model(project: Project, name: str, number: str = "0.1.0") -> None:
    repository = Repository(project.top_folder)
    write_artifact(repository, "w", f"{name} {number}")
    register_one(project, name, version=number)


MEANT = {
    "m": "1.1.1",
    "m@latest": "1.1.1",
    "m@1.1": "1.1.1",
    "m@v1.0": "1.0.0",
    "m@1.1.0": "1.1.0",
    "m@1.2.0-rc.1": "1.2.0-rc.1",
    "m@~1": "1.1.0",
    "m@~2": "1.0.0",
    "m@latest~1": "1.1.0",
    "m@production": "1.1.1",
    "m@production~1": "1.1.0",
    "m@production~2": "1.0.0",
    "m@staging": "1.0.0",
    "@1.1": "1.1.1",
    "@~1": "1.1.0",
    "1.1.0": "1.1.0",
    "v1.0.0": "1.0.0",
    "1.1": "1.1.1",
    "~1": "1.1.0",
}


@pytest.mark.parametrize("ref", MEANT)
def test_what_a_selector_means(lines: Project, ref: str) -> None:
    assert str(lines.resolve_ref(ref).version) == MEANT[ref]


REFUSED = {
    "m@1.2": "m has no release 1.2 yet, only pre-releases up to 1.2.0-rc.1",
    "m@1.3": "m has no version 1.3.x",
    "m@11.1": "m has no version 11.1.x",
    "m@~3": "m has 3 releases, 1.1.1, 1.1.0, 1.0.0, and none that is 3 before the highest",
    "m@production~3": "no holder 3 back: without what was rolled back or retired, it held 1.0.0 →",
    "m@staging~1": "no holder 1 back: without what was rolled back or retired, it held 1.0.0",
    "m@canary~1": "`canary` is neither a version nor a stage here",
    "m@sha256:0000000": "no record, weights or data set of m has a digest that begins with 0000000",
}


@pytest.mark.parametrize("ref", REFUSED)
def test_what_a_selector_cannot_mean(lines: Project, ref: str) -> None:
    with pytest.raises(MlverError) as refused:
        lines.resolve_ref(ref)
    assert REFUSED[ref] in refused.value.message
    assert (refused.value.hint or "").startswith("mlver ")


def test_a_model_of_that_name_wins(lines: Project) -> None:
    add_model(lines, "1.1")
    assert lines.resolve_ref("1.1") == ("1.1", lines.resolve_ref("1.1@0.1.0").version)
    with pytest.raises(UsageError, match=r"there are 2 models here; say which: 1\.1, m"):
        lines.resolve_ref("1.0.0")


def test_a_model_that_is_given_beside_it_is_meant(lines: Project) -> None:
    add_model(lines, "n", "1.1.7")
    assert str(lines.resolve_ref("1.1", "m").version) == "1.1.1"
    assert str(lines.resolve_ref("@1.1", "n").version) == "1.1.7"
    assert str(lines.resolve_ref("m@1.0", "n").version) == "1.0.0"


def test_a_digest_is_of_the_record_or_of_what_it_pins(lines: Project) -> None:
    record, digest = lines.registry.read_version("m", "1.1.0")
    for known in (digest, record.weights.digest):
        for digits in (7, 20, 64):
            ref = f"sha256:{known.hex[:digits]}"
            assert str(lines.resolve_ref(f"m@{ref}").version) == "1.1.0"
            assert str(lines.resolve_ref(ref).version) == "1.1.0"


def test_a_digest_tells_the_model(lines: Project) -> None:
    add_model(lines, "n")
    record, _ = lines.registry.read_version("n", "0.1.0")
    assert lines.resolve_ref(f"@{record.weights.digest}").model == "n"
    with pytest.raises(MlverError, match="no record, weights or data set of m has"):
        lines.resolve_ref(f"m@{record.weights.digest}")


def test_what_several_versions_pin_names_none_of_them(lines: Project) -> None:
    write_artifact(Repository(lines.top_folder), "w", "1.1.0")
    register_one(lines, version="1.3.0")
    record, _ = lines.registry.read_version("m", "1.3.0")
    with pytest.raises(MlverError) as refused:
        lines.resolve_ref(f"m@sha256:{record.weights.digest.hex[:9]}")
    assert "is of 2 versions: m@1.3.0 (weights), m@1.1.0 (weights); name" in refused.value.message


def test_the_digits_of_a_digest_elsewhere_in_a_record_mean_nothing(lines: Project) -> None:
    where = lines.top_folder / layout.version_path("m", "1.1.0")
    where.write_bytes(where.read_bytes().replace(b"message: why", b"message: sha256:1234567"))
    with pytest.raises(MlverError, match="has a digest that begins with 1234567"):
        lines.resolve_ref("m@sha256:1234567")


CORRECTIONS = {
    "M@1.0.0": "m@1.0.0",
    "m:1.0.0": "m@1.0.0",
    "m==1.0.0": "m@1.0.0",
    "m#production": "m@production",
    "m/prod": "m@production",
    "m@prod": "m@production",
    "m@prodcution": "m@production",
    "m@PRODUCTION": "m@production",
    "m@production.2": "m@1.1.0",
    "m@production.9": "m@production",
    "m@production^": "m@production~1",
    "m@prod~": "m@production~1",
    "m@production~0": "m@production",
    "m@HEAD": "m@latest",
    "m@HEAD~2": "m@~2",
    "m@HEAD^": "m@~1",
    "m@1": "m@1.1.1",
    "m@1.x": "m@1.1.1",
    "m@1.0.x": "m@1.0",
    "m@01.1": "m@1.1",
    "m@1.1.0+cuda": "m@1.1.0",
    "m@1.2": "m@1.2.0-rc.1",
    "m@1.2.0": "m@1.2.0-rc.1",
    "@prod": "@production",
    "production": "@production",
    "latest": "@latest",
    "m@V1.0.0": "m@v1.0.0",
}


@pytest.mark.parametrize("ref", CORRECTIONS)
def test_what_was_probably_meant_is_said(lines: Project, ref: str) -> None:
    with pytest.raises(MlverError) as refused:
        lines.resolve_ref(ref)
    assert refused.value.suggestion == (ref, CORRECTIONS[ref])


def test_of_several_models_the_one_where_it_means_something_is_proposed(lines: Project) -> None:
    add_model(lines, "n")
    add_model(lines, "o", "0.2.0")
    for ref, meant in {"@production": "m@production", "0.2.0": "o@0.2.0", "@latest": None}.items():
        with pytest.raises(MlverError) as refused:
            lines.resolve_ref(ref)
        assert (refused.value.suggestion or ("", None))[1] == meant


def test_a_model_of_only_pre_releases_is_answered_with_the_highest(lines: Project) -> None:
    add_model(lines, "n", "0.1.0-rc.1")
    add_model(lines, "n", "0.1.0-rc.2")
    for ref in ("n", "n@latest"):
        with pytest.raises(MlverError, match=r"only pre-releases up to 0\.1\.0-rc\.2") as refused:
            lines.resolve_ref(ref)
        assert refused.value.suggestion == (ref, "n@0.1.0-rc.2")


NOTHING_MEANT = ["m@canary", "nothing@1.0.0", "m@9.9.9", "m@staging~1", "m@~9", "x:y", "\x1b", "@@"]


@pytest.mark.parametrize("ref", NOTHING_MEANT)
def test_where_nobody_can_tell_nothing_is_proposed(lines: Project, ref: str) -> None:
    with pytest.raises(MlverError) as refused:
        lines.resolve_ref(ref)
    assert refused.value.suggestion is None
