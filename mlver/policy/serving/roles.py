"""The roles of a target, and what a server keeps loaded besides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mlver.digest import Digest
from mlver.policy.serving.served import ServedTarget, ServedVersion

STABLE = "stable"
CANARY = "canary"


def list_roles(target: ServedTarget) -> dict[str, ServedVersion]:
    """The versions that have a role, by role."""
    roles = {STABLE: target.stable, CANARY: target.canary}
    return {role: version for role, version in roles.items() if version is not None}


def list_versions(target: ServedTarget) -> list[ServedVersion]:
    """All that a target serves, each version once, the lowest first."""
    versions = {version.version: version for version in _iterate_versions(target)}
    return [versions[number] for number in sorted(versions)]


def _iterate_versions(target: ServedTarget) -> Iterator[ServedVersion]:
    yield from target.kept
    yield from list_roles(target).values()


def keep_former(former: ServedTarget | None, target: ServedTarget) -> ServedTarget:
    """Keep loaded what had the roles before, so that going back takes no loading.

    It stays until the roles move again; nothing stays where no version has a role any more.
    `former` is what was deployed last, with what it kept.
    """
    if former is None or not list_roles(target):
        return target
    if _identify_roles(former) == _identify_roles(target):
        earlier = former.kept
    else:
        earlier = tuple(list_roles(former).values())
    present = {version.version for version in _iterate_versions(target)}
    added = {version.version: version for version in earlier if version.version not in present}
    return replace(target, kept=(*target.kept, *added.values()))


def _identify_roles(target: ServedTarget) -> dict[str, Digest]:
    return {role: version.record for role, version in list_roles(target).items()}
