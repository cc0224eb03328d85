"""Which data set people mean: a digest, a data set of a version, a pinned one, or a path."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mlver import names
from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.project.artifacts import measuring
from mlver.project.project import Project
from mlver.project.registry.authorisations import list_authorised
from mlver.selectors import DIGEST_PREFIX, LEAST_DIGITS

_DIGITS = re.compile(rf"[0-9a-f]{{{LEAST_DIGITS},64}}")
_WHOLE = 64
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class NamedData:
    """A data set: its digest, and what people call it."""

    digest: Digest
    name: str


def find_data(project: Project, text: str) -> NamedData:
    """Find the data set that `sha256:…`, `REF:NAME`, the name of a pinned data set or a path means.

    A whole digest need not be known: data is authorised before anybody trains on it. What lies at a
    path is read whole. Raise MlverError with what there is instead.
    """
    if text.startswith(DIGEST_PREFIX) and ":" not in text.removeprefix(DIGEST_PREFIX):
        return _find_by_digits(project, text.removeprefix(DIGEST_PREFIX))
    ref, colon, name = text.rpartition(":")
    if colon:
        return _find_in_version(project, ref, name)
    pins = _list_pins(project)
    if text not in pins and os.path.lexists(project.start / text):
        return _find_at_path(project, text)
    return _find_pinned(project, pins, text)


def _find_at_path(project: Project, text: str) -> NamedData:
    path = project.resolve_path(text)
    return NamedData(measuring.measure_into(project, path, None, follow=True).digest, path)


def _find_by_digits(project: Project, digits: str) -> NamedData:
    if not _DIGITS.fullmatch(digits):
        shown = printable_name(f"{DIGEST_PREFIX}{digits}")
        raise UsageError(
            f"`{shown}` is no digest; give sha256: and {LEAST_DIGITS} to 64 lower-case hex digits",
            hint="mlver hash PATH",
        )
    known = _list_known(project)
    matching = [digest for digest in known if digest.hex.startswith(digits)]
    if len(digits) == _WHOLE:
        whole = Digest(digits)
        return NamedData(whole, known.get(whole, str(whole)))
    if not matching:
        raise MlverError(
            f"no data set here begins with {DIGEST_PREFIX}{digits}; of data that no version has"
            " yet, give the whole digest",
            hint="mlver hash PATH",
        )
    if len(matching) > 1:
        listed = ", ".join(f"{digest} ({known[digest]})" for digest in matching[:_MOST_NAMED])
        raise UsageError(f"{DIGEST_PREFIX}{digits} is the beginning of several: {listed}")
    return NamedData(matching[0], known[matching[0]])


def _list_known(project: Project) -> dict[Digest, str]:
    """List the digests of data that anything here names, each with what people call it."""
    registry = project.registry
    known: dict[Digest, str] = {}
    for name, digest in _list_pins(project).items():
        known[digest] = name
    for model in registry.list_models():
        for outcome in registry.read_versions(model, registry.list_versions(model)):
            if isinstance(outcome, MlverError):
                continue
            record, _ = outcome
            for name, artifact in record.data.items():
                known.setdefault(artifact.digest, f"{model}@{record.version}:{name}")
    for digest in list_authorised(registry):
        known.setdefault(digest, str(digest))
    return known


def _find_in_version(project: Project, ref: str, name: str) -> NamedData:
    chosen = project.resolve_ref(ref)
    record, _ = project.registry.read_version(chosen.model, chosen.version)
    version = f"{chosen.model}@{chosen.version}"
    if name in record.data:
        return NamedData(record.data[name].digest, f"{version}:{name}")
    show = shell_command("mlver", "show", version)
    if not record.data:
        raise MlverError(f"{chosen.model} {chosen.version} names no data", hint=show)
    listed = ", ".join(record.data)
    similar = names.find_similar(name, record.data)
    hints = (show,)
    raise MlverError(
        f"{chosen.model} {chosen.version} has no data set `{printable_name(name)}`, but {listed}"
        + (f"; did you mean {version}:{similar}?" if similar else ""),
        hints=hints,
    )


def _find_pinned(project: Project, pins: Mapping[str, Digest], name: str) -> NamedData:
    if name in pins:
        return NamedData(pins[name], name)
    known = f"pinned are {', '.join(pins)}" if pins else "none is pinned"
    version = _find_newest_with(project, name)
    if version is not None:
        raise UsageError(
            f"`{printable_name(name)}` is what versions call data of theirs, and not pinned"
            f" ({known}); say whose: {version}:{name}",
            hint=shell_command("mlver", "show", version),
        )
    raise UsageError(
        f"`{printable_name(name)}` is neither a pinned data set ({known}) nor a path; give one of"
        " these, a digest, or REF:NAME, such as digits@1.2.0:train",
        hint="mlver list",
    )


def _find_newest_with(project: Project, name: str) -> str | None:
    """The newest version of the first model that has a data set of this name."""
    registry = project.registry
    for model in registry.list_models():
        outcomes = list(registry.read_versions(model, registry.list_versions(model)))
        for outcome in reversed(outcomes):
            if not isinstance(outcome, MlverError) and name in outcome[0].data:
                return f"{model}@{outcome[0].version}"
    return None


def _list_pins(project: Project) -> dict[str, Digest]:
    """List the data sets that the settings pin, by name."""
    datasets = getattr(project.registry.read_shown_config(), "datasets", {})
    return {name: pin.digest for name, pin in datasets.items()}
