"""Sends objects to one remote, and keeps them from being collected until git names them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.errors import MlverError, summarise_error
from mlver.extras import import_extra
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.project.remote.pins import Pin, abandon_push, begin_push, finish_push, settle_push
from mlver.project.remote.repositories import announce_repository
from mlver.project.remote.team import TeamRemote
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet
from mlver.storage.remote.listing import renew_listing
from mlver.storage.remote.team_store import Confirmation, TransferOptions, UploadReport


@dataclass(frozen=True, slots=True, kw_only=True)
class SentObjects:
    """What a remote got: `objects` new ones, of `bytes_sent` bytes, and how they were confirmed.

    `present` objects were there already, and `absent` ones are neither there nor here. `repaired`
    of the new ones were there with other bytes. `confirmed` is None where nothing was sent.
    `published` are the addresses of versions that other programs can read there, as ModelPacks of
    a registry.
    """

    remote: str
    address: str
    objects: int
    present: int
    absent: int
    repaired: int
    bytes_sent: int
    confirmed: str | None
    published: tuple[str, ...] = ()


@dataclass(slots=True)
class ObjectSending:
    """One remote's part of a push.

    `here` are the sizes of the objects that the repository's store has. `elsewhere` are those that
    it has not, and that the remote may have; `absent` are those of them that it has not either,
    once that was asked.
    """

    project: Project
    remote: TeamRemote
    here: Mapping[Digest, int]
    elsewhere: DigestSet
    options: TransferOptions
    pin: Pin | None
    absent: frozenset[Digest] = frozenset()
    objects: int = 0
    repaired: int = 0
    bytes_sent: int = 0
    confirmed: Confirmation | None = None
    published: tuple[str, ...] = ()
    is_verified: bool = False

    def send_objects(self) -> None:
        """Send what the remote lacks: all that is here is confirmed there, and cannot be collected
        before git names it.
        """
        if self.pin is None:
            self.send_missing(frozenset())
        else:
            settle_push(self.pin, self.send_missing)

    def send_missing(self, condemned: frozenset[str]) -> None:
        """Send what the remote lacks; blobs of these keys count as absent."""
        # Of what is not here, nobody knows the sizes.
        everything: dict[Digest, int | None] = {**dict.fromkeys(self.elsewhere), **self.here}
        options = replace(self.options, renew=condemned)
        missing = self.remote.store.find_missing(everything, options)
        self.absent = frozenset(digest for digest in missing if digest not in self.here)
        wanted = self.here
        # What is there is read back once, however often gc makes this be called.
        if self.is_verified or not options.read_back:
            wanted = {digest: size for digest, size in self.here.items() if digest in missing}
        if not wanted:
            return
        report = self._upload(wanted, options)
        self.is_verified = True
        self.objects += report.objects
        self.repaired += report.repaired
        self.bytes_sent += report.bytes_sent
        self.confirmed = report.confirmed or self.confirmed

    def publish_versions(self, records: Iterable[VersionRecord]) -> None:
        """Let other programs read versions, where the remote is a registry of OCI artifacts.

        What cannot be published is named in a note: its objects are there all the same.
        """
        settings = self.remote.remote.settings
        if not settings.url.lower().startswith("oci://"):
            return
        # It speaks HTTP by a library that only an extra brings.
        model_pack = import_extra("mlver.project.remote.model_pack", "oci")
        addresses: list[str] = []
        for record in records:
            ref = f"{record.model}@{record.version}"
            tag = _name_tag(record, settings.url)
            try:
                published = model_pack.publish_model(
                    self.project, ref, settings.url, options=settings.options, tag=tag
                )
            except MlverError as error:
                reason = summarise_error(error)
                self.project.reporter.show_note(f"{ref} is no ModelPack there: {reason}")
            else:
                addresses.append(published.address)
        self.published = tuple(addresses)

    def finish_sending(self) -> None:
        """End the part of this remote after git's push; send again what may be gone by now."""
        if self.pin is not None:
            finish_push(self.pin, self.send_missing)
        if self.objects and self.remote.blobs is not None:
            # What people read by HTTPS, where nothing can be listed, says what is new.
            renew_listing(self.remote.blobs)

    def build_result(self) -> SentObjects:
        return SentObjects(
            remote=self.remote.name,
            address=self.remote.store.address,
            objects=self.objects,
            present=len(self.here) + len(self.elsewhere) - len(self.absent) - self.objects,
            absent=len(self.absent),
            repaired=self.repaired,
            bytes_sent=self.bytes_sent,
            confirmed=None if self.confirmed is None else self.confirmed.value,
            published=self.published,
        )

    def _upload(self, wanted: Mapping[Digest, int], options: TransferOptions) -> UploadReport:
        reporter = self.project.reporter

        def begin_sending(total: int) -> None:
            reporter.begin_work(f"sending to {self.remote.name}", total)

        options = replace(options, expect=begin_sending, progress=reporter.advance_work)
        try:
            return self.remote.store.upload(open_store(self.project), wanted, options)
        finally:
            reporter.end_work()


@contextmanager
def open_sending(
    project: Project,
    remote: TeamRemote,
    wanted: DigestSet,
    options: TransferOptions,
    target: str | None = None,
) -> Iterator[ObjectSending]:
    """Begin to send to a remote. What the push relies on is pinned there.

    `target` is where git is to push to, where that may be an address.

    The pin goes when the block fails. Else `finish_sending` removes it, or gc once it is old.
    """
    absent = open_store(project).find_missing(wanted)
    here = open_store(project).read_sizes(digest for digest in wanted if digest not in absent)
    elsewhere = DigestSet.from_raw(bytes.fromhex(digest.hex) for digest in absent)
    pin = None
    if remote.blobs is not None:
        announce_repository(remote.blobs, project.repository, target)
        pin = begin_push(remote.blobs, wanted)
    try:
        yield ObjectSending(project, remote, here, elsewhere, options, pin)
    except BaseException:
        if pin is not None:
            # The failure is what the person has to know of.
            with suppress(MlverError):
                abandon_push(pin)
        raise


def _name_tag(record: VersionRecord, address: str) -> str:
    """The tag of a version in a registry: its number, with its model's name unless the repository
    is called that. A tag holds no `+`.
    """
    number = record.version.replace("+", "_")
    if address.rstrip("/").rpartition("/")[2] == record.model.lower():
        return number
    return f"{record.model}-{number}"
