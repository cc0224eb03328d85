"""Each script of docs/frameworks.md is run with the real framework, which takes minutes to
install.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from mlver.project.history.registered_versions import RegisteredVersion, read_versions
from mlver.project.project import Project
from mlver.records.values import flatten_values
from tests.conftest import CHECKOUT, Repository
from tests.programs import hold_lock, install_packages
from tests.project.helpers import initialise_project

PAGE = (CHECKOUT / "docs/frameworks.md").read_text()
BLOCK = re.compile(r"(?<=^```python\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
CALLBACK = re.compile(r"^class \w+\(.*Callback\):\n(?:(?: .*)?\n)*", re.MULTILINE)


class Framework(NamedTuple):
    """One section of the page: what its script registers, and by which package.

    `held` is the version that it promotes.
    """

    heading: str
    package: str
    model: str
    held: str
    weights: str
    metric: str


FRAMEWORKS = [
    Framework("PyTorch", "torch", "linear", "1.0.0", "linear.safetensors", "loss"),
    Framework("Keras", "keras", "sums", "1.2.0", "model.keras", "val_loss"),
    Framework("Hugging Face Trainer", "transformers", "tiny-bert", "1.0.0", "model", "eval_loss"),
    Framework("Lightning", "lightning", "line", "1.0.0", "model.ckpt", "loss"),
]


def read_section(heading: str) -> str:
    """The text below a heading of the page."""
    _, _, rest = PAGE.partition(f"\n## {heading}\n")
    section, _, _ = rest.partition("\n## ")
    return section


@pytest.fixture(scope="session")
def frameworks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has all frameworks and what mlver needs, shared by the workers of a run."""
    shared = tmp_path_factory.getbasetemp().parent
    with hold_lock(shared / "frameworks.lock"):
        made = shared / "frameworks"
        if not (shared / "frameworks.done").exists():
            install_packages(made, "frameworks")
            (shared / "frameworks.done").touch()
    return made / "bin" / "python"


@pytest.fixture
def ground(repository: Repository) -> Repository:
    initialise_project(repository)
    repository.write(".gitignore", "/model*\n/linear.safetensors\n/checkpoints/\n__pycache__/\n")
    repository.commit("Ignore weights")
    return repository


@pytest.mark.long
@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.package)
def test_a_script_of_the_page_registers_what_it_trained(
    framework: Framework, ground: Repository, frameworks: Path
) -> None:
    ground.write("train.py", "\n".join(BLOCK.findall(read_section(framework.heading))))
    ground.commit("Train")
    run_script(frameworks, ground)
    version = find_held(ground, framework.model)
    record = version.record
    assert (record.version, version.stages) == (framework.held, ("production",))
    assert record.weights.path == framework.weights
    assert flatten_values(record.metrics)[framework.metric] > 0
    assert "lr" in record.params
    assert record.environment is not None
    assert {framework.package, "torch"} <= record.environment.packages.keys()
    assert not record.code.dirty
    assert ground.mlver("verify", "--all").code == 0


def run_script(python: Path, ground: Repository) -> None:
    done = subprocess.run(
        [python, "train.py"],
        cwd=ground.path,
        env={
            **os.environ,
            "PYTHONPATH": str(CHECKOUT),
            "KERAS_BACKEND": "torch",
            "HF_HUB_OFFLINE": "1",
            "CUDA_VISIBLE_DEVICES": "",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def find_held(ground: Repository, model: str) -> RegisteredVersion:
    """The version that holds a stage; one, and no other."""
    versions = read_versions(Project.open_existing(ground.path), model)
    (held,) = (version for version in versions if version.stages)
    return held


def test_each_callback_of_the_page_is_short() -> None:
    lengths = [len(callback.rstrip().splitlines()) for callback in CALLBACK.findall(PAGE)]
    assert len(lengths) == 3
    assert max(lengths) <= 20


def test_the_code_of_the_page_is_formatted_as_ours_is() -> None:
    for block in BLOCK.findall(PAGE):
        assert max(map(len, block.splitlines())) <= 100


def test_the_page_tells_the_versions_that_the_tests_install() -> None:
    pinned = dict(
        re.findall(r"^([\w-]+)==([\d.]+)", (CHECKOUT / "locks/frameworks.txt").read_text(), re.M)
    )
    told = re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|", PAGE, re.MULTILINE)
    assert dict(told) == {name: pinned[name] for name, _ in told}
    assert {framework.package for framework in FRAMEWORKS} <= {name for name, _ in told}
