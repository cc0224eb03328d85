"""`checkout --inputs` restores params and metrics, and loses no values that no commit has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

RESTORE = ("checkout", "digits@1.0.0", "--inputs")


def read_inputs(folder: Path) -> tuple[str, str]:
    return (folder / "params.yaml").read_text(), (folder / "metrics.json").read_text()


def check_out(
    repository: Repository, *words: str, ref: str = "digits@1.0.0", inputs: bool = True
) -> Any:
    if inputs:
        words = ("--inputs", *words)
    done = repository.mlver("checkout", ref, *words, "--json")
    assert (done.code, done.err) == (0, "")
    return read_document(done, "checkout")


@pytest.fixture
def of_first(stories: dict[str, Repository]) -> tuple[str, str]:
    """The params and metrics of 1.0.0."""
    return read_inputs(stories["first"].path)


def read_files(repository: Repository) -> dict[str, bytes]:
    """Every working file, by path."""
    listing = repository.git("ls-files", "-z", "--cached", "--others", "--", ".").split("\0")
    paths = filter(Path.is_file, map(repository.path.joinpath, filter(None, listing)))
    return {f"{path}": path.read_bytes() for path in paths}


def test_all_files_of_a_version_come_back(second: Repository, of_first: tuple[str, str]) -> None:
    of_second = read_inputs(second.path)
    before = read_files(second)
    told = assert_works(second, *RESTORE, "--dry-run")
    assert "  3 files to write, 2 unchanged" in told
    assert told.endswith("  to restore: params.yaml, metrics.json\n")
    assert read_files(second) == before
    assert assert_works(second, *RESTORE) == (
        f"Checked out digits 1.0.0\n  3 files written, 2 unchanged  in {second.path}\n"
        "  restored: params.yaml, metrics.json\n"
    )
    assert read_inputs(second.path) == of_first
    assert "weights of run 1\n" in (second.path / "model/weights.safetensors").read_text()
    document = check_out(second)
    assert (document["restored"], document["foreign"]) == ([], [])
    # what was restored can be restored from: no flag is needed to go on
    assert_works(second, "checkout", "digits@1.1.0", "--inputs")
    assert read_inputs(second.path) == of_second
    assert second.git("status", "--porcelain") == ""


def test_the_next_version_is_no_mixture(second: Repository) -> None:
    assert_works(second, "checkout", "digits@1.0.0")
    assert "do not belong together" in assert_refused(
        second, "register", "digits", "--bump", "minor", "-m", "Mixed"
    )
    assert_works(second, *RESTORE)
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "Again")


@pytest.mark.parametrize("name", ["params.yaml", "metrics.json"])
def test_values_that_no_commit_has_are_kept(second: Repository, name: str) -> None:
    second.write(name, "{}" if name.endswith("json") else "lr: 0.5\n")
    before = read_files(second)
    assert assert_refused(second, *RESTORE) == (
        "error: these files hold values that no commit has, and would be overwritten;"
        f" commit them to keep them, or use --force to lose them:\n  {name}\n"
        f"hint: git commit -m WHY -- {name}\n"
    )
    assert read_files(second) == before
    second.git("commit", "--quiet", "-m", "Keep them", "--", name)
    assert_works(second, *RESTORE)


def test_values_that_another_branch_has_are_no_loss(
    second: Repository, of_first: tuple[str, str]
) -> None:
    second.git("switch", "--quiet", "-c", "topic")
    second.write("params.yaml", "lr: 0.5\n")
    second.commit("Try it")
    second.git("switch", "--quiet", "main")
    second.write("params.yaml", "lr: 0.5\n")
    assert_works(second, *RESTORE)
    assert read_inputs(second.path) == of_first


def test_force_overwrites_what_is_there(second: Repository, of_first: tuple[str, str]) -> None:
    second.write("params.yaml", "lr: [")
    (second.path / "metrics.json").unlink()
    (second.path / "metrics.json").symlink_to("../elsewhere.json")
    assert "  metrics.json\n  params.yaml\nhint: ls -ld" in assert_refused(second, *RESTORE)
    assert_works(second, *RESTORE, "--force")
    assert read_inputs(second.path) == of_first
    assert not (second.path / "metrics.json").is_symlink()


def test_untracked_values_are_kept_with_two_commands(second: Repository) -> None:
    second.git("rm", "--quiet", "--cached", "metrics.json")
    second.git("commit", "--quiet", "-m", "Metrics are no business of git")
    second.write("metrics.json", '{"accuracy": 0.5}')
    told = assert_refused(second, *RESTORE)
    assert told.endswith(
        "hint: git add --force -- metrics.json\nhint: git commit -m WHY -- metrics.json\n"
    )


def test_what_was_never_committed_is_refused_by_name(second: Repository) -> None:
    second.write("model/weights.safetensors", "weights of run 3\n")
    second.write("metrics.json", '{"accuracy": 0.99}')
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "Third")
    second.git("checkout", "--", "metrics.json")
    second.write("params.yaml", "lr: 0.7\n")
    second.commit("Other params")
    assert_works(second, "checkout", "digits@1.0.0")
    before = read_files(second)
    assert assert_refused(second, "checkout", "digits@1.2.0", "--inputs") == (
        "error: nothing was changed, for these files of digits 1.2.0 cannot be restored;"
        " what its record has of them can be written by hand:\n"
        "  metrics.json: no commit here has it with the values of the version\n"
        "hint: mlver show digits@1.2.0\n"
    )
    assert read_files(second) == before
    told = assert_works(second, "checkout", "digits@1.2.0")
    assert "metrics.json (accuracy, log_loss; in no commit here)\n" in told
    assert "hint" not in told


def test_a_file_that_the_version_had_not_is_refused(second: Repository) -> None:
    second.write("more.yaml", "depth: 3\n")
    second.commit("More params")
    files = ("--params", "params.yaml", "--params", "more.yaml")
    assert_works(second, "register", "digits", "--bump", "minor", *files, "-m", "Third")
    assert "more.yaml: the version had no such file; move it away" in assert_refused(
        second, *RESTORE
    )
    (second.path / "more.yaml").unlink()
    assert_works(second, *RESTORE)


def test_a_squash_merge_keeps_what_is_restored(
    second: Repository, of_first: tuple[str, str]
) -> None:
    """The version's own commit is gone, and another has the same files."""
    record = second.path / ".mlver/models/digits/versions/1.0.0.yaml"
    commit = second.git("rev-parse", "digits@v1.0.0^{commit}~1")
    clone = Repository(second.path.parent / "clone")
    second.git("checkout", "--quiet", "--orphan", "squashed", commit)
    second.commit("Squashed")
    second.git("checkout", "--quiet", "main", "--", ".mlver")
    second.commit("Records")
    assert commit in record.read_text()
    second.git(
        "clone", "--quiet", "--single-branch", "--no-tags", f"file://{second.path}", "../clone"
    )
    (clone.path / ".git/mlver").mkdir()
    (second.path / ".git/mlver/packs").rename(clone.path / ".git/mlver/packs")
    clone.write("params.yaml", "lr: 0.9\n")
    clone.commit("Other params")
    assert clone.mlver(*RESTORE).code == 0
    assert read_inputs(clone.path) == of_first
    clone.git("checkout", "--quiet", "--orphan", "rewritten")
    clone.git("rm", "--quiet", "--force", "--cached", "params.yaml")
    clone.git("commit", "--quiet", "-m", "Rewritten")
    clone.git("branch", "--quiet", "-D", "squashed")
    clone.git("update-ref", "-d", "refs/remotes/origin/squashed")
    clone.git("update-ref", "-d", "refs/remotes/origin/HEAD")
    clone.write("params.yaml", "lr: 0.9\n")
    told = assert_refused(clone, *RESTORE)
    assert f"params.yaml: the commit {commit[:10]} is not in this clone, and no other has" in told
    assert "hint: git fetch origin refs/mlver/code/digits/1.0.0:refs/mlver/code" in told


