"""Where the bytes of weights are read from that are looked into: the store, or the work tree."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile

from mlver.content.tensors.sources import BytesSource, DescriptorSource
from mlver.content.tensors.tensor import ByteSource
from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, refusal_error, shell_command
from mlver.hashing.walk import LinkBounds
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.following import locate_artifact
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.records import layout
from mlver.storage.digests import DigestSet
from mlver.system.parallel import LARGE
from mlver.system.regular import open_regular


@dataclass(frozen=True, slots=True)
class SourceOpener:
    """Opens files and objects, which stay open until `open_sources` ends."""

    project: Project
    _stack: ExitStack

    def open_object(self, digest: Digest) -> ByteSource | None:
        """Open an object of the store; None where it is not there.

        Bytes of a large one are as they lie: only `verify` proves them.
        """
        store = open_store(self.project)
        descriptor = store.open_object(digest)
        if descriptor is not None:
            return self._hold(descriptor)
        # Small ones lie many in a file, and are read whole.
        for _, data in store.read_small(DigestSet.from_digests([digest]), LARGE):
            return BytesSource(data)
        return self._rebuild(digest)

    def _rebuild(self, digest: Digest) -> ByteSource | None:
        """Put an object that is kept in parts together; None where it is not there, or damaged."""
        folder = self.project.state_directory
        if not folder.is_dir():
            return None
        try:
            # It has no name, and is gone with the process.
            whole = self._stack.enter_context(TemporaryFile(dir=folder))  # noqa: SIM115
            open_store(self.project).copy_object(digest, whole)
            whole.flush()
        except MlverError:
            return None
        except OSError as error:
            raise refusal_error("putting weights together", error) from error
        return DescriptorSource.of_descriptor(whole.fileno())

    def open_working(self, artifact: str, name: bytes = b"") -> DescriptorSource | None:
        """Open a working file of the artifact at a path; None where there is none.

        Raise MlverError where a symlink in it leads out of the work tree.
        """
        path = join_name(artifact, name)
        base = locate_artifact(self.project, artifact)
        location = base / os.fsdecode(name) if name else base
        if location.resolve().is_relative_to(base.resolve()):
            fault = None
        else:
            bounds = LinkBounds.of_folder(self.project.top_folder, layout.ROOT)
            fault = bounds.find_fault(os.fsencode(location))
        if fault is not None:
            hint = shell_command("ls", "-l", "--", path)
            raise MlverError(f"{printable_name(path)} {fault}", hint=hint)
        try:
            return self._hold(open_regular(location, follow=True))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise refusal_error(f"reading {printable_name(path)}", error) from error

    def _hold(self, descriptor: int) -> DescriptorSource:
        self._stack.callback(os.close, descriptor)
        _announce_reading(descriptor)
        return DescriptorSource.of_descriptor(descriptor)


@contextmanager
def open_sources(project: Project) -> Iterator[SourceOpener]:
    with ExitStack() as stack:
        yield SourceOpener(project, stack)


def _announce_reading(descriptor: int) -> None:
    """Let the system read ahead, where it knows how."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
