"""The records of a repository: which models, versions and promotions there are, and what each says.

This is the one reader of records. A record is given out only if it lies where it says it lies, so
nobody takes a version, a promotion or an approval for another one. Whether the work tree, a commit
or the index is read is up to the source.

Readers take no lock. Names come from listing folders, so only records that are asked for are
opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from mlver.digest import Digest
from mlver.errors import InvalidDocument, MlverError, printable_name, shell_command
from mlver.project.registry.parsing import (
    Builder,
    Built,
    RecordFile,
    parse_record,
    parse_records,
)
from mlver.project.registry.worktree import RecordSource
from mlver.records import file_names, layout
from mlver.records.config import ProjectConfig
from mlver.records.model import ModelSettings
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord
from mlver.system.state import StateDatabase
from mlver.version import Version, newest_versions, sort_versions

if TYPE_CHECKING:
    from mlver.document.schema import Kind
    from mlver.records.approval import ApprovalRecord
    from mlver.records.evaluation import EvaluationHistory, EvaluationRecord
    from mlver.records.listing import PrefixListing
    from mlver.records.manifest import Manifest


class PlacedRecord(Protocol):
    @property
    def record_path(self) -> str: ...


# So many documents are held in memory at once.
_READ_TOGETHER = 500
UPGRADE_HINT = "pip install --upgrade mlver"

_Placed = TypeVar("_Placed", bound=PlacedRecord)


@dataclass(frozen=True, slots=True)
class RecordRegistry:
    """The records of `source`, each parsed whenever it is asked for.

    With a `cache`, a document that was parsed before is taken from there, under the digest of its
    bytes. Anybody who can write into the git directory can write the cache: nothing that decides,
    registers or verifies may use one.
    """

    source: RecordSource
    cache: StateDatabase | None = None

    # -- names -------------------------------------------------------------------------------------

    def list_models(self) -> list[str]:
        return sorted(filter(file_names.is_model_name, self.source.list_names(layout.MODELS)))

    def list_versions(self, model: str) -> list[Version]:
        """A model's versions, lowest first; files that name no version are left to `verify`."""
        listed = self._list_record_names(layout.versions_folder(model))
        versions = map(file_names.parse_version_name, listed)
        return sort_versions(filter(None, versions))

    def list_newest(self, model: str, limit: int) -> tuple[list[Version], int]:
        """A model's `limit` highest versions, highest first, and how many it has in all."""
        return newest_versions(self._list_record_names(layout.versions_folder(model)), limit)

    def has_version(self, model: str, number: Version) -> bool:
        """Whether there is such a record, whatever it says."""
        return str(number) in self._list_record_names(layout.versions_folder(model))

    def list_stages(self, model: str) -> list[str]:
        listed = self.source.list_names(layout.stages_folder(model))
        return sorted(filter(file_names.is_stage_name, listed))

    def list_sequences(self, folder: str) -> list[int]:
        """The numbers of the records in a folder of numbered ones, lowest first."""
        sequences = map(file_names.parse_sequence, self._list_record_names(folder))
        return sorted(filter(None, sequences))

    def list_names(self, folder: str) -> list[str]:
        """What a folder of records holds, sorted."""
        return sorted(self.source.list_names(folder))

    # -- records -----------------------------------------------------------------------------------

    def read_config(self) -> ProjectConfig:
        """The settings of the repository, for what decides or writes.

        Raise MlverError where `mlver init` never ran, and for a section that this mlver does not
        know: it may forbid what the settings that are known allow.
        """
        config = self.read_shown_config()
        _refuse_unknown_sections(config)
        return config

    def refuse_unread_settings(self) -> None:
        """Raise MlverError for settings that this mlver cannot read in full.

        They may forbid what is about to be written: a newer mlver may have written them, and
        nobody knows what is beside a fault. Where there are none, nothing is forbidden.
        """
        if self.read_file(layout.CONFIG) is not None:
            self.read_config()

    def read_shown_config(self) -> ProjectConfig:
        """The settings, for what only looks: sections that this mlver does not know are passed
        over.

        Raise MlverError where `mlver init` never ran.
        """
        record_bytes = self._require_file(
            layout.CONFIG, f"{layout.CONFIG} is missing", "mlver init"
        )
        return self._build_record(
            "config", ProjectConfig.from_document, record_bytes, layout.CONFIG
        )

    def read_settings(self, model: str) -> ModelSettings | None:
        record_path = layout.settings_path(model)
        record_bytes = self.read_file(record_path)
        if record_bytes is None:
            return None
        return self._build_placed("model", ModelSettings.from_document, record_bytes, record_path)

    def read_version(self, model: str, number: Version | str) -> tuple[VersionRecord, Digest]:
        """A version's record and the digest of its bytes."""
        record_path = layout.version_path(model, number)
        record_bytes = self._require_file(
            record_path, f"{model} has no version {number}", shell_command("mlver", "list", model)
        )
        record = self._build_placed(
            "version", VersionRecord.from_document, record_bytes, record_path
        )
        return record, Digest.of_bytes(record_bytes)

    def read_versions(
        self, model: str, numbers: Sequence[Version]
    ) -> Iterator[tuple[VersionRecord, Digest] | MlverError]:
        """The records of these versions, in their order, or why one cannot be read.

        Files are read, and the cache is asked, for many at once: thousands of records take less
        than half of the time that `read_version` would take for them.
        """
        record_paths = [layout.version_path(model, number) for number in numbers]
        for start in range(0, len(record_paths), _READ_TOGETHER):
            yield from self._read_chunk(record_paths[start : start + _READ_TOGETHER])

    def read_version_digest(self, model: str, number: Version | str) -> Digest | None:
        """The digest of a version record's bytes, unchecked; None where there is no file."""
        record_bytes = self.read_file(layout.version_path(model, number))
        return None if record_bytes is None else Digest.of_bytes(record_bytes)

    def read_promotion(
        self, model: str, stage: str, sequence: int
    ) -> tuple[PromotionRecord, Digest]:
        """A promotion's record and the digest of its bytes."""
        path = layout.promotion_path(model, stage, sequence)
        return self._read_both("promotion", PromotionRecord.from_document, path)

    def read_history(self, model: str, stage: str) -> list[tuple[PromotionRecord, Digest]]:
        """A stage's promotions, oldest first."""
        sequences = self.list_sequences(layout.stage_folder(model, stage))
        return [self.read_promotion(model, stage, sequence) for sequence in sequences]

    def read_promotions_of(
        self, model: str, number: Version | str
    ) -> Iterator[tuple[str, PromotionRecord]]:
        """Every promotion of one version, whatever the stage, with its path.

        Promotions that cannot be read are passed over.
        """
        version = str(number)
        for stage in self.list_stages(model):
            for sequence in self.list_sequences(layout.stage_folder(model, stage)):
                record_path = layout.promotion_path(model, stage, sequence)
                with suppress(MlverError):
                    # only those that name the version at all are worth parsing
                    if version.encode() not in (self.read_file(record_path) or b""):
                        continue
                    record, _ = self.read_promotion(model, stage, sequence)
                    if record.version == version:
                        yield record_path, record

    def find_holder(self, model: str, stage: str) -> PromotionRecord | None:
        """The promotion that now decides a stage, whatever their number; None where none does."""
        holding = self.find_holding(model, stage)
        return None if holding is None else holding[0]

    def find_holding(self, model: str, stage: str) -> tuple[PromotionRecord, Digest] | None:
        """The same with the digest of its bytes."""
        sequences = self.list_sequences(layout.stage_folder(model, stage))
        if not sequences:
            return None
        record, digest = self.read_promotion(model, stage, sequences[-1])
        return None if record.action == "retire" else (record, digest)

    def find_holders(self, model: str) -> dict[str, str]:
        """The version each stage of a model holds now, by stage."""
        holders: dict[str, str] = {}
        for stage in self.list_stages(model):
            record = self.find_holder(model, stage)
            if record is not None:
                holders[stage] = record.version
        return holders

    def read_evaluations(self, model: str, number: Version | str) -> EvaluationHistory:
        """A version's evaluations, oldest first, each with the digest of its bytes."""
        sequences = self.list_sequences(layout.attached_folder("evaluation", model, number))
        return [self.read_evaluation(model, number, sequence) for sequence in sequences]

    def read_evaluation(
        self, model: str, number: Version | str, sequence: int
    ) -> tuple[EvaluationRecord, Digest]:
        # imported here, as below: `list` does not show it
        from mlver.records.evaluation import EvaluationRecord

        path = layout.evaluation_path(model, number, sequence)
        return self._read_both("evaluation", EvaluationRecord.from_document, path)

    def read_approvals(
        self, model: str, number: Version | str, stage: str | None = None
    ) -> list[tuple[ApprovalRecord, Digest]]:
        """A version's approvals in order (of all its stages), each with the digest of its bytes."""
        root = layout.attached_folder("approval", model, number)
        listed = [stage] if stage else self.source.list_names(root)
        stages = filter(file_names.is_stage_name, listed)
        approvals: list[tuple[ApprovalRecord, Digest]] = []
        for name in sorted(stages):
            numbers = self.list_sequences(f"{root}/{name}")
            approvals += [self.read_approval(model, number, name, each) for each in numbers]
        return approvals

    def read_approval(
        self, model: str, number: Version | str, stage: str, sequence: int
    ) -> tuple[ApprovalRecord, Digest]:
        from mlver.records.approval import ApprovalRecord

        path = layout.approval_path(model, number, stage, sequence)
        return self._read_both("approval", ApprovalRecord.from_document, path)

    def _read_both(self, kind: Kind, build: Builder[_Placed], path: str) -> tuple[_Placed, Digest]:
        data = self._require_numbered(path)
        return self._build_placed(kind, build, data, path), Digest.of_bytes(data)

    def read_placed(self, kind: Kind, build: Builder[_Placed], path: str) -> _Placed:
        """The numbered record at a path; raise MlverError where there is none.

        Raise InvalidDocument for one that cannot be read, or that says it belongs elsewhere.
        """
        return self._build_placed(kind, build, self._require_numbered(path), path)

    def read_manifest(self, digest: Digest) -> Manifest | None:
        """The manifest named by `digest`, checked against it; None where there is none."""
        from mlver.records.manifest import Manifest

        contents = self.manifest_bytes(digest)
        if contents is None:
            return None
        return Manifest.parse(contents, layout.manifest_path(digest))

    def manifest_bytes(self, digest: Digest) -> bytes | None:
        """The bytes of the manifest named by `digest`, which they hash to; None where there is
        none.
        """
        record_path = layout.manifest_path(digest)
        contents = self.read_file(record_path)
        if contents is not None and Digest.of_bytes(contents) != digest:
            raise MlverError(
                f"{record_path} was changed: its bytes no longer hash to its name",
                hint=shell_command("git", "checkout", "--", record_path),
            )
        return contents

    def read_listing(self, digest: Digest) -> PrefixListing:
        """The listing named by `digest`, checked against it.

        Raise MlverError where it is missing or was changed, InvalidDocument where it is none.
        """
        from mlver.records.listing import PrefixListing

        record_path = layout.listing_path(digest)
        contents = self.read_file(record_path)
        hint = shell_command("git", "checkout", "--", record_path)
        if contents is None:
            raise MlverError(f"{record_path} is missing", hint=hint)
        if Digest.of_bytes(contents) != digest:
            raise MlverError(
                f"{record_path} was changed: its bytes no longer hash to its name", hint=hint
            )
        return PrefixListing.parse(contents, record_path)

    # -- bytes -------------------------------------------------------------------------------------

    def read_file(self, path: str) -> bytes | None:
        """A file's bytes, never through a symlink; None where there is none."""
        return self.source.read_file(path)

    def _read_chunk(
        self, record_paths: Sequence[str]
    ) -> Iterator[tuple[VersionRecord, Digest] | MlverError]:
        contents = list(self.source.read_files(record_paths))
        files: list[RecordFile] = []
        for record_path, data in zip(record_paths, contents, strict=True):
            if isinstance(data, bytes):
                files.append((record_path, data))
        parsed = iter(parse_records("version", VersionRecord.from_document, files, self.cache))
        for record_path, data in zip(record_paths, contents, strict=True):
            if not isinstance(data, bytes):
                yield data
                continue
            outcome = next(parsed)
            try:
                if isinstance(outcome, MlverError):
                    raise outcome
                yield _require_place(outcome, record_path), Digest.of_bytes(data)
            except MlverError as error:
                yield error

    def _require_file(self, path: str, message: str, hint: str) -> bytes:
        record_bytes = self.read_file(path)
        if record_bytes is None:
            raise MlverError(message, hint=hint)
        return record_bytes

    def _require_numbered(self, path: str) -> bytes:
        return self._require_file(path, f"{path} is missing", "mlver verify --all")

    def _build_placed(self, kind: Kind, build: Builder[_Placed], data: bytes, path: str) -> _Placed:
        return _require_place(self._build_record(kind, build, data, path), path)

    def _build_record(self, kind: Kind, build: Builder[Built], data: bytes, path: str) -> Built:
        """The record in `data`, parsed now, or kept from when the same bytes were parsed."""
        return parse_record(kind, build, (path, data), self.cache)

    def _list_record_names(self, folder: str) -> list[str]:
        """What a folder's records are named after."""
        names: list[str] = []
        for file_name in self.source.list_names(folder):
            name, dot, suffix = file_name.rpartition(".")
            if dot and suffix == "yaml":
                names.append(name)
        return names


