"""`mlver plot -o`: where a picture may be written, and what it never replaces."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import assert_refused, assert_works, copy_repository
from tests.conftest import CHECKOUT, Repository


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """One version of `m`, with a folder of weights and a file of metrics."""
    made = Repository(tmp_path_factory.mktemp("plot") / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    made.write("train.py", "")
    made.write("metrics.json", '{"accuracy": 0.9}')
    made.commit("First")
    assert_works(made, "init")
    made.write("model/w.bin", "weights")
    words = ("--weights", "model", "--metrics", "metrics.json", "-m", "Try")
    assert_works(made, "register", "m", *words)
    made.write("docs/tracked.svg", "by hand")
    made.commit("Picture")
    return made


@pytest.fixture
def clone(registry: Repository, tmp_path: Path) -> Repository:
    copied = copy_repository(registry, tmp_path / "clone")
    copied.write("model/w.bin", "weights")
    (copied.path / "plots").mkdir()
    return copied


def test_a_picture_is_drawn_again_over_its_own_file(clone: Repository) -> None:
    printed = assert_works(clone, "plot", "--as", "svg")
    assert printed == assert_works(clone, "plot", "--as", "svg", "-o", "-")
    ElementTree.fromstring(printed)
    for _ in range(2):
        assert assert_works(clone, "plot", "-o", "plots/a.svg") == "Wrote plots/a.svg\n"
        assert (clone.path / "plots/a.svg").read_text() == printed
    assert_works(clone, "plot", "--as", "html", "-o", "plots/a.svg")
    assert_works(clone, "plot", "-o", "plots/b.HTM")
    assert (clone.path / "plots/a.svg").read_text() == (clone.path / "plots/b.HTM").read_text()
    assert sorted(os.listdir(clone.path / "plots")) == ["a.svg", "b.HTM"]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("mine.svg", "it is not a picture that mlver plot wrote"),
        ("docs/tracked.svg", "git tracks it"),
    ],
)
def test_a_file_of_others_is_replaced_by_force_only(
    clone: Repository, file: str, said: str
) -> None:
    clone.write(file, "by hand")
    refused = assert_refused(clone, "plot", "m", "-n", "3", "-o", file, code=3)
    assert f"error: {file} was not replaced: {said}\n" in refused
    assert f" plot m --limit 3 -o {file} --force\n" in refused
    assert (clone.path / file).read_text() == "by hand"
    assert_works(clone, "plot", "m", "-o", file, "--force")
    ElementTree.fromstring((clone.path / file).read_text())


@pytest.mark.parametrize("file", ["model/w.bin", "model/new.svg", "metrics.json", "lead/new.svg"])
def test_what_a_version_is_registered_from_is_never_written_to(
    clone: Repository, file: str
) -> None:
    (clone.path / "lead").symlink_to("model")
    refused = assert_refused(clone, "plot", "--as", "svg", "-o", file, "--force", code=2)
    assert "of m; name another file" in refused
    assert (clone.path / "model/w.bin").read_text() == "weights"
    assert os.listdir(clone.path / "model") == ["w.bin"]
    assert (clone.path / "metrics.json").read_text() == '{"accuracy": 0.9}'


def test_a_link_is_not_followed(clone: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (clone.path / "a.svg").symlink_to(outside)
    (clone.path / "b.svg").symlink_to(tmp_path / "nothing")
    for file in ("a.svg", "b.svg"):
        refused = assert_refused(clone, "plot", "-o", file, "--force", code=2)
        assert f"error: {file} is a link; name the file that it leads to\n" in refused
    assert outside.read_text() == "mine"
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("file", ["plots", ".mlver/config.yaml", ".git/HEAD", "pipe", "no/a.svg"])
def test_no_other_place_is_written_to(clone: Repository, file: str) -> None:
    os.mkfifo(clone.path / "pipe")
    before = (clone.path / ".mlver/config.yaml").read_bytes()
    outcome = clone.mlver("plot", "--as", "html", "-o", file, "--force")
    assert outcome.code in (2, 3)
    assert "error: " in outcome.err
    assert (clone.path / ".mlver/config.yaml").read_bytes() == before


def test_the_device_of_stdout_is_refused_with_what_stands_for_it(clone: Repository) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mlver", "plot", "--as", "svg", "-o", "/dev/stdout"],
        cwd=clone.path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    words = "error: /dev/stdout is no file that a picture can be written to; -o - is stdout\n"
    assert words in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "-"), "-o - needs --as svg or --as html"),
        (("-o", "picture"), "picture ends neither in .svg nor in .html"),
        (("--csv", "--as", "svg"), "-o and --as make a picture"),
        (("--json", "-o", "a.svg"), "-o and --as make a picture"),
        (("--force",), "--force is for the file that -o names"),
    ],
)
def test_a_picture_has_one_format(clone: Repository, words: tuple[str, ...], said: str) -> None:
    outcome = clone.mlver("plot", *words)
    assert outcome.code == 2
    assert said in outcome.out + outcome.err
    assert not (clone.path / "picture").exists()
