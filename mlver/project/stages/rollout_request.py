"""What a rollout is asked for, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlver import names
from mlver.errors import UsageError, shell_command
from mlver.policy.rollouts import ends_rollout, find_share_fault
from mlver.records.promotion import GateResult
from mlver.records.rollout import RolloutRecord, RolloutStrategy

RolloutOutcome = Literal["opened", "moved", "withdrawn", "already", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficPlan:
    """How the traffic is to be shared; `ends`: the candidate is served no more."""

    strategy: RolloutStrategy
    share: float
    header: str | None
    ends: bool

    def is_as_recorded(self, record: RolloutRecord) -> bool:
        return (self.strategy, self.share, self.header) == (
            record.strategy,
            record.share,
            record.header,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRequest:
    """A version is to get `share` percent of a stage's traffic, or none with `withdraw`.

    What is None stays as the open rollout has it; the first strategy is `canary`.
    """

    stage: str
    message: str
    share: float | None = None
    strategy: RolloutStrategy | None = None
    header: str | None = None
    withdraw: bool = False
    force: bool = False
    dry_run: bool = False

    def check(self, ref: str) -> None:
        """Raise UsageError where the message says nothing, or options contradict each other."""
        words = ["mlver", "rollout", ref, "--to", self.stage]
        if self.withdraw:
            words.append("--withdraw")
        elif self.share is not None:
            words += ["--share", f"{self.share:g}"]
        names.check_reason(self.message, "a rollout", words, is_kept=not self.dry_run)
        others = (self.share, self.strategy, self.header)
        if self.withdraw and any(other is not None for other in others):
            raise UsageError(
                "--withdraw ends a rollout, so it goes with no --share, --strategy or --header",
                hint=shell_command(*words, "-m", self.message),
            )

    def plan_traffic(self, current: RolloutRecord | None) -> TrafficPlan:
        """Plan the traffic; `current` is the open rollout.

        Raise UsageError where that cannot be, or where nobody says how much.
        """
        strategy = self.strategy or ("canary" if current is None else current.strategy)
        share = self._choose_share(strategy)
        header = self.header
        if header is None and current is not None and strategy == "ab" and share:
            header = current.header
        if self.withdraw or ends_rollout(strategy, share):
            return TrafficPlan(strategy=strategy, share=0, header=None, ends=True)
        fault = find_share_fault(strategy, share, header)
        if fault is not None:
            raise UsageError(fault, hint="mlver rollout --help")
        return TrafficPlan(strategy=strategy, share=share, header=header, ends=False)

    def _choose_share(self, strategy: RolloutStrategy) -> float:
        if self.withdraw:
            return 0
        if self.share is None:
            if strategy == "shadow":
                return 0
            raise UsageError(
                "a rollout says how much of the traffic the version gets",
                hint="mlver rollout REF --to STAGE --share 10 -m WHY",
            )
        # Records write 10, not 10.0.
        share = float(self.share)
        return int(share) if share.is_integer() else share


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutResult:
    """What share of the stage's traffic `version` has; `baseline` has the rest.

    `outcome`: the rollout was `opened`, `moved` to another share, `withdrawn`, it was so `already`,
    or a gate `refused`; on a dry run, what would have come of it. `previous` is the share before,
    None where no rollout was open. `sequence`, `path` and `commit` are None where nothing was
    written.
    """

    model: str
    version: str
    stage: str
    baseline: str
    strategy: RolloutStrategy
    share: float
    previous: float | None
    header: str | None
    outcome: RolloutOutcome
    gates: tuple[GateResult, ...] = ()
    forced: bool = False
    sequence: int | None = None
    path: str | None = None
    commit: str | None = None
    dry_run: bool = False

    @property
    def exit_code(self) -> int:
        return 1 if self.outcome == "refused" else 0
