"""The machine that a version was trained on, as its run tells it, beside the one that is here.

The processor and the kernel of linear algebra that it leads to decide the last digits of a sum, and
so do the number of threads and the GPU.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from mlver.errors import printable_name
from mlver.project.reproducing.request import RecipePart
from mlver.project.reproducing.source_run import SourceRun
from mlver.project.runs.beginning import list_variables
from mlver.project.worktree.environment import find_accelerator
from mlver.records.reproduction import DifferingInput
from mlver.records.run import RunRecord
from mlver.records.version import VersionRecord
from mlver.system.machine import MachineFacts, describe_machine

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class MachineFact:
    """A fact of the machine that trained a version, and the same of this one; None for none.

    `is_recorded`: somebody recorded it, if only that there was none.
    """

    name: str
    recorded: str | None
    found: str | None
    is_recorded: bool = True


def survey_machine(record: VersionRecord, source: SourceRun) -> Iterator[RecipePart]:
    """Say what of the machine is recorded, and whether it is the same here."""
    for fact in _list_hardware(record, source.run, describe_machine()):
        if not fact.is_recorded:
            yield RecipePart.weaker(fact.name, "not recorded; it decides the last digits")
        elif fact.recorded == fact.found:
            yield RecipePart.present(fact.name, fact.recorded or "none")
        else:
            told = f"{fact.recorded or 'none'}; here {fact.found or 'none'}"
            yield RecipePart.weaker(fact.name, f"{told}: the last digits may differ")
    blas = None if source.run is None else source.run.machine.blas
    if blas is None:
        yield RecipePart.weaker("BLAS kernel", "not recorded; it decides the last digits")
    else:
        yield RecipePart.present("BLAS kernel", f"{blas}; it is compared after the training")


def _list_hardware(
    record: VersionRecord, run: RunRecord | None, here: MachineFacts
) -> Iterator[MachineFact]:
    found = _shorten(here.processor)
    if run is None or run.machine.processor is None:
        yield MachineFact("processor", None, found, is_recorded=False)
    else:
        yield MachineFact("processor", _shorten(run.machine.processor), found)
        recorded = " ".join(run.machine.instructions)
        now = " ".join(here.instructions)
        if recorded != now:
            yield MachineFact("instructions", _shorten(recorded), _shorten(now))
        if run.machine.processors != here.processors:
            yield MachineFact("processors", _write(run.machine.processors), str(here.processors))
    if run is not None:
        gpus = _shorten("; ".join(here.accelerators))
        yield MachineFact("GPU", _shorten("; ".join(run.machine.accelerators)), gpus)
        return
    environment = record.environment
    recorded_gpu = None if environment is None else environment.accelerator
    yield MachineFact("GPU", recorded_gpu, find_accelerator(), environment is not None)


def list_machine_inputs(
    record: VersionRecord, run: RunRecord | None, blas: str | None, *, is_identical: bool
) -> list[DifferingInput]:
    """List what of the machine differs; where other bytes came out, also what nobody recorded."""
    facts = list(_list_hardware(record, run, describe_machine()))
    recorded_blas = None if run is None else _shorten(run.machine.blas)
    facts.append(MachineFact("BLAS kernel", recorded_blas, blas, recorded_blas is not None))
    facts += _list_variables(run)
    found: list[DifferingInput] = []
    for fact in facts:
        is_unknown = not fact.is_recorded and fact.found is not None and not is_identical
        if is_unknown or (fact.is_recorded and fact.recorded != fact.found):
            recorded = fact.recorded or ("none" if fact.is_recorded else None)
            found.append(DifferingInput(name=fact.name, recorded=recorded, found=fact.found))
    return found


def _list_variables(run: RunRecord | None) -> Iterator[MachineFact]:
    """The variables on which numbers may depend, as a run recorded them and as they are here."""
    here = list_variables({"PYTHONHASHSEED": "0", **os.environ})
    recorded = {} if run is None else run.variables
    for name in sorted({*here, *recorded}):
        shown = f"variable {printable_name(name)}"
        if run is None and name == "PYTHONHASHSEED":
            continue
        yield MachineFact(shown, recorded.get(name), here.get(name), run is not None)


def _shorten(text: str | None) -> str | None:
    return printable_name(text.strip())[:_LONGEST] or None if text else None


def _write(number: int | None) -> str | None:
    return None if number is None else str(number)
