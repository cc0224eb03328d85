"""Whether a version may enter a stage, or get a share of its traffic: its gates are asked."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.policy.approvals import list_counted
from mlver.policy.gates.table import is_open
from mlver.project.history.policies import JudgingRules
from mlver.project.project import Project, ResolvedRef
from mlver.project.remote.fetching import FetchedAhead, fetch_versions
from mlver.project.stages.candidate import describe_candidate, reads_bytes
from mlver.project.stages.moves import judge_candidate
from mlver.records.promotion import ApprovalReference, GateResult
from mlver.records.version import VersionRecord
from mlver.version import parse_version


@dataclass(frozen=True, slots=True)
class JudgedEntry:
    """What the gates said, and the approvals that counted."""

    gates: tuple[GateResult, ...]
    approvals: tuple[ApprovalReference, ...]

    @property
    def is_open(self) -> bool:
        return is_open(self.gates)


def judge_entry(
    project: Project,
    stage: str,
    version: VersionRecord,
    judging: JudgingRules,
    ahead: FetchedAhead | None,
) -> JudgedEntry:
    """Ask the gates of a stage about a version, whose record this is.

    What a gate reads and is not here is fetched from a remote, unless `ahead` is None.
    """
    policies = judging.policies
    _note_difference(project, judging, stage)
    if ahead is not None and reads_bytes(policies):
        fetch_versions(project, [version], ahead=ahead)
    chosen = ResolvedRef(version.model, parse_version(version.version))
    candidate = describe_candidate(project, chosen, stage, policies, signed=judging.signed)
    gates = judge_candidate(candidate, policies)
    return JudgedEntry(gates, list_counted(policies, candidate.approvals))


def _note_difference(project: Project, judging: JudgingRules, stage: str) -> None:
    if judging.differs:
        project.reporter.show_note(
            f"the rule of {stage} in the work tree differs from that of {judging.source};"
            " both have to pass"
        )
