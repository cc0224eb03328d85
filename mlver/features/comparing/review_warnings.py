"""What a reviewer of a branch should look at before the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlver.errors import InvalidDocument, MlverError
from mlver.features.comparing.branch import BranchChanges
from mlver.policy.chain import judge_seal
from mlver.project.history.stage_history import read_history
from mlver.project.tags import seals
from mlver.records import layout
from mlver.records.promotion import PromotionRecord


@dataclass(frozen=True, slots=True)
class Warned:
    """What a reviewer should look at before the rest, and what to type about it."""

    path: str
    message: str
    hint: str


def check_landed_records(branch: BranchChanges) -> list[Warned]:
    """Records and other files of mlver that existed before and are not as they were."""
    warnings = []
    for path in branch.landed:
        change = "is edited" if branch.states[path] == "changed" else "is not there any more"
        hint = f"git log -p -- {path}"
        if layout.is_record_path(path):
            message = f"{change}: a record never changes once it has landed"
            warnings.append(Warned(path, message, hint))
        elif path in (layout.ATTRIBUTES, layout.VERSION_SCHEMA):
            warnings.append(Warned(path, change, hint))
    return warnings


def check_claimed_paths(branch: BranchChanges) -> list[Warned]:
    """Records that this branch and the other have both added, with different bytes."""
    warnings = []
    for path in branch.added:
        other_entry = branch.other.entries.get(path)
        if other_entry is None or other_entry == branch.head.entries[path]:
            continue
        if layout.is_record_path(path):
            message = "is claimed by both branches: a merge will stop at it"
            warnings.append(Warned(path, message, "merge, then: mlver resolve"))
    return warnings


def check_chains(branch: BranchChanges, promotions: Sequence[PromotionRecord]) -> list[Warned]:
    """Stages whose promotions do not follow one another."""
    warnings = []
    moved_stages = dict.fromkeys((promotion.model, promotion.stage) for promotion in promotions)
    for model, stage in moved_stages:
        try:
            _, broken = read_history(branch.head_project, model, stage)
        except MlverError as error:
            warnings.append(describe_unreadable(layout.stage_folder(model, stage), error))
            continue
        for link in broken:
            hint = link.hint or "mlver verify --all"
            warnings.append(Warned(link.subject, link.message, hint))
    return warnings


def check_seals(branch: BranchChanges, registered: Mapping[str, Sequence[str]]) -> list[Warned]:
    """New versions, by model, whose tag exists and seals something else."""
    warnings = []
    for model, versions in registered.items():
        for version, seal in seals.read_seals(branch.head_project, model, versions).items():
            digest = branch.head_project.registry.read_version_digest(model, version)
            assert digest is not None
            for link in judge_seal(model, version, digest, seal):
                # A version on a branch has no tag until it is merged.
                if link.kind == "unsealed":
                    continue
                message = link.message
                if link.kind == "record":
                    # It is more likely another version's tag than an edit of this record.
                    message = "is not the record that its tag seals"
                hint = link.hint or "mlver verify --all"
                warnings.append(Warned(link.subject, message, hint))
    return warnings


def describe_stray_file(path: str) -> list[Warned]:
    """A file among the records whose name is none of theirs; nothing for a file elsewhere."""
    if not path.startswith(f"{layout.MODELS}/"):
        return []
    return [Warned(path, "is no record's name", f"git log -- {path}")]


def describe_unreadable(path: str, error: MlverError) -> Warned:
    message = error.message
    if isinstance(error, InvalidDocument):
        message = f"is not valid: {'; '.join(error.faults)}"
    return Warned(path, message, error.hint or f"git log -p -- {path}")
