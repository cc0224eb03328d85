"""Whether a directory is still as the stat cache knows it, which spares reading its files."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing

from mlver.hashing.cache import DirectoryImprint, MeasuredDirectory, StatCache, encode_files
from mlver.hashing.executable import ExecutableFiles
from mlver.hashing.read import ContentRules
from mlver.hashing.walk import FaultReport, FoundFile, find_middle, walk_files
from mlver.system.beside import run_beside

# From here on a second process is worth its start.
SHARED_FILES = 5_000
# Before the second half of an answer: how long the first half is.
_LENGTH = 8


def find_unchanged(
    cache: StatCache,
    key: bytes,
    top: bytes,
    rules: ContentRules,
    executable: ExecutableFiles,
) -> MeasuredDirectory | None:
    """Find what the cache keeps of a directory none of whose files changed; None where one did.

    `key` is its path in the repository, and `top` where it lies; `rules` say which files are its
    own. `executable` learns which of its
    files may be executed.
    """
    whole = cache.find_directory(key)
    if whole is None:
        return None
    faults: list[str] = []
    imprint = DirectoryImprint()
    if whole.files >= SHARED_FILES:
        encoded_files = _encode_in_two_processes(top, whole.files, rules, executable, faults.append)
    else:
        walked = walk_files(top, faults.append, bounds=rules.bounds, is_ignored=rules.is_ignored)
        encoded_files = encode_files(executable.watch_walk(walked))
    with closing(encoded_files):
        for encoded in encoded_files:
            imprint.add_encoded(encoded)
    if faults or imprint.final_digest() != whole.imprint:
        return None
    return whole


def _encode_in_two_processes(
    top: bytes,
    files: int,
    rules: ContentRules,
    executable: ExecutableFiles,
    on_fault: FaultReport,
) -> Generator[bytes, None, None]:
    """Encode half of the files in a forked process: of 50,000, their stats take longest of all."""
    start = find_middle(top, files)

    def encode_rest() -> bytes | None:
        faults: list[str] = []
        rest = ExecutableFiles()
        walked = walk_files(
            top, faults.append, start=start, bounds=rules.bounds, is_ignored=rules.is_ignored
        )
        encoded = b"".join(encode_files(rest.watch_walk(walked)))
        paths = rest.encode_paths()
        return None if faults else len(paths).to_bytes(_LENGTH, "big") + paths + encoded

    with run_beside(encode_rest) as wait_for_rest:
        walked = walk_files(top, on_fault, bounds=rules.bounds, is_ignored=rules.is_ignored)
        yield from encode_files(executable.watch_walk(_take_until(walked, start)))
        answer = wait_for_rest()
    if answer is None:
        # The next walk through the directory names the files.
        on_fault("what comes from the middle on could not be looked at")
    else:
        encoded_start = _LENGTH + int.from_bytes(answer[:_LENGTH], "big")
        executable.add_encoded(answer[_LENGTH:encoded_start])
        yield answer[encoded_start:]


def _take_until(walked: Iterable[FoundFile], end: bytes) -> Iterator[FoundFile]:
    """Yield the files that come before the path `end`."""
    for walked_file in walked:
        if walked_file[0] >= end:
            return
        yield walked_file
