"""Parameters and metrics as they stand in the person's own files and on the command line."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlver import paths
from mlver.document import values
from mlver.errors import InvalidDocument, MlverError, UsageError, printable_name, shell_command
from mlver.hashing.walk import LinkBounds
from mlver.records import layout
from mlver.records.values import flatten_values, is_same_value, pick_values, quote_name
from mlver.system.folders import FolderTree
from mlver.system.regular import AnyPath, open_regular

# A file of numbers is never larger; a data set that is named by mistake would fill the memory.
BYTE_LIMIT = 16 << 20
_NAMES_SHOWN = 12
_TYPE_WORDS = {str: "text", list: "a list", type(None): "null", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class ValueSource:
    """The files that values are read from, and the dotted names to pick from them; none: all.

    `option` is what picks names on the command line.
    """

    files: Sequence[str]
    keys: Sequence[str] = ()
    option: str = ""


def gather_values(
    top: Path, files: Sequence[str], given: Sequence[str], keys: Sequence[str] = ()
) -> dict[str, Any]:
    """Gather the values of `files`, or those of the dotted names `keys`, then each `key=value` of
    `given`.

    A later value replaces an earlier one. Dots nest: `optimizer.lr=0.1`. A name that no file has is
    passed over. Raise InvalidDocument with every fault of a file, MlverError where one is missing.
    """
    gathered = pick_values(_gather_files(top, files, keys), keys)
    _assign_given(gathered, given)
    return gathered


def gather_replaced(
    top: Path, source: ValueSource, given: Sequence[str], values_given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Gather the same, with the values that a program gave before those of `given`.

    Return also the values of files, by dotted name, that others replaced. Raise UsageError for a
    picked name that no file has.
    """
    in_all = _gather_files(top, source.files, source.keys)
    _require_keys(source, in_all)
    gathered = pick_values(in_all, source.keys)
    in_files = flatten_values(gathered)
    gathered = merge_values(gathered, values_given)
    _assign_given(gathered, given)
    now = flatten_values(gathered)
    replaced: dict[str, Any] = {}
    for name, value in in_files.items():
        # a map takes the place of an empty one only, and none is missed
        if name in now and not is_same_value(value, now[name]):
            replaced[name] = value
    return gathered, replaced


def _require_keys(source: ValueSource, values: Mapping[str, Any]) -> None:
    """Raise UsageError where a picked name is not there; it says which are."""
    files = ", ".join(source.files)
    if source.keys and not files:
        raise UsageError(f"{source.option} picks from files, and no file is named")
    for key in source.keys:
        if not pick_values(values, [key]):
            group, known = _find_neighbours(values, key)
            place = f"`{group}` of {files}" if group else files
            raise UsageError(
                f"there is no `{key}` to pick from {files} ({source.option}, or model.yaml);"
                f" {place} has {_join_names(known)}"
            )


def _find_neighbours(values: Mapping[str, Any], key: str) -> tuple[str, list[str]]:
    """Find the innermost group on the way to a dotted name, and the names in it."""
    group = ""
    inner = values
    while True:
        for name, value in inner.items():
            whole = f"{group}.{quote_name(name)}" if group else quote_name(name)
            if isinstance(value, Mapping) and key.startswith(f"{whole}."):
                group, inner = whole, value
                break
        else:
            return group, [quote_name(name) for name in inner]


def _join_names(names: Sequence[str]) -> str:
    """Join names that others chose, as a sentence lists them; of many, the first ones."""
    shown = ", ".join(map(printable_name, names[:_NAMES_SHOWN]))
    if len(names) > _NAMES_SHOWN:
        return f"{shown} and {len(names) - _NAMES_SHOWN} more"
    return shown or "nothing"


def _gather_files(top: Path, files: Sequence[str], keys: Sequence[str]) -> dict[str, Any]:
    gathered: dict[str, Any] = {}
    for file in files:
        data = read_value_file(top, file)
        if data is None:
            hint = shell_command("ls", (top / file).parent)
            raise MlverError(f"{file} does not exist", hint=hint)
        gathered = merge_values(gathered, load_file_values(file, data, keys))
    return gathered


def load_file_values(file: str, data: bytes, keys: Sequence[str]) -> dict[str, Any]:
    """Load all values of a file, of which those of the names `keys` are used; no names: all.

    Raise InvalidDocument for what is not valid, such as NaN among the values that are used.
    """
    loaded = values.load_values(Path(file).suffix, data, file, finite=not keys)
    if keys:
        faults = tuple(_find_infinite(pick_values(loaded, keys), ""))
        if faults:
            raise InvalidDocument(file, faults)
    return loaded


