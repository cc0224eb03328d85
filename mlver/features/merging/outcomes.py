"""What the two sides of a merge hold, and what becomes of each record of the side that yields."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mlver.digest import Digest
from mlver.errors import shell_command
from mlver.findings import Finding
from mlver.policy.renumbering import RecordCopy
from mlver.project.registry.registry import RecordRegistry
from mlver.records.layout import RecordPath

MergeSide = Literal["ours", "theirs"]


def suggest_other_side(side: MergeSide) -> str:
    """The command that lets the other side give way."""
    other_side = "theirs" if side == "ours" else "ours"
    return shell_command("mlver", "resolve", "--rewrite", other_side)


@dataclass(frozen=True, slots=True)
class RewrittenRecord:
    """A record that was at `old` and is at `new` now, and why.

    The two are the same where only what the record refers to has moved.
    """

    old: str
    new: str
    why: str


@dataclass(frozen=True, slots=True)
class RecordMove:
    """The place and bytes of one record after the merge; `rewritten` is None where it stays."""

    path: str
    data: bytes | None
    rewritten: RewrittenRecord | None = None


# A record that cannot come along is a finding.
RecordOutcome = RecordMove | Finding


@dataclass(frozen=True, slots=True)
class MergeRecords:
    """The records of a merge, read from commits.

    `kept` is the side whose records stay as they are, with its `kept_paths`; `own` is the side that
    gives way, `base` what both began with. `places` are the own records that neither the base nor
    the kept side has, numbered ones in their order. `moved` are those records of the kept side that
    had another number before, by the path and the digest they had then. `replayed`: the own side
    is no parent of the result, so nothing will show what its records were.
    """

    kept: RecordRegistry
    own: RecordRegistry
    base: RecordRegistry
    kept_paths: Collection[str]
    places: Sequence[tuple[str, RecordPath]]
    moved: Mapping[tuple[str, Digest], RecordCopy]
    replayed: bool

    def find_moved(self, path: str, digest: Digest) -> tuple[RecordMove, RecordCopy] | None:
        """Find an own record that the kept side has already, under the number it got there."""
        known = self.moved.get((path, digest))
        if known is None:
            return None
        new_path = known.record.record_path
        rewritten = RewrittenRecord(path, new_path, "it is there already, renumbered before")
        return RecordMove(new_path, self.kept.read_file(new_path), rewritten), known

    def list_models(self) -> list[str]:
        """The models of which the own side has versions to place."""
        models: dict[str, None] = {}
        for _, parsed_path in self.places:
            if parsed_path.kind == "version":
                models[parsed_path.model] = None
        return list(models)

    def list_stages(self) -> list[tuple[str, str]]:
        """The models and stages of which the own side has promotions to place."""
        stages: dict[tuple[str, str], None] = {}
        for _, parsed_path in self.places:
            if parsed_path.kind == "promotion":
                stages[parsed_path.model, parsed_path.stage] = None
        return list(stages)
