"""Names of models and versions as Kubernetes and compose take them: DNS labels (RFC 1035).

Two versions never share a name. What a label cannot hold is replaced, and then a part of a digest
tells apart what would look the same.
"""

from __future__ import annotations

import re

from mlver.digest import Digest
from mlver.policy.serving.served import ServedVersion
from mlver.version import Version

LONGEST_LABEL = 63
_DIGEST_LETTERS = 8
_PLAIN_MODEL = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
_PLAIN_PRERELEASE = re.compile(r"[a-z]+\.[0-9]+")
_FOREIGN = re.compile(r"[^a-z0-9]+")


def name_version(model: str, version: Version) -> str:
    """Name what serves one version: `digits-1-2-0`."""
    is_plain = version.prerelease is None or _PLAIN_PRERELEASE.fullmatch(version.prerelease)
    return _build_label(model, str(version), bool(is_plain))


def name_role(model: str, role: str) -> str:
    """Name what serves a role, whatever version that is now: `digits-stable`."""
    return _build_label(model, role, True)


def name_model(model: str) -> str:
    """Name what serves a model, or the label of it: `digits`."""
    return _build_label(model, "", True)


def _build_label(model: str, ending: str, is_plain: bool) -> str:
    whole = f"{model}-{ending}" if ending else model
    label = _FOREIGN.sub("-", whole.lower()).strip("-")
    if is_plain and _PLAIN_MODEL.fullmatch(model) and len(label) <= LONGEST_LABEL:
        return label
    # A plain name ends in a number or a role, so none ends like this.
    suffix = f"-x{Digest.of_bytes(f'{model}@{ending}'.encode()).hex[:_DIGEST_LETTERS]}"
    first = label if label[:1].isalpha() else f"m-{label}"
    return first[: LONGEST_LABEL - len(suffix)].rstrip("-") + suffix


def describe_version(version: ServedVersion) -> dict[str, str]:
    """What identifies a version, for annotations and labels that take any text."""
    return {
        "mlver/model": version.model,
        "mlver/version": str(version.version),
        "mlver/record": str(version.record),
    }


def list_environment(version: ServedVersion) -> dict[str, str]:
    """The variables by which a program learns which version it serves."""
    return {
        "MODEL_NAME": version.model,
        "MODEL_VERSION": str(version.version),
        "MODEL_RECORD": str(version.record),
    }
