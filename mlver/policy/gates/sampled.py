"""The samples by which two versions are compared row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.policy.gates.gate import RecordedVersion
from mlver.policy.samples import Samples
from mlver.policy.stage_policy import StagePolicy

NOT_HERE = "are not here"
# Keys of an entry of `gates` that is judged row by row.
BY_ROW = frozenset(("agreement", "confidence"))


@dataclass(frozen=True, slots=True)
class SampledVersion:
    """The samples of a version on a data set; `fault` says why there are none.

    `digest` is that of the file of samples, `evidence` that of the evaluation record.
    """

    samples: Samples | None = None
    digest: Digest | None = None
    evidence: Digest | None = None
    fault: str | None = None


def asks_samples(policies: Iterable[StagePolicy]) -> bool:
    """Say whether an entry of `gates` is judged by what was measured row by row."""
    for policy in policies:
        entries = policy.rule.get("gates")
        for entry in entries if isinstance(entries, Sequence) else ():
            if isinstance(entry, Mapping) and not BY_ROW.isdisjoint(entry):
                return True
    return False


def find_samples(version: RecordedVersion, name: str, pin: Digest) -> SampledVersion:
    """Find the samples of the last evaluation of this very record on these very bytes."""
    number = version.record.version
    last = None
    for evaluation, digest in version.evaluations:
        data = [part.digest for part in evaluation.data.values()]
        if evaluation.record == version.digest and data == [pin]:
            last = (evaluation, digest)
    if last is None:
        return SampledVersion(fault=f"{number} was not evaluated on {name}")
    evaluation, digest = last
    if evaluation.untouched is False:
        return SampledVersion(fault=f"the files of {number} were changed while it was evaluated")
    if evaluation.samples is None:
        return SampledVersion(fault=f"{number} was evaluated on {name} without samples")
    samples = version.samples.get(evaluation.samples)
    if samples is None:
        return SampledVersion(fault=f"the samples of {number} on {name} {NOT_HERE}")
    return SampledVersion(samples, evaluation.samples, digest)
