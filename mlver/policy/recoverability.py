"""What is known of where else a version's contents and its record are: the facts of two gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Recoverability:
    """What remotes answered at the time `asked` (UTC), as `2026-01-02T03:04:05Z`.

    `contents` is how many contents the version has that mlver keeps. `missing` says of each remote
    that answered how many of them it lacks, and `silent` of each other one why it said nothing.
    `branch` is a branch of a git remote that holds the record, such as `origin/main`; where there
    is none, `unbranched` says why that could not be told, None where it was. `own` is the git
    remote that would be asked, if it is this very repository.
    """

    asked: str
    contents: int
    missing: Mapping[str, int] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)
    branch: str | None = None
    unbranched: str | None = None
    own: str | None = None

    @property
    def whole(self) -> tuple[str, ...]:
        """The remotes that have all of the contents."""
        return tuple(name for name, count in self.missing.items() if count == 0)
