"""The records of a repository, read: which models, versions and promotions there are, and what each says.

Readers take no lock. Names come from listing folders, so only records that are asked for are opened; a record parsed
once is kept, under the digest of its bytes, in the rebuildable state. Whether the work tree, a commit or the index is
read is up to the source.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import InvalidDocument, MlverError, printable_name, shell_command
from mlver.project.registry.worktree import RecordSource
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord
from mlver.system.state import StateDatabase
from mlver.version import Version, newest_versions, sort_versions

if TYPE_CHECKING:
    # Not every command needs each kind of record, and a kind costs start-up a millisecond or two.
    from mlver.document.schema import Kind
    from mlver.records.approval import ApprovalRecord
    from mlver.records.config import ProjectConfig
    from mlver.records.evaluation import EvaluationRecord
    from mlver.records.manifest import Manifest
    from mlver.records.model import ModelSettings

_Built = TypeVar("_Built")


@dataclass(frozen=True, slots=True)
class RecordRegistry:
    """The records of `source`. `state` caches what was parsed; None reads every record afresh."""

    source: RecordSource
    state: StateDatabase | None

    # -- names ---------------------------------------------------------------------------------------------------

    def list_models(self) -> list[str]:
        return sorted(filter(layout.is_model_name, self.source.list_names(layout.MODELS)))

    def list_versions(self, model: str) -> list[Version]:
        """A model's versions, lowest first; files that name no version are left to `verify`."""
        return sort_versions(
            filter(
                None,
                map(
                    layout.parse_version_name,
                    self._list_record_names(layout.versions_folder(model)),
                ),
            )
        )

    def list_newest(self, model: str, limit: int) -> tuple[list[Version], int]:
        """A model's `limit` highest versions, highest first, and how many it has in all."""
        return newest_versions(self._list_record_names(layout.versions_folder(model)), limit)

    def has_version(self, model: str, number: Version) -> bool:
        """Whether there is such a record, whatever it says."""
        return str(number) in self._list_record_names(layout.versions_folder(model))

    def list_stages(self, model: str) -> list[str]:
        return sorted(
            filter(layout.is_stage_name, self.source.list_names(layout.stages_folder(model)))
        )

    def list_sequences(self, folder: str) -> list[int]:
        """The numbers of the records in a folder of numbered ones, lowest first."""
        return sorted(filter(None, map(layout.parse_sequence, self._list_record_names(folder))))

    def list_names(self, folder: str) -> list[str]:
        """What a folder of records holds, sorted."""
        return sorted(self.source.list_names(folder))

    # -- records -------------------------------------------------------------------------------------------------

    def read_config(self) -> ProjectConfig:
        """The settings of the repository, for what decides or writes.

        Raise MlverError where `mlver init` never ran, and for a section that this mlver does not
        know: it may forbid what the settings that are known allow.
        """
        config = self.read_shown_config()
        _refuse_unknown_sections(config)
        return config

    def refuse_newer_settings(self) -> None:
        """Raise MlverError for a section that this mlver does not know.

        Settings that are missing or not valid are left to those who need what they say.
        """
        try:
            config = self.read_shown_config()
        except MlverError:
            return
        _refuse_unknown_sections(config)

    def read_shown_config(self) -> ProjectConfig:
        """The settings, for what only looks: sections that this mlver does not know are passed over.

        Raise MlverError where `mlver init` never ran.
        """
        from mlver.records.config import ProjectConfig

        data = self.read_file(layout.CONFIG)
        if data is None:
            raise MlverError(f"{layout.CONFIG} is missing", hint="mlver init")
        return self._build_record("config", ProjectConfig.from_document, data, layout.CONFIG)

    def read_settings(self, model: str) -> ModelSettings | None:
        path = layout.settings_path(model)
        data = self.read_file(path)
        if data is None:
            return None
        from mlver.records.model import ModelSettings

        return self._build_record("model", ModelSettings.from_document, data, path)

    def read_version(self, model: str, number: Version | str) -> tuple[VersionRecord, Digest]:
        """A version's record and the digest of its bytes; raise MlverError where there is none, or another's."""
        path = layout.version_path(model, number)
        data = self._require_file(path, f"{model} has no version {number}", f"mlver list {model}")
        record = self._build_record("version", VersionRecord.from_document, data, path)
        if (record.model, record.version) != (model, str(number)):
            # its tag and its promotions would be looked up under another name than the one it was asked for by
            said = f"it says it is {record.model} {record.version}"
            raise InvalidDocument(path, (said,), hint=shell_command("git", "log", "--", path))
        return record, Digest.of_bytes(data)

    def read_version_digest(self, model: str, number: Version | str) -> Digest | None:
        """The digest of a version record's bytes, whatever they say; None where there is no such file."""
        data = self.read_file(layout.version_path(model, number))
        return None if data is None else Digest.of_bytes(data)

    def read_promotion(
        self, model: str, stage: str, sequence: int
    ) -> tuple[PromotionRecord, Digest]:
        path = layout.promotion_path(model, stage, sequence)
        data = self._require_file(path, f"{path} is missing", "mlver verify --all")
        return self._build_record(
            "promotion", PromotionRecord.from_document, data, path
        ), Digest.of_bytes(data)

    def read_history(self, model: str, stage: str) -> list[tuple[PromotionRecord, Digest]]:
        """A stage's promotions, oldest first."""
        return [
            self.read_promotion(model, stage, n)
            for n in self.list_sequences(layout.stage_folder(model, stage))
        ]

    def read_promotions_of(
        self, model: str, number: Version | str
    ) -> Iterator[tuple[str, PromotionRecord]]:
        """Every promotion of one version, whatever the stage, with its path; those that cannot be read say nothing."""
        for stage in self.list_stages(model):
            for sequence in self.list_sequences(layout.stage_folder(model, stage)):
                path = layout.promotion_path(model, stage, sequence)
                with suppress(MlverError):
                    # only those that name the version at all are worth parsing
                    if str(number).encode() in (self.read_file(path) or b""):
                        record, _ = self.read_promotion(model, stage, sequence)
                        if record.version == str(number):
                            yield path, record

    def find_holder(self, model: str, stage: str) -> PromotionRecord | None:
        """The promotion that now decides a stage, whatever their number; None where none does."""
        numbers = self.list_sequences(layout.stage_folder(model, stage))
        record = self.read_promotion(model, stage, numbers[-1])[0] if numbers else None
        return None if record is None or record.action == "retire" else record

    def find_holders(self, model: str) -> dict[str, str]:
        """The version each stage of a model holds now, by stage."""
        found = {stage: self.find_holder(model, stage) for stage in self.list_stages(model)}
        return {stage: record.version for stage, record in found.items() if record is not None}

    def read_evaluations(self, model: str, number: Version | str) -> list[EvaluationRecord]:
        return [
            self.read_evaluation(model, number, n)
            for n in self.list_sequences(layout.evaluations_folder(model, number))
        ]

    def read_evaluation(self, model: str, number: Version | str, sequence: int) -> EvaluationRecord:
        from mlver.records.evaluation import EvaluationRecord

        path = layout.evaluation_path(model, number, sequence)
        return self._read_numbered("evaluation", EvaluationRecord.from_document, path)

    def read_approvals(self, model: str, number: Version | str) -> list[ApprovalRecord]:
        root = layout.approvals_folder(model, number)
        return [
            self.read_approval(model, number, stage, n)
            for stage in sorted(filter(layout.is_stage_name, self.source.list_names(root)))
            for n in self.list_sequences(f"{root}/{stage}")
        ]

    def read_approval(
        self, model: str, number: Version | str, stage: str, sequence: int
    ) -> ApprovalRecord:
        from mlver.records.approval import ApprovalRecord

        path = layout.approval_path(model, number, stage, sequence)
        return self._read_numbered("approval", ApprovalRecord.from_document, path)

    def read_manifest(self, digest: Digest) -> Manifest | None:
        """The manifest named by `digest`, its bytes checked against it; None where there is none."""
        data = self.manifest_bytes(digest)
        if data is None:
            return None
        from mlver.records.manifest import Manifest

        return Manifest.parse(data, layout.manifest_path(digest))

    def manifest_bytes(self, digest: Digest) -> bytes | None:
        """The bytes of the manifest named by `digest`, which they hash to; None where there is none."""
        path = layout.manifest_path(digest)
        data = self.read_file(path)
        if data is not None and Digest.of_bytes(data) != digest:
            raise MlverError(
                f"{path} was changed: its bytes no longer hash to its name",
                hint=shell_command("git", "checkout", "--", path),
            )
        return data

    # -- bytes ---------------------------------------------------------------------------------------------------

    def read_file(self, path: str) -> bytes | None:
        """A file's bytes, never through a symlink; None where there is none."""
        return self.source.read_file(path)

    def _require_file(self, path: str, missing: str, hint: str) -> bytes:
        data = self.read_file(path)
        if data is None:
            raise MlverError(missing, hint=hint)
        return data

    def _read_numbered(
        self, kind: Kind, build: Callable[[Mapping[str, Any]], _Built], path: str
    ) -> _Built:
        return self._build_record(
            kind, build, self._require_file(path, f"{path} is missing", "mlver verify --all"), path
        )

    def _build_record(
        self, kind: Kind, build: Callable[[Mapping[str, Any]], _Built], data: bytes, where: str
    ) -> _Built:
        """The record in `data`, parsed, or as it was kept when the same bytes were parsed before."""
        if self.state is None:
            return build(codec.decode_document(kind, data, where))
        # the kind is part of the name, so that bytes valid as one kind are not taken for another unchecked
        key = Digest.of_bytes(f"{kind}\0".encode() + data).hex
        kept = self.state.get_document(key)
        if kept is not None:
            # what cannot be built was never a document that was checked
            with suppress(
                KeyError, TypeError, ValueError, AttributeError, RecursionError, MlverError
            ):
                return build(json.loads(kept))
        document = codec.decode_document(kind, data, where)
        self.state.put_document(key, json.dumps(document))
        return build(document)

    def _list_record_names(self, folder: str) -> list[str]:
        """What a folder's records are named after."""
        return [
            name.removesuffix(".yaml")
            for name in self.source.list_names(folder)
            if name.endswith(".yaml")
        ]


def _refuse_unknown_sections(config: ProjectConfig) -> None:
    if config.unknown_sections:
        raise MlverError(describe_newer_settings(config), hint="pip install --upgrade mlver")


def describe_newer_settings(config: ProjectConfig) -> str:
    """The sections that this mlver does not know, as a sentence."""
    names = ", ".join(f"`{printable_name(name)}`" for name in config.unknown_sections)
    noun = "a section" if len(config.unknown_sections) == 1 else "sections"
    return (
        f"{layout.CONFIG} has {noun} that this mlver does not know: {names} "
        "(written by a newer mlver?)"
    )


def decode_version(data: bytes, where: str) -> VersionRecord:
    """A version record that was read elsewhere, such as from a commit."""
    return VersionRecord.from_document(codec.decode_document("version", data, where))


def decode_promotion(data: bytes, where: str) -> PromotionRecord:
    """A promotion record that was read elsewhere."""
    return PromotionRecord.from_document(codec.decode_document("promotion", data, where))
