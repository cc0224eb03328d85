"""Versions whose records git still has, though nothing leads to them: a deleted branch, perhaps.

git itself deletes such objects after some weeks (`git gc`); what it deleted, nobody can find here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from mlver.document import codec
from mlver.errors import MlverError
from mlver.git import reachable
from mlver.policy.promotion_dates import count_seconds
from mlver.policy.retention import LooseVersion, select_kept
from mlver.project.project import Project
from mlver.project.remote.roots import find_digests
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord
from mlver.version import Version

_MARK = b"schema: mlver/version/"


@dataclass(frozen=True, slots=True)
class _LooseFiles:
    """The records of versions that nothing leads to, and the git ids of all such files.

    Both are by the SHA-256 of the file.
    """

    versions: Mapping[str, LooseVersion]
    ids: Mapping[str, str]

    def select_ids(self, digests: Iterable[str]) -> list[str]:
        """The git ids of those of the files that nothing leads to."""
        return [self.ids[digest] for digest in digests if digest in self.ids]


def read_retained_roots(project: Project) -> Iterator[str]:
    """What the versions name that `retention` keeps beyond what anything leads to."""
    settings = project.registry.read_config().retention
    if not settings.keeps_versions:
        return
    loose = _read_loose(project)
    promoted = _read_promoted(project)
    kept = select_kept(loose.versions.values(), settings, promoted, datetime.now(UTC))
    named: set[str] = set()
    for _, data in reachable.read_files(project.repository, loose.select_ids(kept)):
        named.update(find_digests(data))
    yield from named
    # The manifest of a folder is as unreachable as the record that names it.
    for _, data in reachable.read_files(project.repository, loose.select_ids(sorted(named))):
        yield from find_digests(data)


def _read_loose(project: Project) -> _LooseFiles:
    repository = project.repository
    known = reachable.list_reachable(repository, layout.ROOT)
    others = reachable.list_small_files(repository)
    for object_id in known.keys() & others.keys():
        del others[object_id]
    ids: dict[str, str] = {}
    versions: dict[str, LooseVersion] = {}
    for object_id, data in reachable.read_sized_files(repository, others):
        digest = hashlib.sha256(data).hexdigest()
        ids[digest] = object_id
        if _MARK in data[:4096]:
            with suppress(MlverError):
                versions[digest] = _parse_version(digest, data)
    return _LooseFiles(versions, ids)


def _parse_version(digest: str, data: bytes) -> LooseVersion:
    record = VersionRecord.from_document(codec.decode_document("version", data, digest))
    created = datetime.fromtimestamp(count_seconds(record.created), UTC)
    return LooseVersion(record.model, Version.parse(record.version), digest, created, record.labels)


def _read_promoted(project: Project) -> dict[str, set[str]]:
    """The records that promotions of the whole history name, by stage."""
    repository = project.repository
    files = reachable.list_reachable(repository, layout.ROOT)
    promoted: dict[str, set[str]] = {}
    for _, data in reachable.read_files(repository, _select_promotions(files)):
        with suppress(MlverError):
            document = codec.decode_document("promotion", data, "a promotion")
            record = PromotionRecord.from_document(document)
            promoted.setdefault(record.stage, set()).add(record.record.hex)
    return promoted


def _select_promotions(files: Mapping[str, str]) -> Iterable[str]:
    for object_id, path in files.items():
        place = layout.parse_path(path)
        if place is not None and place.kind == "promotion":
            yield object_id
