"""Artifacts behind a link out of the work tree: refused, or followed where the person says so."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import digest_tree, read_document
from tests.conftest import Repository
from tests.hints import judge_command

SETTINGS = ".mlver/models/m/model.yaml"
AGAIN = ("register", "m", "--bump", "patch", "-m", "again")
FIRST = ("register", "m", "--weights", "model", "-m", "one")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "w.bin").write_text("one")
    (disk / "sub").mkdir()
    (disk / "sub/config").write_text("layers: 2")
    return disk


@pytest.fixture
def place(repository: Repository, disk: Path) -> Repository:
    """`model` is a link to a folder beside the work tree."""
    assert repository.mlver("init").code == 0
    repository.write(".gitignore", "/model\n")
    repository.commit()
    (repository.path / "model").symlink_to("../disk")
    return repository


@pytest.fixture
def followed(place: Repository) -> Repository:
    assert_works(place, *FIRST, "--follow")
    return place


def read_weights(repository: Repository, *command: str) -> dict[str, Any]:
    """What `status` or `diff` says of the weights; nothing but a reason, as they cannot be read."""
    document = read_document(repository.mlver(*command, "--json"), command[0])
    if command[0] == "status":
        (document,) = document["models"]
    (weights,) = document["artifacts"]
    assert isinstance(weights, dict)
    assert (weights["name"], weights["path"], weights["state"]) == (
        "weights",
        "model",
        "unreadable",
    )
    assert (weights["new_digest"], weights["new_size"], weights["new_files"]) == (None, 0, 0)
    for names in ("added", "removed", "changed", "renamed", "modes"):
        assert weights[names] == []
    return weights


def assert_not_followed(repository: Repository, *command: str, target: Path) -> None:
    """Who only looks is told of the link beside the rest; all else is refused. Both name it."""
    reason = f"is a symlink to {target}, which lies outside of the work tree"
    before = digest_tree(target)
    if command[0] in ("status", "diff"):
        shown = assert_works(repository, *command)
        assert f"  weights  unreadable  model  {reason}; it is followed once" in shown
        weights = read_weights(repository, *command)
        assert weights["unreadable"].startswith(reason)
        assert weights["fetch"] == "mlver checkout m --follow"
        assert judge_command(weights["fetch"]) is None
        if command[0] == "status":
            assert "next: mlver checkout m --follow " in shown
        # no name of a file there, and no text of one
        for told in (shown, json.dumps(weights)):
            assert "w.bin" not in told
            assert "layers" not in told
            assert "precious" not in told.replace(str(target), "")
    else:
        assert f"model {reason}" in assert_refused(repository, *command)
    assert digest_tree(target) == before
    assert (repository.path / "model").is_symlink()


def test_a_folder_behind_a_link_is_refused_unless_it_is_to_be_followed(
    place: Repository, disk: Path
) -> None:
    said = assert_refused(place, *FIRST)
    assert said == (
        f"error: model is a symlink to {disk}, which lies outside of the work tree; add --follow"
        " to register what is there, and to let a checkout write there\n"
        "hint: mlver register m --weights model --follow -m one\n"
    )
    assert not (place.path / SETTINGS).exists()
    assert "weights  model  2 files" in assert_works(place, *FIRST, "--follow")
    assert "\n  follow: true\n" in (place.path / SETTINGS).read_text()


def test_the_next_registration_follows_without_being_told(followed: Repository, disk: Path) -> None:
    (disk / "w.bin").write_text("two")
    assert_works(followed, *AGAIN)
    assert_works(followed, "checkout", "m@1.0.0", "--to", "../served")
    assert (disk.parent / "served/model/w.bin").read_text() == "one"
    assert (disk.parent / "served/model/sub/config").read_text() == "layers: 2"


def test_a_dry_run_remembers_nothing(place: Repository) -> None:
    assert_works(place, *FIRST, "--follow", "--dry-run")
    assert not (place.path / ".git/mlver/followed.json").exists()
    assert_refused(place, *FIRST)


def test_no_follow_ends_it(followed: Repository, disk: Path) -> None:
    assert "outside of the work tree" in assert_refused(followed, *AGAIN, "--no-follow")
    (followed.path / "model").unlink()
    followed.write("model/w.bin", "here")
    assert_works(followed, *AGAIN, "--no-follow")
    assert "follow" not in (followed.path / SETTINGS).read_text()
    # What was agreed to is forgotten, even if somebody writes the setting again.
    settings = (followed.path / SETTINGS).read_text()
    followed.write(SETTINGS, settings.replace("stored: true", "stored: true\n  follow: true"))
    followed.commit("Follow")
    (followed.path / "model/w.bin").unlink()
    (followed.path / "model").rmdir()
    (followed.path / "model").symlink_to("../disk")
    assert "outside of the work tree" in assert_refused(followed, *AGAIN)


@pytest.mark.parametrize("command", [AGAIN, ("status",), ("diff", "m"), ("checkout", "m@1.0.0")])
def test_a_setting_that_came_with_the_repository_is_not_enough(
    followed: Repository, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """The link is in git, and so is the setting: the person who cloned it agreed to nothing."""
    followed.git("add", "--force", "model")
    followed.git("commit", "--quiet", "-m", "A link")
    assert_works(followed, "hook", "check")
    clone = Repository(tmp_path / "clone/tree")
    followed.git("clone", "--quiet", str(followed.path), str(clone.path))
    precious = tmp_path / "clone/disk"
    precious.mkdir()
    (precious / "w.bin").write_text("precious")
    before = clone.git("for-each-ref")
    assert_not_followed(clone, *command, target=precious)
    assert [path.name for path in precious.iterdir()] == ["w.bin"]
    assert (precious / "w.bin").read_text() == "precious"
    assert (clone.path / "model").is_symlink()
    assert clone.git("for-each-ref") == before


def test_a_link_that_leads_elsewhere_by_now_is_refused(followed: Repository) -> None:
    (followed.path / "../other").mkdir()
    (followed.path / "../other/w.bin").write_text("precious")
    (followed.path / "model").unlink()
    (followed.path / "model").symlink_to("../other")
    other = followed.path.parent / "other"
    for command in (AGAIN, ("status",), ("diff", "m"), ("checkout", "m@1.0.0", "--force")):
        assert_not_followed(followed, *command, target=other)
    assert (followed.path / "../other/w.bin").read_text() == "precious"


def test_what_another_wrote_of_followed_links_is_not_believed(
    followed: Repository, disk: Path
) -> None:
    path = followed.path / ".git/mlver/followed.json"
    document = json.loads(path.read_text())
    assert document["links"] == [[str(followed.path), "model", str(disk)]]
    for text in (
        json.dumps({**document, "proof": "key:" + "0" * 64}),
        json.dumps({**document, "links": [*document["links"], *document["links"]]}),
        json.dumps({**document, "clone": "elsewhere"}),
        json.dumps({**document, "links": 1}),
        "[]",
        "",
        "[" * 100_000,
    ):
        path.write_text(text)
        assert_not_followed(followed, "status", target=disk)
        assert_not_followed(followed, *AGAIN, target=disk)


def test_a_look_at_the_work_tree_goes_behind_a_followed_link(
    followed: Repository, disk: Path
) -> None:
    assert "  1 version, 0 promotions, 2 files" in assert_works(followed, "verify")
    (disk / "w.bin").write_text("three")
    assert "    ~  w.bin\n" in assert_works(followed, "status")
    assert "w.bin" in assert_works(followed, "diff", "m@1.0.0")
    (note,) = json.loads(followed.mlver("verify", "--json").out)["notes"]
    assert "w.bin" in note["message"]


def test_verify_names_a_link_that_is_not_followed(followed: Repository, disk: Path) -> None:
    (followed.path / ".git/mlver/followed.json").unlink()
    done = followed.mlver("verify", "--json")
    assert done.code == 0
    (note,) = json.loads(done.out)["notes"]
    assert note["subject"] == "model"
    assert note["message"].startswith(f"is a symlink to {disk}, which lies outside of the work")


@pytest.mark.parametrize("target", ["../..", "../.git", "../../elsewhere/.git/x"])
def test_some_folders_are_never_followed(place: Repository, tmp_path: Path, target: str) -> None:
    (tmp_path / "elsewhere/.git/x").mkdir(parents=True)
    (tmp_path / "elsewhere/.git/x/w.bin").write_text("1")
    (place.path / "sub").mkdir()
    (place.path / "sub/model").symlink_to(target)
    weights = ("--weights", "sub/model")
    for more in ((), ("--follow",)):
        said = assert_refused(place, "register", "m", *weights, *more, "-m", "one")
        assert "sub/model is a symlink to " in said
    assert not (place.path / SETTINGS).exists()


@pytest.mark.parametrize("more", [(), ("--follow",)])
def test_a_link_to_a_file_out_of_the_work_tree_is_refused(
    place: Repository, disk: Path, more: tuple[str, ...]
) -> None:
    (place.path / "m.bin").symlink_to(disk / "w.bin")
    said = assert_refused(place, "register", "m", "--weights", "m.bin", *more, "-m", "one")
    assert f"m.bin is a symlink to {disk}/w.bin, which lies outside of the work tree" in said


@pytest.mark.parametrize("target", ["w.bin", "../other"])
def test_links_inside_a_followed_folder_are_refused(
    followed: Repository, disk: Path, target: str
) -> None:
    (disk.parent / "other").write_text("precious")
    (disk / "inner").symlink_to(target)
    said = assert_refused(followed, *AGAIN)
    assert "inner is a symlink to" in said


def test_data_sets_are_followed_each_by_itself(place: Repository, disk: Path) -> None:
    place.write("weights.bin", "w")
    place.write("train.csv", "a,b\n")
    place.git("add", "train.csv")
    place.git("commit", "--quiet", "-m", "Data")
    data = ("--data", "train=train.csv", "--data", "images=model")
    assert_works(place, "register", "m", "--weights", "weights.bin", *data, "--follow", "-m", "one")
    settings = (place.path / SETTINGS).read_text()
    assert settings.count("follow: true") == 1
    assert "    path: model\n    stored: true\n    follow: true\n" in settings


def move_clone(followed: Repository, to: Path) -> Repository:
    """The same link there leads to another folder, in which precious files lie."""
    followed.path.rename(to)
    precious = to.parent / "disk"
    precious.mkdir()
    (precious / "w.bin").write_text("precious")
    return Repository(to)


def test_an_agreement_does_not_move_with_the_clone(followed: Repository, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    moved = move_clone(followed, tmp_path / "elsewhere/tree")
    for command in (AGAIN, ("status",), ("diff", "m"), ("checkout", "m@1.0.0", "--force")):
        assert_not_followed(moved, *command, target=tmp_path / "elsewhere/disk")
    assert (tmp_path / "elsewhere/disk/w.bin").read_text() == "precious"


def test_an_agreement_does_not_hold_in_another_clone(followed: Repository, tmp_path: Path) -> None:
    """The work tree is where it was, and git's own files are elsewhere."""
    followed.git("init", "--quiet", "--separate-git-dir", "../elsewhere.git")
    assert (tmp_path / "elsewhere.git/mlver/followed.json").exists()
    for command in (("status",), ("checkout", "m@1.0.0")):
        assert_not_followed(followed, *command, target=tmp_path / "disk")
    assert_works(followed, "checkout", "m@1.0.0", "--follow")
    assert_works(followed, "status")


