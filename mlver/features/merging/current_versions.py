"""Which version a record means that was written before a merge renumbered versions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.document import codec
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.references import Renumbering, VersionReference
from mlver.version import parse_version

_TRIED = 20  # numbers away from where it was


@dataclass(frozen=True, slots=True)
class CurrentVersions:
    """The versions of the side that gives way, by their model and former reference; `kept` is the
    other side.
    """

    kept: RecordRegistry
    changed: Mapping[tuple[str, VersionReference], VersionReference]
    unchanged: Collection[tuple[str, VersionReference]]

    def find_current(self, model: str, former: VersionReference) -> VersionReference:
        """What a version is called now, by the side that gives way or by an earlier step of the
        same rebase.
        """
        if (model, former) in self.changed:
            return self.changed[model, former]
        if (model, former) in self.unchanged:
            return former
        if self.kept.read_version_digest(model, former.version) == former.record:
            return former
        version = self._find_renumbered(model, former)
        if version is None:
            return former
        digest = self.kept.read_version_digest(model, version)
        return former if digest is None else VersionReference(version, digest)

    def _find_renumbered(self, model: str, former: VersionReference) -> str | None:
        """The version whose record had the former digest under the former number.

        It says so itself, from format 2 on. Of format 1, it is found by trying the numbers next to
        that one: a number only ever moves up, and its predecessor's was below it.
        """
        project_schema = self.kept.read_file(layout.VERSION_SCHEMA)
        versions = self.kept.list_versions(model)
        number = parse_version(former.version)
        claim = Renumbering(number=former.version, record=former.record)
        lower_versions = [version for version in versions if version < number]
        higher_versions = [version for version in versions if version >= number]
        predecessors = [str(version) for version in lower_versions[-_TRIED:]]
        for candidate in higher_versions[:_TRIED]:
            record, _ = self.kept.read_version(model, candidate)
            if record.renumbered == claim:
                return str(candidate)
            if record.format > 1:
                continue
            # Its own first: most versions follow one that was not renumbered.
            for predecessor in dict.fromkeys([record.parent, *reversed(predecessors)]):
                restored = replace(record, version=former.version, parent=predecessor)
                record_bytes = codec.encode_document(
                    "version", restored.to_document(), project_schema
                )
                if Digest.of_bytes(record_bytes) == former.record:
                    return str(candidate)
        return None
