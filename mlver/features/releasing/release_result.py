"""What `mlver release` did."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.features.releasing.trigger import PipelineSilence
from mlver.findings import Finding
from mlver.project.tags.missing_seals import SealedRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseResult:
    """What a release did, or on a dry run what it would have done.

    `made` are new seals, `pushed` the tags the remote lacked, `accepted` those it got from somebody
    else, of the same records. `starting` are the pushed tags that are to start a pipeline: not
    those of promotions that later ones replaced. `mirrored` are the tags that were made or pushed
    for those who go by GTO's. `branch` is the remote's main line, at `tip`.
    `silent`: why the push starts no pipeline.
    """

    remote: str
    branch: str
    tip: str
    made: tuple[SealedRecord, ...]
    pushed: tuple[str, ...]
    starting: tuple[str, ...]
    mirrored: tuple[str, ...]
    accepted: tuple[str, ...]
    refused: tuple[Finding, ...]
    silent: PipelineSilence | None
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return 1 if self.refused else 0