def _refuse_unknown_sections(config: ProjectConfig) -> None:
    if config.unknown_sections:
        message = f"{layout.CONFIG} {describe_unknown_sections(config)}"
        raise MlverError(message, hint=UPGRADE_HINT)


def describe_unknown_sections(config: ProjectConfig) -> str:
    """Say which sections this mlver does not know, as the rest of a sentence about the settings."""
    section_names = ", ".join(f"`{printable_name(name)}`" for name in config.unknown_sections)
    noun = "a section" if len(config.unknown_sections) == 1 else "sections"
    return f"has {noun} that this mlver does not know: {section_names} (written by a newer mlver?)"


def decode_version(data: bytes, path: str) -> VersionRecord:
    """The version record that a commit, or whatever else, holds at `path`."""
    from mlver.document import codec

    record = VersionRecord.from_document(codec.decode_document("version", data, path))
    return _require_place(record, path)


def decode_promotion(data: bytes, path: str) -> PromotionRecord:
    """The promotion record that a commit, or whatever else, holds at `path`."""
    from mlver.document import codec

    record = PromotionRecord.from_document(codec.decode_document("promotion", data, path))
    return _require_place(record, path)


def _require_place(record: _Placed, path: str) -> _Placed:
    """The record, if it lies where it says it lies; raise InvalidDocument for any other.

    What belongs to it (its tag, its chain, its approvals) would be looked up under another name
    than the one it was asked for by.
    """
    if record.record_path != path:
        fault = f"it says that it belongs at {record.record_path}"
        # A record must never change, so its past tells what happened; settings can be edited.
        hint = shell_command("git", "log", "--", path) if layout.is_record_path(path) else None
        raise InvalidDocument(path, (fault,), hint=hint)
    return record
