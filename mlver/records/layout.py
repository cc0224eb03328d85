"""Where everything lies: paths below the work tree, always relative and POSIX."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from mlver.digest import Digest
from mlver.records import file_names
from mlver.records.tags import TagName
from mlver.version import Version

ROOT = ".mlver"
CONFIG = f"{ROOT}/config.yaml"
ATTRIBUTES = f"{ROOT}/.gitattributes"
ALLOWED_SIGNERS = f"{ROOT}/allowed_signers"
MODELS = f"{ROOT}/models"
MANIFESTS = f"{ROOT}/manifests"
LISTINGS = f"{ROOT}/listings"
PROFILES = f"{ROOT}/profiles"
AUTHORISATIONS = f"{ROOT}/authorisations"
DEPLOYMENTS = f"{ROOT}/deployments"
TENSORS = f"{ROOT}/tensors"
# What is derived from bytes that may be elsewhere, and pinned by records.
KEPT_FOLDERS = (TENSORS, PROFILES)
# Where everything lies that never changes again once it was committed.
RECORD_FOLDERS = (MODELS, MANIFESTS, LISTINGS, AUTHORISATIONS, DEPLOYMENTS, TENSORS, PROFILES)
VERSION_SCHEMA = f"{ROOT}/schemas/version.schema.json"

AttachedKind: TypeAlias = Literal[
    "evaluation", "approval", "note", "retirement", "reproduction", "verdict", "rollout"
]
# The folders of a model that hold records about its versions: the kind of these, and whether they
# lie below a version, and below a stage.
_ATTACHED_FOLDERS: Mapping[str, tuple[AttachedKind, bool, bool]] = {
    "evaluations": ("evaluation", True, False),
    "approvals": ("approval", True, True),
    "notes": ("note", True, False),
    "retired": ("retirement", True, False),
    "reproductions": ("reproduction", True, False),
    "verdicts": ("verdict", False, True),
    "rollouts": ("rollout", False, True),
}
_FOLDERS_BY_KIND = {kind: folder for folder, (kind, _, _) in _ATTACHED_FOLDERS.items()}
_HEXADECIMAL = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SettingsPath:
    """Where the settings of a model lie."""

    kind: ClassVar[Literal["model"]] = "model"
    model: str


@dataclass(frozen=True, slots=True)
class VersionPath:
    """Where a version's record lies."""

    kind: ClassVar[Literal["version"]] = "version"
    model: str
    version: str


@dataclass(frozen=True, slots=True)
class PromotionPath:
    """Where one promotion of a stage lies."""

    kind: ClassVar[Literal["promotion"]] = "promotion"
    model: str
    stage: str
    sequence: int


@dataclass(frozen=True, slots=True)
class AttachedPath:
    """Where a numbered record about a version lies: below the version, below a stage, or both.

    `version` is None where the record lies below a stage alone, and `stage` where it lies below a
    version alone.
    """

    kind: AttachedKind
    model: str
    version: str | None
    stage: str | None
    sequence: int


@dataclass(frozen=True, slots=True)
class AuthorisationPath:
    """Where one authorisation of a data set lies, or its withdrawal; it is of no model."""

    data: Digest
    sequence: int


@dataclass(frozen=True, slots=True)
class KeptPath:
    """Where it stands what is in a file or a table, by the folder and the digest of that."""

    folder: str
    name: Digest


# What the path of a file below `models/` says that the file is.
RecordPath: TypeAlias = SettingsPath | VersionPath | PromotionPath | AttachedPath


def parse_path(path: str) -> RecordPath | None:
    """Read what lies at a path; None for a path that mlver never gives.

    This is the one reader of what the functions below write.
    """
    root, _, rest = path.partition(f"{MODELS}/")
    model, *parts = rest.split("/")
    if root or not file_names.is_model_name(model) or not parts or not parts[-1].endswith(".yaml"):
        return None
    name = parts.pop().removesuffix(".yaml")
    if not parts:
        return SettingsPath(model) if name == "model" else None
    if parts == ["versions"]:
        return VersionPath(model, name) if file_names.parse_version_name(name) else None
    sequence = file_names.parse_sequence(name)
    if sequence is None:
        return None
    return _parse_numbered(model, parts, sequence)


