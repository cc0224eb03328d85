"""The versions of other models that a new version uses.

They are those that its registration names, else those that the version before uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlver.errors import MlverError, UsageError, shell_command
from mlver.project.history.version_uses import find_used
from mlver.project.project import Project
from mlver.project.registering.request import RegisterRequest, list_options
from mlver.project.registry.attached import find_retirement
from mlver.records.references import VersionUse
from mlver.records.version import VersionRecord
from mlver.version import Version


def check_uses(project: Project, request: RegisterRequest) -> None:
    """Refuse what a version cannot use, before anything is read or stored.

    Raise UsageError for a version of the same model, and for one that is named twice; MlverError
    for one that is not here.
    """
    named: set[tuple[str, Version]] = set()
    for ref in request.uses or ():
        chosen = project.resolve_ref(ref)
        name = f"{chosen.model}@{chosen.version}"
        if chosen.model == request.model:
            raise UsageError(
                f"--uses is for versions of other models, and {name} is one of the same; what it"
                " was trained from is its parent",
                hint=_suggest_parent(request, ref, chosen.version),
            )
        if (chosen.model, chosen.version) in named:
            raise UsageError(f"--uses names {name} twice; give each version once")
        named.add((chosen.model, chosen.version))


def _suggest_parent(request: RegisterRequest, ref: str, version: Version) -> str:
    """The same request without this use, and with it as the parent where none is named."""
    others = [other for other in request.uses or () if other != ref]
    again = replace(request, uses=others or None)
    # An amended version keeps its parent.
    if request.parent is None and not request.amend:
        again = replace(again, parent=str(version))
    words = ["mlver", "register", request.model, *list_options(again)]
    return shell_command(*words, "-m", request.message.strip() or "WHY")


def choose_uses(
    project: Project, request: RegisterRequest, before: VersionRecord | None
) -> tuple[VersionUse, ...]:
    """Choose what a new version uses; `before` is the version before it."""
    if request.uses is not None:
        return resolve_uses(project, request.uses)
    return () if before is None else _inherit_uses(project, request, before)


def resolve_uses(project: Project, refs: Sequence[str]) -> tuple[VersionUse, ...]:
    """Find the versions that people name, each with the digest of its record.

    A retired one is told, and may be used all the same: stages may ask for others.
    """
    uses: list[VersionUse] = []
    for ref in refs:
        chosen = project.resolve_ref(ref)
        record, digest = project.registry.read_version(chosen.model, chosen.version)
        use = VersionUse(model=record.model, version=record.version, record=digest)
        _note_retirement(project, use)
        uses.append(use)
    return tuple(uses)


def _inherit_uses(
    project: Project, request: RegisterRequest, before: VersionRecord
) -> tuple[VersionUse, ...]:
    """Take over what the version before uses, under the numbers that it has by now.

    Raise MlverError for a version that is no longer here as it was used.
    """
    uses: list[VersionUse] = []
    for use in before.uses:
        found = find_used(project.registry, use)
        if found is None:
            raise _build_lost_error(request, before, use)
        record, digest = found
        now = VersionUse(model=record.model, version=record.version, record=digest)
        _note_retirement(project, now)
        uses.append(now)
    return tuple(uses)


def _note_retirement(project: Project, use: VersionUse) -> None:
    retirement = find_retirement(project.registry, use.model, use.version)
    if retirement is not None:
        project.reporter.show_note(f"{use.model}@{use.version} is retired: {retirement.reason}")


def _build_lost_error(
    request: RegisterRequest, before: VersionRecord, use: VersionUse
) -> MlverError:
    words = ["mlver", "register", request.model]
    others = [f"{other.model}@{other.version}" for other in before.uses if other != use]
    named = replace(request, uses=[*others, f"{use.model}@VERSION"])
    message = ("-m", request.message)
    return MlverError(
        f"{before.model} {before.version} uses {use.model}@{use.version}, which is no longer here"
        " as it was used; say what the new version uses",
        hints=(
            shell_command(*words, *list_options(named), *message),
            shell_command(*words, *list_options(replace(request, uses=[])), *message),
        ),
    )
