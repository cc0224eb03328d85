"""What a gate is, and what it is told of the version it judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlver.digest import Digest
from mlver.policy.approvals import ApprovalFacts, SignatureFacts
from mlver.policy.authorisation import TrainingData
from mlver.policy.recoverability import Recoverability
from mlver.policy.samples import Samples
from mlver.policy.stage_policy import StagePolicy
from mlver.records.evaluation import EvaluationRecord
from mlver.records.promotion import GateResult
from mlver.records.reproduction import ReproductionRecord
from mlver.records.values import Value
from mlver.records.verdict import VerdictRecord
from mlver.records.version import VersionRecord

if TYPE_CHECKING:
    from mlver.records.profile import TableProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedVersion:
    """What records say of one version: its own, and what was measured later, oldest first.

    Each is with the digest of its bytes. `evaluations` may be of another record of the same number.
    `samples` are those of evaluations that are here, by digest, and `profiles` those that the
    record pins, by data set, where a gate asks for them.
    """

    record: VersionRecord
    digest: Digest
    evaluations: Sequence[tuple[EvaluationRecord, Digest]] = ()
    samples: Mapping[Digest, Samples] = field(default_factory=dict)
    profiles: Mapping[str, TableProfile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedStage:
    """The stage that a version asks for.

    `holder` is the version that holds it, or held it last; None where none ever did. `is_held`:
    it was not emptied since.
    """

    name: str
    holder: RecordedVersion | None
    is_held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldStage:
    """Since when a version holds a stage without a break; times are seconds since 1970.

    `since` is when its sealed promotion landed on the main line, None where no tag seals it. `now`
    is what the clock says, `latest` the latest date on that line. `fault` says why nobody can tell.
    """

    is_held: bool
    since: int | None = None
    now: int = 0
    latest: int = 0
    fault: str | None = None


def split_entries(setting: Value) -> Iterator[Value]:
    """What a gate is asked for: once for each entry of a list."""
    if isinstance(setting, Sequence) and not isinstance(setting, str):
        yield from setting
    else:
        yield setting


def keep_whole(setting: Value) -> Iterator[Value]:
    """What a gate is asked for whose list is one question."""
    yield setting


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDrills:
    """The last recorded drill of a stage: when, and which version was restored; None without one.

    `holder` is the version that holds the stage, or held it last; None where none ever did. `now`
    is the time by which it is judged. Times are in UTC, as records write them.
    """

    stage: str
    holder: str | None
    drilled: str | None
    version: str | None
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedVersion:
    """A version of another model that a version uses, `MODEL@VERSION`.

    `fault` says why its record cannot be read, `is_other_record` that it is not the one that was
    used, and `retired` why it is retired.
    """

    name: str
    fault: str | None = None
    is_other_record: bool = False
    retired: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCandidate:
    """What is known of a version that asks for a stage.

    `unsealed` is what is wrong with its seal, None when it is sealed, which `sealed` says in words.
    `stages_unsealed` are those that it held only by promotions that no tag seals. `damage` is None
    when its bytes were not checked, and `recovery` when no remote was asked. `elsewhere` are data
    sets at an address, which nobody here can check.

    `policy` is what judges it: a gate finds the pins of data sets and the members of groups there.
    `recorded` is what records say of it, `stage` what it asks for, `training` what it was trained
    on, with what that may be used for, `uses` the versions of other models that it uses, and
    `drills` what was rehearsed of the stage. `reproductions` are those of its record, the last one
    last, and `verdicts` those on it, each with the digest of its bytes; `verdict_faults` says by
    path why one cannot be what it says. `approvals` are its own for
    that stage, and `signatures` those of its seal and of whoever asks. Where one of these is None,
    nobody looked, and a gate that needs it is inconclusive.
    `holds` are the stages that a gate asks to be held now.
    """

    version: str
    unsealed: str | None
    stages_held: frozenset[str]
    damage: tuple[str, ...] | None
    stages_unsealed: frozenset[str] = frozenset()
    sealed: str = "sealed"
    recovery: Recoverability | None = None
    elsewhere: tuple[str, ...] = ()
    policy: StagePolicy | None = None
    recorded: RecordedVersion | None = None
    stage: AskedStage | None = None
    training: TrainingData | None = None
    approvals: ApprovalFacts | None = None
    signatures: SignatureFacts | None = None
    holds: Mapping[str, HeldStage] = field(default_factory=dict)
    drills: StageDrills | None = None
    uses: tuple[UsedVersion, ...] | None = None
    reproductions: tuple[tuple[ReproductionRecord, Digest], ...] | None = None
    verdicts: tuple[tuple[VerdictRecord, Digest], ...] | None = None
    verdict_faults: Mapping[str, str] = field(default_factory=dict)


# Of whom nobody knows anything: what asks only some gates replaces what they are told.
NOBODY = StageCandidate(
    version="", unsealed="nobody looked for its seal", stages_held=frozenset(), damage=None
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One check before a promotion, without I/O.

    `judge` takes the candidate and the gate's setting, once for each part that `split` makes of it:
    for each entry of a list. The first word of a result's name is the gate's name in the table, or
    leads to it there.
    `suggest_commands` takes a version (`model@version`) and the result that shut it out, and gives
    the next commands to type.
    """

    judge: Callable[[StageCandidate, Any], GateResult]
    suggest_commands: Callable[[str, GateResult], tuple[str, ...]]
    split: Callable[[Value], Iterator[Value]] = split_entries