def _parse_numbered(model: str, folders: list[str], sequence: int) -> RecordPath | None:
    """Read the folders of a record that is named by its number."""
    top, *names = folders
    if top == "stages" and len(names) == 1 and file_names.is_stage_name(names[0]):
        return PromotionPath(model, names[0], sequence)
    if top not in _ATTACHED_FOLDERS:
        return None
    kind, has_version, has_stage = _ATTACHED_FOLDERS[top]
    if len(names) != has_version + has_stage:
        return None
    version = names[0] if has_version else None
    stage = names[-1] if has_stage else None
    if version is not None and file_names.parse_version_name(version) is None:
        return None
    if stage is not None and not file_names.is_stage_name(stage):
        return None
    return AttachedPath(kind, model, version, stage, sequence)


def parse_authorisation(path: str) -> AuthorisationPath | None:
    """Read where an authorisation lies; None for a path that mlver gives to none."""
    root, _, rest = path.partition(f"{AUTHORISATIONS}/")
    hexadecimal, _, name = rest.partition("/")
    if root or not name.endswith(".yaml") or not _HEXADECIMAL.fullmatch(hexadecimal):
        return None
    sequence = file_names.parse_sequence(name.removesuffix(".yaml"))
    return None if sequence is None else AuthorisationPath(Digest(hexadecimal), sequence)


def parse_approval(path: str) -> AttachedPath | None:
    """Read where an approval lies; None for a path of anything else."""
    place = parse_path(path)
    return place if isinstance(place, AttachedPath) and place.kind == "approval" else None


def is_version_path(path: str) -> bool:
    return isinstance(parse_path(path), VersionPath)


def is_sealed_path(path: str) -> bool:
    """Whether a path is of a record that a tag has to seal."""
    return isinstance(parse_path(path), VersionPath | PromotionPath)


# Where records lie that are of no model.
_BESIDE_MODELS = (
    f"{MANIFESTS}/",
    f"{LISTINGS}/",
    f"{AUTHORISATIONS}/",
    f"{DEPLOYMENTS}/",
    f"{TENSORS}/",
    f"{PROFILES}/",
)


def is_record_path(path: str) -> bool:
    """Whether a path is one that, once committed, never changes again.

    The settings beside the records may.
    """
    place = parse_path(path)
    if place is None:
        return path.startswith(_BESIDE_MODELS) or is_seal_path(path)
    return place.kind != "model"


def is_own_path(path: str) -> bool:
    """Whether a path is one where mlver keeps something, so that `.mlver/` is no place for anything
    else.
    """
    return (
        parse_path(path) is not None
        or is_seal_path(path)
        or path.startswith(_BESIDE_MODELS)
        or path in (CONFIG, ATTRIBUTES, ALLOWED_SIGNERS, VERSION_SCHEMA)
    )


def find_own_folder(path: str) -> str | None:
    """Which of mlver's own a path would lie in or be where letter case does not count.

    None for none of them.
    """
    tops = (
        f"{MODELS}/",
        f"{MANIFESTS}/",
        f"{LISTINGS}/",
        f"{AUTHORISATIONS}/",
        f"{DEPLOYMENTS}/",
        f"{TENSORS}/",
        f"{PROFILES}/",
        f"{VERSION_SCHEMA.rpartition('/')[0]}/",
        CONFIG,
        ATTRIBUTES,
    )
    folder = f"{path.casefold()}/"
    for top in tops:
        if folder.startswith(f"{top.rstrip('/')}/"):
            return top
    return None


