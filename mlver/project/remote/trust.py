"""A remote is used after one confirmation by a person on this machine, for each host or directory.

The settings come with the repository: whoever wrote them could have a clone send its models to a
place of theirs, or read from one.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlver.errors import MlverError, shell_command
from mlver.policy.remote_addresses import TrustedPlace
from mlver.project.project import Project
from mlver.project.remote.configured import ConfiguredRemote
from mlver.project.remote.places import find_trust_place
from mlver.project.remote.trusted_places import VARIABLE, is_trusted, trust_places


def require_trusted(
    project: Project,
    remotes: Sequence[ConfiguredRemote],
    *,
    confirmed: bool = False,
    asking: bool = True,
    remember: bool = True,
) -> None:
    """Go on only where the places of these remotes are trusted.

    `confirmed`: the person just did, with `--yes` or by typing the address. Else they are asked,
    where they sit at a terminal, if `asking`. A confirmation is kept, if `remember`. Raise
    MlverError where nobody confirms.
    """
    new: dict[TrustedPlace, ConfiguredRemote] = {}
    for remote in remotes:
        place = find_trust_place(project, remote)
        if not is_trusted(place):
            new.setdefault(place, remote)
    for place, remote in new.items():
        if confirmed:
            continue
        if not asking or not project.reporter.ask_person(_build_question(place, remote)):
            raise _build_refusal(place, remote)
    if new and remember:
        trust_places(list(new))


def _build_question(place: TrustedPlace, remote: ConfiguredRemote) -> str:
    return (
        f"This repository names the remote {remote.name}: {remote.shown_address}\n"
        f"Nobody on this machine has confirmed {place.text} yet. Use it, now and later?"
    )


def _build_refusal(place: TrustedPlace, remote: ConfiguredRemote) -> MlverError:
    return MlverError(
        f"the remote {remote.name} ({remote.shown_address}) was named by this repository,"
        f" and nobody on this machine has confirmed {place.text};"
        f" look at it and confirm it, or set {VARIABLE}={place.text}",
        hint=shell_command("mlver", "remote", "show", remote.name, "--yes"),
    )
