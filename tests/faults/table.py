"""The table at the end: each campaign with its points, its faults, what was lost, what is red.

Where all campaigns were run, one that tried fewer points than it promises fails the run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict

import pytest

from tests.faults.campaign import CampaignTally
from tests.faults.campaigns import TITLES, wanted_points, why_impossible

Record = Callable[[str, CampaignTally], None]
_MARK = "campaign: "
# What a column of the table says, and the sum that it shows.
_COLUMNS = {"tried": "points", "of": "total", "fired": "fired", "lost": "lost", "red": "red"}


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Record:
    """Enter a campaign's tally into the table at the end."""

    def enter(name: str, tally: CampaignTally) -> None:
        record_property(f"{_MARK}{name}", {**asdict(tally), "red": len(tally.red)})

    return enter


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Show the table, also where the tests ran in workers.

    It has an effect only in the process that collects their reports.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if (
        reporter is not None
        and _list_shortfalls(_sum_tallies(reporter), session.config)
        and not session.exitstatus
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    sums = _sum_tallies(terminalreporter)
    if not sums:
        return
    least = wanted_points(long=config.getoption("--long"))
    terminalreporter.section("faults")
    heads = "".join(f"{column:>9}" for column in ("wanted", *_COLUMNS, "CPU s"))
    terminalreporter.write_line(f"{'campaign':36}{heads}")
    for name in sorted(sums, key=list(TITLES).index):
        numbers = [
            least[name],
            *(sums[name][column] for column in _COLUMNS.values()),
            sums[name]["processor"],
        ]
        cells = "".join(f"{number:9.0f}" for number in numbers)
        terminalreporter.write_line(f"{TITLES[name]:36}{cells}")
    for line in _list_shortfalls(sums, config):
        terminalreporter.write_line(line, red=True)


def _sum_tallies(reporter: pytest.TerminalReporter) -> dict[str, dict[str, float]]:
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for outcome in ("passed", "failed"):
        for report in reporter.getreports(outcome):
            for name, told in getattr(report, "user_properties", ()):
                if name.startswith(_MARK):
                    for key, value in told.items():
                        sums[name.removeprefix(_MARK)][key] += value
    return sums


def _list_shortfalls(sums: dict[str, dict[str, float]], config: pytest.Config) -> list[str]:
    """What falls short of its promise; nothing where only some tests were asked for."""
    some = (
        config.option.keyword
        or config.option.markexpr
        or any("::" in asked for asked in config.args)
    )
    if some or not sums or sums.keys() < {name for name in TITLES if not why_impossible(name)}:
        return []
    least = wanted_points(long=config.getoption("--long"))
    return [
        f"{TITLES[name]}: {sums[name]['points']:.0f} points, and {least[name]} are wanted"
        for name in TITLES
        if sums[name]["points"] < least[name] and not why_impossible(name)
    ]
