"""What becomes of the records of the side that gives way: other numbers, other places, and what cannot come along.

`kept` is the side whose records stay as they are; `own` are the other's, as far as the two did not both begin with
them. Everything is read from commits, so that it comes out the same whatever a conflict left in the work tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.document import codec
from mlver.findings import Finding
from mlver.policy.chain import holder_after
from mlver.policy.renumber import renumber_versions
from mlver.project.history.parents import find_renumbered_parent
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.project.tags import seals
from mlver.records import layout
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.layout import RecordPath
from mlver.records.promotion import ApprovalReference, PromotionRecord
from mlver.records.version import VersionRecord
from mlver.version import Version, parse_version, sort_versions


@dataclass(frozen=True, slots=True)
class RewrittenRecord:
    """A record that was at `old` and is at `new` now (the same where only what it refers to has moved), and why."""

    old: str
    new: str
    why: str


@dataclass(frozen=True, slots=True)
class VersionReference:
    """A version as another record names it."""

    version: str
    record: Digest


_TRIED = 20  # numbers away from where it was
VersionWithDigest = tuple[VersionRecord, Digest]


class MergeResolution:
    """`files` is what every path concerned is to hold in the end (None: nothing)."""

    def __init__(
        self,
        project: Project,
        kept: CommittedRecords,
        own: CommittedRecords,
        base: CommittedRecords,
    ) -> None:
        self.project, self.kept_tree, self.own_tree = project, kept, own
        self.kept, self.own, self.base = (
            RecordRegistry(kept, None),
            RecordRegistry(own, None),
            RecordRegistry(base, None),
        )
        self.places = _list_own_records(kept, own, base)
        own.fetch_files(path for path, _ in self.places)
        self.rewritten: list[RewrittenRecord] = []
        self.dropped: list[Finding] = []
        self.changed: dict[tuple[str, VersionReference], VersionReference] = {}
        self.unchanged: set[tuple[str, VersionReference]] = set()
        self.approvals: dict[Digest, Digest] = {}
        self.files: dict[str, bytes | None] = {
            path: kept.read_file(path) for path, _ in self.places
        }
        self._resolve_versions()
        for path, place in self.places:
            if place.kind in ("evaluation", "approval"):
                self._resolve_attached_record(path, place)
        for model, stage in dict.fromkeys(
            (p.model, p.stage or "") for _, p in self.places if p.kind == "promotion"
        ):
            self._resolve_stage(model, stage)

    # -- versions ------------------------------------------------------------------------------------------------

    def _resolve_versions(self) -> None:
        extra = self.kept.read_file(layout.VERSION_SCHEMA)
        for model in dict.fromkeys(
            place.model for _, place in self.places if place.kind == "version"
        ):
            own = {
                parse_version(p.version or ""): self.own.read_version(model, p.version or "")
                for _, p in self.places
                if p.kind == "version" and p.model == model
            }
            moved = self._find_moved_parents(model, own)
            tagged = seals.list_tagged_versions(self.project, model) - set(own)
            numbers = renumber_versions(
                own,
                self.base.list_versions(model),
                {*self.kept.list_versions(model), *tagged},
                moved,
            )
            for number in sort_versions(own):
                self._resolve_version(*own[number], number, {**moved, **numbers}, extra)

    def _find_moved_parents(
        self, model: str, own: Mapping[Version, VersionWithDigest]
    ) -> dict[Version, Version]:
        """The parents of own versions that got another number earlier, in a step of the same rebase.

        Which record a version calls its parent is told by the commit it was registered on.
        """
        records = [
            record
            for record, _ in own.values()
            if record.parent and parse_version(record.parent) not in own
        ]
        return {
            parse_version(record.parent): heir
            for record in records
            if record.parent
            and (heir := find_renumbered_parent(self.project.repository, self.kept, record))
            is not None
        }

    def _resolve_version(
        self,
        record: VersionRecord,
        digest: Digest,
        number: Version,
        numbers: Mapping[Version, Version],
        extra: bytes | None,
    ) -> None:
        model, new = record.model, numbers.get(number, number)
        parent = (
            None
            if record.parent is None
            else str(numbers.get(parse_version(record.parent), record.parent))
        )
        old_path, path = layout.version_path(model, number), layout.version_path(model, new)
        changed = replace(record, version=str(new), parent=parent)
        if changed == record:
            self.files[path] = self.own.read_file(path)
            self.unchanged.add((model, VersionReference(str(number), digest)))
            return
        data = codec.encode_document("version", changed.to_document(), extra)
        self.files[path] = data
        self.changed[model, VersionReference(str(number), digest)] = VersionReference(
            str(new), Digest.of_bytes(data)
        )
        if new == number:
            why = f"its parent {record.parent} is {parent} now"
        elif number in self.kept.list_versions(model):
            why = f"{number} is taken by the other side"
        else:
            why = "the number it counts from has moved"
        self.rewritten.append(RewrittenRecord(old_path, path, why))

    def _find_current(self, model: str, named: VersionReference) -> VersionReference:
        """What a version is called now, by the side that gives way or by an earlier step of the same rebase."""
        if (model, named) in self.changed:
            return self.changed[model, named]
        if (
            self.kept.read_version_digest(model, named.version) == named.record
            or (model, named) in self.unchanged
        ):
            return named
        version = self._find_renamed(model, named)
        digest = self.kept.read_version_digest(model, version) if version else None
        return named if version is None or digest is None else VersionReference(version, digest)

    def _find_renamed(self, model: str, named: VersionReference) -> str | None:
        """The version whose record had the named digest under the named number, found by trying those next to it.

        A number only ever moves up, and its parent's was below it.
        """
        extra = self.kept.read_file(layout.VERSION_SCHEMA)
        versions, was = self.kept.list_versions(model), parse_version(named.version)
        parents = [str(number) for number in versions if number < was][-_TRIED:]
        for number in [number for number in versions if number >= was][:_TRIED]:
            record, _ = self.kept.read_version(model, number)
            for parent in dict.fromkeys([record.parent, *reversed(parents)]):
                tried = replace(record, version=named.version, parent=parent)
                if (
                    Digest.of_bytes(codec.encode_document("version", tried.to_document(), extra))
                    == named.record
                ):
                    return str(number)
        return None

    # -- evaluations and approvals -------------------------------------------------------------------------------

    def _resolve_attached_record(self, path: str, place: RecordPath) -> None:
        record = self._read_attached_record(place)
        named = VersionReference(record.version, record.record)
        now = self._find_current(place.model, named)
        if isinstance(record, ApprovalRecord) and now != named:
            why = f"it was given for {named.version}, and is nobody's yes to {now.version}"
            self.dropped.append(Finding("dropped", path, f"{why}: approve that again"))
            return
        sequence = record.sequence
        while self._is_taken(_build_path(record, now.version, sequence)):
            sequence += 1
        new = replace(record, version=now.version, sequence=sequence, record=now.record)
        where = _build_path(record, now.version, sequence)
        if new == record:
            self.files[path] = self.own.read_file(path)
            return
        data = codec.encode_document(
            "evaluation" if place.stage is None else "approval", new.to_document()
        )
        self.files[where] = data
        self.approvals[_hash_file(self.own, path)] = Digest.of_bytes(data)
        why = (
            f"{named.version} is {now.version} now"
            if now != named
            else "its number is taken by the other side"
        )
        self.rewritten.append(RewrittenRecord(path, where, why))

    def _is_taken(self, path: str) -> bool:
        return path in self.kept_tree.entries or self.files.get(path) is not None

    def _read_attached_record(self, place: RecordPath) -> EvaluationRecord | ApprovalRecord:
        assert place.version is not None
        assert place.sequence is not None
        if place.stage is None:
            return self.own.read_evaluation(place.model, place.version, place.sequence)
        return self.own.read_approval(place.model, place.version, place.stage, place.sequence)

    # -- promotions ----------------------------------------------------------------------------------------------

    def _resolve_stage(self, model: str, stage: str) -> None:
        """Let the own promotions of a stage follow the last one of the side that is kept."""
        history = self.kept.read_history(model, stage)
        last, prior = history[-1] if history else (None, None)
        for path, place in self.places:
            if (place.kind, place.model, place.stage) != ("promotion", model, stage):
                continue
            assert place.sequence is not None
            record, digest = self.own.read_promotion(model, stage, place.sequence)
            new = self._rechain_promotion(path, record, last, prior)
            if new is None:
                continue
            where = layout.promotion_path(model, stage, new.sequence)
            if new == record:
                self.files[path] = self.own.read_file(path)
                last, prior = record, digest
                continue
            data = codec.encode_document("promotion", new.to_document())
            self.files[where] = data
            last, prior = new, Digest.of_bytes(data)
            self.rewritten.append(RewrittenRecord(path, where, _explain_change(record, new)))

    def _rechain_promotion(
        self, path: str, record: PromotionRecord, last: PromotionRecord | None, prior: Digest | None
    ) -> PromotionRecord | None:
        """A promotion as it reads behind `last`; None, and told, where it says nothing any more."""
        named = VersionReference(record.version, record.record)
        now = self._find_current(record.model, named)
        previous = holder_after(last)
        if record.action == "retire" and last is not None and previous is not None:
            now = VersionReference(last.version, last.record)
        if now != named and record.action == "promote" and record.approvals:
            why = f"it counted approvals of {named.version}, which is {now.version} now: approve and promote that again"
        elif record.action == "promote" and previous == now.version:
            why = f"{record.stage} holds {now.version} already"
        elif record.action == "retire" and previous is None:
            why = f"{record.stage} is empty already"
        else:
            return replace(
                record,
                sequence=last.sequence + 1 if last else 1,
                version=now.version,
                record=now.record,
                previous=previous,
                prior=prior,
                approvals=tuple(self._update_approval(approval) for approval in record.approvals),
            )
        self.dropped.append(Finding("dropped", path, why))
        return None

    def _update_approval(self, approval: ApprovalReference) -> ApprovalReference:
        return replace(approval, record=self.approvals.get(approval.record, approval.record))


def _list_own_records(
    kept: CommittedRecords, own: CommittedRecords, base: CommittedRecords
) -> list[tuple[str, RecordPath]]:
    """The own records, numbered ones in their order."""
    found = []
    for path, entry in own.entries.items():
        place = layout.parse_path(path)
        if (
            place
            and place.kind != "model"
            and path not in base.entries
            and kept.entries.get(path) != entry
        ):
            found.append((path, place))
    return sorted(found, key=lambda one: (one[1].model, one[1].kind, one[1].sequence or 0, one[0]))


def _build_path(record: EvaluationRecord | ApprovalRecord, version: str, sequence: int) -> str:
    if isinstance(record, ApprovalRecord):
        return layout.approval_path(record.model, version, record.stage, sequence)
    return layout.evaluation_path(record.model, version, sequence)


def _hash_file(side: RecordRegistry, path: str) -> Digest:
    return Digest.of_bytes(side.read_file(path) or b"")


def _explain_change(old: PromotionRecord, new: PromotionRecord) -> str:
    def list_reasons() -> Iterator[str]:
        if new.version != old.version:
            yield f"{old.version} is {new.version} now"
        elif new.record != old.record:
            yield f"the record of {new.version} was rewritten"
        if new.previous != old.previous:
            yield f"it follows {new.previous or 'an empty stage'} now, not {old.previous or 'an empty stage'}"
        elif new.sequence != old.sequence:
            yield "its place is taken by the other side"

    return "; ".join(list_reasons()) or "what it follows was rewritten"
