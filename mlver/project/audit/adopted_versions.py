"""Versions that were adopted from the tags of another tool: their author and date are the tag's.

Whoever writes a record can write that it was adopted. So it is believed only of what `mlver adopt`
does: the tag's name has the version's number, it is on the commit that the record names as its
code, and it is by the same person and of the same date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mlver.project.tags import seals
from mlver.project.tags.seen_tags import AnnotatedTag, SeenTags
from mlver.records.gto_tags import GTO_TAG
from mlver.records.references import AdoptedTag
from mlver.records.version import VersionRecord

# A pre-release and a build are parts of a number: 1.1.0-rc.1 is another version than 1.1.0.
_NUMBER = re.compile(
    r"(?<![0-9])(?<![0-9]\.)[0-9]+\.[0-9]+\.[0-9]+"
    r"(?:[-+][0-9A-Za-z_.+-]+)?(?![-+0-9A-Za-z]|\.[0-9])"
)


def find_adopted_versions(tags: SeenTags, records: Iterable[VersionRecord]) -> set[str]:
    """Find, by path, the versions that were adopted from another tool's tag, which is unchanged.

    In a clone that was made without tags, nobody can tell of a tag that is missing.
    """
    claiming: list[tuple[VersionRecord, AdoptedTag]] = []
    for record in records:
        origin = record.adopted_tag
        if origin is not None and _names_version(tags, record, origin.tag):
            claiming.append((record, origin))
    if not claiming:
        return set()
    known = tags.read_tags({origin.tag for _, origin in claiming})
    lacks_some = len(known) < len(claiming) and tags.may_lack_some()
    adopted: set[str] = set()
    for record, origin in claiming:
        annotated = known.get(origin.tag)
        if annotated is None:
            is_adopted = lacks_some
        else:
            is_adopted = _is_origin(tags, record, origin, annotated)
        if is_adopted:
            adopted.add(record.record_path)
    return adopted


def _names_version(tags: SeenTags, record: VersionRecord, name: str) -> bool:
    """Say whether a tag of this name can be one of this version.

    The pattern by which a person adopted it is not recorded, and may leave out the model, or have
    it behind the number.
    """
    numbers = [record.version]
    if record.renumbered is not None:
        numbers.append(str(record.renumbered.number))
    endings = ("", f"-{record.model}")
    named_numbers = {number + ending for number in numbers for ending in endings}
    if named_numbers.isdisjoint(_NUMBER.findall(name)):
        return False
    named = GTO_TAG.fullmatch(name)
    if named is None or named["model"] == record.model:
        return True
    # Another name may be that of a folder, or one that the model had elsewhere.
    return named["model"] not in tags.project.registry.list_models()


def _is_origin(
    tags: SeenTags, record: VersionRecord, origin: AdoptedTag, annotated: AnnotatedTag
) -> bool:
    """Say whether a tag tells of the version what the record says of it."""
    tag, annotation = annotated.tag, annotated.annotation
    if tag.seals is not None or not seals.is_same_tag(tags.project, tag, origin):
        return False
    is_on_code = record.code.commit == origin.commit
    is_of_date = record.created == annotation.recorded_date
    return is_on_code and is_of_date and record.author == annotation.recorded_author