def _find_infinite(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _find_infinite(
                inner, f"{name}.{quote_name(key)}" if name else quote_name(key)
            )
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _find_infinite(item, f"{name}[{position}]")
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{name}: `{value}` is not a finite number"


def _assign_given(gathered: dict[str, Any], given: Sequence[str]) -> None:
    given_keys: set[str] = set()
    for argument in given:
        key, equals, value = argument.partition("=")
        if key in given_keys:
            raise UsageError(f"the command line names `{key}` twice; give each name once")
        given_keys.add(key)
        if not key or not equals:
            raise UsageError(
                f"`{argument}` is not KEY=VALUE, such as --param lr=0.001 or --metric accuracy=0.93"
            )
        values.assign_value(gathered, key, values.parse_scalar(value))


def assign_over(
    values: Mapping[str, Any], given: Sequence[str], values_given: Mapping[str, Any]
) -> dict[str, Any]:
    """Assign what a program gave, and then each `key=value` of `given`, over these values."""
    assigned = merge_values(values, values_given)
    _assign_given(assigned, given)
    return assigned


def read_past_values(files: Iterable[tuple[str, bytes | None]]) -> dict[str, Any]:
    """Read the values of files as a commit holds them.

    A file that is missing there (None) or is not valid adds no values.
    """
    gathered, _ = read_committed_values(files, finite=False)
    return gathered


def read_committed_values(
    files: Iterable[tuple[str, bytes | None]], *, finite: bool = True
) -> tuple[dict[str, Any], list[str]]:
    """Read the same, and say on one line for each file that is not valid why it is not."""
    gathered: dict[str, Any] = {}
    faults: list[str] = []
    for file, data in files:
        if data is None:
            continue
        try:
            file_values = values.load_values(Path(file).suffix, data, file, finite=finite)
        except InvalidDocument as error:
            # the past cannot be corrected; what is readable still counts
            faults.append(f"{file} is not valid: {'; '.join(error.faults)}")
            continue
        except UsageError as error:
            faults.append(error.message)
            continue
        gathered = merge_values(gathered, file_values)
    return gathered, faults


def split_numbers(metrics: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Split metrics into those that are finite numbers, and what is wrong with each other one."""
    numbers: dict[str, Any] = {}
    faults: list[str] = []
    for key, value in metrics.items():
        if isinstance(value, Mapping):
            inner, inner_faults = split_numbers(value)
            faults += [f"{key}.{fault}" for fault in inner_faults]
            if inner:
                numbers[key] = inner
            continue
        value_faults = list(_find_non_numbers({key: value}, ""))
        faults += value_faults
        if not value_faults:
            numbers[key] = value
    return numbers, faults


def select_common(old: Mapping[str, Any], *sides: Mapping[str, Any]) -> dict[str, Any]:
    """Select the part of `old` whose names stand on at least one of the sides."""
    common: dict[str, Any] = {}
    for key, value in old.items():
        counterparts = [side[key] for side in sides if key in side]
        if not counterparts:
            continue
        if not _are_groups(value, counterparts):
            common[key] = value
            continue
        inner = select_common(value, *counterparts)
        if inner:
            common[key] = inner
    return common


def _are_groups(value: Any, counterparts: Sequence[Any]) -> bool:
    """Say whether a value and its counterparts are groups, to be compared name by name."""
    if not isinstance(value, Mapping) or not value:
        return False
    return all(isinstance(counterpart, Mapping) for counterpart in counterparts)


def check_numbers(metrics: Mapping[str, Any], where: str) -> None:
    """Raise InvalidDocument naming every metric that is not a finite number."""
    faults = tuple(_find_non_numbers(metrics, ""))
    if faults:
        raise InvalidDocument(where, faults)


def _find_non_numbers(metrics: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, value in metrics.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _find_non_numbers(value, f"{name}.")
        # Python counts True among the integers
        elif isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{name}: is {_name_type(value)}, not a number"
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{name}: is {value}, not a number"


def _name_type(value: Any) -> str:
    return _TYPE_WORDS.get(type(value), type(value).__name__)


def merge_values(base: Mapping[str, Any], overriding: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the values of both, group by group; where both name one, `overriding` counts."""
    merged = dict(base)
    for key, value in overriding.items():
        existing = merged.get(key)
        if isinstance(existing, dict) and isinstance(value, Mapping):
            merged[key] = merge_values(existing, value)
        else:
            merged[key] = value
    return merged


def find_linked_file(top: Path, file: str) -> str:
    """Find the file behind symlinks, as a path below `top`; `file` itself where there are none.

    Raise MlverError where they lead out of `top`, or to what belongs to git or mlver.
    """
    location = top / file
    try:
        target = os.path.realpath(location)
        real_top = os.path.realpath(top)
        if target == os.path.join(real_top, file):  # noqa: PTH118 - compared as text
            return file
        fault = LinkBounds.of_folder(top, layout.ROOT).find_fault(os.fsencode(location))
    except OSError as error:
        # a symlink that went away while it was looked at
        raise _unreadable_error(file, error) from None
    if fault is not None:
        raise MlverError(
            f"{printable_name(file)} {fault}", hint=shell_command("ls", "-ld", "--", file)
        )
    return os.path.relpath(target, real_top)


def read_value_file(top: Path, file: str) -> bytes | None:
    """Read a file of values, None where there is none; raise MlverError where it cannot be read.

    Symlinks are followed inside `top`.
    """
    linked_file = find_linked_file(top, file)
    paths.join_inside(top, linked_file)
    try:
        data = _read_below(top, linked_file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable_error(file, error) from None
    if len(data) > BYTE_LIMIT:
        raise MlverError(
            f"{file} is larger than {BYTE_LIMIT >> 20} MiB: that is no parameter or metric file;"
            " a file of that size can be a data set (--data NAME=PATH)"
        )
    return data


def _read_below(top: Path, file: str) -> bytes:
    """Read a file through no symlink: one may have been put on the way since that was looked at."""
    with FolderTree.open_top(top) as folder:

        def open_below(path: AnyPath, flags: int) -> int:
            return folder.open_file(os.fsdecode(path), flags)

        descriptor = open_regular(f"{folder.top}/{file}", opener=open_below)
        with os.fdopen(descriptor, "rb") as opened:
            return opened.read(BYTE_LIMIT + 1)


def _unreadable_error(file: str, error: OSError) -> MlverError:
    return MlverError(
        f"{printable_name(file)} cannot be read: {error.strerror}",
        hint=shell_command("ls", "-ld", "--", file),
    )
