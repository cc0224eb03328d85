"""What versions were found to be worth after they were registered, for lists and plots."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.registry.registry import RecordRegistry
from mlver.project.registry.tolerant import TolerantReader
from mlver.records import layout


@dataclass(frozen=True, slots=True)
class EvaluatedReader:
    """Reads the metrics of a model's evaluations; `evaluated` are the versions that have any."""

    registry: RecordRegistry
    model: str
    evaluated: Collection[str]
    pins: Mapping[str, Digest]
    reader: TolerantReader

    @classmethod
    def open_model(
        cls, registry: RecordRegistry, model: str, reader: TolerantReader
    ) -> EvaluatedReader:
        evaluated = frozenset(registry.list_names(layout.attached_folder("evaluation", model)))
        pins: dict[str, Digest] = {}
        if evaluated:
            # Settings that cannot be read are for those to name who need what they say.
            with suppress(MlverError):
                datasets = registry.read_shown_config().datasets
                pins = {name: pin.digest for name, pin in datasets.items()}
        return cls(registry, model, evaluated, pins, reader)

    def read_metrics(self, version: str, record: Digest) -> dict[str, float]:
        """Read a version's metrics on each data set, named as in `accuracy@golden`."""
        if version not in self.evaluated:
            return {}
        # imported here: most versions have none
        from mlver.policy.evaluated_metrics import choose_evaluations, name_metrics

        history = self.reader.try_reading(self.registry.read_evaluations, self.model, version)
        return name_metrics(choose_evaluations(history or (), record, self.pins))
