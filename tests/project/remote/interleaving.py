"""Visits every reachable state of processes that use one remote at once.

A process is our own code, unchanged. It is run from its start again for each step, with the answers
that it got before, up to the first call that it has no answer for: that call is its next step. So a
process is known by its answers, and two ways to the same state are followed only once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from mlver.errors import MlverError
from mlver.policy.remote_contents import FOLDERS
from mlver.storage.remote.blobs import (
    BlobInfo,
    BlobMissing,
    BlobSource,
    PutOutcome,
)

_EMPTY_PIN = b'"digests":[]'
START = datetime(2026, 1, 1, tzinfo=UTC)


class Call(NamedTuple):
    """A step: what is asked, and of what."""

    name: str
    key: str = ""
    data: bytes = b""


class _NextCall(BaseException):
    """Ends a replay at the first call without an answer."""

    def __init__(self, call: Call) -> None:
        self.call = call


@dataclass(frozen=True)
class Failure:
    """An answer that is an error."""

    error: str


Answer = Any


class Replay:
    """What a process sees of the world. Satisfies BlobStore."""

    address = "memory"

    def __init__(self, number: int, answers: tuple[Answer, ...]) -> None:
        self._number = number
        self._answers = iter(answers)
        self._names = 0
        self._pending: Call | None = None

    def ask(self, call: Call) -> Answer:
        for answer in self._answers:
            if isinstance(answer, Failure):
                raise BlobMissing(answer.error)
            return answer
        # What is cleaned up on the way out of a replay is no call of the process.
        self._pending = self._pending or call
        raise _NextCall(self._pending)

    def confirms_content(self) -> bool:
        return True

    def put_blob(self, key: str, source: BlobSource) -> PutOutcome:
        raise AssertionError("nothing here stores what must stay")

    def replace_blob(self, key: str, source: BlobSource) -> None:
        self.ask(Call("replace", key, source.open_stream().read()))

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        data: bytes = self.ask(Call("get", key))
        return data[offset : offset + size]

    def stat_blob(self, key: str) -> BlobInfo:
        info: BlobInfo = self.ask(Call("stat", key))
        return info

    def list_blobs(self, prefix: str) -> Iterator[BlobInfo]:
        yield from self.ask(Call("list", prefix))

    def delete_blob(self, key: str) -> None:
        self.ask(Call("delete", key))

    def sweep_leftovers(self) -> None:
        pass

    def clock(self) -> float:
        seconds: float = self.ask(Call("clock"))
        return seconds

    def sleep(self, _seconds: float) -> None:
        self.ask(Call("sleep"))

    def next_name(self) -> str:
        self._names += 1
        return f"{self._number:016x}{self._names:016x}"

    def next_record(self) -> str:
        return f"condemned/20260101t000000z-{self.next_name()[-8:]}{self._number}.json"


Process = Callable[[Replay], None]
Blob = tuple[str, bytes, int]
Store = frozenset[Blob]
_ENDED = -1
# A process that was told nothing yet.
_FRESH = 0


class State(NamedTuple):
    """The world at one moment: blobs with their times, the clock, what git names, the processes.

    `store` and `heard` are numbers of the model: which blobs there are, and what each process was
    told so far. `moment` is when the push took its last step. `late`: git named the content when
    the push had been held up for too long since then.
    """

    store: int
    now: int
    jumps: int
    named: bool
    late: bool
    finished: bool
    heard: tuple[int, ...]
    moment: int = 0


class Model:
    """Processes, and what the world does beside them.

    A jump moves the storage's clock by `jump` seconds, at any step. `assumed` is for how long a
    push may rely on its last look, in seconds: a git push that lands later is `late`. The first
    process is the push. `whole_folders`: a folder is listed and its blobs are read in one step.
    """

    def __init__(
        self, processes: tuple[Process, ...], jump: int, assumed: int, *, whole_folders: bool
    ) -> None:
        self._whole_folders = whole_folders
        self._processes = processes
        self._jump = jump
        self._assumed = assumed
        self._stores: list[Store] = []
        self._store_numbers: dict[Store, int] = {}
        self._told: list[tuple[Answer, ...]] = [()]
        self._tellings: dict[tuple[int, Answer], int] = {}
        self._next: dict[tuple[int, int], Call] = {}
        self._answered: dict[tuple[int, int, Call], tuple[int, Answer]] = {}

    def start(self, store: Store, jumps: int) -> State:
        heard = (_FRESH,) * len(self._processes)
        return State(self._number_store(store), 0, jumps, False, False, False, heard)

    def has_blob(self, state: State, key: str) -> bool:
        return any(blob[0] == key for blob in self._stores[state.store])

    def visit(self, start: State, check: Callable[[State], None]) -> int:
        """Visit all states; return how many there are. `check` raises where one is wrong."""
        seen = {start}
        waiting = [start]
        while waiting:
            state = waiting.pop()
            check(state)
            for following in self._follow(state):
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)
        return len(seen)

    def _follow(self, state: State) -> Iterator[State]:
        running = False
        for number, heard in enumerate(state.heard):
            if heard == _ENDED:
                continue
            running = True
            call = self._find_next(number, heard)
            if call.name in ("end", "refused"):
                finished = state.finished or (number == 0 and call.name == "end")
                yield _hear(state._replace(finished=finished), number, _ENDED)
            elif call.name != "sleep" or not self._is_deleting(state):
                yield self._perform(state, number, call)
        if running and state.jumps:
            yield state._replace(now=state.now + self._jump, jumps=state.jumps - 1)

    def _find_next(self, number: int, heard: int) -> Call:
        known = (number, heard)
        if known not in self._next:
            try:
                self._processes[number](Replay(number, self._told[heard]))
            except _NextCall as pending:
                self._next[known] = pending.call
            except MlverError:
                self._next[known] = Call("refused")
            else:
                self._next[known] = Call("end")
        return self._next[known]

    def _perform(self, state: State, number: int, call: Call) -> State:
        """The state after a call, and after those that belong to it."""
        state, answer = self._answer(state, call)
        telling = (state.heard[number], answer)
        if telling not in self._tellings:
            self._tellings[telling] = len(self._told)
            self._told.append((*self._told[telling[0]], answer))
        heard = self._tellings[telling]
        state = _hear(state, number, heard)
        if number == 0:
            state = state._replace(moment=0 if state.named else state.now)
        following = self._find_next(number, heard)
        reads_folder = self._whole_folders and following.name == "get"
        if _belongs(call, following) or reads_folder:
            return self._perform(state, number, following)
        return state

    def _answer(self, state: State, call: Call) -> tuple[State, Answer]:
        if call.name == "clock":
            return state, float(state.now)
        if call.name == "sleep":
            return state, None
        if call.name == "roots":
            return state, state.named
        if call.name == "name":
            late = state.late or state.now - state.moment >= self._assumed
            return state._replace(named=True, late=late), None
        asked = (state.store, state.now, call)
        if asked not in self._answered:
            store, answer = _answer_storage(self._stores[state.store], state.now, call)
            self._answered[asked] = (self._number_store(store), answer)
        number, answer = self._answered[asked]
        return state._replace(store=number), answer

    def _is_deleting(self, state: State) -> bool:
        return any(b'"state":"deleting"' in blob[1] for blob in self._stores[state.store])

    def _number_store(self, store: Store) -> int:
        number = self._store_numbers.setdefault(store, len(self._stores))
        if number == len(self._stores):
            self._stores.append(store)
        return number


def _belongs(call: Call, following: Call) -> bool:
    """Whether a call goes with the one before: nothing that others do between them matters.

    No request is held up for long after the process has looked at its clock. A pin
    that names nothing keeps nothing. What a process has just written has the time of then.
    """
    if call.name == "clock":
        return following.name not in ("end", "refused", "name", "sleep")
    if _EMPTY_PIN in call.data or call.name == "stat":
        return following.key == call.key and following.name in ("stat", "delete")
    return call.name == "replace" and following == Call("stat", call.key)


def _answer_storage(store: Store, now: int, call: Call) -> tuple[Store, Answer]:
    others = frozenset(blob for blob in store if blob[0] != call.key)
    if call.name == "list":
        prefixes = (call.key,) if call.key else FOLDERS
        listed = [_describe(blob) for blob in sorted(store) if blob[0].startswith(prefixes)]
        return store, tuple(listed)
    if call.name == "replace":
        return others | {(call.key, call.data, now)}, None
    if call.name == "delete":
        return others, None
    found = next((blob for blob in store if blob[0] == call.key), None)
    if found is None:
        return store, Failure(call.key)
    return store, _describe(found) if call.name == "stat" else found[1]


def _describe(blob: Blob) -> BlobInfo:
    return BlobInfo(blob[0], len(blob[1]), START + timedelta(seconds=blob[2]))


def _hear(state: State, number: int, heard: int) -> State:
    return state._replace(heard=(*state.heard[:number], heard, *state.heard[number + 1 :]))
