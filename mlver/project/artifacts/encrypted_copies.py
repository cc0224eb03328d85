"""Artifacts that the store keeps encrypted only, for named people.

One object stands for all files of an artifact. Of a file it holds the bytes; of a directory a tar
archive, in which each distinct content has the 64 digits of its digest as its name, in the order of
the manifest. So `age --decrypt` and `tar` read it without mlver. The digest of the plain artifact
stays its identity: every byte that is decrypted is hashed against it.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from mlver.content.encryption import decrypt_stream, encrypt_stream
from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, refusal_error, shell_command
from mlver.project.artifacts import storing
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.measuring import MeasuredArtifact, measured_files, pinned_files
from mlver.project.history.secret_values import read_identity_file
from mlver.project.project import Project
from mlver.records.artifact import Artifact, EncryptedCopy
from mlver.system.regular import open_regular

# Where a person's private key is: a variable, else a setting of git's.
IDENTITY_VARIABLE = "MLVER_IDENTITY"
_IDENTITY_SETTING = r"^mlver\.identity$"
_CHUNK = 1 << 16
_BLOCK = tarfile.BLOCKSIZE
_END = bytes(2 * _BLOCK)

ContentTaker = Callable[[BinaryIO], Digest]


def store_encrypted(
    project: Project, path: str, measured: MeasuredArtifact, recipients: Iterable[str]
) -> EncryptedCopy:
    """Encrypt what was measured at a path, and store that; nothing is stored in plain.

    Raise MlverError where a file changed since it was measured.
    """
    named = tuple(recipients)
    reporter = project.reporter
    reporter.begin_work(f"encrypting {printable_name(path)}", measured.size)
    try:
        with _open_scratch(project) as scratch:
            chunks = _read_artifact(project, path, measured)
            encrypt_stream(_ChunkReader(chunks, reporter.advance_work), scratch, named)
            scratch.seek(0)
            with storing.open_batch_deposit(project) as deposit:
                return EncryptedCopy(object=deposit.put_object(scratch), recipients=named)
    finally:
        reporter.end_work()


def restore_plain(project: Project, subject: str, artifact: Artifact) -> None:
    """Decrypt an artifact into the store of this clone, which no push sends.

    Raise MlverError without a private key that fits, or where the encrypted bytes are missing,
    damaged, or not those of the artifact.
    """
    identities = require_identities(project, subject)
    with storing.open_batch_deposit(project) as deposit:
        _decrypt_into(project, subject, artifact, identities, deposit.put_object)


def check_plain(project: Project, subject: str, artifact: Artifact, identities: list[Any]) -> None:
    """Raise MlverError unless what is encrypted decrypts to the very bytes of the artifact."""
    _decrypt_into(project, subject, artifact, identities, _hash_content)


def read_head(project: Project, copy: EncryptedCopy) -> bytes:
    """Read the first bytes of what is encrypted, in which the keys are listed that can read it."""
    store = storing.open_store(project)
    descriptor = store.open_object(copy.object)
    if descriptor is None:
        # It is in a pack, where only small ones are.
        packed = io.BytesIO()
        store.copy_object(copy.object, packed)
        return packed.getvalue()[:_CHUNK]
    with os.fdopen(descriptor, "rb") as opened:
        return opened.read(_CHUNK)


def find_identities(project: Project) -> list[Any]:
    """Read the private keys of whoever runs mlver; none where they named no file.

    Raise MlverError where that file cannot be read or holds no key.
    """
    named = os.environ.get(IDENTITY_VARIABLE)
    if not named:
        for _, _, value in project.repository.settings(_IDENTITY_SETTING):
            named = value
    if not named:
        return []
    path = project.start / os.path.expanduser(named)  # noqa: PTH111 - `~` of git's settings
    return read_identity_file(path)


def require_identities(project: Project, subject: str) -> list[Any]:
    """Read the same; raise MlverError where there is none."""
    identities = find_identities(project)
    if not identities:
        raise MlverError(
            f"{subject} is encrypted, and no private key was named that could decrypt it",
            hints=(
                shell_command("export", f"{IDENTITY_VARIABLE}=FILE"),
                shell_command("git", "config", "mlver.identity", "FILE"),
            ),
        )
    return identities


# -- the plain bytes of an artifact, as one stream -------------------------------------------------


class _ChunkReader:
    """Bytes that come in chunks, to be read as from a file."""

    def __init__(self, chunks: Iterable[bytes], advance: Callable[[int], None]) -> None:
        self._chunks = iter(chunks)
        self._advance = advance
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        if not self._rest:
            self._rest = next(self._chunks, b"")
            self._advance(len(self._rest))
        if size < 0 or size >= len(self._rest):
            taken, self._rest = self._rest, b""
            return taken
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


def _read_artifact(project: Project, path: str, measured: MeasuredArtifact) -> Iterator[bytes]:
    location = project.top_folder / path
    if measured.manifest is None:
        yield from _read_file(location, measured.digest, lambda size: b"")
        return
    written: set[str] = set()
    for name, hexadecimal in measured_files(measured, path):
        if hexadecimal in written:
            continue
        written.add(hexadecimal)
        file = Path(join_name(os.fspath(location), name))
        yield from _read_file(file, Digest(hexadecimal), _build_header(hexadecimal))
    yield _END


def _build_header(name: str) -> Callable[[int], bytes]:
    """What stands before a content of that name in the archive, by its size."""

    def build_header(size: int) -> bytes:
        member = tarfile.TarInfo(name)
        member.size = size
        return member.tobuf(tarfile.GNU_FORMAT)

    return build_header


def _read_file(location: Path, digest: Digest, header: Callable[[int], bytes]) -> Iterator[bytes]:
    """The header, and then a file's bytes, up to a whole block if there is a header."""
    hasher = hashlib.sha256()
    try:
        with os.fdopen(open_regular(location, follow=True), "rb", buffering=0) as opened:
            size = os.fstat(opened.fileno()).st_size
            beginning = header(size)
            if beginning:
                yield beginning
            while chunk := opened.read(_CHUNK):
                hasher.update(chunk)
                yield chunk
    except OSError as error:
        raise refusal_error(f"encrypting {printable_name(os.fspath(location))}", error) from error
    if hasher.hexdigest() != digest.hex:
        raise MlverError(
            f"{printable_name(os.fspath(location))} changed while it was encrypted; run the same"
            " command again",
            hint=shell_command("ls", "-l", "--", location),
        )
    if beginning and size % _BLOCK:
        yield bytes(_BLOCK - size % _BLOCK)


