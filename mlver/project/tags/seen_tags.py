"""The tags that records are judged by: those here, and those that come in the same push."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mlver.git import objects
from mlver.git.annotations import TagAnnotation, annotate_object, read_annotations
from mlver.git.git_tag import GitTag, make_tag
from mlver.project.project import Project
from mlver.project.tags import seals


@dataclass(frozen=True, slots=True)
class AnnotatedTag:
    """A tag, who made it and when."""

    tag: GitTag
    annotation: TagAnnotation


@dataclass(frozen=True, slots=True)
class SeenTags:
    """The tags that somebody sees who judges records.

    `pushed` has the object of each tag that the same push brings, by the tag's name; None for one
    that it deletes. `in_hook`: a hook judges, and lets nothing in for a tag that it cannot see.
    """

    project: Project
    pushed: Mapping[str, str | None] = field(default_factory=dict)
    in_hook: bool = False

    def may_lack_some(self) -> bool:
        """Say whether a tag that is missing may be one that this clone was made without."""
        if self.in_hook:
            return False
        return seals.skips_tags(self.project) or not self.project.repository.tags()

    def read_tags(self, names: Iterable[str]) -> dict[str, AnnotatedTag]:
        """Read those of these tags that exist."""
        places: dict[str, str] = {}
        for name in names:
            place = self.pushed.get(name, f"refs/tags/{name}")
            if place is not None:
                places[name] = place
        if not places:
            return {}
        tags: dict[str, AnnotatedTag] = {}
        targets = objects.read_objects(self.project.repository.process, places.values())
        for name, target in zip(places, targets, strict=True):
            if target is not None:
                tags[name] = AnnotatedTag(make_tag(name, target), annotate_object(target))
        return tags

    def find_times(self, names: Iterable[str]) -> dict[str, int]:
        """Find when each of these tags was made, or its commit, whichever is later.

        They are in seconds since 1970.
        """
        tags = self.read_tags(names)
        commits = [tag.tag.commit or tag.tag.object_id for tag in tags.values()]
        targets = objects.read_objects(self.project.repository.process, commits)
        times: dict[str, int] = {}
        for (name, tag), target in zip(tags.items(), targets, strict=True):
            times[name] = tag.annotation.seconds
            if target is not None:
                times[name] = max(times[name], annotate_object(target).seconds)
        return times

    def read_all(self) -> dict[str, AnnotatedTag]:
        """Read every tag."""
        annotations = read_annotations(self.project.repository)
        tags: dict[str, AnnotatedTag] = {}
        for name, tag in self.project.repository.tags().items():
            # a fetch may bring more between the two listings
            if name not in self.pushed and name in annotations:
                tags[name] = AnnotatedTag(tag, annotations[name])
        return {**tags, **self.read_tags(self.pushed)}
