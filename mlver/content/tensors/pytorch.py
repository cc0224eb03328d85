"""Tensors of what `torch.save` and `torch.jit.save` write, with no torch and without unpickling.

In a zip archive, `data.pkl` says which tensors there are, and `data/KEY` are their bytes. Before
PyTorch 1.6, five pickles came one after another, and then the bytes of each storage. What the
pickles would import is listed: it is a list, not a verdict.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from mlver.content.tensors.archives import (
    SourceFile,
    open_members,
    read_whole,
    refuse_growth,
)
from mlver.content.tensors.pickle_walk import LongPickle, Pairs, WalkedPickle, walk_pickle
from mlver.content.tensors.pytorch_storages import TorchStorage, is_storage, read_storage
from mlver.content.tensors.pytorch_tensors import FindStorage, TensorBuilder
from mlver.content.tensors.sources import read_bytes
from mlver.content.tensors.tensor import (
    ByteSource,
    ByteSpan,
    Content,
    TensorFault,
    TensorFile,
    UnknownContent,
    check_count,
    list_left_out,
    make_span,
)
from mlver.records.element_types import ELEMENT_BITS

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_MOST_PICKLE_BYTES = 64 << 20
# The first pickle of a file from before PyTorch 1.6 is a number alone.
_MAGIC_BYTES = 64


def read_pytorch(source: ByteSource) -> TensorFile:
    """Read which tensors a file has; raise TensorFault for a file that is not sound."""
    if source.size >= 4 and read_bytes(source, 0, 4) == b"PK\x03\x04":
        return _read_archive(source)
    return _read_legacy(source)


# -- zip archives ------------------------------------------------------------------------------


def _read_archive(source: ByteSource) -> TensorFile:
    members = open_members(source)
    pickles = [name for name in members if name.endswith("/data.pkl") or name == "data.pkl"]
    if len(pickles) != 1:
        raise TensorFault("it is an archive without one `data.pkl`")
    folder = pickles[0].removesuffix("data.pkl")
    order = members.get(f"{folder}byteorder")
    if order is not None and read_whole(order, 100, "byteorder").strip() != b"little":
        raise UnknownContent("the bytes of its numbers are in reverse")
    data = read_whole(members[pickles[0]], _MOST_PICKLE_BYTES, "its pickle")
    walked = walk_pickle(io.BytesIO(data), len(data))

    def find_storage(key: str) -> Content:
        member = members.get(f"{folder}data/{key}")
        if member is None:
            raise TensorFault(f"it has no storage {key!r:.80}")
        return member

    remarks: list[str] = []
    if any(name.startswith(f"{folder}code/") for name in members):
        remarks.append("TorchScript: constants and code in it are not compared")
    return _build_file(source, walked, find_storage, remarks)


# -- before PyTorch 1.6 ------------------------------------------------------------------------


def _read_legacy(source: ByteSource) -> TensorFile:
    file = io.BufferedReader(SourceFile(source))
    if _walk_magic(file) != _LEGACY_MAGIC:
        raise UnknownContent("it is nothing that torch.save writes")
    if walk_pickle(file, _MAGIC_BYTES).value != _LEGACY_PROTOCOL:
        raise UnknownContent("it is of a version of torch.save that is not read")
    system = walk_pickle(file, _MOST_PICKLE_BYTES).value
    if isinstance(system, Pairs) and ("little_endian", False) in system.items:
        raise UnknownContent("the bytes of its numbers are in reverse")
    walked = walk_pickle(file, _MOST_PICKLE_BYTES)
    keys = walk_pickle(file, _MOST_PICKLE_BYTES).value
    storages = _place_storages(source, walked, keys, file.tell())

    def find_storage(key: str) -> Content:
        if key not in storages:
            raise TensorFault(f"it has no storage {key!r:.80}")
        return storages[key]

    return _build_file(source, walked, find_storage)


def _walk_magic(file: BinaryIO) -> Any:
    """Walk the first pickle; None where it is too long for a number."""
    try:
        return walk_pickle(file, _MAGIC_BYTES).value
    except LongPickle:
        return None


def _place_storages(
    source: ByteSource, walked: WalkedPickle, keys: Any, position: int
) -> Mapping[str, ByteSpan]:
    """Find each storage: the number of its elements, and then these."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise TensorFault("it does not say which storages it has")
    check_count(len(keys))
    dtypes = {storage.key: storage.dtype for storage in _list_storages(walked)}
    placed: dict[str, ByteSpan] = {}
    for key in keys:
        dtype = dtypes.get(key)
        if dtype is None:
            raise TensorFault(f"nothing says of which type the storage {key!r:.80} is")
        count = int.from_bytes(read_bytes(source, position, 8), "little")
        size = count * ELEMENT_BITS[dtype] // 8
        placed[key] = make_span(source, position + 8, size, key)
        position += 8 + size
    if position != source.size:
        raise TensorFault("its storages do not end where the file ends")
    return placed


# -- both ----------------------------------------------------------------------------------------


def _build_file(
    source: ByteSource,
    walked: WalkedPickle,
    find_storage: FindStorage,
    remarks: Sequence[str] = (),
) -> TensorFile:
    builder = TensorBuilder(find_storage)
    tensors = builder.build_tensors(walked.value)
    # Tensors may share bytes so often that reading them all would never end.
    refuse_growth(source.size, sum(tensor.content.size for tensor in tensors))
    lost = {storage.key for storage in _list_storages(walked)} - builder.storages
    more = [
        list_left_out("only the tensors in what these build are compared", builder.unread),
        list_left_out("tensors that repeat their values are not compared", builder.expanded),
        list_left_out("storages of no tensor that is read are not compared", sorted(lost)),
    ]
    remark = "; ".join([*remarks, *filter(None, more)])
    return TensorFile(
        format="pytorch", tensors=tensors, imports=walked.imports, remark=remark or None
    )


def _list_storages(walked: WalkedPickle) -> list[TorchStorage]:
    """List the storages that a pickle names; what else lies outside of it is no storage."""
    return [read_storage(found) for found in walked.persistents if is_storage(found)]