# -- and back --------------------------------------------------------------------------------------


def _decrypt_into(
    project: Project,
    subject: str,
    artifact: Artifact,
    identities: list[Any],
    take: ContentTaker,
) -> None:
    assert artifact.encrypted is not None
    with _open_scratch(project) as encrypted, _open_scratch(project) as plain:
        storing.open_store(project).copy_object(artifact.encrypted.object, encrypted)
        encrypted.seek(0)
        # Whoever can push can encrypt anything: no more is taken than the record speaks of.
        most = artifact.size + (artifact.files + 1) * 2 * _BLOCK
        out = _BoundedOutput(plain, most, subject)
        decrypt_stream(encrypted, out, subject, identities)  # type: ignore[arg-type]
        plain.seek(0)
        listing = pinned_files(project, artifact)
        if project.registry.manifest_bytes(artifact.digest) is None:
            _require_same(subject, take(plain), artifact.digest.hex)
            return
        _take_archive(subject, plain, (hexadecimal for _, hexadecimal in listing), take)


class _BoundedOutput:
    """Takes so many bytes, and refuses more."""

    def __init__(self, file: BinaryIO, most: int, subject: str) -> None:
        self._file = file
        self._rest = most
        self._subject = subject

    def write(self, data: bytes, /) -> int:
        self._rest -= len(data)
        if self._rest < 0:
            _refuse_other(self._subject)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _take_archive(
    subject: str, archive: BinaryIO, digests: Iterable[str], take: ContentTaker
) -> None:
    for hexadecimal in dict.fromkeys(digests):
        member = _read_header(subject, archive.read(_BLOCK))
        if member.name != hexadecimal:
            _refuse_other(subject)
        content = _FileSection(archive, member.size)
        _require_same(subject, take(content), hexadecimal)  # type: ignore[arg-type]
        archive.read(-member.size % _BLOCK)


def _read_header(subject: str, block: bytes) -> tarfile.TarInfo:
    try:
        member = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, ValueError):
        _refuse_other(subject)
    if not member.isreg() or member.size < 0:
        _refuse_other(subject)
    return member


class _FileSection:
    """The next bytes of a file, as a file of their own."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._rest = size

    def read(self, size: int = -1, /) -> bytes:
        wanted = self._rest if size < 0 else min(size, self._rest)
        data = self._file.read(wanted)
        self._rest -= len(data)
        return data


def _hash_content(content: BinaryIO) -> Digest:
    hasher = hashlib.sha256()
    while chunk := content.read(_CHUNK):
        hasher.update(chunk)
    return Digest(hasher.hexdigest())


def _require_same(subject: str, digest: Digest, hexadecimal: str) -> None:
    if digest.hex != hexadecimal:
        _refuse_other(subject)


def _refuse_other(subject: str) -> NoReturn:
    raise MlverError(
        f"what is encrypted in place of {subject} is not what its record pins",
        hint="mlver verify --all",
    )


@contextmanager
def _open_scratch(project: Project) -> Iterator[BinaryIO]:
    """A file without a name: nothing of it stays when the process ends."""
    folder = project.state_directory
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed below
    except OSError as error:
        raise refusal_error("encrypting", error) from error
    with scratch:
        yield scratch
