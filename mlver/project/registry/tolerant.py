"""For commands that only look: one record that cannot be read does not hide the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from mlver.errors import MlverError
from mlver.project.registry.registry import RecordRegistry

_Read = TypeVar("_Read")
_Arguments = ParamSpec("_Arguments")


class TolerantReader:
    """Calls methods that read records; `faults` are the reasons why some could not be read."""

    def __init__(self) -> None:
        self._faults: list[str] = []

    @property
    def faults(self) -> tuple[str, ...]:
        return tuple(self._faults)

    def try_reading(
        self,
        read: Callable[_Arguments, _Read],
        *arguments: _Arguments.args,
        **options: _Arguments.kwargs,
    ) -> _Read | None:
        """What `read` returns; None where it fails."""
        try:
            return read(*arguments, **options)
        except MlverError as error:
            self._faults.append(error.message)
            return None

    def read_holders(self, registry: RecordRegistry, model: str) -> dict[str, str]:
        """The version that each stage of a model holds, by stage.

        A stage whose last promotion cannot be read is left out.
        """
        holders = {}
        for stage in registry.list_stages(model):
            record = self.try_reading(registry.find_holder, model, stage)
            if record is not None:
                holders[stage] = record.version
        return holders
