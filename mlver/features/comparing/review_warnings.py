"""What a reviewer of a branch should look at before the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlver.errors import MlverError, shell_command, summarise_error
from mlver.features.comparing.branch import BranchChanges
from mlver.findings import Finding, FindingKind
from mlver.policy.chain import judge_seal
from mlver.project.history.stage_history import read_history
from mlver.project.tags import seals
from mlver.records import layout
from mlver.records.promotion import PromotionRecord


def check_landed_records(branch: BranchChanges) -> list[Finding]:
    """Records and other files of mlver that existed before and are not as they were."""
    warnings = []
    for landed_path in branch.landed:
        change = "is edited" if branch.states[landed_path] == "changed" else "is not there any more"
        log_commands = (_log_command(landed_path),)
        if layout.is_record_path(landed_path):
            message = f"{change}: a record never changes once it has landed"
            warnings.append(Finding("history", landed_path, message, log_commands))
        elif landed_path in (layout.ATTRIBUTES, layout.VERSION_SCHEMA):
            warnings.append(Finding("layout", landed_path, change, log_commands))
    return warnings


def check_claimed_paths(branch: BranchChanges) -> list[Finding]:
    """Records that this branch and the other have both added, with different bytes."""
    warnings = []
    for added_path in branch.added:
        other_entry = branch.other.entries.get(added_path)
        if other_entry is None or other_entry == branch.head.entries[added_path]:
            continue
        if layout.is_record_path(added_path):
            message = "is claimed by both branches: a merge will stop at it"
            warnings.append(Finding("conflict", added_path, message, ("mlver resolve",)))
    return warnings


def check_chains(branch: BranchChanges, promotions: Sequence[PromotionRecord]) -> list[Finding]:
    """Stages whose promotions do not follow one another."""
    warnings = []
    moved_stages = dict.fromkeys((promotion.model, promotion.stage) for promotion in promotions)
    for model, stage in moved_stages:
        try:
            _, broken = read_history(branch.head_project, model, stage)
        except MlverError as error:
            warnings.append(describe_unreadable(layout.stage_folder(model, stage), error))
            continue
        warnings += broken
    return warnings


def check_seals(branch: BranchChanges, registered: Mapping[str, Sequence[str]]) -> list[Finding]:
    """New versions, by model, whose tag exists and seals something else."""
    warnings = []
    for model, versions in registered.items():
        for version, seal in seals.read_seals(branch.head_project, model, versions).items():
            digest = branch.head_project.registry.read_version_digest(model, version)
            assert digest is not None
            for finding in judge_seal(model, version, digest, seal):
                # A version on a branch has no tag until it is merged.
                if finding.kind == "unsealed":
                    continue
                message = finding.message
                if finding.kind == "record":
                    # It is more likely another version's tag than an edit of this record.
                    message = "is not the record that its tag seals"
                warnings.append(replace(finding, message=message))
    return warnings


def describe_stray_file(path: str) -> list[Finding]:
    """A file among the records whose name is none of theirs; nothing for a file elsewhere."""
    if not path.startswith(f"{layout.MODELS}/") or layout.is_seal_path(path):
        return []
    hint = shell_command("git", "log", "--", path)
    return [Finding("name", path, "is no record's name", (hint,))]


def describe_unreadable(path: str, error: MlverError) -> Finding:
    finding_kind: FindingKind = "record" if layout.is_record_path(path) else "settings"
    return Finding(
        finding_kind, path, summarise_error(error, path), error.hints or (_log_command(path),)
    )


def _log_command(path: str) -> str:
    return shell_command("git", "log", "-p", "--", path)
