"""What is kept of the tensors in a file of weights, as `.mlver/tensors/<64 hex>.json` says it.

It is named by the digest of the file, whose bytes it was derived from as a version was registered:
so that versions can still be compared whose bytes are elsewhere. One encoding a content: what does
not encode to the same bytes again is refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from mlver.digest import Digest
from mlver.errors import InvalidDocument, printable_name
from mlver.records.element_types import ELEMENT_BITS

TENSORS_SCHEMA = "mlver/tensors/1"

_HEX = re.compile(r"[0-9a-f]{64}")
_BIGGEST = 2**63 - 1
_FAULTS_SHOWN = 20
# Of numbers with six digits.
_LAST_DIGIT = 2e-5
_HEAD_FIELDS = {"schema", "file", "format", "imports", "remark", "tensors"}
_MOST_SAMPLE_BYTES = 64 * 16
# Of elements whose type is not known here.
_ELEMENT_BYTES = (1, 2, 4, 8, 16)


@dataclass(frozen=True, slots=True)
class TensorSummary:
    """What the values of a tensor are like: those that are numbers, and how many are not.

    `norm` is the root of the sum of squares, `largest` the largest magnitude; both are rounded to
    six digits, so that every machine writes the same.
    """

    norm: float
    largest: float
    nans: int
    infinities: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTensor:
    """A tensor by its digest, which is of its bytes alone.

    `sample` are the bytes of the elements at 0, 1, 2, 4, 8 and so on: of two tensors, they tell
    about how far apart these are. It is empty where elements are no whole bytes. `summary` is None
    where nothing here could compute it. `strides` are empty for elements in the order of the axes.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    digest: str
    strides: tuple[int, ...] = ()
    sample: bytes = b""
    summary: TensorSummary | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTensors:
    """The tensors of the file that hashes to `file`; `imports` are those of a pickle.

    `remark` says what of the file was not read. Where a file keeps bytes in others beside it,
    `file` is the digest of a list of them all.
    """

    file: Digest
    format: str
    tensors: tuple[KeptTensor, ...]
    imports: tuple[str, ...] = field(default=())
    remark: str | None = None

    @classmethod
    def parse(cls, data: bytes, where: str) -> KeptTensors:
        """Read what is kept; raise InvalidDocument, naming `where`, with what is wrong."""
        document = _load_document(data, where)
        faults: list[str] = []
        tensors: list[KeptTensor] = []
        for number, item in enumerate(document["tensors"], 1):
            read = _read_tensor(item)
            if isinstance(read, str):
                faults.append(f"tensor {number}: {read}")
            else:
                tensors.append(read)
        if faults:
            raise InvalidDocument(where, tuple(faults[:_FAULTS_SHOWN]))
        kept = cls(
            file=Digest.parse(document["file"]),
            format=document["format"],
            tensors=tuple(tensors),
            imports=tuple(document.get("imports", ())),
            remark=document.get("remark"),
        )
        if kept.to_bytes() != data:
            raise InvalidDocument(where, ("it is not written as mlver writes tensors",))
        return kept

    @classmethod
    def parse_of(cls, file: Digest, data: bytes, where: str) -> KeptTensors:
        """Read what is kept of this file; raise InvalidDocument also where it is of another."""
        kept = cls.parse(data, where)
        if kept.file != file:
            raise InvalidDocument(where, (f"it says that it is of {kept.file}",))
        return kept

    def drop_summaries(self) -> KeptTensors:
        """The same without what only some machines can compute."""
        plain = tuple(replace(tensor, summary=None) for tensor in self.tensors)
        return replace(self, tensors=plain)

    def agrees_with(self, other: KeptTensors) -> bool:
        """Whether another one says the same; summaries count where both have them.

        They are sums, whose last digit may be another one on another machine. What a file has that
        is not read depends on the reader.
        """
        plain = [replace(kept.drop_summaries(), remark=None) for kept in (self, other)]
        if plain[0] != plain[1]:
            return False
        pairs = zip(self.tensors, other.tensors, strict=True)
        return all(_are_close(mine.summary, theirs.summary) for mine, theirs in pairs)

    def to_bytes(self) -> bytes:
        """One line a tensor, so that git shows what changed."""
        head: dict[str, Any] = {
            "schema": TENSORS_SCHEMA,
            "file": str(self.file),
            "format": self.format,
        }
        if self.imports:
            head["imports"] = list(self.imports)
        if self.remark is not None:
            head["remark"] = self.remark
        opening = json.dumps(head, ensure_ascii=False)[:-1]
        lines = ",\n".join(_encode_tensor(tensor) for tensor in self.tensors)
        return f'{opening}, "tensors": [\n{lines}\n]}}\n'.encode()


def _are_close(mine: TensorSummary | None, theirs: TensorSummary | None) -> bool:
    if mine is None or theirs is None:
        return True
    if (mine.nans, mine.infinities) != (theirs.nans, theirs.infinities):
        return False
    pairs = ((mine.norm, theirs.norm), (mine.largest, theirs.largest))
    return all(math.isclose(one, other, rel_tol=_LAST_DIGIT) for one, other in pairs)


