"""The samples of evaluations that the store has, for gates that judge row by row."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from mlver.digest import Digest
from mlver.errors import InvalidDocument
from mlver.policy.samples import SAMPLES_LIMIT, Samples, parse_samples
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.storage.digests import DigestSet


def read_samples(project: Project, digests: Iterable[Digest | None]) -> dict[Digest, Samples]:
    """Read those of these samples that are here and whole, by digest."""
    wanted = DigestSet.from_digests(digest for digest in digests if digest is not None)
    samples: dict[Digest, Samples] = {}
    if not wanted:
        return samples
    for digest, data in open_store(project).read_small(wanted, SAMPLES_LIMIT):
        # What is none says nothing of a version.
        with suppress(InvalidDocument):
            samples[digest] = parse_samples(data, str(digest))
    return samples
