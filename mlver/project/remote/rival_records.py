"""Records that two clones made under one name: which they are, and who pushed the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from mlver.errors import MlverError
from mlver.findings import Finding
from mlver.git import revisions, trees
from mlver.git.repository import GitRepository
from mlver.git.trees import TreeEntry
from mlver.project.registry.registry import decode_promotion, decode_version
from mlver.records import layout
from mlver.records.layout import PromotionPath, VersionPath


def find_rival_records(repository: GitRepository, theirs: str) -> list[Finding]:
    """Find the records that HEAD and another commit each added, with other bytes.

    Git itself tells what else clashes, when the two are merged.
    """
    known: dict[str, TreeEntry] = {}
    # Histories that have nothing in common clash in every record of one name.
    with suppress(MlverError):
        base = revisions.find_merge_base(repository, "HEAD", theirs)
        known = trees.committed_files(repository, base, layout.MODELS)
    ours = trees.committed_files(repository, "HEAD", layout.MODELS)
    others = trees.committed_files(repository, theirs, layout.MODELS)
    paths: list[str] = []
    for path, entry in others.items():
        if path not in known and path in ours and ours[path].object_id != entry.object_id:
            paths.append(path)
    contents = repository.blobs(f"{theirs}:{path}" for path in paths)
    return list(_describe_rivals(dict(zip(paths, contents, strict=True))))


def _describe_rivals(theirs: dict[str, bytes | None]) -> Iterator[Finding]:
    for path, data in theirs.items():
        if data is None:
            continue
        place = layout.parse_path(path)
        # What cannot be read is named by its path; `verify` says what is wrong with it.
        with suppress(MlverError):
            if isinstance(place, VersionPath):
                version = decode_version(data, path)
                message = f"was registered by {version.author} as well: {version.message}"
                yield Finding("record", f"{place.model} {place.version}", message)
                continue
            if isinstance(place, PromotionPath):
                promotion = decode_promotion(data, path)
                subject = f"{place.model} {place.stage}"
                message = (
                    f"was moved to {promotion.version} by {promotion.author}: {promotion.message}"
                )
                yield Finding("record", subject, message)
                continue
        yield Finding("record", path, "was written by somebody else as well")
