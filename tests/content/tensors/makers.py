"""Files of weights, made byte by byte as their formats say."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy

Array = numpy.ndarray[Any, Any]
_NAMES = {
    "bool": "BOOL",
    "int8": "I8",
    "uint8": "U8",
    "int16": "I16",
    "uint16": "U16",
    "float16": "F16",
    "bfloat16": "BF16",
    "int32": "I32",
    "uint32": "U32",
    "float32": "F32",
    "int64": "I64",
    "uint64": "U64",
    "float64": "F64",
    "complex64": "C64",
    "complex128": "C128",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
}


def name_dtype(array: Array) -> str:
    return _NAMES[array.dtype.name]


def make_safetensors(
    tensors: Mapping[str, Array], metadata: Mapping[str, str] | None = None
) -> bytes:
    """A sound safetensors file."""
    document: dict[str, Any] = {}
    if metadata is not None:
        document["__metadata__"] = metadata
    end = 0
    for name, array in tensors.items():
        begin, end = end, end + array.nbytes
        document[name] = {
            "dtype": name_dtype(array),
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
    return b"".join([frame_header(document), *(array.tobytes() for array in tensors.values())])


def frame_header(document: Any) -> bytes:
    """The length of a header, and the header."""
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return len(text).to_bytes(8, "little") + text


def draw_values(*shape: int, seed: int = 0, scale: float = 1.0) -> Array:
    """Values in single precision that look like weights."""
    values: Array = numpy.random.default_rng(seed).normal(size=shape) * scale
    return values.astype("f4")


# -- PyTorch -----------------------------------------------------------------------------------

_STORAGES = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
    "uint8": "ByteStorage",
}


# The one in Python, whose `save` can be extended.
_PurePickler: Any = vars(pickle)["_Pickler"]


class _Stub:
    """Something of torch's: what unpickling would import, were it done."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class _Rebuilt:
    """What `torch` rebuilds a tensor from."""

    def __init__(self, array: Array, key: str, strides: tuple[int, ...] | None = None) -> None:
        self.array, self.key = array, key
        steps = [step // array.itemsize for step in array.strides]
        self.strides = tuple(steps) if strides is None else strides


class Called:
    """What calling something of torch's gives."""

    def __init__(self, name: str, *arguments: Any, module: str = "torch._utils") -> None:
        self.target, self.arguments = _Stub(module, name), arguments


class Stored:
    """A storage, which lies outside the pickle."""

    def __init__(self, kind: str, key: str, count: int) -> None:
        self.identity = ("storage", _Stub("torch", kind), key, "cpu", count)


def name_global(name: str, module: str = "torch") -> Any:
    """Something of torch's by itself."""
    return _Stub(module, name)


class _TorchPickler(_PurePickler):  # type: ignore[misc]
    """Pickles as `torch.save` does."""

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, _Stub):
            self.write(f"c{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Called):
            self.save(obj.target)
            self.save(obj.arguments)
            self.write(pickle.REDUCE)
        elif isinstance(obj, Stored):
            self.save(obj.identity)
            self.write(pickle.BINPERSID)
        elif isinstance(obj, _Rebuilt):
            self.save(_Stub("torch._utils", "_rebuild_tensor_v2"))
            self.write(pickle.MARK)
            self._save_storage(obj)
            for value in (0, obj.array.shape, obj.strides, False):
                self.save(value)
            self.save(_Stub("collections", "OrderedDict"))
            self.write(pickle.EMPTY_TUPLE + pickle.REDUCE)
            self.write(pickle.TUPLE + pickle.REDUCE)
        else:
            super().save(obj, save_persistent_id)

    def _save_storage(self, rebuilt: _Rebuilt) -> None:
        kind = _Stub("torch", _STORAGES[rebuilt.array.dtype.name])
        self.write(pickle.MARK)
        for value in ("storage", kind, rebuilt.key, "cpu", rebuilt.array.size):
            self.save(value)
        self.write(pickle.TUPLE + pickle.BINPERSID)


def pickle_torch(value: Any, protocol: int = 2) -> bytes:
    out = io.BytesIO()
    _TorchPickler(out, protocol).dump(value)
    return out.getvalue()


def describe_state(tensors: Mapping[str, Array]) -> dict[str, Any]:
    """A state as torch has it: what stands for each tensor, by its name."""
    return {name: _Rebuilt(array, str(key)) for key, (name, array) in enumerate(tensors.items())}


def make_pytorch(
    tensors: Mapping[str, Array],
    *,
    state: Any = None,
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    """What `torch.save` writes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr("model/data.pkl", pickle_torch(state or describe_state(tensors)))
        archive.writestr("model/byteorder", "little")
        for key, array in enumerate(tensors.values()):
            archive.writestr(f"model/data/{key}", array.tobytes(order="A"))
        archive.writestr("model/version", "3\n")
    return out.getvalue()


def make_legacy_pytorch(tensors: Mapping[str, Array], *, state: Any = None) -> bytes:
    """What `torch.save` wrote before PyTorch 1.6."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    keys = [str(key) for key in range(len(tensors))]
    pickles = (0x1950A86A20F9469CFC6C, 1001, system, state or describe_state(tensors), keys)
    data = b"".join(map(pickle_torch, pickles))
    for array in tensors.values():
        data += array.size.to_bytes(8, "little") + array.tobytes()
    return data


# -- ONNX --------------------------------------------------------------------------------------

_ONNX_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "float16": 10}
_ONNX_TYPES |= {"float64": 11, "bfloat16": 16}


def make_varint(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])