def test_a_folder_elsewhere_gets_them_as_well(
    second: Repository, of_first: tuple[str, str]
) -> None:
    own = read_inputs(second.path)
    document = check_out(second, "--to", "../served")
    assert document["restored"] == ["params.yaml", "metrics.json"]
    assert read_inputs(second.path.parent / "served") == of_first
    assert read_inputs(second.path) == own
    assert check_out(second, "--to", "../served")["restored"] == []


def test_values_of_the_command_line_are_told(first: Repository) -> None:
    given = ("--param", "dropout=0.1", "--bump", "patch")
    assert_works(first, "register", "digits", *given, "-m", "Given")
    first.write("params.yaml", "lr: 0.9\n")
    first.commit("Other params")
    told = assert_works(first, "checkout", "digits@1.0.1", "--inputs")
    assert told.endswith("  restored: params.yaml\n  in no file: params.dropout\n")


@pytest.mark.parametrize("name", ["params.yaml", "metrics.json"])
def test_values_given_in_place_of_a_files_are_told(first: Repository, name: str) -> None:
    given = {"params.yaml": ("--param", "lr=0.9"), "metrics.json": ("--metric", "accuracy=0.97")}
    assert_works(first, "register", "digits", "--bump", "patch", *given[name], "-m", "Given")
    assert check_out(first, ref="digits@1.0.1")["restored"] == []
    before = (first.path / name).read_text()
    first.write(name, "{}")
    first.commit("Other values")
    told = assert_works(first, "checkout", "digits@1.0.1", "--inputs")
    value = given[name][1].partition("=")[0]
    assert told.endswith(f"  restored: {name}\n  in no file: {name.partition('.')[0]}.{value}\n")
    assert (first.path / name).read_text() == before
    # what is still the file's own is missed in it
    first.write(name, before.replace("log_loss", "loss").replace("seed", "seeds"))
    (foreign,) = check_out(first, ref="digits@1.0.1", inputs=False)["foreign"]
    assert foreign["names"] in (["loss", "log_loss"], ["seeds", "seed"])


