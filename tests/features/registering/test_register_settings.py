"""What a person wrote in model.yaml is theirs: register changes only the lines it was told to."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import assert_works
from tests.conftest import Repository

SETTINGS = ".mlver/models/digits/model.yaml"


def test_comments_in_model_yaml_survive_a_registration(first: Repository) -> None:
    mine = first.path / SETTINGS
    written = "# ours\n" + mine.read_text() + "directions:\n  accuracy: higher  # of course\n"
    mine.write_text(written)
    first.commit("Say which way is better")
    first.write("data/other.csv", "a\n")
    assert_works(
        first,
        "register",
        "digits",
        "--bump",
        "minor",
        "--data",
        "train=data/other.csv",
        "-m",
        "Other data",
    )
    assert mine.read_text() == written.replace("data/train.csv", "data/other.csv")
    assert first.git("show", f"HEAD:{SETTINGS}") + "\n" == mine.read_text()


def _make_environment(folder: Path) -> None:
    (folder / "lib/python3.11/site-packages").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text("version = 3.11.9\n")


def test_an_environment_is_remembered_until_another_is_named(
    first: Repository, tmp_path: Path
) -> None:
    first.write(".gitignore", "/model/\n/data/\n/venvs/\n")
    first.commit("Ignore environments")
    _make_environment(first.path / "venvs/train")
    _make_environment(tmp_path / "elsewhere")
    again = ("register", "digits", "--bump", "patch", "-m", "Again")
    train = "  environment  virtualenv venvs/train\n"
    assert train in assert_works(first, *again, "--environment", "venvs/train")
    assert "\nenvironment: venvs/train\n" in (first.path / SETTINGS).read_text()
    assert train in assert_works(first, *again)
    other = assert_works(first, *again, "--environment", str(tmp_path / "elsewhere"))
    assert "  environment  virtualenv elsewhere\n" in other
    # Where one person's files are is nothing to commit.
    assert "\nenvironment: venvs/train\n" in (first.path / SETTINGS).read_text()


def test_an_environment_that_is_not_on_this_machine_is_told(first: Repository) -> None:
    mine = first.path / SETTINGS
    mine.write_text(mine.read_text() + "environment: /opt/gone\n")
    first.commit("Another machine")
    done = first.mlver("register", "digits", "--bump", "patch", "-m", "Again")
    assert done.code == 0, done.err
    assert "names the environment /opt/gone, and there is none here" in done.err
    assert "  environment  the Python that runs mlver\n" in done.out
