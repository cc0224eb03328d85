"""Finds versions that pin pointers to content instead of the content itself.

An earlier mlver registered them, or they came in by a record that was written by hand.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from mlver.content.pointers import BYTE_LIMIT, find_pointer, may_be_pointer
from mlver.errors import MlverError
from mlver.findings import Finding
from mlver.project.artifacts import damage, measuring, storing
from mlver.project.artifacts.file_list import join_name
from mlver.project.project import Project
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet


def find_stored_pointers(project: Project, record: VersionRecord) -> Iterator[Finding]:
    """Name the files of a version whose bytes, here or in the work tree, are pointers."""
    store = storing.open_store(project)
    wanted = DigestSet.from_raw(_read_stored(project, record))
    for digest, data in store.read_small(wanted, BYTE_LIMIT):
        # Who uses it is looked for last: that reads the whole manifest.
        if not may_be_pointer(data):
            continue
        user = damage.find_users(project, [record], {digest})[digest]
        subject = user.subject
        if user.name:
            subject += f"/{os.fsdecode(user.name)}"
        # DVC's file in a folder may lie beside the content that it names.
        pointer = find_pointer(join_name(user.artifact_path, user.name), data)
        if pointer is None or user.name.endswith(b".dvc"):
            continue
        yield Finding("object", subject, f"is {pointer.description}", (pointer.hint,))
    for name, artifact in record.named_artifacts().items():
        if artifact.stored:
            continue
        with suppress(MlverError):
            measured = measuring.measure_at(
                project, artifact.path, fresh=True, follow=True, pinned=artifact
            )
            if measured is None or measured.digest != artifact.digest:
                continue
            for found in measured.pointers[:1]:
                subject = damage.name_artifact(record, name)
                yield Finding("object", subject, f"is {found.description}", (found.hint,))


def _read_stored(project: Project, record: VersionRecord) -> Iterator[bytes]:
    for artifact in record.named_artifacts().values():
        if artifact.is_plain:
            # a manifest that cannot be read is damage, and named as that
            with suppress(MlverError):
                for _, hexadecimal in measuring.pinned_files(project, artifact):
                    yield bytes.fromhex(hexadecimal)
