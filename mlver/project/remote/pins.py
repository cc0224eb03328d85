"""Pins: what a push relies on, told to every gc before the push asks what is there.

The order that a push keeps (`docs/retention.md` says why):

    pin = begin_push(blobs, digests)     before it asks what the remote has
    settle_push(pin, send)               asks what is there, sends and confirms the rest
    git push
    finish_push(pin, send)
    (or, where there is no git push: abandon_push(pin))

`send` is called with keys of blobs that gc condemned: they count as absent, so that what needs them
is stored anew. It asks anew what the remote has each time.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.project.remote.condemned import DELETING, CondemnedRecord, read_condemned
from mlver.project.remote.notices import (
    PINS,
    divide_entries,
    read_digests,
    read_notices,
    write_notice,
)
from mlver.storage.remote.blobs import BlobInfo, BlobStore

SCHEMA = "mlver/pin/1"
# No gc takes a shorter grace time than this, in seconds: a pin lives at least as long.
LEAST_GRACE = 24 * 3600.0
# A pin that is older than this, in seconds, is stored anew before anything is concluded from it.
RENEW_AFTER = LEAST_GRACE / 8
# How long a push waits for a gc that is deleting what the push needs, in seconds.
PATIENCE = 600.0
_POLL = 2.0


# Stores what is missing on the remote; the keys it gets count as absent.
Sender = Callable[[frozenset[str]], None]


def measure_time() -> float:
    """Seconds that pass also while this machine sleeps. Only differences mean anything."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def _name_pin() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class PushTimes:
    """Where a push takes its times from, in seconds, and the names of its pins.

    Tests give it others.
    """

    clock: Callable[[], float] = measure_time
    sleep: Callable[[float], None] = time.sleep
    renew_after: float = RENEW_AFTER
    patience: float = PATIENCE
    name: Callable[[], str] = _name_pin


STANDARD_TIMES = PushTimes()


@dataclass(slots=True)
class Pin:
    """The pin of one push, in as many notices as it takes. `written` is by the push's own clock.

    `answered` are the records of condemned blobs that the push was told of.
    """

    blobs: BlobStore
    digests: frozenset[str]
    times: PushTimes
    keys: list[str] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    written: float = 0.0

    def renew_pin(self) -> None:
        """Store it anew, so that it lives for another grace time."""
        # Taken first: the storage's own time of it can only be later.
        self.written = self.times.clock()
        for number, group in enumerate(divide_entries(sorted(self.digests))):
            if number == len(self.keys):
                self.keys.append(f"{PINS}{self.times.name()}.json")
            document = {"schema": SCHEMA, "digests": list(group)}
            write_notice(self.blobs, self.keys[number], document)


@dataclass(frozen=True, slots=True)
class PushCheck:
    """What a push has to do before it may rely on what the remote has.

    `renew` are keys of blobs that gc condemned: they count as absent, and are stored anew. Where
    the pin was stored anew (`was_renewed`), anything may have been deleted while it was too old.
    """

    renew: frozenset[str]
    was_renewed: bool

    @property
    def is_settled(self) -> bool:
        """Whether nothing has to be asked and sent again before the git push."""
        return not self.renew and not self.was_renewed


@dataclass(frozen=True, slots=True)
class LivePin:
    """A pin as gc reads it: the notice, with the storage's time, and the contents it names."""

    info: BlobInfo
    digests: frozenset[str]


def begin_push(
    blobs: BlobStore, digests: Iterable[Digest], times: PushTimes = STANDARD_TIMES
) -> Pin:
    """Pin all contents that the push relies on, whether or not they are on the remote."""
    pin = Pin(blobs, frozenset(digest.hex for digest in digests), times)
    pin.renew_pin()
    return pin


def check_condemned(pin: Pin) -> PushCheck:
    """What gc condemned since the last call, having waited for a gc that is deleting.

    A pin that is old is stored anew first. Raises MlverError where such a gc does not end.
    """
    times = pin.times
    give_up = times.clock() + times.patience
    was_renewed = False
    while True:
        if times.clock() - pin.written > times.renew_after:
            pin.renew_pin()
            was_renewed = True
        records = read_condemned(pin.blobs)
        busy = [record for record in records if record.state == DELETING]
        if not busy:
            break
        # What is there now may be gone when it is deleted, and nobody can tell when that is.
        if times.clock() >= give_up:
            raise _busy_error(pin.blobs, busy[0])
        times.sleep(_POLL)
    renew: set[str] = set()
    for record in records:
        if record.info.key not in pin.answered:
            renew |= record.keys
            pin.answered.add(record.info.key)
    return PushCheck(frozenset(renew), was_renewed)


def settle_push(pin: Pin, send: Sender) -> None:
    """Send what is missing, until no gc can delete what the push relies on. Then push to git.

    Raises MlverError where a gc that is deleting does not end.
    """
    check = check_condemned(pin)
    send(check.renew)
    while not (check := check_condemned(pin)).is_settled:
        send(check.renew)


def finish_push(pin: Pin, send: Sender) -> None:
    """Remove the pin after the git push.

    Where that took so long that the pin may have been too old meanwhile, all is sent again first
    that is not there.
    """
    if pin.times.clock() - pin.written > pin.times.renew_after:
        settle_push(pin, send)
    # The push is done, and a pin that stays does no harm: gc removes it once it is old.
    with suppress(MlverError):
        abandon_push(pin)


def abandon_push(pin: Pin) -> None:
    """Remove the pin: nobody relies on it any more."""
    for key in pin.keys:
        pin.blobs.delete_blob(key)


def read_pins(blobs: BlobStore) -> list[LivePin]:
    """All pins, old ones too. Raises UnreadableNotice for one that cannot be read."""
    pins: list[LivePin] = []
    for info, document in read_notices(blobs, PINS, SCHEMA):
        pins.append(LivePin(info, frozenset(read_digests(blobs, info.key, document, "digests"))))
    return pins


def _busy_error(blobs: BlobStore, record: CondemnedRecord) -> MlverError:
    moment = record.info.stored.strftime("%Y-%m-%d %H:%M:%S UTC")
    return MlverError(
        f"a gc of {record.by} has been deleting from {blobs.address} since {moment}, and what"
        " it has not deleted yet cannot be relied on; run the same command again when it has ended."
        " Where it was killed, run gc again there, which settles it; after a restart of that"
        f" computer, only once the grace time is over, or once you delete {record.info.key} there",
        hint=shell_command("mlver", "gc", "--remote", "NAME", "--yes"),
    )
