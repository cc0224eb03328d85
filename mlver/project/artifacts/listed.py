"""Data at an address: whether what is kept of it here, its listing and its manifest, agree."""

from __future__ import annotations

from collections.abc import Iterator

from mlver.errors import MlverError, printable_name, shell_command, summarise_error
from mlver.findings import Finding
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord


def find_claims(record: VersionRecord) -> Iterator[Finding]:
    """Say which data sets of a version have checksums that only a server claims."""
    for name, artifact in record.data.items():
        if artifact.claimed:
            message = (
                f"the checksums of its {name} at {printable_name(artifact.path)} are claimed by the"
                " server, not proven"
            )
            ref = f"{record.model}@{record.version}"
            verify = shell_command("mlver", "verify", ref, "--remote-data")
            yield Finding("unconfirmed", record.record_path, message, (verify,))


def find_listing_faults(project: Project, subject: str, artifact: Artifact) -> Iterator[Finding]:
    """Say what is wrong with the listing that an artifact names.

    It has to be there, to hash to its name, to be of the same address, and to make the manifest
    that the record pins, with the same size and number of files, and the same claims of a server.
    """
    assert artifact.listing is not None
    path = layout.listing_path(artifact.listing)
    try:
        listing = project.registry.read_listing(artifact.listing)
    except MlverError as error:
        message = summarise_error(error, subject)
        yield Finding("manifest", subject, message, error.hints)
        return
    look = shell_command("git", "log", "-p", "--", path)
    if listing.url != artifact.path:
        message = f"{path} lists {printable_name(listing.url)}, and not {artifact.path}"
        yield Finding("manifest", subject, message, (look,))
    elif listing.manifest.digest != artifact.digest:
        message = f"{path} makes another manifest than the record pins"
        yield Finding("manifest", subject, message, (look,))
    elif (listing.size, len(listing.objects)) != (artifact.size, artifact.files):
        message = f"{path} has another size or number of objects than the record says"
        yield Finding("manifest", subject, message, (look,))
    elif listing.claims != artifact.claimed:
        message = f"{path} has other checksums that are only claimed than the record says"
        yield Finding("manifest", subject, message, (look,))
