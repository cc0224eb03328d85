"""The parts of a deposit: files of many small contents, each of which becomes a pack.

A pack file is written once, by one process. Each process that hands contents over writes a part of
its own, and tells in a receipt what it wrote.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlver.storage import packs
from mlver.storage.local.incoming import PackWriter
from mlver.storage.local.locations import ObjectLocation
from mlver.storage.local.pack_files import scan_pack, write_index
from mlver.system import durable

# A process begins another part, which becomes another pack, from here on.
PACK_BYTES = 512 << 20


@dataclass(frozen=True, slots=True)
class DepositReceipt:
    """What one call of `store_contents` did: the members it added to a part, the damage it met.

    The call may run in another process, and there may be thousands of receipts: `run` has 48 bytes
    for each member (see `packs.encode_run`), which all together take `length` bytes in the part.
    """

    part: str
    run: bytes
    length: int
    damaged: tuple[tuple[str, ObjectLocation], ...]


class PackParts:
    """What the processes of one deposit wrote so far; `make_path` gives a new temporary's path."""

    def __init__(self, make_path: Callable[[], Path]) -> None:
        self._make_path = make_path
        self._parts: dict[str, list[bytes]] = {}
        self._lengths: Counter[str] = Counter()
        self._stored: set[bytes] = set()
        self._counted_runs: dict[str, int] = {}
        self._writer: PackWriter | None = None

    @property
    def is_full(self) -> bool:
        """Whether all parts together have the bytes of a full pack."""
        return self._lengths.total() >= PACK_BYTES

    def clear(self) -> None:
        """Forget the parts, which have become packs; what was stored is still known."""
        self._parts.clear()
        self._lengths.clear()
        self._counted_runs.clear()

    def append_contents(
        self, contents: Mapping[str, bytes], damaged: tuple[tuple[str, ObjectLocation], ...]
    ) -> DepositReceipt:
        """Write contents to this process's part."""
        writer = self._own_writer()
        if not contents:
            part = os.fspath(writer.path) if writer else ""
            return DepositReceipt(part, b"", 0, damaged)
        if writer is None or writer.length >= PACK_BYTES:
            self.end_part()
            writer = PackWriter.create_at(self._make_path())
            self._writer = writer
        length_before = writer.length
        try:
            run = writer.append_members(contents)
        except BaseException:
            self.end_part()  # nobody knows where it ends now
            raise
        self._stored.update(packs.run_digests(run))
        length = writer.length - length_before
        return DepositReceipt(os.fspath(writer.path), run, length, damaged)

    def _own_writer(self) -> PackWriter | None:
        """The writer that this process began."""
        # A forked process inherits the writer, but must not write to the same file.
        if self._writer is None or self._writer.process != os.getpid():
            return None
        return self._writer

    def end_part(self) -> None:
        """The next content goes to another part."""
        if self._writer is not None:
            self._writer.close_file()
            self._writer = None

    def list_stored(self) -> set[bytes]:
        """The raw digests of the small contents handed over, as far as this process knows of them.

        They are collected from the receipts when first needed: a process that leaves all storing to
        its workers needs none.
        """
        for part, runs in self._parts.items():
            counted = self._counted_runs.get(part, 0)
            for run in runs[counted:]:
                self._stored.update(packs.run_digests(run))
            self._counted_runs[part] = len(runs)
        return self._stored

    def accept_receipt(self, receipt: DepositReceipt) -> None:
        """Take note of what a process wrote to its part."""
        if receipt.part:
            self._parts.setdefault(receipt.part, []).append(receipt.run)
            self._lengths[receipt.part] += receipt.length

    def finish_all(self) -> list[tuple[Path, Path, str]]:
        """End all parts; return each as pack, index, and name of both. None is flushed yet."""
        return [self._finish_part(Path(part), runs) for part, runs in self._parts.items()]

    def _finish_part(self, part: Path, runs: Sequence[bytes]) -> tuple[Path, Path, str]:
        """End a part as a tar and write its index; neither is flushed yet."""
        index_path = self._make_path()
        name = write_index(index_path, packs.build_index_from_runs(runs))
        with durable.naming_errors(part), part.open("r+b") as file:
            part_length = file.seek(0, os.SEEK_END)
            if part_length != self._lengths[os.fspath(part)]:
                # The receipts of some calls never came: the part itself knows all that it holds.
                whole_index, part_length = scan_pack(part)
                durable.discard_temporary(index_path)
                name = write_index(index_path, [whole_index])
                file.truncate(part_length)
            file.seek(part_length)
            file.write(packs.TRAILER)
            os.fchmod(file.fileno(), 0o444)
        return part, index_path, name
