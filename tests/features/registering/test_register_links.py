"""Links inside an artifact are kept as content where they stay in the work tree, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository


@pytest.fixture
def place(repository: Repository) -> Repository:
    assert repository.mlver("init").code == 0
    repository.write(".gitignore", "/model/\n")
    repository.commit()
    repository.write("model/w.bin", "weights")
    return repository


def register(place: Repository, *more: str) -> tuple[int, str]:
    done = place.mlver("register", "m", "--weights", "model", "-m", "why", *more)
    return done.code, done.err


def assert_unreadable(place: Repository, reason: str) -> None:
    """Whoever looks is told of the link `notes`, and of nothing that it leads to."""
    (model,) = read_document(place.mlver("status", "--json"), "status")["models"]
    compared = read_document(place.mlver("diff", "m", "--json"), "diff")
    for document in (model, compared):
        (weights,) = document["artifacts"]
        assert (weights["state"], weights["new_digest"]) == ("unreadable", None)
        assert (
            "notes is a symlink" in weights["unreadable"] or "notes cannot" in weights["unreadable"]
        )
        assert reason in weights["unreadable"]
        assert (weights["new_size"], weights["added"], weights["changed"]) == (0, [], [])
    assert (model["bump"], model["differs"]) == (None, True)
    for command in ("status", "diff"):
        shown = assert_works(place, command)
        assert "  weights  unreadable  model  " in shown
        assert reason in shown
        for secret in ("token", "repositoryformatversion"):  # of what is outside, and of git
            assert secret not in shown


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("{outside}/secret.yaml", "which lies outside of the work tree"),
        ("{outside}", "which lies outside of the work tree"),
        ("../.git/config", "which belongs to git or mlver itself"),
        ("../.git", "which belongs to git or mlver itself"),
        ("../.mlver", "which belongs to git or mlver itself"),
        ("nowhere", "which does not exist"),
        (".", "is a symlink to a directory that contains it"),
        ("notes", "cannot be looked at: Too many levels of symbolic links"),
    ],
)
def test_a_link_that_leaves_the_work_tree_is_refused_by_name(
    place: Repository, tmp_path: Path, target: str, reason: str, more: tuple[str, ...]
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.yaml").write_text("token: x\n")
    link = place.path / "model/notes"
    link.symlink_to(target.format(outside=tmp_path / "outside"))
    code, said = register(place, *more)
    assert code == 3
    assert reason in said
    assert "notes is a symlink" in said or "notes cannot be" in said
    assert not list((place.path / ".mlver").glob("models/*"))
    assert "token" not in said
    link.unlink()
    assert register(place)[0] == 0
    link.symlink_to(target.format(outside=tmp_path / "outside"))
    # A link to nowhere holds no bytes, and stands for a file that is missing.
    if target != "nowhere":
        assert_unreadable(place, reason)
        code, said = register(place, "--bump", "major", *more)
        assert code == 3
        assert reason in said
        assert "token" not in said
        assert not place.git("tag", "--list", "m@v2*")
    (finding,) = json.loads(place.mlver("verify", "--all", "--json").out)["notes"]
    assert finding["subject"] == "model"
    assert reason in finding["message"]


def test_a_link_that_stays_in_the_work_tree_is_kept_as_content(place: Repository) -> None:
    place.write("shared/a.txt", "shared")
    (place.path / "model/shared").symlink_to("../shared")
    assert register(place)[0] == 0
    assert place.mlver("checkout", "m@1.0.0", "--to", "served").code == 0
    assert (place.path / "served/model/shared/a.txt").read_text() == "shared"


def test_a_link_that_came_later_does_not_stop_a_checkout(place: Repository, tmp_path: Path) -> None:
    assert register(place)[0] == 0
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (place.path / "model/w.bin").unlink()
    (place.path / "model/w.bin").symlink_to(secret)
    done = place.mlver("checkout", "m@1.0.0", "--force")
    assert done.code == 0, done.err
    assert not (place.path / "model/w.bin").is_symlink()
    assert (place.path / "model/w.bin").read_text() == "weights"
    assert secret.read_text() == "secret"


@pytest.mark.parametrize("option", ["--params", "--metrics"])
def test_no_file_of_values_is_a_link_that_leads_out(
    place: Repository, tmp_path: Path, option: str
) -> None:
    (tmp_path / "secret.yaml").write_text("token: 1\n")
    (place.path / "values.yaml").symlink_to(tmp_path / "secret.yaml")
    code, said = register(place, option, "values.yaml")
    assert code == 3
    assert "values.yaml is a symlink to " in said
    assert "secret.yaml, which lies outside of the work tree" in said


def test_links_into_a_hub_cache_are_to_be_copied(place: Repository, tmp_path: Path) -> None:
    blobs = tmp_path / "hub/models--org--net/blobs"
    blobs.mkdir(parents=True)
    (blobs / "0a").write_text("weights")
    (place.path / "model/m.bin").symlink_to(blobs / "0a")
    code, said = register(place)
    assert code == 3
    assert f"hint: cp -RL -- {place.path}/model {place.path}/model.copy" in said
