"""A project with versions in it, made the way the commands make them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlver.digest import Digest
from mlver.document import codec
from mlver.project.artifacts import storing
from mlver.project.edit import intent
from mlver.project.edit.intent import CommandIntent
from mlver.project.project import Project
from mlver.project.registering.register import RegisterResult, register_version
from mlver.project.registering.request import RegisterRequest
from mlver.project.setup import init_project
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.version import CodeState, VersionRecord
from tests.conftest import NOW, Repository

Files = Mapping[str, str | bytes]


def new_repository(path: Path) -> Repository:
    """What the `repository` fixture makes, for a template that many tests copy."""
    made = Repository(path)
    made.path.mkdir()
    made.git("init", "--quiet")
    made.write("README.md", "# A project\n")
    made.commit("First")
    return made


def initialise_project(repository: Repository) -> Project:
    init_project(Project.find_from(repository.path))
    return Project.open_existing(repository.path)


def write_artifact(repository: Repository, path: str, files: Files | str | bytes) -> None:
    """Put exactly these files (or this one file) at an artifact's path."""
    remove_path(repository.path / path)
    if isinstance(files, str | bytes):
        repository.write(path, files)
    else:
        for name, content in files.items():
            repository.write(f"{path}/{name}", content)


def remove_path(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for inner in path.iterdir():
            remove_path(inner)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def encode_version(number: str = "1.0.0", *, model: str = "m") -> bytes:
    """The bytes of a record that pins some weights, which need not exist."""
    weights = Artifact(path="w", digest=Digest.of_bytes(b"w"), size=1, files=1, stored=True)
    return _encode_record(_build_record(model, number, weights, {}))


def _build_record(
    model: str, number: str, weights: Artifact, data: Mapping[str, Artifact]
) -> VersionRecord:
    return VersionRecord(
        model=model,
        version=number,
        created=NOW,
        author="Kim <kim@example.org>",
        message="why",
        parent=None,
        update="full",
        code=CodeState(commit=None, branch=None, dirty=False),
        weights=weights,
        data=data,
    )


def _encode_record(record: VersionRecord) -> bytes:
    return codec.encode_document("version", record.to_document())


def store_version(
    project: Project, number: str = "1.0.0", *, model: str = "m", **paths: str
) -> VersionRecord:
    """What lies at `paths` (weights=…, and data sets by name) stored and pinned by a record,
    without git.
    """
    manifests: dict[str, bytes] = {}
    pinned: dict[str, Artifact] = {}
    with storing.open_measurer(project, store=True) as measure:
        for name, path in paths.items():
            found = measure(path, store=True)
            pinned[name] = Artifact(
                path=path, digest=found.digest, size=found.size, files=found.files, stored=True
            )
            if found.manifest is not None:
                manifests[layout.manifest_path(found.digest)] = found.manifest
    weights = pinned.pop("weights")
    record = _build_record(model, number, weights, pinned)
    manifests[layout.version_path(model, number)] = _encode_record(record)
    for path, data in manifests.items():
        where = project.top_folder / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(data)
    return record


def register_one(project: Project, model: str = "m", **asked: Any) -> RegisterResult:
    """A version registered in earnest: stored, committed and sealed."""
    told: dict[str, Any] = {"message": "why", "weights": "w", **asked}
    return register_version(project, RegisterRequest(model=model, **told))


def leave_interrupted(project: Project) -> None:
    """Leave the plan of a command that was killed before it wrote anything."""
    plan = CommandIntent(what="promote m", top=str(project.top_folder), git_dir=".")
    project.state_directory.mkdir(exist_ok=True)
    intent.write_intent(project.state_directory, plan)


def read_tree(top: Path) -> dict[str, bytes]:
    """Every file below `top` with its bytes; git's own left out."""
    return {
        path.relative_to(top).as_posix(): path.read_bytes()
        for path in sorted(top.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(top).parts
    }


def flip_bit(path: Path, offset: int = 0) -> None:
    """Change one bit of a stored file, and say nothing."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def edit_file(repository: Repository, path: str, old: str, new: str) -> None:
    """Replace some text of a file, which must be there."""
    file = repository.path / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
