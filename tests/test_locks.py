"""The lock files name every package that the README's commands install, and nothing of the machine
they came from.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import CHECKOUT

LOCKS = CHECKOUT / "locks"
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
OWN: list[str] = PROJECT["project"]["dependencies"]
EXAMPLE = (CHECKOUT / "examples/digits/requirements.txt").read_text().splitlines()


def members(group: str) -> Iterator[str]:
    entries: list[Any] = PROJECT["dependency-groups"][group]
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            yield from members(entry["include-group"])


WANTED = {
    "mlver": OWN,
    "dev": [*OWN, *members("dev")],
    "lowest": [*OWN, *members("tests")],
    "example": [*OWN, *members("build"), *EXAMPLE],
    "adopting": [*members("adopting")],
    "framework": [*members("framework")],
    "frameworks": [*OWN, *members("frameworks")],
    "notebook": [*members("notebook")],
    "registry": [*members("registry")],
    "finetuning": [*members("finetuning")],
    "pipelines": [*OWN, *members("pipelines")],
    "cluster": [*OWN, *members("cluster")],
    "servers": [*members("servers")],
    "giftless": [*members("giftless")],
    "disk": [*members("disk")],
    "models": [*members("models")],
    "servers-long": [*members("servers-long")],
    "envoy": [*members("envoy")],
    "triton": [*members("triton")],
    "tensorflow-serving": [*members("tensorflow-serving")],
    "manifests": [*members("manifests")],
    "bentoml": [*members("bentoml")],
    "kserve": [*members("kserve")],
    "clients": [*members("clients")],
    "dvc-s3": [*members("dvc-s3")],
}


def test_every_lock_is_known() -> None:
    assert {path.stem for path in LOCKS.iterdir()} == set(WANTED)


@pytest.mark.parametrize("name", WANTED)
def test_a_lock_pins_by_hash_all_that_is_asked_for(name: str) -> None:
    text = re.sub(r"^ *#.*\n", "", (LOCKS / f"{name}.txt").read_text(), flags=re.MULTILINE)
    pinned: dict[str, list[str]] = {}
    for line in text.replace("\\\n", "").splitlines():
        pin, *hashes = line.split(" --hash=sha256:")
        requirement = Requirement(pin)
        (specifier,) = requirement.specifier
        assert (specifier.operator, bool(hashes), requirement.url) == ("==", True, None), line
        pinned.setdefault(canonicalize_name(requirement.name), []).append(specifier.version)
    for wanted in map(Requirement, WANTED[name]):
        versions = pinned[canonicalize_name(wanted.name)]
        assert all(wanted.specifier.contains(version) for version in versions), (
            f"{wanted}: run tests/lock.sh"
        )


@pytest.mark.parametrize("name", WANTED)
def test_a_lock_says_nothing_of_an_index_or_a_machine(name: str) -> None:
    assert (
        re.findall(
            r"://|--index|--find-links|--extra|-c /|-r /", (LOCKS / f"{name}.txt").read_text()
        )
        == []
    )


def test_the_lowest_versions_are_those_of_the_ranges() -> None:
    text = (LOCKS / "lowest.txt").read_text()
    for requirement in map(Requirement, OWN):
        (floor,) = (one.version for one in requirement.specifier if one.operator == ">=")
        (pin,) = re.findall(rf"^{requirement.name}==(\S+)", text, re.MULTILINE)
        assert Requirement(f"x=={floor}").specifier.contains(pin), requirement
