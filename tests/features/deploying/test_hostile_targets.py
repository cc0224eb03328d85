"""Settings and folders that somebody else wrote: nothing is written outside, and nothing waits."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.document import codec
from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.conftest import Repository
from tests.features.deploying.conftest import RECORDS, add_target, list_all, promote, read_served
from tests.features.deploying.test_deploy import read_chain

PLACE = "serving/versions/v-20260102-030405"


def point_target(repository: Repository, path: str, more: str = "") -> None:
    add_target(
        repository,
        f"deploy:\n  host:\n    layout: directories\n    path: {path}\n"
        f"    stages: {{stable: production}}\n{more}",
    )


@pytest.mark.parametrize(
    "path",
    [
        *("../out", "a/../../out", "..", ".", "./serving", '""', "/", "/..", "a//b"),
        *(".mlver/serving", ".git/serving", "serving/.git", ".MLVER/x", '"a\\nb"', '"\\e[2J"'),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(second: Repository, path: str) -> None:
    point_target(second, path)
    before = list_all(second.path.parent)
    done = second.mlver("deploy", "host")
    assert done.code in (2, 3)
    assert "error: " in done.err
    assert "\x1b" not in done.err
    assert {*list_all(second.path.parent)} == {*before}


def test_the_repository_itself_is_no_target(second: Repository) -> None:
    point_target(second, str(second.path))
    assert "belongs to git, mlver or your work" in assert_refused(second, "deploy", "host", "--yes")


@pytest.mark.parametrize("own", ["sub/.git", "out/.mlver"])
def test_no_other_repository_is_written_to(second: Repository, tmp_path: Path, own: str) -> None:
    point_target(second, "sub/serving" if own == "sub/.git" else f"{tmp_path}/out/.mlver/serving")
    root = second.path if own == "sub/.git" else tmp_path
    (root / own).mkdir(parents=True)
    assert_refused(second, "deploy", "host", "--yes", code=3)
    assert list_all(root / own.partition("/")[0]) == {own.partition("/")[2]: None}


def test_a_symlink_on_the_way_is_refused(second: Repository, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (second.path / "out").symlink_to(elsewhere)
    for path in ("out", "out/serving"):
        point = second.path / ".mlver/config.yaml"
        before = point.read_text()
        point_target(second, path)
        assert "symlink" in assert_refused(second, "deploy", "host", code=3)
        point.write_text(before)
        second.git("commit", "--quiet", "--all", "--message", "Back")
    assert list(elsewhere.iterdir()) == []


def test_a_folder_with_other_things_is_left_alone(hosted: Repository) -> None:
    hosted.write("serving/notes.txt", "mine")
    said = assert_refused(hosted, "deploy", "host")
    assert "has other things in it, such as notes.txt" in said
    assert list_all(hosted.path / "serving") == {"notes.txt": b"mine"}


def test_the_folder_of_another_target_is_left_alone(deployed: Repository) -> None:
    settings = deployed.path / ".mlver/config.yaml"
    settings.write_text(settings.read_text().replace("  host:", "  other:"))
    deployed.git("commit", "--quiet", "--all", "--message", "Rename")
    before = list_all(deployed.path / "serving")
    assert "belongs to another target: host" in assert_refused(deployed, "deploy", "other")
    assert list_all(deployed.path / "serving") == before


def test_a_mark_that_cannot_be_read_is_nobodys(deployed: Repository) -> None:
    mark = deployed.path / "serving/.mlver-target.json"
    for text in ("", "[]", "{", '{"format": 1}', "[" * 100_000, '{"target": "host"}'):
        mark.write_text(text)
        assert "nobody can tell whose folder it is" in assert_refused(deployed, "deploy", "host")
    mark.unlink()
    assert "has other things in it" in assert_refused(deployed, "deploy", "host")


@pytest.mark.parametrize("field", ["files", "routes"])
@pytest.mark.parametrize("path", ["../notes.txt", "../../victim", "a/../../notes.txt", "/x", ""])
def test_a_mark_that_names_what_lies_elsewhere_is_not_believed(
    deployed: Repository, field: str, path: str
) -> None:
    """A repository of somebody else may bring a mark, and what it names is removed."""
    notes = deployed.write("notes.txt", "mine")
    victim = deployed.path.with_name("victim")
    victim.mkdir()
    mark = deployed.path / "serving/.mlver-target.json"
    mark.write_text(json.dumps({**json.loads(mark.read_text()), field: [path]}))
    assert "nobody can tell whose folder it is" in assert_refused(deployed, "deploy", "host")
    assert notes.read_text() == "mine"
    assert victim.is_dir()


@pytest.mark.parametrize("text", ["", "[]", '{"version": "1.0.0", "digest": "x"}', "[" * 100_000])
def test_a_folder_that_says_nothing_of_itself_is_no_obstacle(
    deployed: Repository, text: str
) -> None:
    deployed.write("serving/versions/v-of-nobody/mlver.json", text)
    promote(deployed, "1.1.0")
    assert_works(deployed, "deploy", "host")
    assert read_served(deployed.path / "serving")["version"] == "1.1.0"


def test_a_folder_outside_is_agreed_to_once(second: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    point_target(second, str(outside))
    said = assert_refused(second, "deploy", "host")
    assert f"lies outside of the repository, in {outside}" in said
    assert "hint: mlver deploy host --yes" in said
    assert not outside.exists()
    assert_works(second, "deploy", "host", "--yes")
    assert read_served(outside)["version"] == "1.0.0"
    promote(second, "1.1.0")
    assert_works(second, "deploy", "host")
    assert read_served(outside)["version"] == "1.1.0"
    assert not (outside / ".gitignore").exists()


def test_another_clone_has_to_agree_itself(second: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    point_target(second, str(outside))
    assert_works(second, "deploy", "host", "--yes")
    moved = second.path.rename(second.path.with_name("another"))
    other = Repository(moved)
    promote(other, "1.1.0")
    assert "lies outside of the repository" in assert_refused(other, "deploy", "host")
    assert read_served(outside)["version"] == "1.0.0"


def put_fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def put_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def put_link(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize("put", [put_fifo, put_folder, put_link])
@pytest.mark.parametrize("name", ["model/weights.safetensors", "mlver.json", "more"])
def test_whatever_lies_in_a_version_is_put_right(
    deployed: Repository, name: str, put: Callable[[Path], None]
) -> None:
    put(deployed.path / PLACE / name)
    assert deployed.mlver("deploy", "host", "--check").code == 1
    assert_works(deployed, "deploy", "host")
    assert not os.path.lexists(deployed.path / PLACE / "more")
    assert read_served(deployed.path / "serving")["version"] == "1.0.0"
    assert deployed.mlver("deploy", "host", "--check").code == 0


@pytest.mark.parametrize("put", [put_fifo, put_folder])
def test_what_is_no_link_in_the_place_of_one_is_refused(
    deployed: Repository, put: Callable[[Path], None]
) -> None:
    put(deployed.path / "serving/stable")
    said = assert_refused(deployed, "deploy", "host")
    assert "serving/stable is to be a link and is something else; move it away" in said


def test_a_version_folder_that_is_a_link_is_not_followed(
    deployed: Repository, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (deployed.path / PLACE).rename(elsewhere)
    (deployed.path / PLACE).symlink_to(elsewhere)
    (elsewhere / "mlver.json").write_text("{}")
    before = list_all(elsewhere)
    deployed.mlver("deploy", "host")
    assert list_all(elsewhere) == before
    assert not (deployed.path / "serving" / "stable").resolve().is_relative_to(elsewhere)


def test_a_candidate_that_no_tag_seals_is_not_deployed(deployed: Repository) -> None:
    rollout = ("rollout", "digits@1.1.0", "--to", "production", "--share", "100", "--force")
    assert_works(deployed, *rollout, "-m", "All of it")
    deployed.git("tag", "--delete", "digits@v1.1.0")
    before = list_all(deployed.path / "serving")
    assert "digits@v1.1.0" in assert_refused(deployed, "deploy", "host")
    assert list_all(deployed.path / "serving") == before


def test_what_no_tag_seals_is_not_kept_answerable(deployed: Repository) -> None:
    settings = deployed.path / ".mlver/config.yaml"
    settings.write_text(settings.read_text() + '    keep_serving: ["1.1.0"]\n')
    deployed.git("commit", "--quiet", "--all", "--message", "Keep it")
    deployed.git("tag", "--delete", "digits@v1.1.0")
    assert "digits@v1.1.0" in assert_refused(deployed, "deploy", "host")


def forge_kept(deployed: Repository, **claims: Any) -> None:
    """Commit a deployment by hand, which says that a version was kept, by these claims."""
    path = deployed.path / RECORDS / "0001.yaml"
    record = read_chain(deployed)[0]
    kept = replace(record.roles["stable"], stage=None, sequence=None, **claims)
    forged = replace(
        record,
        sequence=2,
        kept=(kept,),
        files={"notes/deep/mine.txt": Digest.of_bytes(b"mine")},
        prior=Digest.of_bytes(path.read_bytes()),
    )
    data = codec.encode_document("deployment", forged.to_document())
    deployed.write(forged.record_path, data.decode())
    deployed.git("add", "--all", ".mlver")
    deployed.git("commit", "--quiet", "--no-verify", "--message", "Forge")


@pytest.mark.parametrize("folder", ["notes", "versions", "notes/deep"])
def test_what_a_forged_record_names_is_not_removed(deployed: Repository, folder: str) -> None:
    settings = deployed.path / ".mlver/config.yaml"
    settings.write_text(settings.read_text() + "    keep: 1\n")
    deployed.write("serving/notes/deep/mine.txt", "mine")
    forge_kept(deployed, folder=folder)
    assert_works(deployed, "deploy", "host")
    assert (deployed.path / "serving/notes/deep/mine.txt").read_text() == "mine"
    assert read_served(deployed.path / "serving")["version"] == "1.0.0"


def test_a_forged_record_puts_no_version_where_another_serves(deployed: Repository) -> None:
    data = (deployed.path / ".mlver/models/digits/versions/1.1.0.yaml").read_bytes()
    forge_kept(
        deployed,
        folder=PLACE.removeprefix("serving/"),
        version="1.1.0",
        record=Digest.of_bytes(data),
    )
    before = list_all(deployed.path / PLACE)
    promote(deployed, "1.1.0")
    assert_works(deployed, "deploy", "host")
    assert list_all(deployed.path / PLACE) == before
    assert read_served(deployed.path / "serving")["version"] == "1.1.0"


def test_weights_with_the_name_of_the_description_are_refused(second: Repository) -> None:
    second.write("mlver.json", "weights\n")
    second.git("rm", "--quiet", "-r", "--cached", "--ignore-unmatch", "mlver.json")
    train_model(second, 3)
    words = ("--weights", "mlver.json", "--bump", "minor", "-m", "Odd", "--allow-mixed")
    assert second.mlver("register", "digits", *words).code == 0
    promote(second, "1.2.0")
    point_target(second, "serving")
    said = assert_refused(second, "deploy", "host")
    assert "has the name of a file that a deployment itself writes" in said
    assert not (second.path / "serving").exists() or not os.path.lexists(
        second.path / "serving/stable"
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("    layout: torchserve\n", "torchserve"),
        ("    keep: 0\n", "keep"),
        ("    command: rm -rf /\n", "command"),
        ("    keep_serving: [latest]\n", "keep_serving"),
        ("    model: ../x\n", "model"),
        ("    routes: {kind: nginx, file: ../x}\n", "routes.file"),
        ("    routes: {kind: apache}\n", "routes.kind"),
        ("    options: {a: [1]}\n", "options"),
    ],
)
def test_settings_of_no_target_are_refused_by_name(
    second: Repository, more: str, said: str
) -> None:
    settings = "deploy:\n  host:\n    layout: directories\n    path: serving\n"
    settings += "    stages: {stable: production}\n"
    if "layout" in more:
        settings = settings.replace("    layout: directories\n", "")
    add_target(second, settings + more)
    done = second.mlver("deploy", "host")
    assert done.code == 3
    assert ".mlver/config.yaml" in done.err
    assert said in done.err


def test_a_target_that_is_not_there_is_named_with_those_that_are(hosted: Repository) -> None:
    said = assert_refused(hosted, "deploy", "hots", code=2)
    told = "error: there is no target `hots`; the targets here are host\n"
    assert said == f"{told}hint: mlver deploy host\n"


def test_the_first_target_is_one_command_away(second: Repository) -> None:
    said = assert_refused(second, "deploy", "host", code=2)
    assert said.startswith("error: the settings name no target `host`, nor any other;")
    (hint,) = [line.removeprefix("hint: mlver ") for line in said.splitlines()[1:]]
    assert_works(second, *shlex.split(hint))
    second.git("commit", "--quiet", "--all", "--message", "A target")
    promote(second, "1.0.0")
    assert_works(second, "deploy", "host")
    assert read_served(second.path / "serving")["version"] == "1.0.0"


def test_the_target_that_new_settings_show_can_be_used(second: Repository) -> None:
    written = (second.path / ".mlver/config.yaml").read_text()
    _, _, example = written.partition("\n#deploy:\n")
    settings = example.partition("#  cluster:\n")[0].replace("#", "")
    add_target(second, "deploy:\n" + settings.replace(", canary: canary", ""))
    promote(second, "1.0.0")
    assert_works(second, "deploy", "production-host", "--dry-run")


def test_a_plan_that_came_with_an_archive_is_not_believed(deployed: Repository) -> None:
    record = (deployed.path / ".mlver/deployments/host/0001.yaml").read_text()
    forged = record.replace("sequence: 1\ncreated", "sequence: 2\ncreated")
    forged = forged.replace("prior: null", f'prior: "{Digest.of_bytes(record.encode())}"')
    for text in ("", "[]", '{"record": 1, "proof": 2}', "[" * 100_000):
        deployed.write(".git/mlver/deployment-host.json", text)
        assert_works(deployed, "deploy", "host")
    document = {"record": forged, "proof": "key:" + "0" * 64}
    deployed.write(".git/mlver/deployment-host.json", json.dumps(document))
    assert_works(deployed, "deploy", "host")
    assert not (deployed.path / ".mlver/deployments/host/0002.yaml").exists()


def test_a_target_in_the_place_of_an_artifact_is_refused(second: Repository) -> None:
    point_target(second, "data/train.csv/serving")
    (second.path / "data/train.csv").unlink()
    said = assert_refused(second, "deploy", "host")
    assert "host lies where versions of digits have data/train.csv" in said
    assert not (second.path / "data/train.csv").exists()


def test_routes_never_replace_a_file_that_no_deployment_wrote(second: Repository) -> None:
    routes = "    routes: {kind: nginx, file: FILE, upstreams: {stable: '127.0.0.1:9001'}}\n"
    point_target(second, "serving", routes.replace("FILE", "README.md"))
    mine = (second.path / "README.md").read_text()
    assert "no deployment wrote it" in assert_refused(second, "deploy", "host")
    settings = second.path / ".mlver/config.yaml"
    settings.write_text(settings.read_text().replace("README.md", "routes.conf"))
    second.git("commit", "--quiet", "--all", "--message", "Another file")
    assert_works(second, "deploy", "host")
    (second.path / "routes.conf").write_text("edited")
    assert_works(second, "deploy", "host")
    assert (second.path / "routes.conf").read_text() != "edited"
    settings.write_text(settings.read_text().replace("routes.conf", "README.md"))
    second.git("commit", "--quiet", "--all", "--message", "The first one again")
    assert "no deployment wrote it" in assert_refused(second, "deploy", "host")
    assert (second.path / "README.md").read_text() == mine
