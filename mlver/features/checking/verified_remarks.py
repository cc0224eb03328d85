"""How many notes and retirements verify looks at, beside versions and promotions."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from mlver.errors import MlverError
from mlver.project.registry.registry import RecordRegistry
from mlver.records import file_names, layout


@dataclass(frozen=True, slots=True)
class RemarkCounts:
    """`retirements` counts restorations as well: both are records of one chain."""

    noted: int = 0
    retirements: int = 0


def count_remarks(registry: RecordRegistry, models: Iterable[str]) -> RemarkCounts:
    """Count the records of these models, whatever they say."""
    noted = 0
    retirements = 0
    for model in models:
        noted += _count_below(registry, f"{layout.model_folder(model)}/notes")
        retirements += _count_below(registry, layout.attached_folder("retirement", model))
    return RemarkCounts(noted, retirements)


def _count_below(registry: RecordRegistry, folder: str) -> int:
    total = 0
    # A folder that cannot be listed is a finding of another check.
    with suppress(MlverError):
        for name in registry.list_names(folder):
            if file_names.parse_version_name(name) is not None:
                total += len(registry.list_sequences(f"{folder}/{name}"))
    return total
