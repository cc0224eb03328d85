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
from mlver.records.sections.stages import StageSettings

StageHistory = Sequence[tuple[PromotionRecord, Digest]]


def read_rule(project: Project, stage: str) -> StageSettings:
    """A stage's rule; raise UsageError for a stage the repository does not have."""
    known = project.registry.read_config().stages
    if stage not in known:
        raise UsageError(
            f"there is no stage `{stage}`; there are {', '.join(known) or 'none'}",
            hint=f"name one of these, or add it under `stages:` in {layout.CONFIG}",
        )
    return known[stage]


def read_history(
    project: Project, model: str, stage: str
) -> tuple[StageHistory, tuple[Finding, ...]]:
    """A stage's promotions, oldest first, and the broken links of their chain.

    Raise InvalidDocument for a promotion that cannot be read at all.
    """
    history = project.registry.read_history(model, stage)
    digests = read_promoted_digests(project, model, history)
    return history, judge_history(layout.stage_folder(model, stage), history, digests)


def read_promoted_digests(project: Project, model: str, history: StageHistory) -> dict[str, Digest]:
    """The digests of the version records that promotions name, as far as these records are here."""
    digests: dict[str, Digest] = {}
    for record, _ in history:
        if record.version in digests:
            continue
        digest = project.registry.read_version_digest(model, record.version)
        if digest is not None:
            digests[record.version] = digest
    return digests


def require_whole_history(project: Project, model: str, stage: str) -> StageHistory:
    """The same; raise MlverError when the chain is broken: no promotion is built on that."""
    history, broken = read_history(project, model, stage)
    if broken:
        listed = "\n".join(f"  {printable_name(link.subject)} {link.message}" for link in broken)
        raise MlverError(f"the history of {stage} is damaged:\n{listed}", hint="mlver verify --all")
    return history