def make_field(number: int, value: int | bytes) -> bytes:
    """A field of a protocol buffer."""
    if isinstance(value, int):
        return make_varint(number << 3) + make_varint(value)
    return make_varint(number << 3 | 2) + make_varint(len(value)) + value


def make_initialiser(name: str, array: Array, *, data: bytes | None = None) -> bytes:
    """A TensorProto; `data` are other fields than the raw data."""
    proto = b"".join(make_field(1, length) for length in array.shape)
    proto += make_field(2, _ONNX_TYPES[array.dtype.name]) + make_field(8, name.encode())
    return proto + (make_field(9, array.tobytes()) if data is None else data)


def make_onnx(*initialisers: bytes) -> bytes:
    """A ModelProto with a node and these initialisers."""
    node = make_field(1, make_field(1, b"x") + make_field(4, b"Add"))
    graph = node + b"".join(make_field(5, proto) for proto in initialisers)
    return make_field(1, 8) + make_field(2, b"tests") + make_field(7, graph)


# -- GGUF --------------------------------------------------------------------------------------


def make_text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(8, "little") + data


def make_block(pairs: Mapping[bytes, bytes], kind: int = 0) -> bytes:
    """A block of a table of strings, and its trailer. Keys share their beginnings, as they do."""
    data, last = b"", b""
    for key, value in pairs.items():
        shared = 0
        while key[shared : shared + 1] and key[shared : shared + 1] == last[shared : shared + 1]:
            shared += 1
        lengths = (shared, len(key) - shared, len(value))
        data += b"".join(map(make_varint, lengths)) + key[shared:] + value
        last = key
    return data + bytes(4) + (1).to_bytes(4, "little") + bytes([kind]) + bytes(4)


def make_table(*blocks: bytes) -> bytes:
    """A table of strings of these blocks."""
    data, index = b"", {}
    for number, block in enumerate(blocks):
        index[bytes([number])] = make_varint(len(data)) + make_varint(len(block) - 5)
        data += block
    handle = make_varint(len(data)) + make_varint(len(make_block(index)) - 5)
    footer = (make_varint(0) + make_varint(0) + handle).ljust(40, b"\0")
    return data + make_block(index) + footer + (0xDB4775248B80FB57).to_bytes(8, "little")


def make_entry(dtype: int, shape: tuple[int, ...], offset: int, size: int, shard: int = 0) -> bytes:
    """What the index of a bundle says of a tensor."""
    lengths = b"".join(b"\x12" + make_text_field(b"\x08" + make_varint(n)) for n in shape)
    numbers = b"".join(
        bytes([key << 3]) + make_varint(value)
        for key, value in ((3, shard), (4, offset), (5, size))
    )
    return b"\x08" + make_varint(dtype) + b"\x12" + make_text_field(lengths) + numbers


def make_text_field(data: bytes) -> bytes:
    return make_varint(len(data)) + data


def make_bundle(tensors: Mapping[str, Array], shards: int = 1) -> tuple[bytes, list[bytes]]:
    """An index, and its data files, in which the tensors lie one after another."""
    kinds = {"float32": 1, "float64": 2, "int64": 9}
    entries = {b"": b"\x08" + make_varint(shards) + b"\x1a\x02\x08\x01"}
    data = [b""] * shards
    for number, (name, array) in enumerate(sorted(tensors.items())):
        shard = number % shards
        entries[name.encode()] = make_entry(
            kinds[array.dtype.name], array.shape, len(data[shard]), array.nbytes, shard
        )
        data[shard] += array.tobytes()
    half = len(entries) // 2
    pairs = list(entries.items())
    return make_table(make_block(dict(pairs[:half])), make_block(dict(pairs[half:]))), data


def make_info(name: str, shape: tuple[int, ...], kind: int, offset: int) -> bytes:
    """What the header of GGUF says of a tensor."""
    lengths = b"".join(length.to_bytes(8, "little") for length in reversed(shape))
    numbers = len(shape).to_bytes(4, "little") + lengths + kind.to_bytes(4, "little")
    return make_text(name) + numbers + offset.to_bytes(8, "little")


def make_gguf(*infos: bytes, data: bytes = b"", pairs: tuple[bytes, ...] = ()) -> bytes:
    counts = len(infos).to_bytes(8, "little") + len(pairs).to_bytes(8, "little")
    header = b"GGUF" + (3).to_bytes(4, "little") + counts + b"".join(pairs) + b"".join(infos)
    return header + bytes(-len(header) % 32) + data
