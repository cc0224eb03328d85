"""Every reachable state of a push beside two runs of gc: what git names is never lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest

from mlver.digest import Digest
from mlver.policy.remote_contents import RemoteContents
from mlver.project.remote import pins, remote_gc
from mlver.project.remote.condemned import SCHEMA, CondemnedRecord, read_condemned
from mlver.project.remote.pins import PushTimes, begin_push, finish_push
from mlver.project.remote.remote_gc import RemoteGcOptions, collect_remote
from mlver.storage.remote.blobs import BlobStore, BytesBlob
from tests.project.remote.interleaving import Call, Model, Replay, State

GRACE = 100
CONTENT = b"weights"
DIGEST = Digest.of_bytes(CONTENT)
KEY = f"objects/{DIGEST.hex[:2]}/{DIGEST.hex}"
LONG_AGO = -1000


class Lost(AssertionError):
    """git names a content that the remote does not have."""


def push(world: Replay) -> None:
    def send(renew: frozenset[str]) -> None:
        listed = {info.key for info in world.list_blobs("objects/")}
        if KEY in renew or KEY not in listed:
            world.replace_blob(KEY, BytesBlob(CONTENT))

    times = PushTimes(world.clock, world.sleep, GRACE / 8, 10**9, world.next_name)
    pin = pins.begin_push(world, [DIGEST], times)
    pins.settle_push(pin, send)
    world.ask(Call("name"))
    finish_push(pin, send)


def collect(world: Replay) -> None:
    def read_roots() -> set[str]:
        return {DIGEST.hex} if world.ask(Call("roots")) else set()

    options = RemoteGcOptions(
        timedelta(seconds=GRACE),
        f"clone {world._number}",
        longest=GRACE / 2,
        times=PushTimes(world.clock, name=world.next_name),
        name_record=world.next_record,
    )
    collect_remote(world, read_roots, options)


def condemned_record() -> tuple[str, bytes, int]:
    since = "2025-12-31T23:50:00+00:00"
    document = {"schema": SCHEMA, "state": "condemned", "keys": [KEY], "since": since, "by": "x"}
    return ("condemned/20250101t000000z-0.json", json.dumps(document).encode(), -600)


def collect_twice(world: Replay) -> None:
    collect(world)
    collect(world)


def visit(*processes: Callable[[Replay], None], jumps: int, condemned: bool = False) -> int:
    model = Model(
        processes, jump=GRACE + 10, assumed=2 * GRACE - GRACE // 8, whole_folders=len(processes) > 2
    )

    def check(state: State) -> None:
        if not state.named or model.has_blob(state, KEY):
            return
        if not state.late:
            raise Lost("after the git push")
        if state.finished:
            raise Lost("after the end of the push")

    store = {(KEY, CONTENT, LONG_AGO)}
    if condemned:
        store.add(condemned_record())
    return model.visit(model.start(frozenset(store), jumps), check)


@pytest.mark.parametrize("times", [collect, collect_twice], ids=["deletes", "condemns, deletes"])
def test_push_beside_one_gc(times: Callable[[Replay], None]) -> None:
    assert visit(push, times, jumps=1, condemned=times is collect) > 10_000


@pytest.mark.long
def test_push_beside_one_gc_with_two_jumps() -> None:
    assert visit(push, collect, jumps=2, condemned=True) > 100_000


@pytest.mark.long
def test_push_beside_two_gcs() -> None:
    assert visit(push, collect, collect, jumps=0, condemned=True) > 100_000


class Mutation(NamedTuple):
    """A rule left out of our code: what takes its place, and where."""

    module: object
    name: str
    instead: Any
    processes: tuple[Callable[[Replay], None], ...] = (push, collect)
    jumps: int = 1
    condemned: bool = True


def _pin_nothing(blobs: BlobStore, _digests: Iterable[Digest], times: pins.PushTimes) -> pins.Pin:
    return begin_push(blobs, (), times)


def _settle_once(pin: pins.Pin, send: pins.Sender) -> None:
    send(pins.check_condemned(pin).renew)


def _delete_rewritten(
    condemned: Iterable[str], _since: datetime, contents: RemoteContents, needed: set[str]
) -> list[str]:
    return sorted(key for key in condemned if key in contents.stored and key not in needed)


def _rely_on_deleting(blobs: BlobStore) -> list[CondemnedRecord]:
    return [replace(record, state="condemned") for record in read_condemned(blobs)]


MUTATIONS = {
    "no pin": Mutation(pins, "begin_push", _pin_nothing),
    "no second look": Mutation(pins, "settle_push", _settle_once),
    "no look at the time": Mutation(remote_gc, "select_deletable", _delete_rewritten),
    "relies on what is being deleted": Mutation(pins, "read_condemned", _rely_on_deleting),
    "old pins keep nothing renewed": Mutation(
        pins.PushCheck, "is_settled", property(lambda self: not self.renew)
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_rule_that_is_left_out_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation = MUTATIONS[name]
    monkeypatch.setattr(mutation.module, mutation.name, mutation.instead)
    with pytest.raises(Lost):
        visit(*mutation.processes, jumps=mutation.jumps, condemned=mutation.condemned)
