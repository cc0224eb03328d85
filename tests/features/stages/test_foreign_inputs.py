"""After a checkout, params and metrics files that belong to another version are named."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

NOT_OWN = (
    "  not of this version: params.yaml (lr), metrics.json (accuracy, log_loss)\n"
    "  hint: mlver checkout digits@1.0.0 --inputs\n"
)


def list_foreign(repository: Repository, *words: str) -> Any:
    done = repository.mlver(*(words or ("checkout", "digits@1.0.0")), "--json")
    assert done.code == 0, done.err
    return read_document(done, "rollback" if "rollback" in words else "checkout")["foreign"]


def test_files_of_another_version_are_named(second: Repository) -> None:
    assert assert_works(second, "checkout", "digits@1.0.0").endswith(NOT_OWN)
    commit = second.git("rev-parse", "digits@v1.0.0^{commit}~1")
    names = {"params.yaml": ["lr"], "metrics.json": ["accuracy", "log_loss"]}
    assert list_foreign(second) == [
        {
            "path": path,
            "kind": path.partition(".")[0],
            "state": "changed",
            "names": names[path],
            "source": commit,
        }
        for path in names
    ]
    second.git("checkout", "--quiet", commit, "--", *names)
    assert list_foreign(second) == []
    assert "not of this version" not in assert_works(second, "checkout", "digits@1.0.0")


def test_a_rollback_names_them_where_it_restores_files(second: Repository) -> None:
    assert_works(second, "promote", "digits", "--to", "production", "-m", "Better")
    back = ("rollback", "digits", "--stage", "production", "-m", "Slow")
    assert list_foreign(second, *back, "--dry-run") == []
    told = list_foreign(second, *back, "--dry-run", "--checkout")
    assert [file["path"] for file in told] == ["params.yaml", "metrics.json"]
    assert assert_works(second, *back, "--checkout").endswith(NOT_OWN)


def test_a_folder_elsewhere_has_no_params_to_compare(second: Repository) -> None:
    assert list_foreign(second, "checkout", "digits@1.0.0", "--to", "served") == []


def test_values_of_the_command_line_are_in_no_file(first: Repository) -> None:
    given = ("--param", "dropout=0.1", "--metric", "recall=0.5")
    assert_works(first, "register", "digits", "--bump", "patch", *given, "-m", "Given")
    assert list_foreign(first, "checkout", "digits@1.0.1") == []
    # but a value that a file had then is missed in it
    first.write("params.yaml", "lr: 0.001\n")
    (told,) = list_foreign(first, "checkout", "digits@1.0.1")
    assert (told["path"], told["state"], told["names"]) == ("params.yaml", "changed", ["seed"])


@pytest.mark.parametrize(
    ("content", "state"), [(None, "missing"), ("lr: [", "unreadable"), ("lr: 1e-3\n", "changed")]
)
def test_what_is_wrong_with_a_file_is_said(
    first: Repository, content: str | None, state: str
) -> None:
    (first.path / "params.yaml").unlink()
    if content is not None:
        first.write("params.yaml", content)
    (told,) = list_foreign(first)
    assert (told["path"], told["state"]) == ("params.yaml", state)
    assert told["source"] == first.git("rev-parse", "digits@v1.0.0^{commit}~1")


def test_a_source_is_found_where_the_file_was_committed_after_it_was_registered(
    second: Repository,
) -> None:
    second.write("model/weights.safetensors", "weights of run 3\n")
    second.write("metrics.json", '{"accuracy": 0.99}')
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "Third")
    second.commit("Metrics of the third run")
    commit = second.git("rev-parse", "HEAD")
    second.write("metrics.json", '{"accuracy": 0.5}')
    second.commit("Other metrics")
    (told,) = list_foreign(second, "checkout", "digits@1.2.0")
    assert (told["path"], told["source"]) == ("metrics.json", commit)
    second.write("metrics.json", '{"accuracy": 0.25}')
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "Fourth")
    second.git("checkout", "--", "metrics.json")
    (told,) = list_foreign(second, "checkout", "digits@1.3.0")
    assert (told["path"], told["source"]) == ("metrics.json", None)


def test_metrics_that_lie_in_the_weights_come_with_them(second: Repository) -> None:
    for number in (1, 2):
        second.write("model/metrics.json", f'{{"f1": 0.{number}}}')
        files = ("--metrics", "model/metrics.json", "--metrics", "metrics.json")
        assert_works(second, "register", "digits", "--bump", "minor", *files, "-m", "Inside")
    assert list_foreign(second, "checkout", "digits@1.2.0", "--dry-run") == []
    assert list_foreign(second, "checkout", "digits@1.2.0") == []


def test_a_checkout_does_not_fail_where_the_settings_cannot_be_read(second: Repository) -> None:
    second.write(".mlver/models/digits/model.yaml", "schema: mlver/model/1\nmodle: digits\n")
    done = second.mlver("checkout", "digits@1.0.0")
    assert (done.code, done.out.splitlines()[0]) == (0, "Checked out digits 1.0.0")
    assert "whether params and metrics are those of digits 1.0.0 cannot be told" in done.err


def test_the_commands_that_restore_them_work(second: Repository) -> None:
    second.write("params.yaml", "lr: 0.5\n")
    second.git("rm", "--quiet", "--cached", "metrics.json")
    second.git("commit", "--quiet", "-m", "Metrics are no business of git")
    second.write("metrics.json", '{"accuracy": 0.5}')
    done = second.mlver("checkout", "digits@1.0.0", "--json")
    hints = read_document(done, "checkout")["hints"]
    assert hints == [
        "git add --force -- params.yaml metrics.json",
        "git commit -m WHY -- params.yaml metrics.json",
        "mlver checkout digits@1.0.0 --inputs",
    ]
    for hint in hints:
        program, *words = hint.split()
        if program == "git":
            second.git(*words)
        else:
            assert_works(second, *words)
    assert list_foreign(second) == []


def test_nothing_is_searched_where_every_value_is_the_versions(
    first: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlver.project.artifacts.version_inputs.read_code_source", None)
    monkeypatch.setattr("mlver.project.artifacts.version_inputs.find_source", None)
    assert list_foreign(first) == []
