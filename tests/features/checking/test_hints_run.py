"""Each hint is typed in the state in which it is given: it works, and loses nobody's work."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import train_model
from tests.conftest import CommandOutcome, Repository

_HINT = re.compile(r"^ *(?:hint|next): (.+?)(?:   \(.*\))?$", re.MULTILINE)
_LOOKING = (("status",), ("verify",), ("verify", "--all"), ("doctor",))
_CHECKOUT = ("checkout", "digits@1.1.0")
Spoil = Callable[[Repository], Repository]


def read_hints(done: CommandOutcome) -> list[str]:
    return _HINT.findall(done.out + done.err)


def type_hint(repository: Repository, hint: str, *, whole: Path) -> CommandOutcome:
    """Type a hint as a person would: `whole` is a clone that has everything."""
    filled = hint.replace("CLONE", shlex.quote(os.fspath(whole)))
    filled = filled.replace("URL", shlex.quote(f"{repository.path}.git"))
    filled = filled.replace("WHY", "why").replace("BRANCH", "topic")
    if filled.startswith("mlver "):
        return repository.mlver(*shlex.split(filled)[1:])
    done = subprocess.run(
        ["sh", "-c", filled], cwd=repository.path, capture_output=True, text=True, check=False
    )
    return CommandOutcome(done.returncode, done.stdout, done.stderr)


def retrain(repository: Repository) -> Repository:
    train_model(repository, 3)
    return repository


def clone_bare(repository: Repository) -> Repository:
    clone = Repository(repository.path.parent / "clone")
    repository.git("clone", "--quiet", os.fspath(repository.path), os.fspath(clone.path))
    return clone


def damage_pack(repository: Repository) -> Repository:
    """Flip a bit of the newest weights, which no working file holds any more."""
    for pack in repository.path.glob(".git/mlver/packs/*.pack"):
        data = bytearray(pack.read_bytes())
        place = data.find(b"weights of run 2")
        if place >= 0:
            data[place] ^= 1
            pack.chmod(0o644)
            pack.write_bytes(bytes(data))
    train_model(repository, 3)
    return repository


def lose_objects(repository: Repository) -> Repository:
    """Lose the objects of the newest weights, while the store holds others."""
    shutil.rmtree(repository.path / "model")
    for pack in repository.path.glob(".git/mlver/packs/*.pack"):
        if b"weights of run 2" in pack.read_bytes():
            pack.unlink()
            pack.with_suffix(".idx").unlink(missing_ok=True)
    return repository


def dangle(repository: Repository) -> Repository:
    weights = repository.path / "model/weights.safetensors"
    weights.unlink()
    weights.symlink_to("gone")
    return repository


def remove_artifacts(repository: Repository) -> Repository:
    shutil.rmtree(repository.path / "model")
    return repository


def delete_record(repository: Repository) -> Repository:
    (repository.path / ".mlver/models/digits/versions/1.0.0.yaml").unlink()
    return repository


def unseal(repository: Repository) -> Repository:
    repository.git("tag", "--delete", "digits@v1.1.0")
    return repository


STATES: tuple[Spoil, ...] = (
    retrain,
    clone_bare,
    damage_pack,
    lose_objects,
    dangle,
    remove_artifacts,
    delete_record,
    unseal,
)


def read_work(repository: Repository) -> dict[str, bytes]:
    """The working files that no version and no commit has."""
    names = ("model/weights.safetensors", "metrics.json", "params.yaml")
    work: dict[str, bytes] = {}
    for name in names:
        if (repository.path / name).is_file():
            work[name] = (repository.path / name).read_bytes()
    return work


@pytest.mark.parametrize("spoil", STATES, ids=lambda spoil: spoil.__name__)
def test_each_hint_works_where_it_is_given(
    second: Repository, tmp_path: Path, spoil: Spoil
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(second.path, whole, symlinks=True)
    place = spoil(second)
    bare = f"{place.path}.git"
    subprocess.run(["git", "init", "--quiet", "--bare", bare], check=True)
    for words in (*_LOOKING, _CHECKOUT):
        copy = Repository(tmp_path / "typed")
        shutil.rmtree(copy.path, ignore_errors=True)
        shutil.copytree(place.path, copy.path, symlinks=True)
        shutil.rmtree(f"{copy.path}.git", ignore_errors=True)
        shutil.copytree(bare, f"{copy.path}.git")
        work = read_work(copy)
        done = copy.mlver(*words)
        if words != _CHECKOUT:
            assert "--force" not in done.out + done.err
        elif spoil is retrain:
            continue  # it is refused, and the way on is to register
        for hint in read_hints(done):
            typed = type_hint(copy, hint, whole=whole)
            reports = hint.startswith(("mlver doctor", "mlver verify"))
            assert typed.code == 0 or reports, (words, hint, typed)
            for name, data in work.items():
                kept = (copy.path / name).read_bytes() == data
                assert kept or spoil is not retrain, (words, hint, name)
        again = copy.mlver(*words)
        if done.code == 3:
            # What stopped it first were unsaved files; the damage behind them is told then.
            is_next = spoil is damage_pack and again.err != done.err and "hint: " in again.err
            assert again.code == 0 or is_next, (words, done, again)
