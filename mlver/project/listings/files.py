"""Listings and shards in files of the person's own, written by `mlver hash -o`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mlver.errors import MlverError, UsageError, printable_name, refusal_error, shell_command
from mlver.records.byte_limits import LISTING_LIMIT
from mlver.records.listing import (
    SHARD_SCHEMA,
    HashedObject,
    PrefixListing,
    ShardListing,
)
from mlver.system import durable
from mlver.system.regular import read_regular

_HEAD = f'{{"schema": "{SHARD_SCHEMA}"'.encode()


def read_file(path: Path) -> PrefixListing | ShardListing:
    """Read a listing or a shard of one.

    Raise MlverError where that cannot be done, InvalidDocument where it is neither.
    """
    name = printable_name(str(path))
    try:
        data = read_regular(path, LISTING_LIMIT + 1, follow=True)
    except OSError as error:
        raise refusal_error(f"reading {name}", error, outcome="") from error
    if len(data) > LISTING_LIMIT:
        raise MlverError(f"{name} is larger than any listing")
    if data.startswith(_HEAD):
        return ShardListing.parse(data, name)
    return PrefixListing.parse(data, name)


def read_listing(path: Path) -> PrefixListing:
    """Read a whole listing; raise MlverError for a shard, too."""
    listing = read_file(path)
    if isinstance(listing, ShardListing):
        raise MlverError(
            f"{printable_name(str(path))} is shard {listing.shard} only; merge all of them first",
            hint=shell_command("mlver", "hash", "--merge", path),
        )
    return listing


def read_known(path: Path | None, url: str) -> Iterable[HashedObject]:
    """The objects of a file that an earlier run wrote; none where it is no listing of this."""
    if path is None:
        return ()
    try:
        listing = read_file(path)
    except MlverError:
        return ()
    return listing.objects if listing.url == url else ()


def merge_shards(paths: Sequence[Path]) -> PrefixListing:
    """Merge shards, in whatever order they come; raise UsageError or MlverError where they do not
    make a whole.
    """
    shards: dict[int, ShardListing] = {}
    first: ShardListing | None = None
    for path in paths:
        listing = read_file(path)
        name = printable_name(str(path))
        if isinstance(listing, PrefixListing):
            raise UsageError(f"{name} is a whole listing; --merge takes shards")
        first = first or listing
        if listing.url != first.url or listing.shard.count != first.shard.count:
            raise UsageError(
                f"{name} is shard {listing.shard} of {printable_name(listing.url)}, and other files"
                f" are of {first.shard.count} shards of {printable_name(first.url)}"
            )
        if listing.shard.number in shards:
            raise UsageError(f"{name} is shard {listing.shard} once more; give each shard once")
        shards[listing.shard.number] = listing
    if first is None:
        raise UsageError("--merge needs the files of all shards")
    lacking = [number for number in range(1, first.shard.count + 1) if number not in shards]
    if lacking:
        missing = ", ".join(f"{number}/{first.shard.count}" for number in lacking[:10])
        raise UsageError(f"shards are missing: {missing}; --merge needs the files of all of them")
    _refuse_different(first, shards.values())
    objects = [item for listing in shards.values() for item in listing.objects]
    if not objects:
        raise MlverError(f"{printable_name(first.url)} holds nothing, so nothing can be pinned")
    return PrefixListing.from_objects(first.url, objects)


def _refuse_different(first: ShardListing, shards: Iterable[ShardListing]) -> None:
    for listing in shards:
        if listing.seen != first.seen:
            shard = str(listing.shard)
            raise MlverError(
                f"{printable_name(first.url)} changed between shard {first.shard} and shard"
                f" {shard}; hash both again, which reads only what changed",
                hints=(
                    shell_command("mlver", "hash", first.url, "--shard", str(first.shard)),
                    shell_command("mlver", "hash", first.url, "--shard", shard),
                ),
            )


def write_file(path: Path, listing: PrefixListing | ShardListing) -> None:
    """Write a listing or a shard; it is on the disk when this returns."""
    try:
        durable.write_file(path, listing.to_bytes())
    except OSError as error:
        raise refusal_error(f"writing {printable_name(str(path))}", error) from error
