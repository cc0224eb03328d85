"""Refuses to register an artifact that mlver is told not to store and that nobody else keeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, shell_command
from mlver.hashing.measure import MeasuredArtifact
from mlver.project.artifacts.elsewhere.find import (
    DamagedContents,
    ExternalCopies,
    MissingContents,
)
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.model import ArtifactSettings, ModelSettings

_COMMIT = "git commit -m WHY"


def require_holders(
    project: Project, settings: ModelSettings, measured: Mapping[str, MeasuredArtifact]
) -> None:
    """Raise MlverError where an artifact is `stored: false`, and nothing committed keeps its bytes.

    They have to be in HEAD's tree, behind a git-lfs pointer there, or in DVC's cache under what a
    `.dvc` or lock file there names. A copy in the work tree is gone with the next checkout.
    """
    artifacts: dict[str, ArtifactSettings] = {}
    if settings.weights is not None:
        artifacts["weights"] = settings.weights
    artifacts.update(settings.data)
    unstored: dict[str, ArtifactSettings] = {}
    for name, artifact in artifacts.items():
        # a prefix is listed where it is, and nobody here keeps it
        if not artifact.stored and not artifact.is_remote:
            unstored[name] = artifact
    if not unstored:
        return
    copies = ExternalCopies(project, proven=True)
    commit = project.repository.head().commit
    for name, artifact in unstored.items():
        try:
            _require_holder(copies, artifact.path, measured[name].digest, commit)
        except MlverError as error:
            model_settings = layout.settings_path(settings.model)
            raise MlverError(
                f"mlver is told to keep no copy of {name}, and nobody else keeps these bytes:"
                f" {error.message}.\nCommit them, or have mlver store them: without --no-store, and"
                f" without `stored: false` in {model_settings}",
                hints=error.hints,
            ) from error


def _require_holder(copies: ExternalCopies, path: str, digest: Digest, commit: str | None) -> None:
    """Raise MlverError, with what to type, where a commit does not keep these very bytes."""
    project = copies.project
    shown = printable_name(path)
    if commit is None:
        raise MlverError("there is no commit yet", hints=_suggest_git(project, path))
    try:
        copy = copies.find_copy(commit, path)
    except (MissingContents, DamagedContents):
        raise
    except MlverError:
        if _uses_dvc(project, path):
            hints = _suggest_dvc(project, path)
        else:
            hints = _suggest_git(project, path)
        raise MlverError(f"HEAD neither holds nor points to {shown}", hints=hints) from None
    if copy.found.digest == digest:
        return
    message = f"HEAD and {copy.holder} have other bytes of {shown}"
    hints = _suggest_git(project, path)
    if copy.holder == "git":
        message = f"HEAD has other bytes of {shown}"
    if copy.holder == "dvc":
        hints = _suggest_dvc(project, path)
    elif not _is_changed(project, path):
        message += ", though git sees no change: it converts or ignores some of it"
        hints = (
            shell_command("git", "status", "--ignored", "--", path),
            shell_command("git", "check-attr", "--all", "--", path),
        )
    raise MlverError(message, hints=hints)


def _is_changed(project: Project, path: str) -> bool:
    changed_paths, unknown_paths = project.repository.changes()
    for other in (*changed_paths, *unknown_paths):
        if f"{other.rstrip('/')}/".startswith(f"{path}/"):
            return True
    return False


def _uses_dvc(project: Project, path: str) -> bool:
    """Whether a project of DVC covers a path that git does not take in."""
    if not project.repository.ignores(path) and _find_pointed(project, path) is None:
        return False
    return any((project.top_folder / folder / ".dvc").is_dir() for folder in _list_above(path))


def _suggest_git(project: Project, path: str) -> tuple[str, ...]:
    # git takes in nothing that it ignores
    if project.repository.ignores(path):
        return (shell_command("git", "check-ignore", "--verbose", "--", path),)
    return shell_command("git", "add", "--", path), _COMMIT


def _suggest_dvc(project: Project, path: str) -> tuple[str, ...]:
    pointed = _find_pointed(project, path)
    if pointed is None:
        for folder in _list_above(path):
            lock_file = str(folder / "dvc.lock")
            # what a stage of a pipeline makes is never added
            if (project.top_folder / lock_file).is_file():
                return "dvc commit", shell_command("git", "add", "--", lock_file), _COMMIT
        pointed = path
    pointer = f"{pointed}.dvc"
    add_pointer = shell_command("git", "add", "--", pointer)
    return shell_command("dvc", "add", pointed), add_pointer, _COMMIT


def _find_pointed(project: Project, path: str) -> str | None:
    """The path, or the folder above it, that has a `.dvc` file beside it in the work tree."""
    for place in (PurePosixPath(path), *_list_above(path)):
        if place.name and (project.top_folder / f"{place}.dvc").is_file():
            return str(place)
    return None


def _list_above(path: str) -> list[PurePosixPath]:
    return list(PurePosixPath(path).parents)
