"""How repositories are before commands that look into tables and keep what they found."""

from __future__ import annotations

from tests.faults.ground import WorkPlace
from tests.faults.preparations import FIRST, prepare_born

_ROWS = 250


def make_table(step: int, offset: float) -> str:
    """Rows in which nothing moves with another `step`, and none is that of another `offset`."""
    lines = ["x,y"]
    lines += [f"{place * step % 101 + offset},{place * 13 % 97}" for place in range(_ROWS)]
    return "\n".join(lines) + "\n"


def prepare_served(place: WorkPlace) -> None:
    """One version, trained on a table whose profile is kept, and a table of what it is served."""
    prepare_born(place)
    with (place.path / ".mlver/config.yaml").open("a") as settings:
        settings.write("insight: {profiles: true}\n")
    place.write("train.csv", make_table(7, 0.0))
    place.write("live.csv", make_table(11, 0.25))
    place.commit("Keep profiles")
    table = [word.replace("train=data", "train=train.csv") for word in FIRST]
    place.mlver(*table)


def prepare_new_rows(place: WorkPlace) -> None:
    """The same with other rows in the table that the next version is trained on."""
    prepare_served(place)
    place.write("model.bin", b"other weights\n" * 200)
    place.write("train.csv", make_table(17, 0.5))
