"""What a pickle would build, without building it: its opcodes are walked, and nothing is called.

What it would import and call stays a name with arguments. An opcode that is not among those that
data are written with ends the walk. Opcodes: the standard library's `pickletools`.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from mlver.content.tensors.tensor import TensorFault, UnknownContent

# More are in no checkpoint: each tensor takes some forty.
_MOST_OPCODES = 5_000_000
_MOST_IMPORTS = 1_000


@dataclass(frozen=True, slots=True)
class Global:
    """A name that unpickling would import."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True)
class Pairs:
    """A map, whose keys need not be such that Python could hash them."""

    items: list[tuple[Any, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Call:
    """What calling something with arguments would give, and what is put into that afterwards."""

    target: Any
    arguments: Any
    items: list[tuple[Any, Any]] = field(default_factory=list)
    members: list[Any] = field(default_factory=list)
    state: Any = None


@dataclass(frozen=True, slots=True)
class Persistent:
    """An object that lies outside the pickle, by what stands for it."""

    identity: Any


class _Mark:
    """The mark that the items of a tuple, a list or a map stand behind."""


@dataclass(frozen=True, slots=True)
class WalkedPickle:
    """What a pickle would build, import, and be given from outside."""

    value: Any
    imports: tuple[str, ...]
    persistents: tuple[Persistent, ...]


class LongPickle(UnknownContent):
    """A pickle is longer than it may be."""


class _LimitedFile:
    """A file of which only so much is read; raise LongPickle for more."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._left = most

    def read(self, size: int) -> bytes:
        return self._count(self._file.read(min(size, self._left + 1)))

    def readline(self) -> bytes:
        return self._count(self._file.readline(self._left + 1))

    def _count(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise LongPickle("it is a pickle that is longer than any checkpoint's")
        return data


def walk_pickle(file: BinaryIO, most: int) -> WalkedPickle:
    """Walk one pickle of at most so many bytes, and leave the file behind its end.

    Raise TensorFault where it is none, LongPickle for a longer one, UnknownContent for one that
    does more than data need.
    """
    machine = _Machine()
    limited: Any = _LimitedFile(file, most)
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(limited)):
            if count > _MOST_OPCODES:
                raise UnknownContent("it is a pickle with more opcodes than any checkpoint has")
            if opcode.name == "STOP":
                break
            machine.step(opcode.name, argument)
        imports = tuple(dict.fromkeys(machine.imports))
        return WalkedPickle(machine.pop(), imports, tuple(machine.persistents))
    except (ValueError, IndexError, KeyError, AttributeError, OverflowError, MemoryError):
        raise TensorFault("it is a pickle that is damaged") from None


_CONSTANTS: Mapping[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_IGNORED = frozenset({"PROTO", "FRAME"})
_LITERALS = frozenset(
    {
        "INT",
        "LONG",
        "LONG1",
        "LONG4",
        "BININT",
        "BININT1",
        "BININT2",
        "FLOAT",
        "BINFLOAT",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "UNICODE",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
    }
)


class _Machine:
    """The stack and the memo of an unpickler."""

    def __init__(self) -> None:
        self.imports: list[str] = []
        self.persistents: list[Persistent] = []
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Do what an opcode does, as far as data go; raise TensorFault for any other."""
        if name in _LITERALS:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _MEMO_OPCODES:
            _MEMO_OPCODES[name](self, argument)
        elif name in _OPCODES:
            _OPCODES[name](self)
        elif name == "GLOBAL":
            module, _, attribute = argument.partition(" ")
            self._push_global(module, attribute)
        elif name == "PERSID":
            self._push_persistent(argument)
        elif name not in _IGNORED:
            raise UnknownContent(f"it is a pickle that does more than data need ({name})")

    def pop(self) -> Any:
        value = self._stack.pop()
        if isinstance(value, _Mark):
            raise ValueError
        return value

    def _push_global(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise UnknownContent("it is a pickle that computes what it imports")
        if len(self.imports) >= _MOST_IMPORTS:
            raise UnknownContent("it is a pickle that imports more than any checkpoint")
        found = Global(_clean_name(module), _clean_name(name))
        self.imports.append(str(found))
        self._stack.append(found)

    def _push_persistent(self, identity: Any) -> None:
        found = Persistent(identity)
        self.persistents.append(found)
        self._stack.append(found)

    def _pop_marked(self) -> list[Any]:
        """Take what stands behind the last mark."""
        items: list[Any] = []
        while not isinstance(self._stack[-1], _Mark):
            items.append(self._stack.pop())
        self._stack.pop()
        return items[::-1]

    # -- opcodes ---------------------------------------------------------------------------------

    def put_mark(self) -> None:
        self._stack.append(_Mark())

    def drop_marked(self) -> None:
        self._pop_marked()

    def drop_top(self) -> None:
        self._stack.pop()

    def copy_top(self) -> None:
        self._stack.append(self._stack[-1])

    def push_list(self) -> None:
        self._stack.append([])

    def push_map(self) -> None:
        self._stack.append(Pairs())

    def push_tuple(self, count: int = 0) -> None:
        items = [self.pop() for _ in range(count)]
        self._stack.append(tuple(items[::-1]))

    def push_marked_tuple(self) -> None:
        self._stack.append(tuple(self._pop_marked()))

    def push_marked_list(self) -> None:
        self._stack.append(self._pop_marked())

    def push_marked_map(self) -> None:
        made = Pairs()
        _set_items(made, self._pop_marked())
        self._stack.append(made)

    def add_member(self) -> None:
        _add_members(self._stack[-2], [self.pop()])

    def add_marked_members(self) -> None:
        items = self._pop_marked()
        _add_members(self._stack[-1], items)

    def set_item(self) -> None:
        value, key = self.pop(), self.pop()
        _set_items(self._stack[-1], [key, value])

    def set_marked_items(self) -> None:
        items = self._pop_marked()
        _set_items(self._stack[-1], items)

    def push_stack_global(self) -> None:
        name, module = self.pop(), self.pop()
        self._push_global(module, name)

    def push_persistent(self) -> None:
        self._push_persistent(self.pop())

    def push_call(self) -> None:
        arguments, target = self.pop(), self.pop()
        self._stack.append(Call(target, arguments))

    def push_call_with_names(self) -> None:
        names, arguments, target = self.pop(), self.pop(), self.pop()
        self._stack.append(Call(target, (arguments, names)))

    def set_state(self) -> None:
        state = self.pop()
        target = self._stack[-1]
        if isinstance(target, Call):
            target.state = state

    # -- memo --------------------------------------------------------------------------------------

    def keep(self, number: int | str | None) -> None:
        place = len(self._memo) if number is None else int(number)
        self._memo[place] = self._stack[-1]

    def recall(self, number: int | str | None) -> None:
        self._stack.append(self._memo[int(number or 0)])


def _clean_name(name: str) -> str:
    """A name that can be written down: pickles may hold halves of letters."""
    return name[:200].encode(errors="replace").decode()


def _add_members(target: Any, members: list[Any]) -> None:
    if isinstance(target, list):
        target += members
    elif isinstance(target, Call):
        target.members += members


def _set_items(target: Any, items: list[Any]) -> None:
    if len(items) % 2:
        raise ValueError
    if isinstance(target, Pairs | Call):
        target.items += zip(items[::2], items[1::2], strict=True)


_OPCODES: Mapping[str, Callable[[_Machine], None]] = {
    "MARK": _Machine.put_mark,
    "POP": _Machine.drop_top,
    "POP_MARK": _Machine.drop_marked,
    "DUP": _Machine.copy_top,
    "EMPTY_LIST": _Machine.push_list,
    "EMPTY_SET": _Machine.push_list,
    "EMPTY_DICT": _Machine.push_map,
    "EMPTY_TUPLE": _Machine.push_tuple,
    "TUPLE": _Machine.push_marked_tuple,
    "TUPLE1": lambda machine: machine.push_tuple(1),
    "TUPLE2": lambda machine: machine.push_tuple(2),
    "TUPLE3": lambda machine: machine.push_tuple(3),
    "LIST": _Machine.push_marked_list,
    "FROZENSET": _Machine.push_marked_list,
    "DICT": _Machine.push_marked_map,
    "APPEND": _Machine.add_member,
    "APPENDS": _Machine.add_marked_members,
    "ADDITEMS": _Machine.add_marked_members,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_marked_items,
    "STACK_GLOBAL": _Machine.push_stack_global,
    "BINPERSID": _Machine.push_persistent,
    "REDUCE": _Machine.push_call,
    "NEWOBJ": _Machine.push_call,
    "NEWOBJ_EX": _Machine.push_call_with_names,
    "BUILD": _Machine.set_state,
}
_MEMO_OPCODES: Mapping[str, Callable[[_Machine, Any], None]] = {
    "PUT": _Machine.keep,
    "BINPUT": _Machine.keep,
    "LONG_BINPUT": _Machine.keep,
    "MEMOIZE": _Machine.keep,
    "GET": _Machine.recall,
    "BINGET": _Machine.recall,
    "LONG_BINGET": _Machine.recall,
}
