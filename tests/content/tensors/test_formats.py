"""The same tensors in every format: each reader finds them with their bytes."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy
import pytest

from mlver.content.tensors.archives import Inflated
from mlver.content.tensors.files import has_tensors, open_nothing, read_tensors
from mlver.content.tensors.sources import BytesSource
from mlver.content.tensors.tensor import ByteSource, ByteSpan, TensorFile
from mlver.errors import MlverError
from tests.content.tensors.makers import (
    Array,
    draw_values,
    frame_header,
    make_field,
    make_gguf,
    make_info,
    make_initialiser,
    make_legacy_pytorch,
    make_onnx,
    make_pytorch,
    make_safetensors,
)
from tests.content.tensors.test_safetensors import read_content

TENSORS: dict[str, Array] = {
    "layer.0.weight": draw_values(3, 4),
    "layer.0.bias": draw_values(3, seed=1),
    "steps": numpy.array([7], "i8"),
    "scalar": numpy.array(2.5, "f8"),
}


def make_npz(*, compressed: bool = False) -> bytes:
    out = io.BytesIO()
    save: Any = numpy.savez_compressed if compressed else numpy.savez
    save(out, **TENSORS)
    return out.getvalue()


def make_gguf_file() -> bytes:
    data, infos = b"", []
    kinds = {"float32": 0, "int64": 27, "float64": 28}
    for name, array in TENSORS.items():
        infos.append(make_info(name, array.shape, kinds[array.dtype.name], len(data)))
        data += array.tobytes().ljust(-(-array.nbytes // 32) * 32, b"\0")
    return make_gguf(*infos, data=data)


def make_hdf5(**options: object) -> bytes:
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        for name, array in TENSORS.items():
            chunked = options if array.ndim else {}
            file.create_dataset(name, data=array, **chunked)
        file["names"] = ["a text"]
    return out.getvalue()


def make_keras(compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", make_hdf5())
    return out.getvalue()


FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "safetensors": ("m.safetensors", lambda: make_safetensors(TENSORS)),
    "npz": ("m.npz", make_npz),
    "npz, compressed": ("m.npz", lambda: make_npz(compressed=True)),
    "PyTorch": ("m.pt", lambda: make_pytorch(TENSORS)),
    "PyTorch, deflated": (
        "pytorch_model-1.bin",
        lambda: make_pytorch(TENSORS, compression=zipfile.ZIP_DEFLATED),
    ),
    "PyTorch before 1.6": ("m.pth", lambda: make_legacy_pytorch(TENSORS)),
    "ONNX": ("m.onnx", lambda: make_onnx(*(make_initialiser(*item) for item in TENSORS.items()))),
    "GGUF": ("m.gguf", make_gguf_file),
    "HDF5": ("m.weights.h5", make_hdf5),
    "HDF5, packed": ("m.h5", lambda: make_hdf5(compression="gzip", chunks=True)),
    "Keras": ("m.keras", make_keras),
    "Keras, deflated": ("m.keras", lambda: make_keras(zipfile.ZIP_DEFLATED)),
}


def read(data: bytes, name: str) -> TensorFile:
    return read_tensors(BytesSource(data), name)


@pytest.mark.parametrize("form", FILES)
def test_every_format_gives_the_same_tensors(form: str) -> None:
    name, make = FILES[form]
    assert has_tensors(name)
    found = {tensor.name: tensor for tensor in read(make(), name).tensors}
    assert set(found) == set(TENSORS)
    for tensor_name, array in TENSORS.items():
        tensor = found[tensor_name]
        assert (tensor.shape, tensor.strides) == (array.shape, ())
        assert read_content(tensor) == array.tobytes()
        assert tensor.content.size == array.nbytes
    assert found["steps"].dtype == "I64"
    assert found["layer.0.bias"].dtype == "F32"


def test_an_array_by_itself_is_a_tensor() -> None:
    out = io.BytesIO()
    numpy.save(out, TENSORS["layer.0.weight"])
    (tensor,) = read(out.getvalue(), "m.npy").tensors
    assert (tensor.name, tensor.dtype, tensor.shape) == ("array", "F32", (3, 4))
    assert read_content(tensor) == TENSORS["layer.0.weight"].tobytes()


def test_an_array_by_columns_has_strides() -> None:
    out = io.BytesIO()
    numpy.save(out, numpy.asfortranarray(TENSORS["layer.0.weight"]))
    (tensor,) = read(out.getvalue(), "m.npy").tensors
    assert (tensor.shape, tensor.strides) == ((3, 4), (1, 3))


def test_texts_and_objects_of_numpy_are_bytes() -> None:
    out = io.BytesIO()
    numpy.savez(out, names=numpy.array(["a", "bc"]), objects=numpy.array([{}], object))
    names, objects = read(out.getvalue(), "m.npz").tensors
    assert (names.dtype, names.shape, names.content.size) == ("TEXT", (2,), 16)
    assert (objects.dtype, objects.shape) == ("BYTES", (1,))


def test_an_array_without_elements_may_have_long_axes() -> None:
    document = {"w": {"dtype": "F32", "shape": [2**40, 2**40, 0], "data_offsets": [0, 0]}}
    (tensor,) = read(frame_header(document), "m.safetensors").tensors
    assert (tensor.shape, tensor.content.size) == ((2**40, 2**40, 0), 0)


@pytest.mark.parametrize("pieces", [1, 9])
def test_deflated_members_of_every_length_are_read_to_their_end(pieces: int) -> None:
    """Where zlib has read all of a member, some of what that inflates to may still wait."""
    for more in range(0, 601, 1 if pieces == 1 else 40):
        zeros = bytes((pieces << 18) + more)
        packed = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        data = packed.compress(zeros) + packed.flush()
        content = Inflated(ByteSpan(BytesSource(data), 0, len(data)), len(zeros))
        blocks = content.read_blocks(memoryview(bytearray(1 << 20)))
        assert sum(map(len, blocks)) == len(zeros)


# -- PyTorch -----------------------------------------------------------------------------------


def test_what_a_pickle_would_import_is_listed() -> None:
    found = read(make_pytorch(TENSORS), "m.pt")
    assert found.imports == (
        "torch._utils._rebuild_tensor_v2",
        "torch.FloatStorage",
        "collections.OrderedDict",
        "torch.LongStorage",
        "torch.DoubleStorage",
    )
    assert read(make_legacy_pytorch(TENSORS), "m.pt").imports == found.imports


def test_bfloat16_and_a_tensor_by_columns_are_read() -> None:
    tensors = {
        "a": TENSORS["layer.0.weight"].astype(ml_dtypes.bfloat16),
        "b": numpy.asfortranarray(TENSORS["layer.0.weight"]),
    }
    first, second = read(make_pytorch(tensors), "m.pt").tensors
    assert (first.dtype, first.strides) == ("BF16", ())
    assert (second.dtype, second.shape, second.strides) == ("F32", (3, 4), (1, 3))
    assert read_content(second) == tensors["b"].tobytes(order="A")


# -- ONNX --------------------------------------------------------------------------------------


def test_numbers_of_onnx_that_stand_one_by_one_are_packed() -> None:
    array = numpy.array([1, -2, 3], "i8")
    varints = b"\x01" + b"\xfe" + b"\xff" * 8 + b"\x01" + b"\x03"
    small = numpy.array([5, -1], "i1")
    minus = b"\xff" * 9 + b"\x01"
    floats = draw_values(5)
    model = make_onnx(
        make_initialiser("packed", array, data=make_field(7, varints)),
        make_initialiser("small", small, data=make_field(5, b"\x05" + minus)),
        make_initialiser("floats", floats, data=make_field(4, floats.tobytes())),
    )
    found = {tensor.name: read_content(tensor) for tensor in read(model, "m.onnx").tensors}
    expected = {"packed": array, "small": small, "floats": floats}
    assert found == {name: values.tobytes() for name, values in expected.items()}


def make_external(location: str, offset: int = 0, length: int | None = None) -> bytes:
    entries = {"location": location, "offset": str(offset)}
    if length is not None:
        entries["length"] = str(length)
    fields = make_field(14, 1)
    for key, value in entries.items():
        fields += make_field(13, make_field(1, key.encode()) + make_field(2, value.encode()))
    return make_onnx(make_initialiser("far", TENSORS["layer.0.bias"], data=fields))


def test_data_of_onnx_may_lie_beside_it() -> None:
    data = b"before" + TENSORS["layer.0.bias"].tobytes()
    asked: list[str] = []

    def open_beside(location: str) -> ByteSource | None:
        asked.append(location)
        return BytesSource(data)

    model = BytesSource(make_external("./data.bin", 6, 12))
    (tensor,) = read_tensors(model, "m.onnx", open_beside).tensors
    assert read_content(tensor) == TENSORS["layer.0.bias"].tobytes()
    assert asked == ["data.bin"]
    with pytest.raises(MlverError, match="is not beside it"):
        read_tensors(model, "m.onnx", open_nothing)


@pytest.mark.parametrize(
    "location", ["../../etc/passwd", "/etc/passwd", "a/../../b", "", "a\\b", "a\0b"]
)
def test_data_of_onnx_lies_nowhere_else(location: str) -> None:
    def open_beside(location: str) -> ByteSource | None:
        raise AssertionError(location)

    model = BytesSource(make_external(location))
    with pytest.raises(MlverError, match="no place beside the model"):
        read_tensors(model, "m.onnx", open_beside)


# -- others ------------------------------------------------------------------------------------


def test_blocks_of_gguf_are_compared_as_bytes() -> None:
    data = bytes(range(144)) + bytes(112)
    pairs = (
        b"\x0c"
        + bytes(7)
        + b"general.name"
        + (8).to_bytes(4, "little")
        + b"\x01"
        + bytes(7)
        + b"x",
        b"\x01"
        + bytes(7)
        + b"a"
        + (9).to_bytes(4, "little")
        + bytes(4)
        + b"\x02"
        + bytes(7)
        + b"ab",
    )
    (tensor,) = read(
        make_gguf(make_info("q", (1, 256), 12, 0), data=data, pairs=pairs), "m.gguf"
    ).tensors
    assert (tensor.dtype, tensor.shape) == ("Q4_K", (1, 256))
    assert read_content(tensor) == data[:144]


def test_a_dataset_in_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(bytes(40))
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (10,), "f4", external=[(str(tmp_path / "outside"), 0, 40)])
    with pytest.raises(MlverError, match="lies in another file"):
        read(path.read_bytes(), "m.h5")


def test_links_out_of_a_file_are_not_followed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["secret"] = TENSORS["steps"]
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file["own"] = TENSORS["steps"]
        file["far"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "secret")
        file["soft"] = h5py.SoftLink("/own")
    assert [tensor.name for tensor in read(path.read_bytes(), "m.h5").tensors] == ["own"]


def test_only_what_pytorch_calls_bin_is_its_own() -> None:
    assert has_tensors("a/pytorch_model.bin")
    assert has_tensors("a/diffusion_pytorch_model.bin")
    assert has_tensors("adapter_model.bin")
    assert not has_tensors("weights.bin")
