"""What a partial clone lacks: contents that git would fetch, which mlver never lets it do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlver.git import changes_in, objects
from mlver.git.repository import GitRepository

_PROMISOR = r"^remote\..*\.promisor$"


@dataclass(frozen=True, slots=True)
class ClonedContents:
    """Which objects of a history are in this clone.

    `is_partial`: git would fetch some only when it first needs them.
    """

    repository: GitRepository
    is_partial: bool

    @classmethod
    def find_in(cls, repository: GitRepository) -> ClonedContents:
        return cls(repository, bool(repository.settings(_PROMISOR)))

    def find_ids(self, specs: Iterable[str]) -> list[str | None]:
        """Find the object id behind each `<commit>:<folder>/<name>`, be the object here or not."""
        wanted = list(specs)
        if not self.is_partial:
            known_objects = changes_in.find_objects(self.repository, wanted)
            return [known.object_id if known is not None else None for known in known_objects]
        # git would look at the object itself; the tree that names it is here.
        entries = objects.find_neighbours(self.repository.process, wanted, together=1)
        return [entries.get(spec) or None for spec in wanted]

    def find_lacking(self, object_ids: Iterable[str]) -> set[str]:
        """Find those of these objects, all of which history has, that are not in this clone."""
        wanted = set(object_ids)
        if not wanted or not self.is_partial:
            return set()
        options = ["--batch-all-objects", "--batch-check=%(objectname)", "--unordered"]
        listing = self.repository.process.read(["cat-file", *options], limit=None)
        encoded = {object_id.encode() for object_id in wanted}
        present = encoded.intersection(listing.split())
        return wanted - {object_id.decode() for object_id in present}

    def find_lacking_specs(self, specs: Iterable[str]) -> set[str]:
        """Find the `<commit>:<folder>/<name>` that name an object which this clone lacks."""
        wanted = list(specs)
        if not wanted or not self.is_partial:
            return set()
        ids = dict(zip(wanted, self.find_ids(wanted), strict=True))
        lacking = self.find_lacking(filter(None, ids.values()))
        return {spec for spec, object_id in ids.items() if object_id in lacking}
