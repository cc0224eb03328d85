"""Where everything lies: paths below the work tree, always relative and POSIX."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from mlver import names
from mlver.digest import Digest
from mlver.errors import UsageError
from mlver.records.tags import TagName
from mlver.version import Version, parse_canonical

ROOT = ".mlver"
CONFIG = f"{ROOT}/config.yaml"
ATTRIBUTES = f"{ROOT}/.gitattributes"
MODELS = f"{ROOT}/models"
MANIFESTS = f"{ROOT}/manifests"
VERSION_SCHEMA = f"{ROOT}/schemas/version.schema.json"

_SEQUENCE = re.compile(r"[0-9]{4,9}")

RecordKind = Literal["version", "promotion", "evaluation", "approval", "model"]


class RecordPath(NamedTuple):
    """What the path of a file below `models/` says it is; None for the parts its kind has not."""

    kind: RecordKind
    model: str
    version: str | None = None
    stage: str | None = None
    sequence: int | None = None


def parse_path(path: str) -> RecordPath | None:
    """What lies at a path, or None for a path mlver never gives.

    The one reader of what the functions below write.
    """
    root, _, rest = path.partition(f"{MODELS}/")
    model, *parts = rest.split("/")
    if root or not is_model_name(model) or not parts or not parts[-1].endswith(".yaml"):
        return None
    parts[-1] = parts[-1].removesuffix(".yaml")
    match parts:
        case ["model"]:
            return RecordPath("model", model)
        case ["versions", number] if parse_version_name(number):
            return RecordPath("version", model, number)
        case ["stages", stage, number] if is_stage_name(stage):
            return _with_sequence(RecordPath("promotion", model, None, stage), number)
        case ["evaluations", version, number] if parse_version_name(version):
            return _with_sequence(RecordPath("evaluation", model, version), number)
        case ["approvals", version, stage, number] if parse_version_name(version) and is_stage_name(
            stage
        ):
            return _with_sequence(RecordPath("approval", model, version, stage), number)
    return None


def _with_sequence(place: RecordPath, text: str) -> RecordPath | None:
    sequence = parse_sequence(text)
    return None if sequence is None else place._replace(sequence=sequence)


def is_model_name(name: str) -> bool:
    return _is_accepted(names.check_model, name)


def is_stage_name(name: str) -> bool:
    return _is_accepted(names.check_stage, name)


def parse_version_name(name: str) -> Version | None:
    """The version a record's file is named after, without its `.yaml`.

    None where it is not written as mlver does.
    """
    return parse_canonical(name)


def parse_sequence(name: str) -> int | None:
    """The number a record's file is named after, without its `.yaml`: four digits, more where there
    are more.
    """
    number = int(name) if _SEQUENCE.fullmatch(name) else 0
    return number if number and f"{number:04d}" == name else None


def _is_accepted(check: Callable[[str], str], name: str) -> bool:
    try:
        check(name)
    except UsageError:
        return False
    return True


def is_version_path(path: str) -> bool:
    found = parse_path(path)
    return found is not None and found.kind == "version"


def is_record_path(path: str) -> bool:
    """Whether a path is one that, once committed, never changes again.

    Model.yaml beside the records may.
    """
    found = parse_path(path)
    return path.startswith(f"{MANIFESTS}/") if found is None else found.kind != "model"


def is_own_path(path: str) -> bool:
    """Whether a path is one where mlver keeps something, so that `.mlver/` is no place for anything
    else.
    """
    return (
        parse_path(path) is not None
        or path.startswith(f"{MANIFESTS}/")
        or path in (CONFIG, ATTRIBUTES, VERSION_SCHEMA)
    )


def find_own_folder(path: str) -> str | None:
    """Which of mlver's own a path would lie in or be where letter case does not count.

    None for none of them.
    """
    tops = (
        f"{MODELS}/",
        f"{MANIFESTS}/",
        f"{VERSION_SCHEMA.rpartition('/')[0]}/",
        CONFIG,
        ATTRIBUTES,
    )
    return next(
        (top for top in tops if f"{path.casefold()}/".startswith(f"{top.rstrip('/')}/")), None
    )


def record_path(named: TagName) -> str:
    """Where the record lies that a tag is of."""
    if named.stage is None or named.sequence is None:
        assert named.version is not None
        return version_path(named.model, named.version)
    return promotion_path(named.model, named.stage, named.sequence)


def settings_path(model: str) -> str:
    return f"{MODELS}/{model}/model.yaml"


def versions_folder(model: str) -> str:
    return f"{MODELS}/{model}/versions"


def version_path(model: str, number: Version | str) -> str:
    return f"{versions_folder(model)}/{number}.yaml"


def stages_folder(model: str) -> str:
    return f"{MODELS}/{model}/stages"


def stage_folder(model: str, name: str) -> str:
    return f"{stages_folder(model)}/{name}"


def promotion_path(model: str, name: str, sequence: int) -> str:
    return f"{stage_folder(model, name)}/{sequence:04d}.yaml"


def evaluations_folder(model: str, number: Version | str) -> str:
    return f"{MODELS}/{model}/evaluations/{number}"


def approvals_folder(model: str, number: Version | str) -> str:
    return f"{MODELS}/{model}/approvals/{number}"


def evaluation_path(model: str, number: Version | str, sequence: int) -> str:
    return f"{evaluations_folder(model, number)}/{sequence:04d}.yaml"


def approval_path(model: str, number: Version | str, name: str, sequence: int) -> str:
    return f"{approvals_folder(model, number)}/{name}/{sequence:04d}.yaml"


def manifest_path(digest: Digest) -> str:
    return f"{MANIFESTS}/{digest.hex}.sha256"
