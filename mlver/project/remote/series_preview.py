"""Which files of series gc would keep in parts, as far as can be told without reading them.

What is kept of tensors says which of them are as before; those are stored once. How much the others
take as differences shows only when these are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mlver.content.tensors.tensor import count_bytes
from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.policy.series import SeriesFile
from mlver.project.project import Project
from mlver.project.remote.series import NamedFile, name_files, read_series
from mlver.records import layout
from mlver.records.tensors import KeptTensors
from mlver.storage.cutting import TensorPart, cut_tensors
from mlver.storage.local import LocalStore
from mlver.storage.local.locations import ObjectLocation, open_location, read_span


@dataclass(frozen=True, slots=True)
class PartsCandidate:
    """A file that gc would look at to keep it in parts.

    `equal` are the bytes of tensors that the file before it has as well, at least: they are not
    stored again. The others are stored as differences, where that pays.
    """

    file: NamedFile
    size: int
    equal: int


def preview_series(project: Project, store: LocalStore) -> Iterator[PartsCandidate]:
    """Find the whole files of safetensors that can share tensors with the one before them.

    What has to stay whole is left out.
    """
    series = [file for file in read_series(project) if not file.is_whole and file.parent]
    if not series:
        return
    digests = {digest for file in series for digest in (file.digest, file.parent or "")}
    in_parts = set(store.recipes.find_existing(digests))
    copies = store.find_copies(digests)
    names = name_files(project)
    for file in series:
        whole = None if file.digest in in_parts else _find_whole(copies.get(file.digest, []))
        cuts = None if whole is None else _cut_file(whole)
        if whole is None or cuts is None:
            continue
        equal = _count_equal(project, file, cuts)
        parent = _find_whole(copies.get(file.parent or "", []))
        if equal or file.parent in in_parts or _has_bases(cuts, parent):
            yield PartsCandidate(names[file.digest], whole.size, equal)


def _find_whole(copies: Sequence[ObjectLocation]) -> ObjectLocation | None:
    """The copy that is a file of its own: small contents lie many in a pack, and stay there."""
    return next((location for location in copies if not location.pack), None)


def _has_bases(cuts: Sequence[TensorPart], parent: ObjectLocation | None) -> bool:
    """Whether any part could be the difference to one of the same name and size."""
    before = () if parent is None else _cut_file(parent) or ()
    known = {(cut.name, cut.size) for cut in before if cut.offset}
    return any((cut.name, cut.size) in known for cut in cuts)


def _cut_file(location: ObjectLocation) -> list[TensorPart] | None:
    with open_location(location) as source:

        def read_range(offset: int, size: int) -> bytes:
            return read_span(source, size, offset)

        return cut_tensors(location.size, read_range)


def _count_equal(project: Project, file: SeriesFile, cuts: Sequence[TensorPart]) -> int:
    """Count the bytes of tensors that are parts of their own, and are in the file before."""
    own, before = (_read_kept(project, digest) for digest in (file.digest, file.parent))
    if own is None or before is None:
        return 0
    cut_bytes: dict[str, int] = {}
    for cut in cuts:
        name = cut.name.rpartition("+")[0]
        cut_bytes[name] = cut_bytes.get(name, 0) + cut.size
    known = {tensor.digest for tensor in before.tensors}
    equal = 0
    for tensor in own.tensors:
        size = count_bytes(tensor.dtype, tensor.shape)
        if tensor.digest in known and cut_bytes.get(tensor.name) == size:
            equal += size
    return equal


def _read_kept(project: Project, digest: str | None) -> KeptTensors | None:
    """What is kept of the tensors of a file; None also where it cannot be read: `verify` tells.

    It is believed as it lies here, for it is an estimate: `gc` itself looks into the files.
    """
    if digest is None:
        return None
    with suppress(MlverError):
        path = layout.tensors_path(Digest(digest))
        data = project.registry.read_file(path)
        return None if data is None else KeptTensors.parse_of(Digest(digest), data, path)
    return None
