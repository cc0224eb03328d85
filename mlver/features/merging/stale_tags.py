"""Local tags that seal what a merge gave another number: they are deleted, unless others have them
already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.features.merging.outcomes import MergeSide, suggest_other_side
from mlver.features.merging.renumber import RenumberedSide
from mlver.git import remotes
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.tags import seals
from mlver.records import layout
from mlver.records.tags import promotion_tag_name


@dataclass(frozen=True, slots=True)
class StaleTags:
    """`object_ids` are the tags to delete; `remote` has other tags of these names, to be fetched
    (None: no remote).
    """

    object_ids: Mapping[str, str]
    remote: str | None


class PushedSeals(MlverError):
    """Some seals of the side that was to give way were pushed; `tags` names them by remote."""

    def __init__(self, tags: Mapping[str, Sequence[str]], side: MergeSide) -> None:
        self.tags = tags
        super().__init__(
            f"{_name_pushed(tags)}: a record whose seal was pushed keeps its number",
            hint=suggest_other_side(side),
        )

    def offer_way_out(self, side: MergeSide, reason: str) -> MlverError:
        """The error where the other side cannot give way either, for this reason."""
        # Another remote that has some of them, too, is named the next time.
        remote, names = next(iter(self.tags.items()))
        take_back = shell_command("git", "push", remote, *(f":refs/tags/{name}" for name in names))
        retry = shell_command("mlver", "resolve", "--rewrite", side)
        return MlverError(
            f"{_name_pushed(self.tags)}, and {side} has to give way all the same, for the other"
            f" side cannot: {reason}; a seal of a record that has not landed may be deleted there"
            " by whoever pushed it",
            hints=(take_back, retry),
        )


def _name_pushed(tags: Mapping[str, Sequence[str]]) -> str:
    places: list[str] = []
    for remote, names in tags.items():
        verb = "is" if len(names) == 1 else "are"
        places.append(f"{', '.join(names)} {verb} on {remote}")
    return "; ".join(places)


def find_stale_tags(
    project: Project, side: MergeSide, own: CommittedRecords, renumbering: RenumberedSide
) -> StaleTags:
    """The tags that seal former records of the `own` side, which is `side`.

    Raise PushedSeals where a remote has one of these seals: what is sealed for others keeps its
    number.
    """
    version_tags = _find_version_tags(project, renumbering)
    promotion_tags = _find_promotion_tags(project, own, renumbering)
    stale_tags = {**version_tags, **promotion_tags}
    if not stale_tags:
        return StaleTags({}, None)
    fetch_from: str | None = None
    pushed: dict[str, list[str]] = {}
    for remote in remotes.list_remotes(project.repository):
        published = remotes.list_remote_tags(project.repository, remote)
        for name, object_id in stale_tags.items():
            if published.get(name) == object_id:
                pushed.setdefault(remote, []).append(name)
        if not published.keys().isdisjoint(stale_tags):
            fetch_from = remote
    if pushed:
        raise PushedSeals(pushed, side)
    return StaleTags(stale_tags, fetch_from)


def _find_version_tags(project: Project, renumbering: RenumberedSide) -> dict[str, str]:
    object_ids: dict[str, str] = {}
    for model, former in renumbering.versions:
        tagged = seals.read_tagged_seals(project, model, [former.version])
        for version_tag, tag_seal in tagged.values():
            # A tag here may as well seal the other side's record, which keeps the number.
            if tag_seal.sealed == former.record:
                object_ids[version_tag.name] = version_tag.object_id
    return object_ids


def _find_promotion_tags(
    project: Project, own: CommittedRecords, renumbering: RenumberedSide
) -> dict[str, str]:
    former_digests: dict[str, str] = {}
    for vacated_path in renumbering.vacated_paths:
        parsed_path = layout.parse_path(vacated_path)
        record_bytes = own.read_file(vacated_path)
        if parsed_path is None or parsed_path.kind != "promotion" or record_bytes is None:
            continue
        name = promotion_tag_name(parsed_path.model, parsed_path.stage, parsed_path.sequence)
        former_digests[name] = str(Digest.of_bytes(record_bytes))
    # Without a pattern, git would list every tag.
    if not former_digests:
        return {}
    promotion_tags = project.repository.tags(*(f"refs/tags/{name}" for name in former_digests))
    stale_tags: dict[str, str] = {}
    for name, tag in promotion_tags.items():
        if tag.seals == former_digests[name]:
            stale_tags[name] = tag.object_id
    return stale_tags
