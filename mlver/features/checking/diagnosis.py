"""What doctor says of each thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlver.findings import Finding

DiagnosisLevel = Literal["remark", "wrong"]


@dataclass(frozen=True, slots=True)
class PassedCheck:
    """Something that was looked at and is as it should be."""

    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A finding, and what it means here: a `remark` is worth knowing, and only what is `wrong`
    makes doctor say no.

    `fixable`: `--fix` can fix it; `fixed`: it just did.
    """

    finding: Finding
    level: DiagnosisLevel
    fixable: bool = False
    fixed: bool = False


DoctorCheck = PassedCheck | Diagnosis
