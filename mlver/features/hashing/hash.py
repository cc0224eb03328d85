"""`mlver hash`: a listing of a remote prefix with a SHA-256 an object, or one shard of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.project.listings import files
from mlver.project.listings.checkpoint import HASHING
from mlver.project.listings.executors import ExecutorChoice
from mlver.project.listings.hashing import HashedPrefix, HashRequest, hash_prefix
from mlver.project.project import Project
from mlver.project.reporter import Reporter
from mlver.records.addresses import check_url, is_url
from mlver.records.listing import PrefixListing, Shard, ShardListing, parse_shard


@dataclass(frozen=True, slots=True)
class HashResult:
    """`digest` is that of the manifest, and `listing` that of the listing; None for a shard.

    `hashed` objects were read now; `reused` ones were done before, and have the same size, etag and
    version still. Of all, `claimed` ones have a SHA-256 that only the server claims. `output` is
    the file that was written.
    """

    url: str
    shard: str | None
    digest: str | None
    listing: str | None
    objects: int
    size: int
    hashed: int
    reused: int
    claimed: int
    output: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HashOptions:
    """What the command line says. `places` are a URL or a folder, or files of shards to `merge`."""

    places: Sequence[str]
    shard: str | None = None
    merge: bool = False
    everything: bool = False
    trust_claims: bool = False
    output: str | None = None
    chosen: ExecutorChoice = field(default_factory=ExecutorChoice)


def hash_place(start: Path, reporter: Reporter, options: HashOptions) -> HashResult:
    """Hash a prefix or merge shards; raise UsageError or MlverError.

    It works in a repository and outside of one. `start` is where the person stands.
    """
    output = None if options.output is None else start / options.output
    if options.merge:
        if options.shard is not None or options.everything:
            raise UsageError("--merge reads files only, so it goes with neither --shard nor --all")
        if options.trust_claims:
            raise UsageError("--merge reads files only, so there are no claims to trust")
        merged = files.merge_shards([start / place for place in options.places])
        return _write_listing(merged, output, hashed=0, reused=len(merged.objects))
    if len(options.places) != 1:
        raise UsageError("hash takes one address or folder; several files go with --merge")
    url = _find_url(start, options.places[0])
    shard = None if options.shard is None else parse_shard(options.shard)
    if shard is not None and output is None:
        raise UsageError("a shard is merged with others, so it needs a file: give -o FILE")
    request = HashRequest(
        url=url,
        shard=shard,
        everything=options.everything,
        trust_claims=options.trust_claims,
        chosen=options.chosen,
        folder=_find_folder(start, reporter, output),
        known=files.read_known(output, url),
    )
    found = hash_prefix(request, reporter)
    if shard is None:
        result = _write_listing(
            found.to_listing(), output, hashed=found.hashed, reused=found.reused
        )
    else:
        assert output is not None
        result = _write_shard(found, shard, output)
    _drop_checkpoint(found, output, is_shard=shard is not None)
    return result


def _find_url(start: Path, place: str) -> str:
    """The address; that of a folder is where it really is, since workers stand elsewhere.

    Raise UsageError for a file: its digest is what sha256sum says, and needs no listing.
    """
    if is_url(place):
        return check_url(place)
    folder = (start / place).resolve()
    if folder.is_file():
        raise UsageError(
            f"{printable_name(place)} is a file, and hash lists what is in a folder or at an"
            " address",
            hint=shell_command("sha256sum", "--", place),
        )
    return check_url(folder.as_uri())


def _name_beside(output: Path) -> Path:
    return output.with_name(f"{output.name}.{HASHING}")


def _find_folder(start: Path, reporter: Reporter, output: Path | None) -> Path | None:
    """Where the checkpoints lie: in the repository, or beside the output."""
    try:
        project = Project.find_from(start, reporter)
    except MlverError:
        return None if output is None else _name_beside(output)
    return project.state_directory / HASHING


def _drop_checkpoint(found: HashedPrefix, output: Path | None, *, is_shard: bool) -> None:
    """Remove what is not needed any more. In a repository other shards may be at work."""
    checkpoint = found.checkpoint
    if checkpoint is None:
        return
    if output is not None and checkpoint.folder.parent == _name_beside(output):
        checkpoint.drop_all()
    elif not is_shard:
        checkpoint.drop_older()


def _write_listing(
    listing: PrefixListing, output: Path | None, *, hashed: int, reused: int
) -> HashResult:
    if output is not None:
        files.write_file(output, listing)
    return HashResult(
        url=listing.url,
        shard=None,
        digest=str(listing.manifest.digest),
        listing=str(Digest.of_bytes(listing.to_bytes())),
        objects=len(listing.objects),
        size=listing.size,
        hashed=hashed,
        reused=reused,
        claimed=listing.claimed,
        output=None if output is None else str(output),
    )


def _write_shard(found: HashedPrefix, shard: Shard, output: Path) -> HashResult:
    files.write_file(output, ShardListing(found.url, shard, str(found.seen), found.objects))
    return HashResult(
        url=found.url,
        shard=str(shard),
        digest=None,
        listing=None,
        objects=len(found.objects),
        size=sum(item.size for item in found.objects),
        hashed=found.hashed,
        reused=found.reused,
        claimed=found.claimed,
        output=str(output),
    )
