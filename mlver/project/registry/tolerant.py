"""For commands that only look: one record that cannot be read does not hide the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from mlver.digest import Digest
from mlver.errors import MlverError, summarise_error
from mlver.project.registry.attached import find_retirement, list_retired
from mlver.project.registry.registry import RecordRegistry
from mlver.records.promotion import PromotionRecord

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
            self._faults.append(summarise_error(error))
            return None

    def read_holders(self, registry: RecordRegistry, model: str) -> dict[str, str]:
        """The version that each stage of a model holds, by stage.

        A stage whose last promotion cannot be read is left out.
        """
        holdings = self.read_holdings(registry, model)
        return {stage: record.version for stage, (record, _) in holdings.items()}

    def read_holdings(
        self, registry: RecordRegistry, model: str
    ) -> dict[str, tuple[PromotionRecord, Digest]]:
        """The promotion that decides each stage, with the digest of its bytes, by stage."""
        holdings: dict[str, tuple[PromotionRecord, Digest]] = {}
        for stage in registry.list_stages(model):
            holding = self.try_reading(registry.find_holding, model, stage)
            if holding is not None:
                holdings[stage] = holding
        return holdings

    def read_retired(self, registry: RecordRegistry, model: str) -> dict[str, str]:
        """Why each retired version of a model is, by version; one that cannot be read hides no
        other.
        """
        retired: dict[str, str] = {}
        for number in self.try_reading(list_retired, registry, model) or ():
            record = self.try_reading(find_retirement, registry, model, number)
            if record is not None:
                retired[number] = record.reason
        return retired
