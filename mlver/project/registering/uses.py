"""The versions of other models that a new version says it uses."""

from __future__ import annotations

from mlver.errors import UsageError, shell_command
from mlver.project.project import Project
from mlver.project.registering.request import RegisterRequest
from mlver.project.registry.attached import find_retirement
from mlver.records.references import VersionUse


def resolve_uses(project: Project, request: RegisterRequest) -> tuple[VersionUse, ...]:
    """Find the versions that the request names, each with the digest of its record.

    A retired one is told, and may be used all the same: stages may ask for others. Raise UsageError
    for a version of the same model, and for one that is named twice.
    """
    uses: list[VersionUse] = []
    for text in request.uses:
        chosen = project.resolve_ref(text)
        name = f"{chosen.model}@{chosen.version}"
        if chosen.model == request.model:
            raise UsageError(
                f"--uses is for versions of other models, and {name} is one of the same; what it"
                " was trained from is its parent",
                hint=shell_command(
                    "mlver", "register", request.model, "--parent", str(chosen.version), "-m", "WHY"
                ),
            )
        record, digest = project.registry.read_version(chosen.model, chosen.version)
        use = VersionUse(model=record.model, version=record.version, record=digest)
        if use in uses:
            raise UsageError(f"--uses names {name} twice; give each version once")
        retirement = find_retirement(project.registry, chosen.model, chosen.version)
        if retirement is not None:
            project.reporter.show_note(f"{name} is retired: {retirement.reason}")
        uses.append(use)
    return tuple(uses)
