"""What a target serves: the versions behind its roles, with their shares of the traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mlver.digest import Digest
from mlver.version import Version

Strategy = Literal["canary", "ab", "shadow", "blue-green"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedVersion:
    """A version that a target serves.

    `record` is the digest of the version's record, and `sequence` the number of the promotion or
    rollout that brought it here. `files` are the paths of its files, relative to the folder of the
    version, with their digests. `created` is the time of the record, None where that is not known.
    """

    model: str
    version: Version
    record: Digest
    stage: str
    sequence: int
    files: Mapping[str, Digest]
    created: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficShare:
    """How much of the traffic the candidate gets, in percent: 0 to 100.

    `shadow` sees every request and answers none, so that its percentage is 0. `ab` is sticky by the
    value of `header`, such as `X-User-Id`.
    """

    strategy: Strategy
    percent: float
    header: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedTarget:
    """What a target has to serve: what its stage holds, and the candidate of an open rollout.

    `kept` are older versions that have to stay answerable; neither link nor share leads to them.
    """

    name: str
    stable: ServedVersion | None
    canary: ServedVersion | None = None
    share: TrafficShare | None = None
    kept: tuple[ServedVersion, ...] = ()