def test_line_endings_are_as_git_checks_them_out(second: Repository) -> None:
    second.git("config", "core.autocrlf", "true")
    for name in ("params.yaml", "metrics.json"):
        (second.path / name).unlink()
    second.git("checkout", "--", ".")
    assert b"\r\n" in (second.path / "params.yaml").read_bytes()
    of_second = read_inputs(second.path)
    assert_works(second, *RESTORE)
    for name in ("params.yaml", "metrics.json"):
        data = (second.path / name).read_bytes()
        assert data.count(b"\n") == data.count(b"\r\n")
    commit = second.git("rev-parse", "digits@v1.0.0^{commit}~1")
    assert second.git("diff", "--stat", commit, "--", "params.yaml", "metrics.json") == ""
    assert_works(second, "checkout", "digits@1.1.0", "--inputs")
    assert read_inputs(second.path) == of_second
    # an edit is an edit all the same, and its hint works
    second.write("params.yaml", "lr: 0.5\r\n")
    hint = assert_refused(second, *RESTORE).rpartition("hint: ")[2]
    assert hint == "git commit -m WHY -- params.yaml\n"
    second.git(*hint.split()[1:])
    assert_works(second, *RESTORE)


def test_the_executable_bit_of_a_file_comes_back(second: Repository) -> None:
    path = second.path / "params.yaml"
    path.chmod(0o755)
    second.write("params.yaml", "lr: 0.5\n")
    second.commit("It is a program")
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "Third")
    assert_works(second, *RESTORE)
    assert not path.stat().st_mode & 0o111
    assert_works(second, "checkout", "digits@1.2.0", "--inputs")
    assert path.stat().st_mode & 0o100
    assert second.git("status", "--porcelain") == ""


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("more", [(), ("--force",), ("--dry-run",)])
def test_a_folder_in_the_place_of_a_file_is_refused(
    second: Repository, more: tuple[str, ...], linked: bool
) -> None:
    (second.path / "params.yaml").unlink()
    folder = second.path / ("notes" if linked else "params.yaml")
    folder.mkdir()
    (folder / "precious").write_text("precious")
    if linked:
        (second.path / "params.yaml").symlink_to("notes")
    before = read_files(second)
    assert assert_refused(second, *RESTORE, *more) == (
        "error: nothing was changed: digits 1.0.0 has files where these folders are;"
        " move them away:\n  params.yaml\nhint: ls -ld -- params.yaml\n"
    )
    assert read_files(second) == before
    told = assert_works(second, "checkout", "digits@1.0.0")
    assert told.endswith("  hint: ls -ld -- params.yaml\n")


def test_what_cannot_be_read_is_not_to_be_committed(second: Repository) -> None:
    """Committed, it could not be read either."""
    (second.path / "metrics.json").unlink()
    (second.path / "metrics.json").symlink_to("../elsewhere.json")
    second.write("params.yaml", "lr: 0.5\n")
    told = assert_refused(second, *RESTORE)
    assert told.endswith(
        "  metrics.json\n  params.yaml\n"
        "hint: ls -ld -- metrics.json\nhint: git commit -m WHY -- params.yaml\n"
    )