def test_all_links_of_a_version_are_named(place: Repository, disk: Path) -> None:
    (disk.parent / "more").mkdir()
    (disk.parent / "more/train.csv").write_text("a,b")
    (place.path / "data").symlink_to("../more")
    names = f"model to {disk}, data to {disk.parent / 'more'}"
    words = (*FIRST[:-2], "--data", "train=data", *FIRST[-2:])
    said = assert_refused(place, *words)
    assert said.startswith(f"error: these are symlinks out of the work tree: {names}; add --follow")
    assert_works(place, *words, "--follow")
    (place.path / ".git/mlver/followed.json").unlink()
    said = assert_refused(place, "checkout", "m@1.0.0")
    assert f"these are symlinks out of the work tree: {names}; files are written there" in said
    told = assert_works(place, "checkout", "m@1.0.0", "--follow")
    assert f"  through symlinks: {names}\n" in told
    document = json.loads(place.mlver("checkout", "m@1.0.0", "--json").out)
    assert document["files"]["outside"] == {"model": str(disk), "data": str(disk.parent / "more")}


def test_what_a_failed_command_agreed_to_is_forgotten(followed: Repository, disk: Path) -> None:
    agreements = followed.path / ".git/mlver/followed.json"
    agreements.unlink()
    (disk / "w.bin").write_text("stored nowhere")
    said = assert_refused(followed, "checkout", "m@1.0.0", "--follow")
    assert said.endswith("hint: mlver register m --bump patch --follow -m WHY\n")
    assert_not_followed(followed, "status", target=disk)
    followed.write("code.py", "1")
    followed.git("add", "code.py")
    assert "code is not committed" in assert_refused(followed, *AGAIN, "--follow")
    assert_not_followed(followed, "status", target=disk)
    # nor is anything else forgotten where it fails
    followed.commit("Code")
    assert_works(followed, *AGAIN, "--follow")
    assert "outside of the work tree" in assert_refused(followed, *AGAIN, "--no-follow")
    assert_works(followed, "status")


