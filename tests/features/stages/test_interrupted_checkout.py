"""A checkout is killed, and a file is changed by hand before the next command finishes it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mlver.digest import Digest
from mlver.project.artifacts import damage
from mlver.project.project import Project
from mlver.storage.digests import DigestSet
from tests.cli.conftest import assert_works
from tests.conftest import CHECKOUT, Repository

# Killed where every new byte is on the disk, and the first file would be replaced.
KILLED = """
import os, sys
from mlver.cli.main import main
from mlver.system import durable

durable.replace_group = lambda *arguments, **options: os._exit(9)
main(sys.argv[1:])
"""
RESTORE = ("checkout", "digits@1.0.0", "--inputs")


def kill_command(repository: Repository, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *words],
        cwd=repository.path,
        env={**os.environ, "PYTHONPATH": os.fspath(CHECKOUT)},
        check=False,
        capture_output=True,
    )
    assert done.returncode == 9, done.stderr


@pytest.mark.parametrize("command", [("doctor", "--fix"), ("checkout", "digits@1.1.0")])
def test_a_params_file_that_was_edited_since_stays(
    second: Repository, command: tuple[str, ...]
) -> None:
    kill_command(second, *RESTORE)
    second.write("params.yaml", "lr: 0.77\n")
    done = second.mlver(*command)
    assert (second.path / "params.yaml").read_text() == "lr: 0.77\n"
    assert done.err.startswith(
        "note: params.yaml was changed since, and stays as it is\n"
        "note: completed `checkout digits@1.0.0`, which had been interrupted\n"
    )
    # the other one was not edited
    assert second.git("diff", "--stat", "digits@v1.0.0", "--", "metrics.json") == ""
    assert "had been interrupted" not in second.mlver("doctor", "--fix").err


def test_only_what_was_asked_for_is_put_in_place(second: Repository) -> None:
    second.write("data/train.csv", "edited")
    kill_command(second, "checkout", "digits@1.0.0", "--only", "weights")
    done = second.mlver("doctor", "--fix")
    assert done.err == "note: completed `checkout digits@1.0.0`, which had been interrupted\n"
    assert "run 1" in (second.path / "model/weights.safetensors").read_text()
    assert (second.path / "data/train.csv").read_text() == "edited"


def test_a_folder_that_was_made_since_stays(second: Repository) -> None:
    kill_command(second, *RESTORE)
    (second.path / "params.yaml").unlink()
    second.write("params.yaml/precious", "precious")
    told = second.mlver("doctor", "--fix").err
    assert "params.yaml was changed since, and stays as it is\n" in told
    assert (second.path / "params.yaml/precious").read_text() == "precious"


def test_where_weights_that_were_changed_since_are_kept_is_told(second: Repository) -> None:
    kill_command(second, *RESTORE)
    weights = second.write("model/weights.safetensors", "trained by hand\n")
    told = second.mlver("doctor", "--fix").err
    assert weights.read_text() != "trained by hand\n"
    digest = Digest.of_bytes(b"trained by hand\n")
    assert (
        "note: model/weights.safetensors was stored nowhere, and is replaced; its bytes are kept as"
        f" {digest}\n"
    ) in told
    project = Project.open_existing(second.path)
    assert not damage.find_lost(project, DigestSet.from_raw([bytes.fromhex(digest.hex)]))


def test_nothing_is_told_of_where_nothing_was_changed(second: Repository) -> None:
    kill_command(second, *RESTORE)
    told = second.mlver("doctor", "--fix").err
    assert told == "note: completed `checkout digits@1.0.0`, which had been interrupted\n"
    assert_works(second, *RESTORE)
    assert second.git("diff", "--stat", "digits@v1.0.0", "--", "params.yaml", "metrics.json") == ""
