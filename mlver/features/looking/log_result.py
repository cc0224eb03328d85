"""What `mlver log` answers: events, the holders of stages, and changes of their rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlver.policy.chain import SealState
from mlver.policy.time_windows import TimeWindow
from mlver.records.rollout import RolloutStrategy


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedDrift:
    """How many `columns` of the data set `data` had moved, of how many that could be judged."""

    data: str
    columns: int
    judged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """One record's event.

    `previous` is the version that a stage left, None where it was empty or no stage moved.
    `sequence` is the number of a promotion or a rollout, and `seal` says how the former is sealed.
    `commit` added the record, by `committer`; both are None where no commit has it. `unconfirmed`:
    neither that commit nor the seal confirms who promoted or registered. `on` are the data sets of
    an evaluation, and `metrics` what it measured there, by dotted name. `drift` is what an
    evaluation said that `mlver drift` recorded. Of a rollout, `share` is what the version has of
    the stage's traffic since, in percent, and `strategy` how.
    """

    created: str
    event: str
    model: str
    version: str
    stage: str | None
    previous: str | None
    sequence: int | None = None
    author: str
    message: str
    forced: bool = False
    seal: SealState | None = None
    commit: str | None = None
    committer: str | None = None
    unconfirmed: bool = False
    on: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    drift: LoggedDrift | None = None
    strategy: RolloutStrategy | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHolder:
    """What a stage held, and the promotion that moved it there.

    `version` is None where the stage was empty. It was so from `since` on, and before `until`; both
    follow the chain.
    """

    model: str
    stage: str
    version: str | None = None
    since: str | None = None
    until: str | None = None
    sequence: int | None = None
    author: str | None = None
    message: str | None = None
    commit: str | None = None
    committer: str | None = None
    unconfirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogShare:
    """What share of a stage's traffic a candidate had, in percent, from `since` on, and before
    `until`; the version that held the stage had the rest.
    """

    model: str
    stage: str
    version: str
    strategy: RolloutStrategy
    share: float
    header: str | None
    since: str
    until: str | None
    sequence: int
    author: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRule:
    """A commit that changed what a stage asks for; `loosened` says what it asks less since."""

    created: str
    stage: str
    author: str
    commit: str
    loosened: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogResult:
    """Newest first; `total` counts the events that a limit left out as well.

    `rules` are the changes of rules in the time that the events are of. `faults` are why some
    records cannot be read. Where a time `at` was asked for, there are no events but `holders`: what
    each stage held then, oldest first, and `shares`: what candidates had of its traffic.
    """

    events: tuple[LogEvent, ...]
    total: int
    rules: tuple[LogRule, ...] = ()
    at: TimeWindow | None = None
    holders: tuple[LogHolder, ...] = ()
    shares: tuple[LogShare, ...] = ()
    faults: tuple[str, ...] = ()