@pytest.mark.parametrize("options", [(), ("--inputs", "--force")])
def test_what_a_person_agreed_to_needs_no_setting(
    followed: Repository, disk: Path, options: tuple[str, ...]
) -> None:
    """Older branches have none; the command that is proposed helps there, too."""
    settings = (followed.path / SETTINGS).read_text()
    followed.write(SETTINGS, settings.replace("  follow: true\n", ""))
    followed.commit("As it was")
    (followed.path / ".git/mlver/followed.json").unlink()
    (hint,) = assert_refused(followed, "checkout", "m@1.0.0", *options).splitlines()[1:]
    assert hint == f"hint: {shlex.join(['mlver', 'checkout', 'm@1.0.0', *options, '--follow'])}"
    assert_works(followed, *hint.removeprefix("hint: mlver ").split())
    assert_works(followed, "status")
    assert_works(followed, "checkout", "m@1.0.0")
    # but a version is registered from there only where the settings will say so
    (hint,) = assert_refused(followed, *AGAIN).splitlines()[1:]
    assert hint == "hint: mlver register m --bump patch --follow -m again"
    assert_works(followed, *hint.removeprefix("hint: mlver ").split())


@pytest.mark.parametrize("command", [("status",), ("diff", "m"), ("checkout", "m@1.0.0")])
def test_nobody_is_asked_to_follow_what_is_never_followed(
    followed: Repository, command: tuple[str, ...]
) -> None:
    (followed.path / "model").unlink()
    (followed.path / "model").symlink_to("..")
    reason = f"is a symlink to {followed.path.parent}, which lies outside of the work tree"
    reason += " and holds the work tree, or belongs to git or mlver itself"
    if command[0] == "checkout":
        said = assert_refused(followed, *command)
        assert f"model {reason}" in said
    else:
        said = assert_works(followed, *command)
        weights = read_weights(followed, *command)
        assert weights["unreadable"].startswith(reason)
        assert weights["fetch"] == "ls -ld -- model"
        assert f"  weights  unreadable  model  {reason}" in said
        assert ("next: ls -ld -- model " in said) == (command[0] == "status")
    assert "--follow" not in said


