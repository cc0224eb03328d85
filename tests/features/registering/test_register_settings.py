"""What a person wrote in model.yaml is theirs: register changes only the lines it was told to."""

from __future__ import annotations

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
