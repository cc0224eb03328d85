"""A pickle is told without being loaded."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile

import pytest

from mlver.content.pickles import is_pickle


def torch_archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({}, 2))
    return made.getvalue()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "value", [{"a": 1}, [1], (1, 2), 7, 2**70, "x", b"y", None, True, 1.5, OSError("x"), set()]
)
def test_a_pickle_is_told_by_its_bytes(protocol: int, value: object) -> None:
    assert is_pickle("weights.bin", pickle.dumps(value, protocol))


def test_a_pickle_is_told_by_its_name_or_as_a_member() -> None:
    assert is_pickle("a.PKL", b"")
    assert is_pickle("a.joblib", b"x\x9c")
    assert is_pickle("model.pt", torch_archive())


@pytest.mark.parametrize("length", [0x0280, 0x0380, 0x0580])
def test_a_safetensors_header_is_none(length: int) -> None:
    assert not is_pickle("w.safetensors", struct.pack("<Q", length) + b"{}")
    assert not is_pickle("a.zip", b"PK\x03\x04 nothing")
