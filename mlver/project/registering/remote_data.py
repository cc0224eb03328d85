"""Data sets at an address: hashed where they are, before the lock is taken: it may take hours."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.hashing.measure import MeasuredArtifact
from mlver.project.project import Project
from mlver.project.registering.inputs import merge_settings
from mlver.project.registering.request import RegisterRequest, list_options
from mlver.records.addresses import is_url
from mlver.records.model import ArtifactSettings

if TYPE_CHECKING:
    from mlver.project.listings.executors import ExecutorChoice
    from mlver.records.listing import HashedObject, PrefixListing


@dataclass(frozen=True, slots=True)
class RemoteData:
    """What was found at each address, by the name of the data set."""

    found: Mapping[str, MeasuredArtifact] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)

    def take_measured(self, name: str, artifact: ArtifactSettings) -> MeasuredArtifact:
        """What was found for a data set; raise MlverError where its address changed meanwhile."""
        if self.addresses.get(name) != artifact.path:
            raise MlverError(
                f"the address of {name} was changed while its objects were hashed; run the same"
                " command again"
            )
        return self.found[name]


def hash_remote_data(
    project: Project, request: RegisterRequest, only: Container[str] | None = None
) -> RemoteData:
    """Hash the data sets that lie at an address, those of the names `only` if given.

    Raise UsageError or MlverError as `hash_prefix` does, and where a listing is of something else.
    """
    known = project.registry.read_settings(request.model)
    artifacts = {} if known is None else known.named_artifacts
    is_any = any(map(is_url, request.data.values()))
    is_any = is_any or any(artifact.is_remote for artifact in artifacts.values())
    if not is_any and not request.listings:
        return RemoteData()
    settings = merge_settings(project, request)
    remote: dict[str, ArtifactSettings] = {}
    for name, artifact in settings.data.items():
        if artifact.is_remote and (only is None or name in only):
            remote[name] = artifact
    _refuse_unused_listings(request, remote)
    found: dict[str, MeasuredArtifact] = {}
    for name, artifact in remote.items():
        if name in request.listings:
            found[name] = _read_given(project, request, name, artifact.path)
        else:
            found[name] = _hash_data(project, request, name, artifact.path)
    addresses = {name: artifact.path for name, artifact in remote.items()}
    return RemoteData(found, addresses)


def _refuse_unused_listings(
    request: RegisterRequest, remote: Mapping[str, ArtifactSettings]
) -> None:
    for name in request.listings:
        if name not in remote:
            raise UsageError(
                f"--listing names `{name}`, which is no data set at an address; add --data"
                f" {name}=s3://…"
            )


def _read_given(
    project: Project, request: RegisterRequest, name: str, url: str
) -> MeasuredArtifact:
    from mlver.project.listings.files import read_listing

    path = project.start / request.listings[name]
    listing = read_listing(path)
    if listing.url != url:
        raise MlverError(
            f"{printable_name(str(path))} lists {printable_name(listing.url)}, and {name} is at"
            f" {printable_name(url)}",
            hint=shell_command("mlver", "hash", url, "-o", path),
        )
    return describe_listing(listing, reused=len(listing.objects))


def _hash_data(project: Project, request: RegisterRequest, name: str, url: str) -> MeasuredArtifact:
    from mlver.project.listings.checkpoint import HASHING, HashingCheckpoint
    from mlver.project.listings.hashing import HashRequest, hash_prefix

    folder = project.state_directory / HASHING
    if name not in request.data and not HashingCheckpoint.has_noted(folder, url):
        raise _build_untyped_error(request, name, url)
    hashing = HashRequest(
        url=url,
        everything=request.hash_all,
        trust_claims=request.trust_claims,
        chosen=_choose_executor(request),
        # a dry run writes nothing
        folder=None if request.dry_run else folder,
        known=_read_known(project, request, name, url),
    )
    found = hash_prefix(hashing, project.reporter)
    if found.checkpoint is not None:
        found.checkpoint.drop_older()
    return describe_listing(found.to_listing(), reused=found.reused)


def _build_untyped_error(request: RegisterRequest, name: str, url: str) -> MlverError:
    """The error for an address that only a file of the repository names: it may be anybody's.

    What is there would be read with the credentials of this user.
    """
    again = replace(request, data={**request.data, name: url})
    words = ["mlver", "register", request.model, *list_options(again), "-m", request.message]
    return MlverError(
        f"{name} lies at {printable_name(url)}, says the repository, and nobody has typed that"
        " here yet; type it once to have it read with your credentials",
        hint=shell_command(*words),
    )


def _choose_executor(request: RegisterRequest) -> ExecutorChoice:
    from mlver.project.listings.executors import ExecutorChoice

    return ExecutorChoice(request.executor, request.scheduler)


def _read_known(
    project: Project, request: RegisterRequest, name: str, url: str
) -> tuple[HashedObject, ...]:
    """What the highest version with this data set pinned there."""
    for number in reversed(project.registry.list_versions(request.model)):
        try:
            record, _ = project.registry.read_version(request.model, number)
            pinned = record.data.get(name)
            if pinned is not None and pinned.listing is not None and pinned.path == url:
                return project.registry.read_listing(pinned.listing).objects
        except MlverError:
            # `verify` says what is wrong with it; everything is read again then
            return ()
    return ()


def describe_listing(listing: PrefixListing, *, reused: int) -> MeasuredArtifact:
    """A listing as what a record pins; `reused` of its digests were not read now."""
    return MeasuredArtifact(
        digest=listing.manifest.digest,
        size=listing.size,
        files=len(listing.objects),
        manifest=listing.manifest.to_bytes(),
        listing=listing.to_bytes(),
        reused=reused,
        claimed=listing.claims,
        unproven=listing.claimed,
    )


def pin_listing(measured: MeasuredArtifact) -> Digest | None:
    """The digest of the listing that a record names; None for what lies here."""
    return None if measured.listing is None else Digest.of_bytes(measured.listing)