def record_path(named: TagName) -> str:
    """Where the record lies that a tag is of."""
    if named.stage is None or named.sequence is None:
        assert named.version is not None
        return version_path(named.model, named.version)
    return promotion_path(named.model, named.stage, named.sequence)


def attached_folder(kind: AttachedKind, model: str, *names: Version | str) -> str:
    """Where records of a kind lie: those of a model, or of one of its versions, stages or both."""
    return "/".join((MODELS, model, _FOLDERS_BY_KIND[kind], *map(str, names)))


def numbered_path(folder: str, sequence: int) -> str:
    """Where a record lies that is named by its number."""
    return f"{folder}/{sequence:04d}.yaml"


def settings_path(model: str) -> str:
    return f"{MODELS}/{model}/model.yaml"


def versions_folder(model: str) -> str:
    return f"{MODELS}/{model}/versions"


def version_path(model: str, number: Version | str) -> str:
    return f"{versions_folder(model)}/{number}.yaml"


def model_folder(model: str) -> str:
    return f"{MODELS}/{model}"


def stages_folder(model: str) -> str:
    return f"{MODELS}/{model}/stages"


def stage_folder(model: str, name: str) -> str:
    return f"{stages_folder(model)}/{name}"


def promotion_path(model: str, name: str, sequence: int) -> str:
    return numbered_path(stage_folder(model, name), sequence)


def evaluation_path(model: str, number: Version | str, sequence: int) -> str:
    return numbered_path(attached_folder("evaluation", model, number), sequence)


def approval_path(model: str, number: Version | str, name: str, sequence: int) -> str:
    return numbered_path(attached_folder("approval", model, number, name), sequence)


def seal_path(path: str) -> str:
    """Where the signature of the approval at a path lies: a signed tag object, kept as a file."""
    return f"{path.removesuffix('.yaml')}.seal"


def is_seal_path(path: str) -> bool:
    """Whether a path is of a signature that stands beside an approval."""
    stem, dot, suffix = path.rpartition(".")
    return suffix == "seal" and parse_approval(f"{stem}{dot}yaml") is not None


def note_path(model: str, number: Version | str, sequence: int) -> str:
    return numbered_path(attached_folder("note", model, number), sequence)


def retirement_path(model: str, number: Version | str, sequence: int) -> str:
    return numbered_path(attached_folder("retirement", model, number), sequence)


def reproduction_path(model: str, number: Version | str, sequence: int) -> str:
    return numbered_path(attached_folder("reproduction", model, number), sequence)


def verdict_path(model: str, stage: str, sequence: int) -> str:
    return numbered_path(attached_folder("verdict", model, stage), sequence)


def rollout_path(model: str, stage: str, sequence: int) -> str:
    return numbered_path(attached_folder("rollout", model, stage), sequence)


def manifest_path(digest: Digest) -> str:
    return f"{MANIFESTS}/{digest.hex}.sha256"


def listing_path(digest: Digest) -> str:
    return f"{LISTINGS}/{digest.hex}.json"


def tensors_path(file: Digest) -> str:
    """Where it stands what is in a file of weights, by its digest: see `tensor_files.py`."""
    return f"{TENSORS}/{file.hex}.json"


def profile_path(digest: Digest) -> str:
    """Where the profile of the data of this digest lies."""
    return f"{PROFILES}/{digest.hex}.json"


def parse_kept_path(path: str) -> KeptPath | None:
    """Read of what something is kept at a path; None for a path that mlver gives to none."""
    folder, _, name = path.rpartition("/")
    hexadecimal = name.removesuffix(".json")
    if folder not in KEPT_FOLDERS or not _HEXADECIMAL.fullmatch(hexadecimal):
        return None
    return KeptPath(folder, Digest(hexadecimal)) if name.endswith(".json") else None


def authorisations_folder(data: Digest) -> str:
    return f"{AUTHORISATIONS}/{data.hex}"


def authorisation_path(data: Digest, sequence: int) -> str:
    return numbered_path(authorisations_folder(data), sequence)
