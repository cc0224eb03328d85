"""What `mlver verify --remote-data` says of data at an address: all of its bytes are read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mlver.errors import MlverError, shell_command, summarise_error, summarise_names
from mlver.findings import Finding
from mlver.project.artifacts.damage import DamageReport
from mlver.project.artifacts.elsewhere.holding import UnstoredArtifact
from mlver.project.audit import audit
from mlver.project.listings.checkpoint import HASHING, HashingCheckpoint
from mlver.project.listings.executors import ExecutorChoice
from mlver.project.listings.hashing import HashRequest, hash_pinned, hash_prefix
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.listing import HashedObject, ListedObject, PrefixListing
from mlver.records.version import VersionRecord

_FAULTS_SHOWN = 8
# What was found, by key and version; the version is empty where none was pinned.
_FoundObjects = Mapping[tuple[str, str], HashedObject]


@dataclass(frozen=True, slots=True)
class RemoteDataReport:
    """What was found wrong. `read`, as `MODEL@VERSION NAME`, are the data sets that were read
    again, and `objects` how many objects that were.
    """

    findings: tuple[Finding, ...] = ()
    read: frozenset[str] = frozenset()
    objects: int = 0


@dataclass(slots=True)
class _PinnedPrefix:
    """What versions pin at one address: the listing of each data set, by `MODEL@VERSION NAME`."""

    listings: dict[str, PrefixListing] = field(default_factory=dict)

    def list_keys(self) -> frozenset[str]:
        """The objects of which no version is pinned: what is there now counts."""
        keys: set[str] = set()
        for listing in self.listings.values():
            keys.update(item.key for item in listing.objects if not item.version)
        return frozenset(keys)

    def list_versions(self) -> list[ListedObject]:
        """The very versions of objects that are pinned, each of them once."""
        versions: dict[ListedObject, None] = {}
        for listing in self.listings.values():
            for item in listing.objects:
                if item.version:
                    versions[item.listed] = None
        return list(versions)


def check_remote_data(
    project: Project, versions: Iterable[VersionRecord], chosen: ExecutorChoice
) -> RemoteDataReport:
    """Read again what these versions pin by a listing, and compare it.

    What cannot be read is a finding: nobody can say that it is whole. Raise UsageError for an
    executor that cannot be used.
    """
    chosen.check_choice()
    prefixes, findings = _list_prefixes(project, versions)
    read: set[str] = set()
    count = 0
    for url, pinned in prefixes.items():
        try:
            objects = _read_prefix(project, url, pinned, chosen)
        except MlverError as error:
            message = f"was not read: {summarise_error(error)}"
            findings += [
                Finding("object", owner, message, error.hints) for owner in pinned.listings
            ]
            continue
        count += len(objects)
        read.update(pinned.listings)
        for owner, listing in pinned.listings.items():
            findings += _compare_objects(owner, listing, objects)
    return RemoteDataReport(tuple(findings), frozenset(read), count)


def _list_prefixes(
    project: Project, versions: Iterable[VersionRecord]
) -> tuple[dict[str, _PinnedPrefix], list[Finding]]:
    """What is pinned at each address, and the listings that cannot be read."""
    findings: list[Finding] = []
    prefixes: dict[str, _PinnedPrefix] = {}
    for record in versions:
        for name, artifact in record.data.items():
            if artifact.listing is None:
                continue
            try:
                listing = project.registry.read_listing(artifact.listing)
            except MlverError as error:
                path = layout.listing_path(artifact.listing)
                findings.append(audit.describe_failure(path, error))
                continue
            owner = f"{record.model}@{record.version} {name}"
            prefixes.setdefault(artifact.path, _PinnedPrefix()).listings[owner] = listing
    return prefixes, findings


def count_read(contents: DamageReport, report: RemoteDataReport) -> DamageReport:
    """What is damaged here, without the remarks that these data sets were not read."""
    unread: list[UnstoredArtifact] = []
    settled: list[Finding] = []
    for artifact in contents.unstored:
        if f"{artifact.owner} {artifact.name}" in report.read:
            settled.append(artifact.finding)
        else:
            unread.append(artifact)
    notes = tuple(note for note in contents.notes if note not in settled)
    return replace(contents, unstored=tuple(unread), notes=notes)


def _read_prefix(
    project: Project, url: str, pinned: _PinnedPrefix, chosen: ExecutorChoice
) -> _FoundObjects:
    """Hash what is pinned of a prefix, whatever was hashed before."""
    if not HashingCheckpoint.has_noted(project.state_directory / HASHING, url):
        raise MlverError(
            "this repository names the address, and nobody has typed it here yet; type it once to"
            " have it read with your credentials",
            hint=shell_command("mlver", "hash", url),
        )
    keys, versions = pinned.list_keys(), pinned.list_versions()
    found = hash_pinned(url, versions, chosen, project.reporter)
    there = {(item.key, item.version): item for item in found}
    if keys:
        request = HashRequest(url=url, everything=True, chosen=chosen, keys=keys)
        for item in hash_prefix(request, project.reporter).objects:
            there[item.key, ""] = item
    return there


def _compare_objects(owner: str, listing: PrefixListing, found: _FoundObjects) -> list[Finding]:
    faults: list[str] = []
    for item in listing.objects:
        known = found.get((item.key, item.version))
        if known is None and item.version:
            faults.append(f"{item.key} is gone in version {item.version}, which was pinned")
        elif known is None:
            faults.append(f"{item.key} is gone")
        elif known.sha256 != item.sha256:
            faults.append(f"{item.key} has other bytes than were pinned")
    if not faults:
        return []
    message = f"is damaged at {listing.url}:\n{summarise_names(faults, _FAULTS_SHOWN)}"
    return [Finding("object", owner, message)]
