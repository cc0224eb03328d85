"""What a training needs is named before it, each part, and what went in otherwise after it."""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.reproducing.trainings import REGISTER
from tests.features.runs.trainings import forge_run, list_references, read_raw_run

REPRODUCE = ("reproduce", "m", "--yes", "--environment")
FILES = ("--params", "params.json", "--metrics", "metrics.json", "--data", "rows=rows")
TRAIN = ("--", "python", "train.py")


def list_parts(repository: Repository) -> dict[str, tuple[str, str]]:
    document = read_document(repository.mlver("reproduce", "m", "--dry-run", "--json"), "reproduce")
    return {part["name"]: (part["state"], part["told"]) for part in document["parts"]}


def list_inputs(document: dict[str, Any]) -> dict[str, tuple[str | None, str | None]]:
    return {item["name"]: (item["recorded"], item["found"]) for item in document["inputs"]}


def reproduce(repository: Repository, environment: Path, *options: str) -> dict[str, Any]:
    done = repository.mlver(*REPRODUCE, str(environment), *options, "--json")
    document: dict[str, Any] = read_document(done, "reproduce")
    return document


@pytest.fixture
def ran(code: Repository, environment: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A model whose only version was registered from a run."""
    monkeypatch.setenv("PATH", str(environment / "bin"), prepend=":")
    record_version(code)
    return code


def record_run(repository: Repository, *options: str) -> None:
    environment = os.environ["PATH"].partition(":")[0].removesuffix("/bin")
    named = ("--environment", environment, "--weights", "model")
    done = repository.mlver("run", "m", *named, *options, *TRAIN)
    assert done.code == 0, done.err


def record_version(repository: Repository, *options: str) -> None:
    record_run(repository, *FILES)
    run = list_references(repository)[-1].rpartition("/")[2]
    words = ("register", "m", "--weights", "model", "-m", "first", "--run", run, *options)
    assert_works(repository, *words)


def rewrite_run(repository: Repository, old: str, new: str) -> None:
    """The run as another machine would have recorded it."""
    (name,) = list_references(repository)
    record, count = re.subn(old, new, read_raw_run(repository, name).decode(), flags=re.MULTILINE)
    assert count == 1
    files = {"run.yaml": record.encode()}
    for beside in ("curves.jsonl", "code.diff"):
        done = subprocess.run(
            ["git", "cat-file", "blob", f"{name}:{beside}"],
            cwd=repository.path,
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            files[beside] = done.stdout
    forge_run(repository, name, files)


def test_everything_of_a_run_is_there_on_the_same_machine(
    ran: Repository, environment: Path
) -> None:
    parts = list_parts(ran)
    assert parts["processor"][0] == "present"
    assert parts["GPU"][0] == "present"
    assert parts["seed"] == ("present", "7")
    document = reproduce(ran, environment)
    assert (document["answer"], document["inputs"]) == ("identical", [])


def test_uncommitted_changes_that_the_run_kept_are_applied(
    code: Repository, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(environment / "bin"), prepend=":")
    script = (code.path / "train.py").read_text()
    code.write("train.py", script.replace("float(row) * rate", "float(row) * rate + 40"))
    record_version(code, "--allow-dirty")
    code.git("checkout", "--quiet", "train.py")
    state, told = list_parts(code)["uncommitted changes"]
    assert (state, "which its run kept: mlver runs m --show" in told) == ("present", True)
    document = reproduce(code, environment)
    assert document["answer"] == "identical"
    recorded, found = list_inputs(document)["uncommitted changes"]
    assert recorded is None
    assert re.fullmatch(r"sha256:[0-9a-f]{64} of run m/\S+", found or "")
    assert_works(code, "verify", "--all")


def test_a_run_of_another_training_gives_no_changes(
    code: Repository, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(environment / "bin"), prepend=":")
    code.write("train.py", (code.path / "train.py").read_text() + "# more\n")
    record_version(code, "--allow-dirty")
    rewrite_run(code, r"(?<=path: rows\n    digest: ).*", f'"sha256:{"0" * 64}"')
    state, told = list_parts(code)["uncommitted changes"]
    assert state == "missing"
    assert "read other data: rows" in told
    code.git("update-ref", "-d", list_references(code)[0])
    assert "is not here: mlver pull --runs" in list_parts(code)["uncommitted changes"][1]


def test_changes_that_were_not_kept_are_missing(
    code: Repository, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(environment / "bin"), prepend=":")
    code.write("train.py", (code.path / "train.py").read_text() + "# more\n")
    record_run(code, *FILES, "--no-diff")
    run = list_references(code)[0].rpartition("/")[2]
    words = ("register", "m", "--weights", "model", "-m", "first", "--run", run, "--allow-dirty")
    assert_works(code, *words)
    state, told = list_parts(code)["uncommitted changes"]
    assert (state, "did not keep them" in told) == ("missing", True)


def test_a_seed_that_nobody_recorded_is_named(code: Repository, environment: Path) -> None:
    code.write("params.json", '{"rate": 0.5}')
    code.commit("No seed")
    code.write("model/w.npy", "1")
    assert_works(code, *REGISTER[:-4], "--command", "true", "-m", "first")
    state, told = list_parts(code)["seed"]
    assert (state, told.startswith("none is recorded")) == ("weaker", True)


@pytest.mark.parametrize(
    ("files", "state", "words"),
    [
        ({}, "weaker", "none is recorded"),
        ({"poetry.lock": "x"}, "weaker", "mlver makes no environment from poetry.lock"),
        ({"requirements.txt": "a==1\n"}, "weaker", "no environment from requirements.txt"),
        ({"requirements.txt": "a==1 --hash=sha256:00\n"}, "present", "requirements.txt"),
    ],
)
def test_the_lock_file_is_named(
    code: Repository, files: dict[str, str], state: str, words: str
) -> None:
    for name, text in files.items():
        code.write(name, text)
    code.write("notes.txt", "1")
    code.commit("Lock")
    code.write("model/w.npy", "1")
    assert_works(code, *REGISTER[:-4], "--command", "true", "-m", "first")
    found = list_parts(code)["lock file"]
    assert (found[0], words in found[1]) == (state, True)


def test_a_lock_file_that_was_changed_and_not_committed_is_named(code: Repository) -> None:
    code.write("requirements.txt", "a==1 --hash=sha256:00\n")
    code.commit("Lock")
    code.write("requirements.txt", "a==2 --hash=sha256:00\n")
    code.write("model/w.npy", "1")
    options = ("--command", "true", "--allow-dirty")
    assert_works(code, *REGISTER[:-4], *options, "-m", "first")
    told = list_parts(code)["lock file"]
    assert told == ("weaker", "requirements.txt is not in the commit as it was recorded")


def test_each_data_set_that_is_missing_is_named(code: Repository) -> None:
    code.write("more.csv", "4\n")
    code.write(".gitignore", "/model/\n/rows/\n/metrics.json\n/more.csv\n")
    code.commit("Ignore")
    code.write("model/w.npy", "1")
    more = ("--data", "more=more.csv", "--command", "true")
    assert_works(code, *REGISTER[:-4], *more, "-m", "first")
    for folder in ("objects", "packs"):
        subprocess.run(["rm", "-rf", str(code.path / ".git/mlver" / folder)], check=True)
    parts = list_parts(code)
    assert parts["data rows"][0] == parts["data more"][0] == "missing"


def test_another_processor_is_named(ran: Repository, environment: Path) -> None:
    rewrite_run(ran, "^  processor: .*", "  processor: Zilog Z80")
    state, told = list_parts(ran)["processor"]
    assert (state, told.startswith("Zilog Z80; here ")) == ("weaker", True)
    document = reproduce(ran, environment)
    assert document["answer"] == "identical"
    assert list_inputs(document)["processor"][0] == "Zilog Z80"


def test_another_number_of_processors_and_other_instructions_are_named(
    ran: Repository, environment: Path
) -> None:
    rewrite_run(ran, "^  processors: .*", "  processors: 99999")
    rewrite_run(ran, r"(?<=^  instructions:\n).*", "    - avx9000")
    named = list_inputs(reproduce(ran, environment))
    assert named["processors"][0] == "99999"
    assert (named["instructions"][0] or "").startswith("avx9000")


def test_another_gpu_is_named(ran: Repository, environment: Path) -> None:
    gpu = "NVIDIA A100, 550.54, 81559 MiB"
    rewrite_run(ran, "^machine:", f'machine:\n  accelerators: ["{gpu}"]')
    state, told = list_parts(ran)["GPU"]
    assert (state, told.startswith(f"{gpu}; here none")) == ("weaker", True)
    assert list_inputs(reproduce(ran, environment))["GPU"] == (gpu, None)


def test_another_variable_is_named(
    ran: Repository, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    named = list_inputs(reproduce(ran, environment))
    assert named == {"variable OMP_NUM_THREADS": ("none", "3")}


def test_what_nobody_recorded_of_the_machine_is_named(
    trained: Repository, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("processor", "BLAS kernel"):
        assert list_parts(trained)[name][0] == "weaker"
    monkeypatch.setenv("NUDGE", "1e-9")
    assert "processor" in list_inputs(reproduce(trained, environment))


# The weights of a linear model by least squares, as a library of linear algebra solves them.
SOLVE = """\
import pathlib, numpy
random = numpy.random.default_rng(0)
rows, answers = random.standard_normal((60, 64)), random.standard_normal((60, 10))
square = rows @ rows.T + 5 * numpy.eye(60)
pathlib.Path("model").mkdir(exist_ok=True)
numpy.save("model/w.npy", numpy.linalg.lstsq(square, answers, rcond=None)[0])
"""


@pytest.fixture
def solved(code: Repository, environment: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    monkeypatch.setenv("PATH", str(environment / "bin"), prepend=":")
    code.write("train.py", SOLVE)
    code.commit("Solve")
    record_run(code, "--params", "params.json")
    run = list_references(code)[0].rpartition("/")[2]
    assert_works(code, "register", "m", "--weights", "model", "-m", "first", "--run", run)
    return code


def choose_kernel(repository: Repository) -> str:
    """A kernel of OpenBLAS that gives other last digits than the one of this processor."""
    for kernel in ("HASWELL", "SANDYBRIDGE", "NEHALEM"):
        script = f"cd $(mktemp -d) && {shlex.quote(sys.executable)} {repository.path}/train.py"
        command = f"{script} && cmp -s model/w.npy {repository.path}/model/w.npy"
        done = subprocess.run(
            ["sh", "-c", command],
            env={"OPENBLAS_CORETYPE": kernel, "PATH": "/usr/bin:/bin"},
            check=False,
        )
        if done.returncode:
            return kernel
    pytest.skip("every kernel of OpenBLAS gives the same digits on this processor")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="OpenBLAS has one kernel there")
def test_another_kernel_of_linear_algebra_comes_out_equal_and_is_named(
    solved: Repository, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reproduce(solved, environment)["answer"] == "identical"
    kernel = choose_kernel(solved)
    monkeypatch.setenv("OPENBLAS_CORETYPE", kernel)
    document = reproduce(solved, environment)
    assert document["answer"] == "within"
    assert 0 < document["values"]["largest"] < 1e-13
    named = list_inputs(document)
    assert named["variable OPENBLAS_CORETYPE"] == ("none", kernel)
    assert named["BLAS kernel"] == (None, f"openblas {kernel.title()}")


def test_the_kernel_that_a_run_recorded_is_compared(solved: Repository, environment: Path) -> None:
    rewrite_run(solved, "^machine:", "machine:\n  blas: openblas Sparc")
    assert list_parts(solved)["BLAS kernel"][1].startswith("openblas Sparc")
    recorded, found = list_inputs(reproduce(solved, environment))["BLAS kernel"]
    assert recorded == "openblas Sparc"
    assert (found or "").startswith("openblas ")


def test_changes_of_a_run_that_the_record_does_not_pin_are_not_run(
    code: Repository, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can push could have put others there."""
    monkeypatch.setenv("PATH", str(environment / "bin"), prepend=":")
    code.write("train.py", (code.path / "train.py").read_text() + "\nprint(2)\n")
    record_version(code, "--allow-dirty")
    code.git("checkout", "--quiet", "train.py")
    rewrite_run(code, "^author: .*$", "author: Eve <eve@example.org>")
    state, told = list_parts(code)["uncommitted changes"]
    assert (state, "is not the one that the record pins" in told) == ("missing", True)
