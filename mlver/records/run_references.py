"""References that hold recorded runs: `refs/mlver/runs/<model>/<UTC time>-<6 hex>`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlver.errors import UsageError
from mlver.names import check_model

RUN_REFERENCES = "refs/mlver/runs"
_RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class RunName:
    """A run of a model, by its ID, such as `20261121T030405Z-1a2b3c`."""

    model: str
    run: str

    @property
    def reference(self) -> str:
        return f"{RUN_REFERENCES}/{self.model}/{self.run}"


def list_run_folder(model: str | None) -> str:
    """The folder of references with the runs of a model, or of all of them."""
    return RUN_REFERENCES if model is None else f"{RUN_REFERENCES}/{model}"


def build_run_id(created: str, digits: str) -> str:
    """Build the ID of a run that began at a time of a record, with six hexadecimal digits."""
    return f"{created.translate(_WITHOUT_SIGNS)}-{digits}"


def parse_run_reference(reference: str) -> RunName | None:
    """Read the name of a run off its reference; None for one that names no run."""
    model, _, run = reference.removeprefix(f"{RUN_REFERENCES}/").rpartition("/")
    if not reference.startswith(f"{RUN_REFERENCES}/") or _RUN_ID.fullmatch(run) is None:
        return None
    try:
        return RunName(check_model(model), run)
    except UsageError:
        return None


_WITHOUT_SIGNS = str.maketrans("", "", "-:")
