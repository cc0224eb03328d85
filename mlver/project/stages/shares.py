"""The rollouts of a stage as they are before a new one, and the one way a new one is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.document import codec
from mlver.policy.rollouts import DigestedRollout, find_open
from mlver.project.edit.edit import PlannedEdit
from mlver.project.history.stage_history import StageHistory, find_baseline
from mlver.project.project import Project
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.registry.attached import ROLLOUTS, find_last_link
from mlver.project.stages.dates import choose_date
from mlver.records import layout
from mlver.records.references import VersionReference
from mlver.records.rollout import RolloutRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class StageShares:
    """A stage with its promotions and rollouts, oldest first; `holder` is None for an empty one."""

    model: str
    stage: str
    history: StageHistory
    rollouts: Sequence[DigestedRollout]
    holder: VersionReference | None

    @property
    def current(self) -> RolloutRecord | None:
        """The open rollout."""
        promotions = [record for record, _ in self.history]
        found = find_open(self.rollouts, promotions, self.holder)
        return None if found is None else found[0]

    @property
    def last(self) -> RolloutRecord | None:
        """The last rollout, open or not."""
        return self.rollouts[-1][0] if self.rollouts else None


def read_shares(project: Project, model: str, stage: str, history: StageHistory) -> StageShares:
    """Read the rollouts of a stage; `history` are its promotions."""
    return StageShares(
        model=model,
        stage=stage,
        history=history,
        rollouts=ROLLOUTS.read_digested(project.registry, model, stage),
        holder=find_baseline(history),
    )


def require_committed_rollouts(project: Project, model: str, stage: str) -> None:
    """Raise MlverError where a rollout is not the one that HEAD has: the next one follows it."""
    folder = layout.attached_folder("rollout", model, stage)
    require_as_committed(project.repository, project.registry, folder)


def write_rollout(project: Project, edit: PlannedEdit, record: RolloutRecord) -> str:
    """Write a rollout: one record, one commit, whose id is returned."""
    edit.create_file(record.record_path, codec.encode_document("rollout", record.to_document()))
    subject = f"mlver: {_describe_rollout(record)}"
    return edit.commit_files(f"{subject}\n\n{record.message}".strip())


def _describe_rollout(record: RolloutRecord) -> str:
    version = f"{record.model} {record.version}"
    if record.action == "withdraw":
        return f"withdraw {version} from {record.stage}"
    return f"roll out {version} to {record.share:g} % of {record.stage}"


def build_withdrawal(
    project: Project,
    shares: StageShares,
    current: RolloutRecord,
    message: str,
    because: Digest | None = None,
) -> RolloutRecord:
    """Build the record that ends the open rollout; it waits for no clock."""
    require_committed_rollouts(project, current.model, current.stage)
    folder = layout.attached_folder("rollout", current.model, current.stage)
    sequence, prior = find_last_link(project.registry, folder)
    version, _ = project.registry.read_version(current.model, current.version)
    return RolloutRecord(
        model=current.model,
        stage=current.stage,
        sequence=sequence + 1,
        action="withdraw",
        version=current.version,
        strategy=current.strategy,
        share=0,
        created=choose_date(project, "rollback", shares.history, version, [current]),
        author=project.repository.author(),
        message=message.strip(),
        baseline=current.baseline,
        because=because,
        record=current.record,
        prior=prior,
    )
