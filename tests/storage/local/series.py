"""Checkpoints of a series, as safetensors, and a store that keeps them in parts."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from mlver.content.delta import decode_part, encode_part
from mlver.digest import Digest
from mlver.policy.series import SeriesFile
from mlver.storage.local import LocalStore
from mlver.storage.local.sharing import PartEncoder, PartSharer, SharedFile
from mlver.storage.local.trash import LocalTrash

MIB = 1 << 20
# The moment of the runs of gc: 2026-01-02.
NOW = 1_767_312_000.0


def write_checkpoint(tensors: Mapping[str, bytes], dtype: str = "F32") -> bytes:
    """These tensors as a safetensors file."""
    header: dict[str, object] = {}
    end = 0
    width = 2 if dtype.endswith("16") else 4
    for name, data in tensors.items():
        offsets = [end, end + len(data)]
        header[name] = {"dtype": dtype, "shape": [len(data) // width], "data_offsets": offsets}
        end += len(data)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + b"".join(tensors.values())


def make_tensors(count: int, size: int = MIB, seed: int = 1) -> dict[str, bytes]:
    """So many tensors of random bytes."""
    randomness = random.Random(seed)
    return {f"layer.{number}": randomness.randbytes(size) for number in range(count)}


def nudge(data: bytes, seed: int = 1) -> bytes:
    """Values that differ in their last byte, as far as that."""
    changed = bytearray(data)
    changed[0::4] = random.Random(seed).randbytes(len(data) // 4)
    return bytes(changed)


def make_series(length: int, count: int = 10, size: int = MIB) -> list[bytes]:
    """Checkpoints of `count` tensors; in each, one of them is another than before."""
    tensors = make_tensors(count, size)
    checkpoints = [write_checkpoint(tensors)]
    for step in range(1, length):
        tensors[f"layer.{step % count}"] = random.Random(100 + step).randbytes(size)
        checkpoints.append(write_checkpoint(tensors))
    return checkpoints


@dataclass(frozen=True, slots=True)
class SeriesStore:
    """A local store, and what gc does in it."""

    store: LocalStore

    @classmethod
    def open_in(cls, folder: Path) -> SeriesStore:
        return cls(LocalStore.open_in(folder, decode_part))

    def put(self, contents: Sequence[bytes]) -> list[str]:
        with self.store.open_deposit() as deposit:
            return [deposit.put_object(BytesIO(content)).hex for content in contents]

    def share(
        self,
        digests: Sequence[str],
        whole: Sequence[str] = (),
        encode: PartEncoder | None = encode_part,
    ) -> list[SharedFile]:
        """Let gc take a series."""
        sharer = PartSharer(self.store, LocalTrash(self.store), encode, NOW)
        shared: list[SharedFile] = []
        parent: str | None = None
        for digest in digests:
            taken = sharer.take_file(SeriesFile(digest, parent, digest in whole))
            if taken is not None:
                shared.append(taken)
            parent = digest
        return shared

    def read(self, digest: str) -> bytes:
        out = BytesIO()
        self.store.copy_object(Digest(digest), out)
        return out.getvalue()

    def is_whole(self, digest: str) -> bool:
        return self.store.loose.path_of(digest).exists()

    def count_bytes(self) -> int:
        """What is in service."""
        files = [*self.store.objects.rglob("*"), *self.store.packs_directory.rglob("*")]
        files += self.store.recipes.folder.rglob("*")
        return sum(path.stat().st_size for path in files if path.is_file())
