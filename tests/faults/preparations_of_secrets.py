"""Repositories in which somebody is about to register what is secret, or to pin data."""

from __future__ import annotations

from tests.faults.ground import WorkPlace
from tests.faults.preparations import (
    FIRST,
    prepare_born,
    prepare_changed,
    prepare_registered,
)

# Whoever has the private key to it was never asked to keep it.
READER = "age1cskth8hvf84qg64zywsh2careythdvt530650m5uh32zwgedz3wq4xrcyw"
SECRET = "hunter2-and-more"
_ENCRYPT = f"""\
encrypt:
  params: [db.password]
  artifacts: [weights]
  recipients: [{READER}]
"""


def prepare_secret(place: WorkPlace) -> None:
    """Weights and a param that nobody else may read are about to be registered."""
    prepare_changed(place)
    _say_secret(place)
    place.write("params.yaml", f"lr: 0.1\ndb:\n  password: {SECRET}\n")


def prepare_encrypted(place: WorkPlace) -> None:
    """Weights that are encrypted since the version before are about to be registered again.

    What is encrypted anew has other bytes each time, which no campaign can compare.
    """
    prepare_born(place)
    _say_secret(place)
    place.mlver(*FIRST)
    place.write("data/1.txt", "another row\n" * 30)


def _say_secret(place: WorkPlace) -> None:
    with (place.path / ".mlver/config.yaml").open("a") as settings:
        settings.write(_ENCRYPT)
    with (place.path / ".gitignore").open("a") as ignored:
        ignored.write("/params.yaml\n")
    place.commit("What is secret")


def prepare_unpinned(place: WorkPlace) -> None:
    """A data set is about to be pinned."""
    prepare_registered(place)
    place.write("golden.csv", "row\n" * 500)
    place.commit("An exam")
