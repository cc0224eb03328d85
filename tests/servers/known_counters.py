"""What Prometheus knows when it starts: counters of two hours, in the OpenMetrics format."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.conftest import NOW_EPOCH

# Two hours up to the time that the tests have by their clock.
_END = int(NOW_EPOCH)
_START = _END - 7_200
# So far apart are the scrapes of what the server knows already.
_SCRAPE_S = 30
Grow = Callable[[int], float | None]


def make_history() -> bytes:
    """Make what a server knows: in each stage, 1.1.0 and 1.0.0 did something else."""
    baseline: dict[tuple[str, str], Grow] = {
        ("1.0.0", "ok"): lambda n: 1_000 + n * 891,
        ("1.0.0", "error"): lambda n: 7 + n * 9,
    }
    candidates: dict[str, dict[tuple[str, str], Grow]] = {
        "good": {("1.1.0", "ok"): lambda n: n * 99, ("1.1.0", "error"): lambda n: n},
        "bad": {("1.1.0", "ok"): lambda n: n * 80, ("1.1.0", "error"): lambda n: n * 20},
        # The process was started anew after 40 scrapes, and counts from 0.
        "reset": {
            ("1.1.0", "ok"): lambda n: (n if n < 40 else n - 40) * 100,
            ("1.1.0", "error"): lambda n: 0,
        },
        "stale": {
            ("1.1.0", "ok"): lambda n: n * 99 if n < 200 else None,
            ("1.1.0", "error"): lambda n: n if n < 200 else None,
        },
        "missing": {},
        "nan": {("1.1.0", "ok"): lambda n: float("nan"), ("1.1.0", "error"): lambda n: n},
    }
    lines = ["# TYPE mlver_predictions counter\n"]
    for stage, candidate in candidates.items():
        lines += _write_counters(stage, candidate | baseline)
    return "".join([*lines, "# EOF\n"]).replace(" nan ", " NaN ").encode()


def _write_counters(stage: str, grow: dict[tuple[str, str], Grow]) -> Iterator[str]:
    """Write a counter for each version and outcome, at each scrape of two hours."""
    for (version, outcome), value in grow.items():
        labels = f'model="digits",version="{version}",stage="{stage}",outcome="{outcome}"'
        for number in range((_END - _START) // _SCRAPE_S + 1):
            counted = value(number)
            if counted is not None:
                moment = _START + number * _SCRAPE_S
                yield f"mlver_predictions_total{{{labels}}} {counted} {moment}\n"
