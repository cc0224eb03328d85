"""Where everything lies: paths below the work tree, always relative and POSIX."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from mlver import names
from mlver.digest import Digest
from mlver.errors import UsageError
from mlver.records.tags import Named
from mlver.version import Version, canonical

ROOT = ".mlver"
CONFIG = f"{ROOT}/config.yaml"
ATTRIBUTES = f"{ROOT}/.gitattributes"
MODELS = f"{ROOT}/models"
MANIFESTS = f"{ROOT}/manifests"
VERSION_SCHEMA = f"{ROOT}/schemas/version.schema.json"

_SEQUENCE = re.compile(r"[0-9]{4,9}")

Kind = Literal["version", "promotion", "evaluation", "approval", "model"]


class Place(NamedTuple):
    """What the path of a file below `models/` says it is; None for the parts its kind has not."""

    kind: Kind
    model: str
    version: str | None = None
    stage: str | None = None
    sequence: int | None = None


def place(path: str) -> Place | None:
    """What lies at a path, or None for a path mlver never gives; the one reader of what the functions below write."""
    root, _, rest = path.partition(f"{MODELS}/")
    model, *parts = rest.split("/")
    if root or not is_model(model) or not parts or not parts[-1].endswith(".yaml"):
        return None
    parts[-1] = parts[-1].removesuffix(".yaml")
    match parts:
        case ["model"]:
            return Place("model", model)
        case ["versions", number] if version_of(number):
            return Place("version", model, number)
        case ["stages", stage, number] if is_stage(stage):
            return _numbered(Place("promotion", model, None, stage), number)
        case ["evaluations", version, number] if version_of(version):
            return _numbered(Place("evaluation", model, version), number)
        case ["approvals", version, stage, number] if version_of(version) and is_stage(stage):
            return _numbered(Place("approval", model, version, stage), number)
    return None


def _numbered(place: Place, text: str) -> Place | None:
    sequence = sequence_of(text)
    return None if sequence is None else place._replace(sequence=sequence)


def is_model(name: str) -> bool:
    return _passes(names.check_model, name)


def is_stage(name: str) -> bool:
    return _passes(names.check_stage, name)


def version_of(name: str) -> Version | None:
    """The version a record's file is named after, without its `.yaml`; None where it is not written as mlver does."""
    return canonical(name)


def sequence_of(name: str) -> int | None:
    """The number a record's file is named after, without its `.yaml`: four digits, more where there are more."""
    number = int(name) if _SEQUENCE.fullmatch(name) else 0
    return number if number and f"{number:04d}" == name else None


def _passes(check: Callable[[str], str], name: str) -> bool:
    try:
        check(name)
    except UsageError:
        return False
    return True


def is_version(path: str) -> bool:
    found = place(path)
    return found is not None and found.kind == "version"


def is_record(path: str) -> bool:
    """Whether a path is one that, once committed, never changes again; model.yaml beside the records may."""
    found = place(path)
    return path.startswith(f"{MANIFESTS}/") if found is None else found.kind != "model"


def is_kept(path: str) -> bool:
    """Whether a path is one where mlver keeps something, so that `.mlver/` is no place for anything else."""
    return place(path) is not None or path.startswith(f"{MANIFESTS}/") or path in (CONFIG, ATTRIBUTES, VERSION_SCHEMA)


def top_of(path: str) -> str | None:
    """Which of mlver's own a path would lie in or be where letter case does not count; None for none of them."""
    tops = (f"{MODELS}/", f"{MANIFESTS}/", f"{VERSION_SCHEMA.rpartition('/')[0]}/", CONFIG, ATTRIBUTES)
    return next((top for top in tops if f"{path.casefold()}/".startswith(f"{top.rstrip('/')}/")), None)


def path_of(named: Named) -> str:
    """Where the record lies that a tag is of."""
    if named.stage is None or named.sequence is None:
        assert named.version is not None
        return version(named.model, named.version)
    return promotion(named.model, named.stage, named.sequence)


def settings(model: str) -> str:
    return f"{MODELS}/{model}/model.yaml"


def versions(model: str) -> str:
    return f"{MODELS}/{model}/versions"


def version(model: str, number: Version | str) -> str:
    return f"{versions(model)}/{number}.yaml"


def stages(model: str) -> str:
    return f"{MODELS}/{model}/stages"


def stage(model: str, name: str) -> str:
    return f"{stages(model)}/{name}"


def promotion(model: str, name: str, sequence: int) -> str:
    return f"{stage(model, name)}/{sequence:04d}.yaml"


def evaluations(model: str, number: Version | str) -> str:
    return f"{MODELS}/{model}/evaluations/{number}"


def approvals(model: str, number: Version | str) -> str:
    return f"{MODELS}/{model}/approvals/{number}"


def evaluation(model: str, number: Version | str, sequence: int) -> str:
    return f"{evaluations(model, number)}/{sequence:04d}.yaml"


def approval(model: str, number: Version | str, name: str, sequence: int) -> str:
    return f"{approvals(model, number)}/{name}/{sequence:04d}.yaml"


def manifest(digest: Digest) -> str:
    return f"{MANIFESTS}/{digest.hex}.sha256"
