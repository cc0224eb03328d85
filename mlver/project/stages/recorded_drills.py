"""The last drill of a stage that was recorded: for the gate `drilled`."""

from __future__ import annotations

from mlver.policy.gates.gate import StageDrills
from mlver.project.project import Project
from mlver.project.registry.as_committed import list_committed, require_as_committed
from mlver.project.registry.attached import NOTES
from mlver.records import file_names, layout


def read_drills(project: Project, model: str, stage: str) -> StageDrills:
    """Find the last drill of a stage of a model that was committed, and who holds the stage.

    Raise MlverError for a note that cannot be read, or that HEAD has and the work tree has not.
    """
    registry = project.registry
    folder = f"{layout.model_folder(model)}/notes"
    require_as_committed(project.repository, registry, folder)
    committed = list_committed(project.repository, folder)
    drilled: str | None = None
    version: str | None = None
    for name in registry.list_names(folder):
        if file_names.parse_version_name(name) is None:
            continue
        digest = registry.read_version_digest(model, name)
        for note in NOTES.read_all(registry, model, name):
            # A drill of another record under this number restored something else.
            if note.drill is None or note.drill.stage != stage or note.record != digest:
                continue
            if note.record_path not in committed:
                continue
            if drilled is None or note.created > drilled:
                drilled, version = note.created, note.version
    sequences = registry.list_sequences(layout.stage_folder(model, stage))
    holder = None
    if sequences:
        promotion, _ = registry.read_promotion(model, stage, sequences[-1])
        holder = promotion.version
    return StageDrills(
        stage=stage, holder=holder, drilled=drilled, version=version, now=project.record_time
    )
