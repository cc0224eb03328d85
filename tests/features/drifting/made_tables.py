"""Tables of made-up people, in which income can move."""

from __future__ import annotations

import json
import random

HEADER = "id,age,income,city,joined"
CITIES = ("Bern", "Basel", "Chur")


def make_rows(seed: int, *, shift: float = 0.0, count: int = 400) -> list[dict[str, object]]:
    """So many rows; `shift` moves the income by standard deviations."""
    chance = random.Random(seed)
    rows: list[dict[str, object]] = []
    for number in range(count):
        rows.append(
            {
                "id": f"k{seed}-{number}",
                "age": chance.randint(18, 90),
                "income": round(chance.gauss(50, 10) + 10 * shift, 3),
                "city": chance.choice(CITIES),
                "joined": f"2026-01-{chance.randint(1, 28):02}",
            }
        )
    return rows


def write_rows(seed: int, *, shift: float = 0.0, count: int = 400) -> str:
    """The same as CSV."""
    rows = make_rows(seed, shift=shift, count=count)
    lines = [",".join(map(str, row.values())) for row in rows]
    return "\n".join([HEADER, *lines]) + "\n"


def write_json_lines(seed: int, *, shift: float = 0.0, count: int = 400) -> str:
    """The same as JSON Lines."""
    rows = make_rows(seed, shift=shift, count=count)
    return "".join(json.dumps(row) + "\n" for row in rows)
