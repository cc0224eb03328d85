"""What a rollback is asked for, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from mlver import names
from mlver.project.artifacts.working_files import CheckoutOutcome
from mlver.project.stages.conditions import NO_CONDITION, RollbackCondition
from mlver.project.worktree.input_files import ForeignFile


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRequest:
    """A stage is to go back to `to`, or else to the version before, if the condition is met.

    With `checkout`, the working files become that version's.
    """

    stage: str
    message: str
    to: str | None = None
    condition: RollbackCondition = NO_CONDITION
    checkout: bool = False
    dry_run: bool = False

    def check_reason(self, model: str | None) -> None:
        """Raise UsageError where the message says nothing, with the command that lacks it."""
        words = ["mlver", "rollback", *filter(None, [model]), "--stage", self.stage]
        if self.to is not None:
            words += ["--to", self.to]
        if self.checkout:
            words.append("--checkout")
        names.check_reason(self.message, "a rollback", words, is_kept=not self.dry_run)

    @property
    def complete_message(self) -> str:
        """The message of the record: it names the alerts of the evidence, too."""
        return self.condition.complete_message(self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackResult:
    """`verified` is how many bytes of the target were read and proven.

    `unkept` are its data sets whose bytes nobody keeps here, so that they were not read. `checkout`
    is what became of the working files, and `foreign` are the params and metrics files that are not
    the version's then, which the commands `hints` restore. `sequence`, `commit` and `seal` (the
    tag) are None on a dry run; `seal` is also None where another tag has its name, or where it
    could not be signed as the settings ask.

    Where the condition was not met, `changed` is false and `reason` says why; `version` and
    `previous` are what holds the stage, None where nothing does. `because` is the digest of the
    evidence. `withdrawn` is the candidate of the rollout that it ended; where that is all that it
    did, `version` and `previous` are the same.
    """

    model: str
    stage: str
    version: str | None
    previous: str | None
    changed: bool = True
    reason: str | None = None
    because: str | None = None
    withdrawn: str | None = None
    verified: int = 0
    unkept: tuple[str, ...] = ()
    checkout: CheckoutOutcome | None = None
    foreign: tuple[ForeignFile, ...] = ()
    hints: tuple[str, ...] = ()
    sequence: int | None = None
    commit: str | None = None
    seal: str | None = None
    dry_run: bool = True