def _encode_tensor(tensor: KeptTensor) -> str:
    fields: dict[str, Any] = {
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
    }
    if tensor.strides:
        fields["strides"] = list(tensor.strides)
    fields["sha256"] = tensor.digest
    if tensor.sample:
        fields["sample"] = base64.b64encode(tensor.sample).decode()
    summary = tensor.summary
    if summary is not None:
        fields["norm"] = summary.norm
        fields["largest"] = summary.largest
        if summary.nans:
            fields["nans"] = summary.nans
        if summary.infinities:
            fields["infinities"] = summary.infinities
    return json.dumps(fields, ensure_ascii=False)


def _load_document(data: bytes, where: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        reason = printable_name(str(error))[:100]
        raise InvalidDocument(where, (f"it is no JSON: {reason}",)) from None
    if not isinstance(document, dict) or document.get("schema") != TENSORS_SCHEMA:
        raise InvalidDocument(where, (f"its schema is not {TENSORS_SCHEMA}",))
    fault = _find_head_fault(document)
    if fault is not None:
        raise InvalidDocument(where, (fault,))
    return document


def _find_head_fault(document: dict[str, Any]) -> str | None:
    if not set(document) <= _HEAD_FIELDS:
        return "it has fields that are none of it"
    file = document.get("file")
    if not isinstance(file, str) or not file.startswith("sha256:") or not _HEX.fullmatch(file[7:]):
        return "`file` is no digest"
    if not _is_text(document.get("format")):
        return "`format` is no text"
    if not isinstance(document.get("tensors"), list):
        return "`tensors` is no list"
    imports = document.get("imports", [])
    if not isinstance(imports, list) or not all(map(_is_text, imports)):
        return "`imports` is no list of texts"
    return None if _is_text(document.get("remark", "")) else "`remark` is no text"


def _read_tensor(item: object) -> KeptTensor | str:
    """The tensor that an entry stands for, or what is wrong with it."""
    if not isinstance(item, dict):
        return "it is no map"
    name, dtype, digest = item.get("name"), item.get("dtype"), item.get("sha256")
    if not isinstance(name, str) or not _is_text(name) or not isinstance(dtype, str):
        return "`name` or `dtype` is no text"
    if not _is_text(dtype) or not isinstance(digest, str) or not _HEX.fullmatch(digest):
        return "`sha256` is not 64 lower-case hexadecimal digits"
    shape, strides = _read_lengths(item.get("shape")), _read_lengths(item.get("strides", []))
    if shape is None or strides is None:
        return "`shape` or `strides` is no list of lengths"
    sample = _read_sample(item.get("sample", ""))
    if sample is None:
        return "`sample` is no short base64"
    fault = _find_shape_fault(dtype, shape, sample)
    if fault is not None:
        return fault
    summary = None
    if "norm" in item:
        summary = _read_summary(item)
        if summary is None:
            return "`norm`, `largest`, `nans` or `infinities` is no number"
    return KeptTensor(
        name=name,
        dtype=dtype,
        shape=shape,
        digest=digest,
        strides=strides,
        sample=sample,
        summary=summary,
    )


def _is_text(value: object) -> bool:
    if not isinstance(value, str) or len(value) > 1024:
        return False
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _read_lengths(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list) or len(value) > 64:
        return None
    for length in value:
        if type(length) is not int or not 0 <= length <= _BIGGEST:
            return None
    return tuple(value)


def _read_sample(value: object) -> bytes | None:
    if not isinstance(value, str) or len(value) > 2 * _MOST_SAMPLE_BYTES:
        return None
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None


def _find_shape_fault(dtype: str, shape: tuple[int, ...], sample: bytes) -> str | None:
    """Find what no tensor of this shape has; its sample are the elements at 0, 1, 2, 4, 8 …"""
    count = math.prod(shape)
    # No file has more elements; an axis without length makes the others mean nothing.
    if count > _BIGGEST:
        return "`shape` has more elements than any file"
    sampled = 1 + (count - 1).bit_length() if count else 0
    widths = (ELEMENT_BITS[dtype] // 8,) if dtype in ELEMENT_BITS else _ELEMENT_BYTES
    if sample and not any(len(sample) == sampled * width for width in widths):
        return "`sample` is of another type or shape"
    return None


def _read_summary(item: dict[str, Any]) -> TensorSummary | None:
    norm, largest = item["norm"], item.get("largest")
    nans, infinities = item.get("nans", 0), item.get("infinities", 0)
    for number in (norm, largest):
        if not isinstance(number, float) or not math.isfinite(number) or number < 0:
            return None
    for count in (nans, infinities):
        if type(count) is not int or not 0 <= count <= _BIGGEST:
            return None
    assert isinstance(largest, float)
    return TensorSummary(norm, largest, nans, infinities)


def count_values(tensors: Iterable[KeptTensor]) -> int:
    """How many values there are in some tensors: the parameters of a model."""
    return sum(math.prod(tensor.shape) for tensor in tensors)