def test_the_hint_keeps_what_was_typed(place: Repository) -> None:
    place.write("p a.yaml", "lr: 0.1\n")
    place.write("m.json", "{}")
    words = [*FIRST[:4], "--params", "p a.yaml", "--metrics", "m.json", "--param", "x=1 2"]
    words += ["--metric", "f1=0.5", "--label", "who=me", "--version", "2.0.0", "--parent", "none"]
    words += ["--command", "python train.py", "--environment", "env", "--update", "full"]
    words += ["--owner", "Kim", "--description", "Two words", "--license", "weights=MIT"]
    words += [
        "--batch",
        "weights=Q 3",
        "--allow-lower",
        "--no-commit",
        "--allow-dirty",
        "--allow-mixed",
        "--dry-run",
    ]
    said = assert_refused(place, *words, "-m", "Why not")
    hint = shlex.split(said.rpartition("hint: mlver ")[2])
    assert sorted(hint) == sorted(
        [word for word in (*words, "--follow", "-m", "Why not") if word not in ("--update", "full")]
    )


def test_an_agreement_does_not_hold_in_another_work_tree(
    followed: Repository, disk: Path, tmp_path: Path
) -> None:
    """A link may come with what is checked out there, and lead to the same folder."""
    followed.git("worktree", "add", "--quiet", "--detach", "../other")
    other = Repository(tmp_path / "other")
    (other.path / "model").symlink_to(disk)
    for command in (("status",), ("diff", "m"), ("checkout", "m@1.0.0")):
        assert_not_followed(other, *command, target=disk)
    assert_works(other, "checkout", "m@1.0.0", "--follow")
    assert_works(other, "status")
    assert_works(followed, "status")
