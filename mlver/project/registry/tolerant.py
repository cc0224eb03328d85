"""For commands that only look: what can be read is told, and one record that cannot does not hide the rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from mlver.errors import MlverError
from mlver.project.registry.registry import RecordRegistry

_Read = TypeVar("_Read")


def read_or_note(ask: Callable[[], _Read], faults: list[str]) -> _Read | None:
    """What `ask` answers; None, with the reason among `faults`, where it cannot be read."""
    try:
        return ask()
    except MlverError as error:
        faults.append(error.message)
        return None


def read_holders(registry: RecordRegistry, model: str, faults: list[str]) -> dict[str, str]:
    """The version each stage of a model holds, by stage; without those whose last promotion cannot be read."""
    found = {}
    for stage in registry.list_stages(model):
        record = read_or_note(partial(registry.find_holder, model, stage), faults)
        if record is not None:
            found[stage] = record.version
    return found
