"""The table at the end: every campaign with its points, the faults that came, what was lost, and what is red."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict

import pytest

from tests.faults.campaign import Tally
from tests.faults.campaigns import TITLES

Record = Callable[[str, Tally], None]
_MARK = "campaign: "


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Record:
    """Enter a campaign's tally into the table at the end."""

    def enter(name: str, tally: Tally) -> None:
        record_property(f"{_MARK}{name}", {**asdict(tally), "red": len(tally.red)})

    return enter


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, told in getattr(report, "user_properties", ()):
                if name.startswith(_MARK):
                    for key, value in told.items():
                        sums[name.removeprefix(_MARK)][key] += value
    if not sums:
        return
    terminalreporter.section("faults")
    columns = ("points", "fired", "lost", "red")
    terminalreporter.write_line(f"{'campaign':36}" + "".join(f"{column:>9}" for column in columns))
    for name in sorted(sums, key=list(TITLES).index if sums.keys() <= TITLES.keys() else str):
        line = f"{TITLES.get(name, name):36}" + "".join(f"{sums[name][column]:9.0f}" for column in columns)
        terminalreporter.write_line(line)
