"""A stage's rule, and the chain of its promotions."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, printable_name
from mlver.findings import Finding
from mlver.policy.chain import judge_history
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.references import VersionReference
from mlver.records.sections.stages import StageSettings

StageHistory = Sequence[tuple[PromotionRecord, Digest]]


def read_rule(project: Project, stage: str) -> StageSettings:
    """Read a stage's rule; raise UsageError for a stage the repository does not have."""
    rules = project.registry.read_config().stages
    if stage not in rules:
        known_stages = ", ".join(rules) or "none"
        raise UsageError(
            f"there is no stage `{stage}`; there are {known_stages};"
            f" name one of these, or add it under `stages:` in {layout.CONFIG}",
            hint="mlver config list",
        )
    return rules[stage]


def read_history(
    project: Project, model: str, stage: str
) -> tuple[StageHistory, tuple[Finding, ...]]:
    """Read a stage's promotions, oldest first, and the broken links of their chain.

    Raise InvalidDocument for a promotion that cannot be read at all.
    """
    history = project.registry.read_history(model, stage)
    digests = read_promoted_digests(project, model, history)
    subject = layout.stage_folder(model, stage)
    return history, judge_history(subject, history, digests)


def read_promoted_digests(project: Project, model: str, history: StageHistory) -> dict[str, Digest]:
    """Read the digests of the version records that promotions name.

    A version that has no record here is left out.
    """
    digests: dict[str, Digest] = {}
    for record, _ in history:
        # a stage comes back to the same versions; each record is read once
        if record.version in digests:
            continue
        digest = project.registry.read_version_digest(model, record.version)
        if digest is not None:
            digests[record.version] = digest
    return digests


def require_whole_history(project: Project, model: str, stage: str) -> StageHistory:
    """Read a stage's promotions; raise MlverError where their chain is broken.

    A promotion on top of a broken chain would make it look whole again.
    """
    history, broken = read_history(project, model, stage)
    if broken:
        lines = [f"the history of {stage} is damaged:"]
        for link in broken:
            subject = printable_name(link.subject)
            lines.append(f"  {subject} {link.message}")
        raise MlverError("\n".join(lines), hint="mlver verify --all")
    return history


def find_baseline(history: StageHistory) -> VersionReference | None:
    """Find the version that holds a stage, which gates compare with; None for an empty stage."""
    if not history:
        return None
    last, _ = history[-1]
    return None if last.action == "retire" else VersionReference(last.version, last.record)
