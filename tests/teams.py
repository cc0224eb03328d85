"""Two people, a bare repository and a directory that keeps objects for them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlver.storage.remote.directory import init_directory
from tests.conftest import Repository

# Large enough for parts, for an object of its own and for a pack.
LARGE, MIDDLE, SMALL = (17 << 20) + 5, (1 << 20) + 3, 1000


@dataclass(frozen=True)
class Team:
    """`forge` is bare. `bucket` keeps objects; the settings call it `store`."""

    place: Path
    forge: Path
    bucket: Path
    ann: Repository

    def clone(self, name: str, *options: str) -> Repository:
        """Another clone of the forge."""
        target = self.place / name
        command = ["git", "clone", "--quiet", *options, self.forge.as_uri(), str(target)]
        subprocess.run(command, check=True, capture_output=True)
        return Repository(target)

    def list_blobs(self) -> list[str]:
        """The keys of all blobs in the bucket but those that only tell who uses it."""
        keys: list[str] = []
        for path in self.bucket.rglob("*"):
            key = path.relative_to(self.bucket).as_posix()
            if path.is_file() and key.split("/")[0] in ("objects", "packs", "parts", "recipes"):
                keys.append(key)
        return sorted(keys)


def make_team(place: Path) -> Team:
    """A team whose first person has one version of `digits`, and has pushed nothing yet."""
    forge, bucket = place / "forge.git", place / "bucket"
    subprocess.run(["git", "init", "--quiet", "--bare", str(forge)], check=True)
    init_directory(bucket)
    ann = Repository(place / "ann")
    ann.path.mkdir()
    ann.git("init", "--quiet")
    ann.git("remote", "add", "origin", forge.as_uri())
    assert ann.mlver("init").code == 0
    ann.write(".gitignore", "/model/\n/data/\n")
    add_remote(ann, "store", bucket)
    write_model(ann, "first")
    assert ann.mlver("register", "digits", "--weights", "model", "-m", "first").code == 0
    return Team(place, forge, bucket, ann)


def add_remote(repository: Repository, name: str, bucket: Path) -> None:
    """Name a directory in the settings, as somebody else would have done it."""
    config = repository.path / ".mlver" / "config.yaml"
    text = config.read_text()
    if "\nremotes:\n" not in text:
        text += "remotes:\n"
    config.write_text(f"{text}  {name}:\n    url: {bucket}\n")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "-m", f"Remote {name}")


def write_model(repository: Repository, text: str) -> None:
    """Weights of a small file, one that is an object of its own, and a nested one."""
    repository.write("model/config.txt", text)
    repository.write("model/layers/one.bin", text.encode().ljust(MIDDLE, b"1"))
    repository.write("model/layers/two.bin", bytes(SMALL))


def read_json(repository: Repository, *arguments: str) -> dict[str, Any]:
    """What a command prints with `--json`."""
    done = repository.mlver(*arguments, "--json")
    document = json.loads(done.out)
    assert isinstance(document, dict)
    return document
