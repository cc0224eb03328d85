"""What is asked of `mlver score`, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mlver import names
from mlver.errors import UsageError
from mlver.records.evaluation import ServingWindow

ANSWER_KINDS = ("class", "number")
ScoreOutcome = Literal["scored", "planned", "inconclusive", "unknown"]
HINT = "mlver score --help"
DEFAULT_COVERAGE = 0.8
_INCONCLUSIVE = 4


def check_kind(kind: str | None) -> None:
    """Raise UsageError for what answers are not."""
    if kind not in (None, *ANSWER_KINDS):
        raise UsageError(f"--as is `class` or `number`, not `{kind}`", hint=HINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """What a person asked for.

    The logs are joined with `truth`, or with `feedback`, on the column `on`, whose values are those
    of `column`. Events count from `since`, of `stage` where that is named. `kind` says what answers
    are where it is not to be guessed, and `positive` which class is looked for. `coverage` is the
    share of answers of which something has to be known. What came to be known `late` seconds after
    the answer is told.
    """

    predictions: tuple[str, ...]
    on: str
    truth: tuple[str, ...] = ()
    feedback: tuple[str, ...] = ()
    column: str | None = None
    stage: str | None = None
    since: str | None = None
    kind: str | None = None
    positive: str | None = None
    coverage: float | None = None
    late: float = 7 * 86_400.0
    message: str = ""
    dry_run: bool = False

    def __post_init__(self) -> None:
        names.check_text(self.message, "the message")
        if bool(self.truth) == bool(self.feedback):
            raise UsageError(
                "score joins predictions with what came to be known: name --truth or --feedback",
                hint="mlver score MODEL --predictions log --truth labels.csv --on request_id",
            )
        if not self.predictions:
            raise UsageError("score needs --predictions, the log of what was answered", hint=HINT)
        check_kind(self.kind)
        if self.coverage is not None and not 0 <= self.coverage <= 1:
            raise UsageError("--coverage is a share from 0 to 1, such as 0.8", hint=HINT)
        if self.positive is not None and (self.kind == "number" or self.feedback):
            raise UsageError("--positive names a class, which numbers and feedback have none of")

    @property
    def least_coverage(self) -> float:
        """The share that is asked for; users say something of few answers, so of them none is."""
        if self.coverage is not None:
            return self.coverage
        return DEFAULT_COVERAGE if self.truth else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTotals:
    """What was read of what is known.

    `rows` in all; `empty` say nothing, `repeated` say again what another row said, of
    `conflicting` requests rows say different things, and `unmatched` requests are in no log.
    """

    rows: int
    empty: int
    repeated: int
    conflicting: int
    unmatched: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredVersion:
    """What came of one version: `scored` and recorded, `planned` on a dry run, `inconclusive` for a
    `reason`, or `unknown` here.

    `coverage` is the share of its `answers` that were joined, `joined` how many. `label_age` is how
    many seconds old what is known is, the median. `late` came to be known long after the answer,
    and `early` before it.
    """

    version: str
    outcome: ScoreOutcome
    reason: str | None = None
    answers: int
    joined: int = 0
    coverage: float = 0.0
    label_age: float | None = None
    late: int = 0
    early: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    sequence: int | None = None
    path: str | None = None
    commit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreResult:
    """The scores of the versions of a model that a log names, best known first.

    `kind` says what answers are: `class`, `number` or `feedback`. `average` is how precision,
    recall and F1 were made: `macro`, or the positive class. `repeated` answers came again and count
    once; `open` events hold no answer. `least` is the coverage that was asked for.
    """

    model: str
    stage: str | None
    kind: str
    average: str | None
    window: ServingWindow | None
    predictions: str
    known: str
    repeated: int
    open: int
    totals: KnownTotals
    least: float
    versions: tuple[ScoredVersion, ...]
    dry_run: bool = False

    @property
    def exit_code(self) -> int:
        outcomes = {one.outcome for one in self.versions}
        is_open = "inconclusive" in outcomes or not outcomes & {"scored", "planned"}
        return _INCONCLUSIVE if is_open else 0
